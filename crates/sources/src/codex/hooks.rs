//! What Codex tells the commands that hang on its hooks.
//!
//! The session of a hook is the root thread. A sub-agent names its own thread beside it, and that is
//! where its doings belong, since its rollout tells of them there.

use oriel_model::{About, EventKind, Key, Note, Outcome, Role, SessionId, Sign};
use serde_json::{Value, json};

use super::rollout::{folder_name, turn_key};
use super::words::{answer_key, prompt_key};
use super::{AGENT, is_uuid};
use crate::draft::{Draft, clip};
use crate::edits;
use crate::ids::hashed;
use crate::loose::{Fields, Loose, line_text};
use crate::parsed::{Parsed, Reason};

/// What a hook told cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// It is no object.
    #[error("what the hook sent is not a JSON object; send the hook's standard input as it is")]
    NoObject,
    /// It names no session.
    #[error("what the hook sent names no `session_id`; send the hook's standard input as it is")]
    NoSession,
    /// It names no event.
    #[error(
        "what the hook sent names no `hook_event_name`; send the hook's standard input as it is"
    )]
    NoName,
}

/// Reads what a hook was given on its standard input. The time is when that was, since hooks do not
/// say so.
pub fn read(body: &[u8], now_ms: i64) -> Result<Parsed, HookError> {
    let text = line_text(body);
    let fields = Fields::read(&text).ok_or(HookError::NoObject)?;
    let root = fields.text("session_id").ok_or(HookError::NoSession)?.trim().to_owned();
    let name = fields.text("hook_event_name").ok_or(HookError::NoName)?.trim().to_owned();
    let agent = fields.text("agent_id").map(|id| id.trim().to_owned());
    let thread = agent.clone().filter(|id| is_uuid(id)).unwrap_or_else(|| root.clone());
    let mut hook =
        Hook { text: &text, fields, root, agent, thread, now_ms, out: Parsed::default() };
    hook.read(&name);
    Ok(hook.out)
}

struct Hook<'a> {
    text: &'a str,
    fields: Fields<'a>,
    root: String,
    agent: Option<String>,
    thread: String,
    now_ms: i64,
    out: Parsed,
}

