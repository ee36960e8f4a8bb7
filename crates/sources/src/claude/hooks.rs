//! Hooks: what Claude Code tells a program at each step of its work, while it works.
//!
//! The same hook may come twice, by a command and over HTTP, so the name of its event is made of what
//! it says. How a session stands is told as notes: what it does, and whom it waits for.

use std::borrow::Cow;

use oriel_model::{About, EventKind, NewEvent, Note, SessionId, Sign};
use serde_json::Value;

use super::AGENT;
use super::json::Raw;
use super::line::base_name;
use crate::draft::Draft;
use crate::ids::hashed;
use crate::parsed::{Parsed, Reason};

mod others;
mod tools;
mod turns;

/// The most of a hook that nobody understands that is kept.
const RAW_BYTES_MAX: usize = 4 * 1024;

/// Deliveries of one hook arrive within this time, and its repetitions later.
const DELIVERY_MS: i64 = 10_000;

/// A hook that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// It is no JSON object.
    #[error(
        "the hook's body is no whole JSON object; post what Claude Code gives the hook on its \
         standard input, unchanged"
    )]
    NotAnObject,
    /// Fields that every hook has are missing.
    #[error(
        "the hook's body lacks {missing}; post what Claude Code gives the hook on its standard \
         input, unchanged, or post events of your own to /api/events"
    )]
    Missing {
        /// Their names.
        missing: String,
    },
}

/// Reads what a hook was given, which arrived at `now_ms`.
///
/// # Errors
///
/// If it is no JSON object, or does not say which hook and which session it is of.
pub fn read(body: &[u8], now_ms: i64) -> Result<Parsed, HookError> {
    let text = String::from_utf8_lossy(body);
    let body = Raw::document(&text).filter(|body| body.is_object());
    let hook = Hook::of(body.ok_or(HookError::NotAnObject)?, now_ms)?;
    let mut told = Told { hook: &hook, parsed: Parsed::default() };
    told.tell();
    Ok(told.parsed)
}

/// A hook, with the fields that most of them have.
struct Hook<'a> {
    body: Raw<'a>,
    name: Cow<'a, str>,
    session: Cow<'a, str>,
    prompt_id: Option<Cow<'a, str>>,
    /// The sub-agent that it is of.
    agent_id: Option<Cow<'a, str>>,
    tool_use_id: Option<Cow<'a, str>>,
    now_ms: i64,
}

impl<'a> Hook<'a> {
    fn of(body: Raw<'a>, now_ms: i64) -> Result<Self, HookError> {
        let (name, session) = (body.word_of("hook_event_name"), body.word_of("session_id"));
        let (Some(name), Some(session)) = (&name, &session) else {
            let fields = [("hook_event_name", name.is_none()), ("session_id", session.is_none())];
            let missing = fields.iter().filter(|(_, lacks)| *lacks).map(|(field, _)| *field);
            return Err(HookError::Missing { missing: missing.collect::<Vec<_>>().join(" and ") });
        };
        Ok(Self {
            body,
            name: name.clone(),
            session: session.clone(),
            prompt_id: body.word_of("prompt_id"),
            agent_id: body.word_of("agent_id"),
            tool_use_id: body.word_of("tool_use_id"),
            now_ms,
        })
    }

    fn word(&self, field: &str) -> Option<Cow<'a, str>> {
        self.body.word_of(field)
    }

    fn count(&self, field: &str) -> Option<u64> {
        self.body.get(field)?.count()
    }

    /// Begins an event.
    fn draft(&self, kind: EventKind) -> Draft {
        let cwd = self.word("cwd");
        // A session that runs as an agent of some type names it too, but is none's sub-agent.
        let agent_type = self.agent_id.as_ref().and_then(|_| self.word("agent_type"));
        Draft::new(AGENT, "hook", &self.session, kind)
            .id(self.event_id())
            .at(Some(self.now_ms))
            .place(cwd.as_deref().and_then(base_name), None)
            .fact("agent_id", self.agent_id.as_deref())
            .fact("agent_type", agent_type.as_deref())
    }

    /// Returns the name of the event, the same for every delivery of this hook.
    fn event_id(&self) -> String {
        let Self { name, session, .. } = self;
        let what = match (&self.tool_use_id, self.moment()) {
            (Some(id), _) => id.clone().into_owned(),
            (None, moment) => format!("{moment} {}", canonical(self.body)),
        };
        hashed("hook-cc-", &format!("{session} {name} {what}"))
    }

    /// Returns what tells a hook from another one that says the same.
    fn moment(&self) -> i64 {
        let repeats = matches!(
            &*self.name,
            "PermissionRequest" | "Notification" | "FileChanged" | "Elicitation"
        );
        match (&*self.name, &self.prompt_id) {
            // Old versions do not say which turn is over, and knew no hooks over HTTP.
            ("Stop" | "StopFailure", None) => self.now_ms,
            (_, Some(_)) if !repeats => 0,
            _ => self.now_ms.div_euclid(DELIVERY_MS),
        }
    }
}

/// A hook and what is made of it.
struct Told<'h, 'a> {
    hook: &'h Hook<'a>,
    parsed: Parsed,
}

