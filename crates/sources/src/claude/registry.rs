//! The register of live sessions: `sessions/<process>.json`, which each running Claude Code keeps.

use std::borrow::Cow;

use super::json::Raw;
use super::line::unix_ms;

/// What a running Claude Code says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registered {
    /// The number of its process.
    pub pid: u32,
    /// Its session.
    pub session: String,
    /// The folder it works in.
    pub cwd: Option<String>,
    /// When it was started, in Unix milliseconds.
    pub started_at_ms: Option<i64>,
    /// When its process was started, as the system writes it. With the number it names one process.
    pub process_start: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its kind, such as `interactive`.
    pub kind: Option<String>,
    /// How it was started, such as `cli`.
    pub entrypoint: Option<String>,
    /// The session's name.
    pub name: Option<String>,
    /// What it does, such as `busy` or `idle`.
    pub status: Option<String>,
    /// Since when, in Unix milliseconds.
    pub status_since_ms: Option<i64>,
}

/// Reads an entry of the register. What names no process or no session is none.
#[must_use]
pub fn read(body: &[u8]) -> Option<Registered> {
    let text = String::from_utf8_lossy(body);
    let body = Raw::document(&text)?;
    let word = |name: &str| {
        let value = body.get(name)?;
        value.word().or_else(|| value.number().map(|_| Cow::Borrowed(value.text())))
    };
    let word = |name: &str| word(name).map(Cow::into_owned);
    let moment = |name: &str| body.get(name).and_then(unix_ms);
    Some(Registered {
        pid: body
            .get("pid")?
            .count()
            .and_then(|pid| u32::try_from(pid).ok())
            .filter(|&pid| pid > 0)?,
        session: word("sessionId")?,
        cwd: word("cwd"),
        started_at_ms: moment("startedAt"),
        process_start: word("procStart"),
        version: word("version"),
        kind: word("kind"),
        entrypoint: word("entrypoint"),
        name: word("name"),
        status: word("status"),
        status_since_ms: moment("statusUpdatedAt"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_however_its_numbers_are_written() {
        let body = br#"{"pid":"4711","sessionId":"s","startedAt":1795257700550,"procStart":88123,
            "statusUpdatedAt":"2026-11-21T10:43:00.490Z","status":"busy","cwd":7.5,"new":{}}"#;
        let expected = Registered {
            pid: 4711,
            session: "s".to_owned(),
            cwd: Some("7.5".to_owned()),
            started_at_ms: Some(1_795_257_700_550),
            process_start: Some("88123".to_owned()),
            status: Some("busy".to_owned()),
            status_since_ms: Some(1_795_257_780_490),
            ..Registered::default()
        };
        assert_eq!(read(body), Some(expected));
    }

    #[test]
    fn what_names_no_process_or_session_is_none() {
        for body in
            ["", "[]", r#"{"pid":1}"#, r#"{"pid":0,"sessionId":"s"}"#, r#"{"sessionId":"s"}"#]
        {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