impl Hook<'_> {
    fn read(&mut self, name: &str) {
        if name == "PreModelRequest" {
            return self.out.tally.left_out(name, Reason::Internals);
        }
        self.note_session();
        match name {
            "SessionStart" => self.started(),
            "SessionEnd" => self.ended(),
            "UserPromptSubmit" => self.prompt(),
            "PreToolUse" => self.before_tool(),
            "PostToolUse" => self.after_tool(),
            "PermissionRequest" => self.permission(),
            "Stop" | "SubagentStop" => self.stopped(name),
            "Interrupt" => self.interrupted(),
            "SubagentStart" => self.sub_agent_started(),
            "PreCompact" => {
                self.note(
                    "doing",
                    &json!({ "tool": "compaction", "detail": self.word("trigger") }),
                );
                self.out.tally.joined();
            }
            "PostCompact" => self.compacted(),
            _ => self.unknown(name),
        }
    }

    fn note_session(&mut self) {
        self.note("cwd", &json!(self.word("cwd")));
        self.note("model", &json!(self.word("model")));
        self.note("permission_mode", &json!(self.word("permission_mode")));
        self.note("transcript", &json!(self.word("transcript_path")));
    }

    fn started(&mut self) {
        let draft = self
            .draft(EventKind::SessionStart)
            .key(Key::one(AGENT, "start", &self.thread))
            .fact("cwd", self.word("cwd"))
            .fact("hook_source", self.word("source"));
        self.tell(draft);
    }

    fn ended(&mut self) {
        let draft = self
            .draft(EventKind::SessionEnd)
            .sign(Sign::SessionOver)
            .fact("reason", self.word("reason"));
        self.tell(draft);
        self.note("waiting", &Value::Null);
        self.note("doing", &Value::Null);
    }

    fn prompt(&mut self) {
        self.note("waiting", &Value::Null);
        let Some(prompt) = self.fields.text("prompt") else {
            return self.out.tally.left_out("UserPromptSubmit", Reason::Empty);
        };
        let draft = self
            .draft(EventKind::UserPrompt)
            .key(prompt_key(&self.thread, &prompt))
            .text(Role::Prompt, &prompt)
            .fact("message", prompt.as_ref());
        self.tell(draft);
    }

    fn before_tool(&mut self) {
        let input = Input::read(&self.fields);
        let id = self.word("tool_use_id");
        self.note("waiting", &Value::Null);
        self.note("doing", &json!({ "tool": input.tool, "detail": input.detail(), "id": id }));
        self.out.tally.joined();
    }

    fn after_tool(&mut self) {
        let input = Input::read(&self.fields);
        let response = self.fields.get("tool_response");
        let output = response.map(|response| match response.text() {
            Some(text) => text.into_owned(),
            None => response.raw().to_owned(),
        });
        let output = output.unwrap_or_default();
        let has_failed = response.is_some_and(|response| {
            let fields = response.fields();
            fields.get("isError").or_else(|| fields.get("is_error")).and_then(Loose::flag)
                == Some(true)
        });
        let id = self.word("tool_use_id");
        let mut draft = input
            .tell(self.draft(EventKind::ToolUse))
            .outcome(if has_failed { Outcome::Error } else { Outcome::Success })
            .duration(self.fields.whole("duration_ms"))
            .text(Role::Output, &output)
            .fact("tool_use_id", id.clone())
            .fact("content_preview", clip(&output, 500));
        if let Some(id) = id {
            draft = draft.key(Key::one(AGENT, "tool", &id));
        }
        self.tell(draft);
        self.note("doing", &Value::Null);
        self.note("waiting", &Value::Null);
    }

    fn permission(&mut self) {
        let input = Input::read(&self.fields);
        let waiting = json!({ "for": "permission", "what": input.detail(), "tool": input.tool });
        self.note("waiting", &waiting);
        self.out.tally.joined();
    }

    fn stopped(&mut self, name: &str) {
        let answer = self.fields.text("last_assistant_message");
        let turn = self.word("turn_id").unwrap_or_default();
        let mut draft = self.draft(EventKind::Response).sign(Sign::TurnOver);
        draft = match answer {
            Some(answer) => draft
                .key(answer_key(&self.thread, &answer))
                .text(Role::Answer, &answer)
                .fact("content_preview", clip(&answer, 500)),
            None => draft.key(turn_key(&self.thread, &turn)),
        };
        self.tell(draft);
        self.note("doing", &Value::Null);
        if name == "Stop" {
            self.note("waiting", &json!({ "for": "input", "what": null, "tool": null }));
        } else {
            self.note_sub_agent(false);
        }
    }

    fn interrupted(&mut self) {
        let turn = self.word("turn_id").unwrap_or_default();
        let draft = self
            .draft(EventKind::Response)
            .key(turn_key(&self.thread, &turn))
            .sign(Sign::TurnOver)
            .fact("reason", "interrupted");
        self.tell(draft);
        self.note("doing", &Value::Null);
        self.note("waiting", &json!({ "for": "input", "what": null, "tool": null }));
    }

    fn sub_agent_started(&mut self) {
        self.note_sub_agent(true);
        if self.thread == self.root {
            return self.out.tally.joined();
        }
        let parent = json!({ "session": self.root, "agent": self.word("agent_type") });
        self.note("parent", &parent);
        self.started();
    }

    fn note_sub_agent(&mut self, running: bool) {
        let Some(agent) = &self.agent else { return };
        let value = json!({ "type": self.word("agent_type"), "running": running });
        let name = format!("subagent:{agent}");
        let about = About::Session(SessionId(self.root.clone()));
        let note = Note { about, name, value: value.to_string(), at_ms: self.now_ms };
        self.out.notes.push(note);
    }

    fn compacted(&mut self) {
        let draft = self
            .draft(EventKind::Response)
            .key(Key::alike(AGENT, "compaction", &self.thread))
            .fact("record_type", "compacted")
            .fact("trigger", self.word("trigger"));
        self.tell(draft);
        self.note("doing", &Value::Null);
    }

    fn unknown(&mut self, name: &str) {
        let end = self.text.floor_char_boundary(4 * 1024);
        let draft = self
            .draft(EventKind::Response)
            .fact("record_type", clip(name, 60))
            .fact("raw", &self.text[..end]);
        self.tell(draft);
    }

    /// Begins an event. A hook that is delivered twice says the same words twice, apart from those
    /// that come without an id of their turn.
    fn draft(&self, kind: EventKind) -> Draft {
        let has_id = ["turn_id", "tool_use_id"].iter().any(|id| self.fields.get(id).is_some());
        let told =
            if has_id { self.text.to_owned() } else { format!("{} {}", self.now_ms, self.text) };
        let project = self.word("cwd");
        let draft = Draft::new(AGENT, "hook", &self.thread, kind)
            .id(hashed("hook-cdx-", &told))
            .at(Some(self.now_ms))
            .place(project.as_deref().map(folder_name), None)
            .fact("prompt_id", self.word("turn_id"));
        match &self.agent {
            Some(agent) => draft.fact("agent_id", agent.as_str()),
            None => draft,
        }
    }

    fn tell(&mut self, draft: Draft) {
        self.out.events.push(draft.build());
        self.out.tally.told();
    }

    fn note(&mut self, name: &str, value: &Value) {
        // Only what one waits for or does can be taken back.
        if value.is_null() && !matches!(name, "waiting" | "doing") {
            return;
        }
        let about = About::Session(SessionId(self.thread.clone()));
        let (name, value) = (name.to_owned(), value.to_string());
        self.out.notes.push(Note { about, name, value, at_ms: self.now_ms });
    }

    fn word(&self, name: &str) -> Option<String> {
        self.fields.text(name).map(|text| clip(text.trim(), 1_000).to_owned())
    }
}

