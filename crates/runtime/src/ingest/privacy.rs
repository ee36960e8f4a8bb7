//! What the user does not want kept is taken out before anything is stored or told to anyone: the
//! words of prompts, answers, tool inputs or outputs, and whatever matches a pattern.

use std::borrow::Cow;

use oriel_model::{EventKind, Metadata, NewEvent, Note, Role};
use regex::Regex;
use serde_json::{Map, Value};

/// Stands where something was taken out.
const REDACTED: &str = "[redacted]";

/// A pattern may grow to so many bytes of its compiled form.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What a tool call keeps when its input is not wanted: names, numbers and files, no words.
const BARE_INPUT: [&str; 12] = [
    "tool_use_id",
    "call_id",
    "file_path",
    "lines_added",
    "lines_removed",
    "agent_id",
    "agent_type",
    "hook",
    "namespace",
    "blocked",
    "denied",
    "security_warning",
];

/// The words of a tool's output, wherever they stand.
const OUTPUT: [&str; 6] =
    ["content_preview", "output", "error", "stdout", "stderr", "tool_response"];

/// The words of an answer.
const ANSWER: [&str; 4] = ["content_preview", "response", "last_assistant_message", "summary"];

/// The words of a prompt.
const PROMPT: [&str; 3] = ["message", "prompt", "content_preview"];

/// What the user wants kept.
#[derive(Debug, Clone, Default)]
pub struct Privacy {
    /// Drops the words of prompts.
    pub drop_prompts: bool,
    /// Drops the words of answers.
    pub drop_answers: bool,
    /// Drops what tools are given, but for the files that they are about.
    pub drop_tool_inputs: bool,
    /// Drops what tools give back.
    pub drop_tool_outputs: bool,
    /// Replaces what matches any of these, everywhere.
    pub patterns: Vec<Regex>,
}

/// Returns the pattern that a text describes, unless it describes none or a huge one.
#[must_use]
pub(crate) fn pattern(text: &str) -> Option<Regex> {
    regex::RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build().ok()
}

impl Privacy {
    /// Takes out of an event what is not wanted.
    pub(crate) fn apply(&self, event: &mut NewEvent) {
        if self.keeps_all() {
            return;
        }
        let kind = event.facet.kind;
        event.told.texts.retain(|text| match text.role {
            Role::Prompt => !self.drop_prompts,
            Role::Answer => !self.drop_answers,
            Role::Input => !self.drop_tool_inputs,
            Role::Output => !self.drop_tool_outputs,
        });
        for text in &mut event.told.texts {
            text.text = self.mask(&text.text).into_owned();
        }
        if event.metadata.text() != "{}" {
            self.apply_to_metadata(event, kind);
        }
    }

