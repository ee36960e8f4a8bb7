//! Qwen Code: its chats, in lines whose frame is Claude Code's and whose messages are Gemini's.

use std::path::{Path, PathBuf};

use oriel_model::{About, EventKind, Key, Note, Outcome, Role, SessionId, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::draft::{Draft, clip};
use crate::format::{Format, Homes, Reader, Shape};
use crate::ids::hashed;
use crate::loose::{Fields, Loose, line_text, unix_ms};
use crate::parsed::{Parsed, Reason};
use crate::parts::{given, words};
use crate::words::{answer_key, prompt_key};

const AGENT: &str = "qwen_code";

/// The chats that Qwen Code writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Qwen;

impl Format for Qwen {
    fn name(&self) -> &'static str {
        "qwen"
    }

    fn folders(&self, homes: &Homes) -> Vec<PathBuf> {
        vec![homes.home.join(".qwen").join("projects")]
    }

    fn claims(&self, below_folder: &Path) -> bool {
        let folder = below_folder.parent().and_then(Path::file_name);
        below_folder.extension().is_some_and(|it| it == "jsonl")
            && folder.is_some_and(|it| it == "chats")
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn reader(&self, file: &Path, state: Option<&str>) -> Box<dyn Reader> {
        let known = state.and_then(|text| serde_json::from_str(text).ok());
        let stem = file.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let begin = || State { session: clip(&stem, 300).to_owned(), ..State::default() };
        Box::new(Chat { state: known.unwrap_or_else(begin) })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(default)]
struct State {
    session: String,
    cwd: Option<String>,
    version: Option<String>,
    model: Option<String>,
    branch: Option<String>,
    has_begun: bool,
    lines: u64,
    others: u64,
}

struct Chat {
    state: State,
}

/// A line of a chat.
struct Line<'a> {
    fields: Fields<'a>,
    id: String,
    at: Option<i64>,
}

impl Chat {
    fn read(&mut self, fields: Fields<'_>, raw: &str, out: &mut Parsed) {
        let word = |name| fields.text(name).map(|text| clip(text.trim(), 300).to_owned());
        let id = word("uuid").unwrap_or_else(|| format!("#{}", self.state.lines));
        let at = fields.get("timestamp").and_then(unix_ms);
        self.begin(&fields, at, out);
        let line = Line { fields, id, at };
        let kind = line.fields.text("type").unwrap_or_default().into_owned();
        match kind.as_str() {
            "user" => self.prompt(&line, out),
            "assistant" => self.answer(&line, out),
            "tool_result" => self.tool_result(&line, out),
            "system" => self.system(&line, out),
            _ => self.unknown(&kind, raw, &line, out),
        }
    }

    fn begin(&mut self, fields: &Fields<'_>, at: Option<i64>, out: &mut Parsed) {
        let word = |name| fields.text(name).map(|text| clip(text.trim(), 300).to_owned());
        if let Some(session) = word("sessionId") {
            self.state.session = session;
        }
        self.state.branch = word("gitBranch").or(self.state.branch.take());
        for (name, value) in [("cwd", word("cwd")), ("version", word("version"))] {
            let known = if name == "cwd" { &mut self.state.cwd } else { &mut self.state.version };
            if value.is_some() && *known != value {
                known.clone_from(&value);
                self.note(name, &json!(value), at, out);
            }
        }
        if !std::mem::replace(&mut self.state.has_begun, true) {
            let draft = self
                .draft(EventKind::SessionStart, "start", at)
                .key(Key::one(AGENT, "start", &self.state.session))
                .fact("cwd", self.state.cwd.clone());
            out.events.push(draft.build());
        }
    }

    fn draft(&self, kind: EventKind, what: &str, at: Option<i64>) -> Draft {
        let State { session, cwd, branch, .. } = &self.state;
        let project = cwd.as_deref().map(crate::codex::folder_name);
        Draft::new(AGENT, "import", session, kind)
            .id(hashed("import-qwn-", &format!("{session}:{what}")))
            .at(at)
            .place(project, branch.as_deref())
    }

    fn prompt(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let text = words(line.fields.fields("message").get("parts"));
        if text.trim().is_empty() {
            return out.tally.left_out("user", Reason::Empty);
        }
        let draft = self
            .draft(EventKind::UserPrompt, &line.id, line.at)
            .key(Key::one(AGENT, "message", &line.id))
            .keys(prompt_key(AGENT, &self.state.session, &text))
            .text(Role::Prompt, &text)
            .fact("message_id", line.id.as_str())
            .fact("message", text);
        out.events.push(draft.build());
        out.tally.told();
    }

    fn answer(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let message = line.fields.fields("message");
        let text = words(message.get("parts"));
        let model = line.fields.text("model").map(|model| clip(model.trim(), 300).to_owned());
        if model.is_some() && model != self.state.model {
            self.note("model", &json!(model), line.at, out);
            self.state.model.clone_from(&model);
        }
        let draft = self
            .draft(EventKind::LlmResponse, &line.id, line.at)
            .key(Key::one(AGENT, "message", &line.id))
            .keys(answer_key(AGENT, &self.state.session, &text))
            .model(model.as_deref())
            .tokens(tokens(&line.fields.fields("usageMetadata")))
            .text(Role::Answer, &text)
            .fact("content_preview", clip(&text, 500))
            .fact("message_id", line.id.as_str());
        out.events.push(draft.build());
        for part in message.items("parts") {
            self.call(&part.fields().fields("functionCall"), line, out);
        }
        out.tally.told();
    }

    fn call(&mut self, call: &Fields<'_>, line: &Line<'_>, out: &mut Parsed) {
        let name = call.text("name").unwrap_or_default();
        let Some(id) = call.text("id") else { return };
        let id = clip(id.trim(), 300);
        let draft = self
            .draft(EventKind::ToolUse, &format!("tool:{id}"), line.at)
            .key(Key::one(AGENT, "tool", id))
            .tool(Some(&name))
            .fact("tool_use_id", id);
        out.events.push(given(draft, call.get("args"), &name).build());
    }

    /// Tells how a call went, under the call's key.
    fn tool_result(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let result = line.fields.fields("toolCallResult");
        let parts = line.fields.fields("message").items("parts");
        let answered = parts.iter().map(|part| part.fields().fields("functionResponse"));
        let answered = answered.filter(|answered| !answered.is_empty()).collect::<Vec<_>>();
        if answered.is_empty() {
            return out.tally.left_out("tool_result", Reason::Empty);
        }
        for answered in answered {
            let id = answered.text("id").or_else(|| result.text("callId")).unwrap_or_default();
            let id = clip(id.trim(), 300);
            let response = answered.fields("response");
            let error = response.text("error");
            let output = response.text("output").or_else(|| error.clone()).unwrap_or_default();
            let status = result.text("status").unwrap_or_default();
            let has_failed = error.is_some() || matches!(status.as_ref(), "error" | "cancelled");
            let draft = self
                .draft(EventKind::ToolUse, &format!("tool:{id}:result"), line.at)
                .key(Key::one(AGENT, "tool", id))
                .tool(answered.text("name").as_deref())
                .outcome(if has_failed { Outcome::Error } else { Outcome::Success })
                .text(Role::Output, &output)
                .fact("tool_use_id", id)
                .fact("error", error.map(|error| clip(&error, 500).to_owned()))
                .fact("content_preview", clip(&output, 500));
            out.events.push(draft.build());
        }
        out.tally.joined();
    }

    fn system(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let subtype = line.fields.text("subtype").unwrap_or_default();
        let label = format!("system/{}", clip(&subtype, 60));
        let payload = line.fields.fields("systemPayload");
        match subtype.as_ref() {
            "ui_telemetry" => {
                let event = payload.fields("uiEvent");
                match event.text("event.name").as_deref() {
                    Some(name) if name.ends_with("api_error") => self.error(&event, line, out),
                    // Messages and calls tell of the same requests and tools.
                    _ => out.tally.left_out(&label, Reason::SaidElsewhere),
                }
            }
            "chat_compression" => {
                let draft = self
                    .draft(EventKind::Response, &line.id, line.at)
                    .key(Key::alike(AGENT, "compaction", &self.state.session))
                    .fact("record_type", label);
                out.events.push(draft.build());
                out.tally.told();
            }
            "custom_title" | "session_title" => {
                let title = payload.text("customTitle").or_else(|| payload.text("title"));
                if let Some(title) = title {
                    self.note("title", &json!(clip(&title, 300)), line.at, out);
                }
                out.tally.joined();
            }
            _ => out.tally.left_out(&label, Reason::Housekeeping),
        }
    }

    fn error(&mut self, event: &Fields<'_>, line: &Line<'_>, out: &mut Parsed) {
        let message = event.first(&["error_message", "error", "error_type"]).and_then(Loose::text);
        let draft = self
            .draft(EventKind::Error, &line.id, line.at)
            .model(event.text("model").as_deref())
            .duration(event.whole("duration_ms"))
            .fact("error", clip(&message.unwrap_or_default(), 500));
        out.events.push(draft.build());
        out.tally.told();
    }

    fn unknown(&mut self, kind: &str, raw: &str, line: &Line<'_>, out: &mut Parsed) {
        let nth = self.state.others;
        self.state.others += 1;
        let end = raw.floor_char_boundary(4 * 1024);
        let draft = self
            .draft(EventKind::Response, &format!("other:{nth}"), line.at)
            .sign(oriel_model::Sign::Aside)
            .fact("record_type", clip(kind, 60))
            .fact("raw", &raw[..end]);
        out.events.push(draft.build());
        out.tally.told();
    }

    fn note(&self, name: &str, value: &serde_json::Value, at: Option<i64>, out: &mut Parsed) {
        let Some(at_ms) = at else { return };
        let about = About::Session(SessionId(self.state.session.clone()));
        out.notes.push(Note { about, name: name.to_owned(), value: value.to_string(), at_ms });
    }
}

impl Reader for Chat {
    fn line(&mut self, line: &[u8], out: &mut Parsed) {
        self.state.lines += 1;
        let text = line_text(line);
        if text.is_empty() {
            return out.tally.left_out("blank", Reason::Empty);
        }
        match Fields::read(&text) {
            Some(fields) => self.read(fields, &text, out),
            None => out.tally.bad(self.state.lines, "it is not a JSON object"),
        }
    }

    fn pause(&mut self, _out: &mut Parsed) {}

    fn state(&self) -> String {
        serde_json::to_string(&self.state).unwrap_or_default()
    }
}

/// Returns the tokens of an answer. Candidates include what was thought where the total says so.
fn tokens(usage: &Fields<'_>) -> Tokens {
    let count = |name| usage.whole(name).unwrap_or(0);
    let (input, cached) = (count("promptTokenCount"), count("cachedContentTokenCount"));
    let (output, thoughts) = (count("candidatesTokenCount"), count("thoughtsTokenCount"));
    let is_beside =
        count("totalTokenCount") >= input.saturating_add(output).saturating_add(thoughts);
    Tokens {
        input: input.saturating_sub(cached),
        output: if is_beside { output.saturating_add(thoughts) } else { output },
        cache_read: cached.min(input),
        ..Tokens::default()
    }
}
