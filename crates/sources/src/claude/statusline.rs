//! The status line: what Claude Code gives a command that draws one, several times a minute. It
//! tells how a session stands and how much of the subscription's limits is used.

use oriel_model::{About, Note, SessionId};
use serde_json::{Value, json};

use super::AGENT;
use super::json::Raw;
use super::line::{model_name, unix_ms};
use crate::parsed::Parsed;

/// The windows of limits, by their fields, and how long they are.
const WINDOWS: [(&str, u64); 2] = [("five_hour", 5 * 60), ("seven_day", 7 * 24 * 60)];

/// The most windows that are read of one status line.
const WINDOWS_MAX: usize = 16;

/// A status line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusLineError {
    /// It is no JSON object.
    #[error(
        "the status line is no whole JSON object; post what Claude Code gives the status line's \
         command on its standard input, unchanged"
    )]
    NotAnObject,
    /// It names no session.
    #[error(
        "the status line lacks session_id; post what Claude Code gives the status line's command \
         on its standard input, unchanged"
    )]
    NoSession,
}

/// Reads what a status line's command was given, which arrived at `now_ms`.
///
/// # Errors
///
/// If it is no JSON object or names no session.
pub fn read(body: &[u8], now_ms: i64) -> Result<Parsed, StatusLineError> {
    let text = String::from_utf8_lossy(body);
    let body = Raw::document(&text).filter(|body| body.is_object());
    let body = body.ok_or(StatusLineError::NotAnObject)?;
    let session = body.word_of("session_id").ok_or(StatusLineError::NoSession)?;
    let session = About::Session(SessionId(session.into_owned()));
    let mut parsed = Parsed::default();
    let mut note = |about: &About, name: &str, value: Value| {
        let (about, name, value) = (about.clone(), name.to_owned(), value.to_string());
        parsed.notes.push(Note { about, name, value, at_ms: now_ms });
    };
    for (name, value) in standing(body) {
        note(&session, name, value);
    }
    for (name, value) in limits(body) {
        note(&About::Agent(AGENT.to_owned()), &name, value);
    }
    parsed.tally.joined();
    Ok(parsed)
}

/// Returns how the session stands.
fn standing(body: Raw<'_>) -> Vec<(&'static str, Value)> {
    let mut notes = Vec::new();
    if let Some(id) =
        body.get("model").and_then(|model| model.word_of("id").or_else(|| model.word()))
    {
        notes.push(("model", model_name(&id).into()));
    }
    if let Some(title) = body.word_of("session_name") {
        notes.push(("title", title.trim().into()));
    }
    notes.extend(context(body).map(|value| ("context", value)));
    if let Some(cost) = body.get("cost") {
        let count = |name: &str| cost.get(name).and_then(Raw::count);
        if let Some(usd) = cost.get("total_cost_usd").and_then(Raw::number) {
            let value = json!({
                "usd": usd,
                "api_ms": count("total_api_duration_ms"),
                "lines_added": count("total_lines_added"),
                "lines_removed": count("total_lines_removed"),
            });
            notes.push(("client_cost", value));
        }
    }
    notes
}

/// Returns how full the context window is: by the last request, and else by the total.
fn context(body: Raw<'_>) -> Option<Value> {
    let window = body.get("context_window")?;
    let size = window.get("context_window_size").and_then(Raw::count);
    let usage = window.get("current_usage").filter(|usage| usage.is_object());
    let used = match usage {
        Some(usage) => {
            let names = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
            let counts = names.iter().filter_map(|name| usage.get(name)?.count());
            counts.fold(0, u64::saturating_add)
        }
        None => window.get("total_input_tokens")?.count()?,
    };
    Some(json!({ "used": used, "size": size }))
}

/// Returns how much of each limit is used.
fn limits(body: Raw<'_>) -> Vec<(String, Value)> {
    let Some(windows) = body.get("rate_limits") else { return Vec::new() };
    let known = |name: &str| {
        WINDOWS.iter().find(|(window, _)| *window == name).map(|(_, minutes)| *minutes)
    };
    let read = |(name, window): (&str, Raw<'_>)| {
        let percent = ["used_percentage", "used_percent", "utilization"];
        let used = percent.iter().find_map(|field| window.get(field)?.number())?;
        // Seconds, milliseconds or a date, all of this century.
        let resets_at = window.get("resets_at").and_then(|at| match at.number() {
            Some(seconds) if seconds < 1e11 => Some(seconds as i64),
            _ => unix_ms(at).map(|ms| ms / 1000),
        });
        let value = json!({
            "used_percent": used, "resets_at": resets_at, "window_minutes": known(name),
        });
        Some((format!("limit:{name}"), value))
    };
    windows.fields().take(WINDOWS_MAX).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_tells_how_the_session_and_the_limits_stand() {
        let body = r#"{"session_id":"s","session_name":"Gate","model":{"id":"claude-opus-5-5[1m]"},
            "cost":{"total_cost_usd":0.5,"total_api_duration_ms":78},
            "context_window":{"context_window_size":200000,
                "current_usage":{"input_tokens":11,"cache_creation_input_tokens":340,"cache_read_input_tokens":1200}},
            "rate_limits":{"five_hour":{"used_percentage":12.5,"resets_at":1795258178},
                "seven_day":{"used_percentage":40,"resets_at":"2026-11-25T00:00:00Z"}}}"#;
        let expected = [
            ("model", r#""claude-opus-5-5""#),
            ("title", r#""Gate""#),
            ("context", r#"{"used":1551,"size":200000}"#),
            ("client_cost", r#"{"usd":0.5,"api_ms":78,"lines_added":null,"lines_removed":null}"#),
            (
                "limit:five_hour",
                r#"{"used_percent":12.5,"resets_at":1795258178,"window_minutes":300}"#,
            ),
            (
                "limit:seven_day",
                r#"{"used_percent":40.0,"resets_at":1795564800,"window_minutes":10080}"#,
            ),
        ];
        let parsed = read(body.as_bytes(), 7).unwrap();
        let found: Vec<_> =
            parsed.notes.iter().map(|note| (note.name.as_str(), note.value.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(parsed.notes[5].about, About::Agent("claude_code".to_owned()));
        assert!(parsed.tally.adds_up() && parsed.events.is_empty());
    }

    #[test]
    fn a_session_that_has_just_begun_says_little() {
        let body =
            r#"{"session_id":"s","context_window":{"current_usage":null,"used_percentage":null}}"#;
        assert!(read(body.as_bytes(), 7).unwrap().notes.is_empty());
        assert_eq!(read(b"{}", 7), Err(StatusLineError::NoSession));
        assert_eq!(read(b"{", 7), Err(StatusLineError::NotAnObject));
    }
}
