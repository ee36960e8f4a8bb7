//! Copilot CLI: the events of its sessions, one a line.
//!
//! What requests used is summed up for each model when a session is shut down, and by newer versions
//! told for each request too. So the sum is a meter, of which those requests are part.

use std::path::{Path, PathBuf};

use oriel_model::{About, Amount, EventKind, Key, Note, Outcome, Role, SessionId, Sign, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::codex::folder_name;
use crate::draft::{Draft, clip};
use crate::format::{Format, Homes, Reader, Shape};
use crate::ids::hashed;
use crate::loose::{Fields, Loose, line_text, unix_ms};
use crate::parsed::{Parsed, Reason};
use crate::parts::{given, words};

const AGENT: &str = "copilot_cli";

/// The events that Copilot CLI writes down.
#[derive(Debug, Clone, Copy, Default)]
pub struct Copilot;

impl Format for Copilot {
    fn name(&self) -> &'static str {
        "copilot"
    }

    fn folders(&self, homes: &Homes) -> Vec<PathBuf> {
        vec![homes.home.join(".copilot").join("session-state")]
    }

    fn claims(&self, below_folder: &Path) -> bool {
        below_folder.file_name().is_some_and(|name| name == "events.jsonl")
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn reader(&self, file: &Path, state: Option<&str>) -> Box<dyn Reader> {
        let state = state.and_then(|text| serde_json::from_str(text).ok());
        let folder = file.parent().and_then(Path::file_name);
        let session = folder.map(|name| name.to_string_lossy()).unwrap_or_default();
        let begin = || State { session: clip(&session, 300).to_owned(), ..State::default() };
        Box::new(Session { state: state.unwrap_or_else(begin) })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(default)]
struct State {
    session: String,
    cwd: Option<String>,
    branch: Option<String>,
    model: Option<String>,
    lines: u64,
}

struct Session {
    state: State,
}

struct Line<'a> {
    id: String,
    at: Option<i64>,
    data: Fields<'a>,
}

impl Session {
    fn read(&mut self, fields: &Fields<'_>, raw: &str, out: &mut Parsed) {
        let id = fields.text("id").map(|id| clip(id.trim(), 300).to_owned());
        let line = Line {
            id: id.unwrap_or_else(|| format!("#{}", self.state.lines)),
            at: fields.get("timestamp").and_then(unix_ms),
            data: fields.fields("data"),
        };
        let kind = fields.text("type").unwrap_or_default();
        match kind.as_ref() {
            "session.start" | "session.resume" => self.started(&kind, &line, out),
            "session.shutdown" => self.shut_down(&line, out),
            "session.error" => self.error(&line, out),
            "session.model_change" => {
                let model = line.data.first(&["newModel", "model"]).and_then(Loose::text);
                self.learn_model(model.as_deref(), line.at, out);
                out.tally.joined();
            }
            "session.title_changed" => {
                let title = line.data.text("title");
                self.note("title", &json!(title.as_deref().map(|it| clip(it, 300))), line.at, out);
                out.tally.joined();
            }
            "session.compaction_complete" => {
                let draft = self
                    .draft(EventKind::Response, &line.id, line.at)
                    .key(Key::alike(AGENT, "compaction", &self.state.session))
                    .fact("record_type", "compaction");
                self.tell(draft, out);
            }
            "user.message" => self.prompt(&line, out),
            "assistant.message" => self.answer(&line, out),
            "assistant.usage" => self.usage(&line, out),
            "tool.execution_start" => self.called(&line, out),
            "tool.execution_complete" => self.went(&line, out),
            "abort" => {
                let draft = self
                    .draft(EventKind::Response, &line.id, line.at)
                    .sign(Sign::TurnOver)
                    .fact("reason", line.data.text("reason").as_deref());
                self.tell(draft, out);
            }
            "assistant.reasoning" | "system.message" => {
                out.tally.left_out(&kind, Reason::Internals);
            }
            kind if kind.ends_with("_start")
                || kind.ends_with("_end")
                || kind.ends_with("_delta") =>
            {
                out.tally.left_out(clip(kind, 60), Reason::Housekeeping);
            }
            kind if ["session.", "hook.", "subagent.", "skill."]
                .iter()
                .any(|it| kind.starts_with(it)) =>
            {
                out.tally.left_out(clip(kind, 60), Reason::Housekeeping);
            }
            kind => {
                let end = raw.floor_char_boundary(4 * 1024);
                let draft = self
                    .draft(EventKind::Response, &line.id, line.at)
                    .sign(Sign::Aside)
                    .fact("record_type", clip(kind, 60))
                    .fact("raw", &raw[..end]);
                self.tell(draft, out);
            }
        }
    }

    fn draft(&self, kind: EventKind, what: &str, at: Option<i64>) -> Draft {
        let State { session, cwd, branch, .. } = &self.state;
        Draft::new(AGENT, "import", session, kind)
            .id(hashed("import-cop-", &format!("{session}:{what}")))
            .at(at)
            .place(cwd.as_deref().map(folder_name), branch.as_deref())
    }

    fn tell(&self, draft: Draft, out: &mut Parsed) {
        out.events.push(draft.build());
        out.tally.told();
    }

    fn started(&mut self, kind: &str, line: &Line<'_>, out: &mut Parsed) {
        let context = line.data.fields("context");
        let word = |fields: &Fields<'_>, name| {
            fields.text(name).map(|text| clip(text.trim(), 300).to_owned())
        };
        if let Some(session) = word(&line.data, "sessionId") {
            self.state.session = session;
        }
        self.state.cwd = word(&context, "cwd").or(self.state.cwd.take());
        self.state.branch = word(&context, "branch").or(self.state.branch.take());
        let version = word(&line.data, "copilotVersion").or_else(|| word(&line.data, "version"));
        self.note("cwd", &json!(self.state.cwd), line.at, out);
        self.note("version", &json!(version), line.at, out);
        self.learn_model(line.data.text("selectedModel").as_deref(), line.at, out);
        if kind == "session.resume" {
            return out.tally.joined();
        }
        let draft = self
            .draft(EventKind::SessionStart, "start", line.at)
            .key(Key::one(AGENT, "start", &self.state.session))
            .fact("cwd", self.state.cwd.clone())
            .fact("version", version);
        self.tell(draft, out);
    }

    fn shut_down(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let metrics = line.data.fields("modelMetrics");
        for (model, metric) in metrics.iter() {
            let metric = metric.fields();
            let tokens = tokens(&metric.fields("usage"));
            if tokens == Tokens::default() {
                continue;
            }
            let requests = metric.fields("requests").whole("count");
            let mut event = self
                .draft(EventKind::LlmResponse, &format!("{}:{model}", line.id), line.at)
                .model(Some(clip(model, 300)))
                .tokens(tokens)
                .sign(Sign::Aside)
                .fact("requests", requests)
                .build();
            event.told.amount = Amount::Meter;
            out.events.push(event);
        }
        let draft = self
            .draft(EventKind::SessionEnd, &line.id, line.at)
            .sign(Sign::SessionOver)
            .fact("reason", line.data.text("shutdownType").as_deref())
            .fact("premium_requests", line.data.get("totalPremiumRequests").and_then(Loose::float));
        self.tell(draft, out);
    }

    fn usage(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let model = line.data.text("model").map(|model| clip(&model, 300).to_owned());
        let draft = self
            .draft(EventKind::LlmResponse, &line.id, line.at)
            .model(model.as_deref().or(self.state.model.as_deref()))
            .tokens(tokens(&line.data))
            .duration(line.data.whole("duration"));
        self.tell(draft, out);
    }

    fn error(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let message = line.data.text("message").unwrap_or_default();
        let draft =
            self.draft(EventKind::Error, &line.id, line.at).fact("error", clip(&message, 500));
        self.tell(draft, out);
    }

    fn prompt(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let text = words(line.data.get("content"));
        if text.trim().is_empty() {
            return out.tally.left_out("user.message", Reason::Empty);
        }
        let draft = self
            .draft(EventKind::UserPrompt, &line.id, line.at)
            .text(Role::Prompt, &text)
            .fact("message", text);
        self.tell(draft, out);
    }

    fn answer(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let text = words(line.data.get("content"));
        if text.trim().is_empty() {
            // It only asks for tools, which are told when they run.
            return out.tally.left_out("assistant.message", Reason::SaidElsewhere);
        }
        let draft = self
            .draft(EventKind::Response, &line.id, line.at)
            .text(Role::Answer, &text)
            .fact("content_preview", clip(&text, 500))
            .fact("message_id", line.data.text("messageId").as_deref());
        self.tell(draft, out);
    }

    fn called(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let Some(call_id) = line.data.text("toolCallId") else {
            return out.tally.left_out("tool.execution_start", Reason::Empty);
        };
        let name = line.data.text("toolName").unwrap_or_default();
        let draft = self.call_draft(&call_id, "", line.at).tool(Some(clip(&name, 300)));
        self.tell(given(draft, line.data.get("arguments"), &name), out);
    }

    /// Tells how a call went, under the call's key.
    fn went(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let Some(call_id) = line.data.text("toolCallId") else {
            return out.tally.left_out("tool.execution_complete", Reason::Empty);
        };
        let error = line.data.fields("error").text("message").or_else(|| line.data.text("error"));
        let result =
            line.data.fields("result").text("content").or_else(|| line.data.text("result"));
        let output = result.or_else(|| error.clone()).unwrap_or_default();
        let success = line.data.get("success").and_then(Loose::flag);
        let has_failed = success == Some(false) || error.is_some();
        let draft = self
            .call_draft(&call_id, ":end", line.at)
            .tool(line.data.text("toolName").as_deref())
            .outcome(if has_failed { Outcome::Error } else { Outcome::Success })
            .text(Role::Output, &output)
            .fact("error", error.map(|error| clip(&error, 500).to_owned()))
            .fact("content_preview", clip(&output, 500));
        out.events.push(draft.build());
        out.tally.joined();
    }

    fn call_draft(&self, call_id: &str, what: &str, at: Option<i64>) -> Draft {
        let call_id = clip(call_id.trim(), 300);
        self.draft(EventKind::ToolUse, &format!("tool:{call_id}{what}"), at)
            .key(Key::one(AGENT, "tool", call_id))
            .fact("tool_use_id", call_id)
    }

    fn learn_model(&mut self, model: Option<&str>, at: Option<i64>, out: &mut Parsed) {
        let model = model.map(|model| clip(model.trim(), 300).to_owned());
        if model.is_some() && model != self.state.model {
            self.note("model", &json!(model), at, out);
            self.state.model = model;
        }
    }

    fn note(&self, name: &str, value: &serde_json::Value, at: Option<i64>, out: &mut Parsed) {
        let Some(at_ms) = at.filter(|_| !value.is_null()) else { return };
        let about = About::Session(SessionId(self.state.session.clone()));
        out.notes.push(Note { about, name: name.to_owned(), value: value.to_string(), at_ms });
    }
}

impl Reader for Session {
    fn line(&mut self, line: &[u8], out: &mut Parsed) {
        self.state.lines += 1;
        let text = line_text(line);
        if text.is_empty() {
            return out.tally.left_out("blank", Reason::Empty);
        }
        match Fields::read(&text) {
            Some(fields) => self.read(&fields, &text, out),
            None => out.tally.bad(self.state.lines, "it is not a JSON object"),
        }
    }

    fn pause(&mut self, _out: &mut Parsed) {}

    fn state(&self) -> String {
        serde_json::to_string(&self.state).unwrap_or_default()
    }
}

/// Returns what was used. The input includes what was read from the cache.
fn tokens(usage: &Fields<'_>) -> Tokens {
    let count = |name| usage.whole(name).unwrap_or(0);
    let (input, cached) = (count("inputTokens"), count("cacheReadTokens"));
    Tokens {
        input: input.saturating_sub(cached),
        output: count("outputTokens"),
        cache_read: cached,
        cache_write: count("cacheWriteTokens"),
        cache_write_1h: 0,
    }
}