    /// Takes out of a note what is not wanted.
    pub(crate) fn apply_to_note(&self, note: &mut Note) {
        if self.keeps_all() || note.value == "null" {
            return;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(&note.value) else { return };
        let dropped: &[&str] = match note.name.as_str() {
            "doing" | "waiting" if self.drop_tool_inputs => &["detail", "what", "description"],
            // A title is made of what was asked.
            "title" if self.drop_prompts => {
                note.value = format!("\"{REDACTED}\"");
                return;
            }
            _ => &[],
        };
        if let Value::Object(fields) = &mut value {
            fields.retain(|name, _| !dropped.contains(&name.as_str()));
        }
        self.mask_all(&mut value);
        note.value = value.to_string();
    }

    fn apply_to_metadata(&self, event: &mut NewEvent, kind: EventKind) {
        let Ok(mut value) = serde_json::from_str::<Value>(event.metadata.text()) else { return };
        match &mut value {
            Value::Object(fields) => self.drop_fields(fields, kind),
            // A plain text is somebody's words.
            Value::String(_) if self.drop_prompts || self.drop_answers => value = Value::Null,
            _ => {}
        }
        self.mask_all(&mut value);
        let text = if value.is_null() { "{}".to_owned() } else { value.to_string() };
        if text != event.metadata.text() {
            event.metadata = Metadata::new(text, event.metadata.truncated());
        }
    }

    fn drop_fields(&self, fields: &mut Map<String, Value>, kind: EventKind) {
        let is = |names: &[&str], name: &str| names.contains(&name);
        fields.retain(|name, value| {
            let words = value.is_string() || value.is_object() || value.is_array();
            // What is kept raw may hold anything.
            if name == "raw" || name == "attributes" {
                return !self.drops_any();
            }
            let unwanted = match kind {
                EventKind::ToolUse | EventKind::FileChange | EventKind::PlanStep => {
                    (self.drop_tool_outputs && is(&OUTPUT, name))
                        || (self.drop_tool_inputs && !is(&OUTPUT, name) && !is(&BARE_INPUT, name))
                }
                EventKind::UserPrompt => self.drop_prompts && is(&PROMPT, name),
                EventKind::LlmResponse | EventKind::LlmRequest | EventKind::Response => {
                    (self.drop_answers && is(&ANSWER, name))
                        || (self.drop_prompts && is(&PROMPT[..2], name))
                        || (self.drop_tool_inputs && is(&["what", "command", "tool_input"], name))
                }
                EventKind::Error => {
                    (self.drop_tool_inputs && is(&["command", "detail", "tool_input"], name))
                        || (self.drop_answers && is(&ANSWER, name))
                }
                EventKind::SessionStart
                | EventKind::SessionEnd
                | EventKind::GitCommit
                | EventKind::InstructionLoad => false,
            };
            !(unwanted && words)
        });
    }

    fn mask_all(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.mask(text) {
                    *text = masked;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_all(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.mask_all(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.patterns.iter().fold(Cow::Borrowed(text), |text, pattern| {
            match pattern.replace_all(&text, REDACTED) {
                Cow::Owned(masked) => Cow::Owned(masked),
                Cow::Borrowed(_) => text,
            }
        })
    }

    fn keeps_all(&self) -> bool {
        !self.drops_any() && self.patterns.is_empty()
    }

    fn drops_any(&self) -> bool {
        self.drop_prompts || self.drop_answers || self.drop_tool_inputs || self.drop_tool_outputs
    }
}

#[cfg(test)]
mod tests {
    use oriel_model::{About, Facet, Outcome, Place, SessionId, Text, Tokens, Told};

    use super::*;

    #[test]
    fn what_is_not_wanted_is_not_kept_and_the_rest_is() {
        let tools = Privacy { drop_tool_inputs: true, ..Privacy::default() };
        let call = r#"{"tool_use_id":"t1","command":"cat secret","file_path":"a.rs","lines_added":3,"content_preview":"out"}"#;
        check(
            &tools,
            EventKind::ToolUse,
            call,
            r#"{"tool_use_id":"t1","file_path":"a.rs","lines_added":3,"content_preview":"out"}"#,
        );
        let outputs = Privacy { drop_tool_outputs: true, ..Privacy::default() };
        check(
            &outputs,
            EventKind::ToolUse,
            call,
            r#"{"tool_use_id":"t1","command":"cat secret","file_path":"a.rs","lines_added":3}"#,
        );
        let prompts = Privacy { drop_prompts: true, ..Privacy::default() };
        check(
            &prompts,
            EventKind::UserPrompt,
            r#"{"message":"do it","prompt_id":"p"}"#,
            r#"{"prompt_id":"p"}"#,
        );
        check(
            &prompts,
            EventKind::Response,
            r#"{"record_type":"odd","raw":"{\"prompt\":\"do it\"}"}"#,
            r#"{"record_type":"odd"}"#,
        );
        let answers = Privacy { drop_answers: true, ..Privacy::default() };
        check(
            &answers,
            EventKind::LlmResponse,
            r#"{"content_preview":"yes","request_id":"r"}"#,
            r#"{"request_id":"r"}"#,
        );
    }

    #[test]
    fn a_pattern_is_taken_out_wherever_it_stands() {
        let privacy =
            Privacy { patterns: vec![pattern(r"sk-[a-z0-9]+").unwrap()], ..Privacy::default() };
        let nested = r#"{"command":"curl -H sk-abc1","list":["sk-x",{"deep":"a sk-y b"}],"n":1}"#;
        let masked = r#"{"command":"curl -H [redacted]","list":["[redacted]",{"deep":"a [redacted] b"}],"n":1}"#;
        check(&privacy, EventKind::ToolUse, nested, masked);
        check(&privacy, EventKind::Error, r#""plain sk-z""#, r#""plain [redacted]""#);
        let mut note = Note {
            about: About::Session(SessionId("s".to_owned())),
            name: "doing".to_owned(),
            value: r#"{"detail":"use sk-abc"}"#.to_owned(),
            at_ms: 0,
        };
        privacy.apply_to_note(&mut note);
        assert_eq!(note.value, r#"{"detail":"use [redacted]"}"#);
    }

    #[test]
    fn words_that_could_be_searched_for_go_too() {
        let privacy = Privacy {
            drop_prompts: true,
            patterns: vec![pattern("secret").unwrap()],
            ..Privacy::default()
        };
        let mut event = event(EventKind::UserPrompt, "{}");
        let text = |role, text: &str| Text { role, text: text.to_owned() };
        event.told.texts =
            vec![text(Role::Prompt, "the secret"), text(Role::Output, "a secret here")];
        privacy.apply(&mut event);
        assert_eq!(event.told.texts, [text(Role::Output, "a [redacted] here")]);
    }

    #[test]
    fn a_pattern_that_is_none_or_huge_is_refused() {
        assert!(pattern("(").is_none());
        assert!(pattern(r"\w{1000}{1000}").is_none());
    }

    fn check(privacy: &Privacy, kind: EventKind, before: &str, after: &str) {
        let mut event = event(kind, before);
        privacy.apply(&mut event);
        assert_eq!(event.metadata.text(), after);
    }

    fn event(kind: EventKind, metadata: &str) -> NewEvent {
        NewEvent {
            event_id: None,
            session_id: SessionId("s".to_owned()),
            facet: Facet {
                agent_type: "claude_code".to_owned(),
                kind,
                outcome: Outcome::Success,
                tool_name: None,
                model: None,
                source: "hook".to_owned(),
            },
            place: Place::default(),
            tokens: Tokens::default(),
            cost_usd: None,
            duration_ms: None,
            client_ms: None,
            metadata: Metadata::new(metadata.to_owned(), false),
            historical: false,
            told: Told::default(),
        }
    }
}
