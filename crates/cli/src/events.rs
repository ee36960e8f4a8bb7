//! One event as a line for people.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use oriel_wire::EventRow;
use serde_json::Value;

use crate::output::{Paint, Style};
use crate::text;

/// What tells most of an event, the first that says anything.
const FACTS: [&str; 8] =
    ["message", "command", "file_path", "pattern", "query", "url", "error", "content_preview"];

/// The most of an event's words that a line shows.
const WORDS_CHARS_MAX: usize = 100;

/// The most of a session's name that a line shows.
const SESSION_CHARS: usize = 8;

/// Returns an event as one line.
pub(crate) fn line(event: &EventRow<'_>, zone: &TimeZone, paint: Paint) -> String {
    let at = millis(event).and_then(|at| Timestamp::from_millisecond(at).ok());
    let at = at.map_or_else(
        || event.created_at.to_string(),
        |at| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    );
    let session: String = event.session_id.chars().take(SESSION_CHARS).collect();
    let what = match &event.tool_name {
        Some(tool) => format!("{} {tool}", event.event_type),
        None => event.event_type.to_string(),
    };
    let style = if event.status == "success" { Style::Strong } else { Style::Bad };
    let mut line = format!(
        "{}  {:<11}  {:<8}  {}",
        paint.apply(Style::Faint, &text::clean(&at)),
        text::clean(&event.agent_type),
        text::clean(&session),
        paint.apply(style, &text::clean(&what)),
    );
    if event.status != "success" {
        line.push_str(&format!("  {}", paint.apply(style, &text::clean(&event.status))));
    }
    for part in [words(event), usage(event)].into_iter().flatten() {
        line.push_str("  ");
        line.push_str(&text::clean(&part));
    }
    line.push('\n');
    line
}

/// Returns when an event happened, by its sender's clock where that told, in Unix milliseconds.
pub(crate) fn millis(event: &EventRow<'_>) -> Option<i64> {
    let told = event.client_timestamp.as_ref().and_then(|at| at.parse::<Timestamp>().ok());
    let at = told.or_else(|| {
        let received: DateTime = event.created_at.parse().ok()?;
        TimeZone::UTC.to_timestamp(received).ok()
    });
    at.map(Timestamp::as_millisecond)
}

fn words(event: &EventRow<'_>) -> Option<String> {
    let facts: Value = serde_json::from_str(&event.metadata).ok()?;
    let words = FACTS.iter().find_map(|&name| {
        facts.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    })?;
    Some(match words.char_indices().nth(WORDS_CHARS_MAX) {
        None => words.to_owned(),
        Some((end, _)) => format!("{}…", &words[..end]),
    })
}

fn usage(event: &EventRow<'_>) -> Option<String> {
    let tokens =
        [event.tokens_in, event.tokens_out, event.cache_read_tokens, event.cache_write_tokens]
            .into_iter()
            .fold(0, u64::saturating_add);
    let tokens = (tokens > 0)
        .then(|| text::counted(i64::try_from(tokens).unwrap_or(i64::MAX), "token", "tokens"));
    let cost = event.cost_usd.filter(|&cost| cost > 0.0).map(text::dollars);
    match (tokens, cost, &event.model) {
        (None, None, _) => None,
        (tokens, cost, model) => {
            let model = model.as_ref().map(ToString::to_string);
            let parts: Vec<String> = [model, tokens, cost].into_iter().flatten().collect();
            Some(format!("({})", parts.join(", ")))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn a_line_says_what_matters_in_the_readers_time() {
        let zone = oriel_runtime::zone::zone("+01:00").unwrap();
        let said = line(&event(), &zone, Paint::new(false));
        let expected = "2026-11-22 00:30:00  claude_code  abcdefgh  tool_use Bash  error  \
            ls -l  (opus, 1,010 tokens, $0.50)\n";
        assert_eq!(said, expected);
    }

    #[test]
    fn nothing_in_an_event_steers_the_terminal() {
        let odd = EventRow {
            session_id: "\x1b[2J".into(),
            client_timestamp: Some("\x1b[31m".into()),
            created_at: "\x1b]0;".into(),
            metadata: r#"{"command":"\u001b[2Jx\ny"}"#.into(),
            tool_name: Some("\x07".into()),
            ..event()
        };
        let said = line(&odd, &TimeZone::UTC, Paint::new(false));
        assert!(!said.contains('\x1b') && said.lines().count() == 1, "{said:?}");
    }

    pub(crate) fn event() -> EventRow<'static> {
        EventRow {
            id: 1,
            event_id: Some("e1".into()),
            schema_version: 1,
            session_id: "abcdefghijkl".into(),
            agent_type: "claude_code".into(),
            event_type: "tool_use".into(),
            tool_name: Some("Bash".into()),
            status: "error".into(),
            tokens_in: 1000,
            tokens_out: 10,
            branch: None,
            project: Some("oriel".into()),
            duration_ms: None,
            created_at: "2026-11-21 23:31:00".into(),
            client_timestamp: Some(Cow::Borrowed("2026-11-21T23:30:00.000Z")),
            metadata: r#"{"command":"ls -l"}"#.into(),
            payload_truncated: 0,
            model: Some("opus".into()),
            cost_usd: Some(0.5),
            cache_read_tokens: 0,
            cache_write_tokens: 0,
            source: "hook".into(),
        }
    }
}