/// What a tool is given.
struct Input {
    tool: Option<String>,
    facts: Vec<(&'static str, String)>,
    edit: Option<edits::Edit>,
    text: String,
}

impl Input {
    fn read(hook: &Fields<'_>) -> Self {
        let name = hook.text("tool_name").map(|name| clip(name.trim(), 300).to_owned());
        let raw = hook.get("tool_input");
        let given = raw.map(Loose::fields).unwrap_or_default();
        let command = given.first(&["command", "cmd"]).and_then(super::tools::command_text);
        let patch = match (name.as_deref(), &command) {
            (Some("apply_patch"), _) => {
                given.first(&["input", "patch", "command"]).and_then(Loose::text).map(String::from)
            }
            (_, Some(command)) if command.trim_start().starts_with("apply_patch") => {
                Some(command.clone())
            }
            _ => None,
        };
        if let Some(text) = patch {
            let (tool, edit) = (Some("apply_patch".to_owned()), Some(edits::patch(&text)));
            return Self { tool, facts: Vec::new(), edit, text };
        }
        // Hooks call the shell by another name than files and exporters do.
        let tool =
            if name.as_deref() == Some("Bash") { Some("exec_command".to_owned()) } else { name };
        let mut facts: Vec<_> = command.clone().map(|text| ("command", text)).into_iter().collect();
        for (name, known) in [
            ("file_path", &["file_path", "path"][..]),
            ("pattern", &["pattern"]),
            ("query", &["query"]),
            ("url", &["url"]),
            ("description", &["description", "message"]),
        ] {
            if let Some(text) = given.first(known).and_then(Loose::text) {
                facts.push((name, text.into_owned()));
            }
        }
        let text = command.or_else(|| raw.map(|raw| raw.raw().to_owned())).unwrap_or_default();
        Self { tool, facts, edit: None, text }
    }

    fn detail(&self) -> Option<&str> {
        let fact = self.facts.first().map(|(_, text)| text.as_str());
        let path = self.edit.as_ref().and_then(|edit| edit.file_path.as_deref());
        path.or(fact).map(|text| clip(text, 300))
    }

    fn tell(&self, draft: Draft) -> Draft {
        let mut draft = draft.tool(self.tool.as_deref()).text(Role::Input, &self.text);
        for (name, text) in &self.facts {
            draft = draft.fact(name, clip(text, 4_000));
        }
        if let Some(edit) = &self.edit {
            draft = draft
                .fact("file_path", edit.file_path.as_deref())
                .fact("lines_added", edit.lines_added)
                .fact("lines_removed", edit.lines_removed);
        }
        draft
    }
}