impl Told<'_, '_> {
    fn tell(&mut self) {
        match &*self.hook.name {
            "SessionStart" => self.session_start(),
            "SessionEnd" => self.session_end(),
            "UserPromptSubmit" => self.prompt(),
            "Stop" => self.stop(),
            "StopFailure" => self.stop_failure(),
            "PreCompact" => self.pre_compact(),
            "PostCompact" => self.post_compact(),
            "PostModelSwitch" => self.model_switch(),
            "PreToolUse" => self.pre_tool(),
            "PostToolUse" => self.post_tool(),
            "PostToolUseFailure" => self.failed_tool(),
            "PostToolBatch" => self.tool_batch(),
            "PermissionRequest" => self.permission_request(),
            "PermissionDenied" => self.permission_denied(),
            "Notification" => self.notification(),
            "SubagentStart" => self.sub_agent_start(),
            "SubagentStop" => self.sub_agent_stop(),
            name => self.other(name),
        }
    }

    fn event(&mut self, event: NewEvent) {
        self.parsed.events.push(event);
        self.parsed.tally.told();
    }

    fn leave_out(&mut self, reason: Reason) {
        self.parsed.tally.left_out(&self.hook.name, reason);
    }

    /// Notes how the session stands.
    fn note(&mut self, name: &str, value: &Value) {
        self.note_at(name, value, self.hook.now_ms);
    }

    fn note_at(&mut self, name: &str, value: &Value, at_ms: i64) {
        let about = About::Session(SessionId(self.hook.session.clone().into_owned()));
        let note = Note { about, name: name.to_owned(), value: value.to_string(), at_ms };
        self.parsed.notes.push(note);
    }

    /// Notes what a field says, under a name, if it says anything.
    fn note_field(&mut self, name: &str, field: &str) {
        if let Some(word) = self.hook.word(field) {
            self.note(name, &Value::from(word.trim()));
        }
    }

    fn waits_for(&mut self, whom: &str, what: Option<&str>, tool: Option<&str>) {
        self.note("waiting", &waiting(whom, what, tool));
    }

    fn waits_no_more(&mut self) {
        self.note("waiting", &Value::Null);
    }

    fn does_nothing(&mut self) {
        self.note("doing", &Value::Null);
    }

    /// Keeps a hook that nobody understands, so that nothing vanishes.
    fn unknown(&mut self) {
        let text = self.hook.body.text();
        let draft = self
            .hook
            .draft(EventKind::Response)
            .sign(Sign::Aside)
            .fact("hook", &*self.hook.name)
            .fact("raw", &text[..text.floor_char_boundary(RAW_BYTES_MAX)]);
        self.event(draft.build());
    }
}

/// Returns whom a session waits for, as a note says it.
fn waiting(whom: &str, what: Option<&str>, tool: Option<&str>) -> Value {
    serde_json::json!({ "for": whom, "what": what, "tool": tool })
}

/// Returns an object's fields in one order and without blanks, however a sender wrote them.
fn canonical(body: Raw<'_>) -> String {
    let mut fields: Vec<_> = body.fields().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    let mut text = String::with_capacity(body.text().len());
    for (name, value) in fields {
        text.push_str(name);
        text.push('=');
        push_without_blanks(&mut text, value.text());
        text.push(';');
    }
    text
}

fn push_without_blanks(out: &mut String, text: &str) {
    let (mut in_string, mut is_escaped) = (false, false);
    out.extend(text.chars().filter(|&c| {
        if in_string {
            in_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            return true;
        }
        in_string = c == '"';
        !c.is_ascii_whitespace()
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hook_has_one_name_however_it_is_delivered() {
        let one = r#"{"session_id":"s","hook_event_name":"Stop","prompt_id":"p","last_assistant_message":"a b"}"#;
        let same = "{ \"hook_event_name\": \"Stop\",\n\"session_id\" : \"s\", \"prompt_id\":\"p\",\
                    \"last_assistant_message\":\"a b\" }";
        let other = r#"{"session_id":"s","hook_event_name":"Stop","prompt_id":"p","last_assistant_message":"ab"}"#;
        assert_eq!(id(one, 1), id(same, 99_999));
        assert_ne!(id(one, 1), id(other, 1), "blanks within words count");
    }

    #[test]
    fn two_turns_are_two_even_where_nothing_tells_them_apart() {
        let stop = r#"{"session_id":"s","hook_event_name":"Stop"}"#;
        assert_ne!(id(stop, 1), id(stop, 2));
        let start = r#"{"session_id":"s","hook_event_name":"SessionStart","source":"resume"}"#;
        assert_eq!(id(start, 1), id(start, 2), "two deliveries");
        assert_ne!(id(start, 1), id(start, 50_000), "resumed twice");
    }

    #[test]
    fn what_is_no_hook_is_refused_with_what_it_lacks() {
        let check = |body: &str, words: &str| {
            let error = read(body.as_bytes(), 1).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        check("", "no whole JSON object");
        check("[1]", "no whole JSON object");
        check(r#"{"session_id":"s","tool_name":"Bash"}"#, "lacks hook_event_name;");
        check("{}", "lacks hook_event_name and session_id;");
    }

    fn id(body: &str, now_ms: i64) -> String {
        let parsed = read(body.as_bytes(), now_ms).unwrap();
        parsed.events[0].event_id.clone().unwrap().0
    }
}
