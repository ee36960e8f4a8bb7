//! Gemini CLI: its chats, which it writes line by line, and once wrote as one file.
//!
//! A message is written again when more of it is known, and lines that begin with `$set` change
//! what was written. So a message is told by its id, and again only where it grew; whoever keeps
//! events joins the tellings.

use std::collections::VecDeque;
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

const AGENT: &str = "gemini_cli";

/// How many messages are remembered, so that one which is written again as it was is not told
/// again. Of an older one the store sees that it knows it.
const KNOWN_MAX: usize = 32;

/// The chats that Gemini CLI writes line by line.
#[derive(Debug, Clone, Copy, Default)]
pub struct GeminiLines;

/// The chats that older versions wrote as one file.
#[derive(Debug, Clone, Copy, Default)]
pub struct GeminiWhole;

impl Format for GeminiLines {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn folders(&self, homes: &Homes) -> Vec<PathBuf> {
        vec![homes.home.join(".gemini").join("tmp")]
    }

    fn claims(&self, below_folder: &Path) -> bool {
        is_chat(below_folder, ".jsonl")
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn reader(&self, file: &Path, state: Option<&str>) -> Box<dyn Reader> {
        Box::new(Chat::new(file, state))
    }
}

impl Format for GeminiWhole {
    fn name(&self) -> &'static str {
        "gemini-whole"
    }

    fn folders(&self, homes: &Homes) -> Vec<PathBuf> {
        GeminiLines.folders(homes)
    }

    fn claims(&self, below_folder: &Path) -> bool {
        is_chat(below_folder, ".json")
    }

    fn shape(&self) -> Shape {
        Shape::Whole
    }

    fn reader(&self, file: &Path, state: Option<&str>) -> Box<dyn Reader> {
        Box::new(Chat::new(file, state))
    }
}

fn is_chat(path: &Path, ending: &str) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name);
    name.starts_with("session-") && name.ends_with(ending) && folder.is_none_or(|it| it == "chats")
}

#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(default)]
struct State {
    session: String,
    project: Option<String>,
    has_begun: bool,
    model: Option<String>,
    lines: u64,
    others: u64,
    /// Messages and tool calls that were told, each with a digest of what was said of it.
    known: VecDeque<(String, String)>,
}

struct Chat {
    state: State,
}

impl Chat {
    fn new(file: &Path, state: Option<&str>) -> Self {
        let state = state.and_then(|text| serde_json::from_str(text).ok());
        Self { state: state.unwrap_or_else(|| State::begin(file)) }
    }

    fn draft(&self, kind: EventKind, what: &str, at: Option<i64>) -> Draft {
        let State { session, project, .. } = &self.state;
        Draft::new(AGENT, "import", session, kind)
            .id(hashed("import-gem-", &format!("{session}:{what}")))
            .at(at)
            .place(project.as_deref(), None)
    }

    fn read(&mut self, fields: &Fields<'_>, raw: &str, out: &mut Parsed) {
        let is_header = fields.text("sessionId").is_some();
        if is_header {
            self.begin(fields, out);
        }
        let patch = fields.fields("$set");
        let mut messages = fields.items("messages");
        messages.extend(patch.items("messages"));
        messages.extend(fields.fields("$push").items("messages"));
        if let Some(title) = patch.text("summary").or_else(|| fields.text("summary")) {
            let at = patch.first(&["lastUpdated"]).or_else(|| fields.get("lastUpdated"));
            self.note("title", &json!(clip(&title, 300)), at.and_then(unix_ms), out);
        }
        let told = out.events.len();
        for message in &messages {
            self.message(&message.fields(), out);
        }
        if fields.get("id").is_some() && fields.get("type").is_some() {
            return self.line_message(fields, out);
        }
        match (is_header, out.events.len() > told) {
            (true, _) | (_, true) => out.tally.told(),
            _ if !messages.is_empty() => out.tally.joined(),
            _ if fields.get("$set").is_some() || fields.get("$rewindTo").is_some() => {
                out.tally.left_out("$set", Reason::Housekeeping);
            }
            _ => self.unknown(raw, out),
        }
    }

    fn begin(&mut self, header: &Fields<'_>, out: &mut Parsed) {
        let id = header.text("sessionId").unwrap_or_default();
        let at = header.get("startTime").and_then(unix_ms);
        if std::mem::replace(&mut self.state.has_begun, true) {
            return;
        }
        clip(id.trim(), 300).clone_into(&mut self.state.session);
        let draft = self
            .draft(EventKind::SessionStart, "start", at)
            .key(Key::one(AGENT, "start", &self.state.session))
            .fact("project_hash", header.text("projectHash").as_deref())
            .fact("session_kind", header.text("kind").as_deref());
        out.events.push(draft.build());
    }

    fn line_message(&mut self, message: &Fields<'_>, out: &mut Parsed) {
        let told = out.events.len();
        let reason = self.message(message, out);
        match reason {
            _ if out.events.len() > told => out.tally.told(),
            Some(reason) => {
                let kind = message.text("type").unwrap_or_default();
                out.tally.left_out(clip(&kind, 60), reason);
            }
            None => out.tally.joined(),
        }
    }

    /// Tells of a message, and returns why not where it tells nothing.
    fn message(&mut self, message: &Fields<'_>, out: &mut Parsed) -> Option<Reason> {
        let kind = message.text("type").unwrap_or_default();
        let id = message.get("id").map(|id| id.text().unwrap_or(id.raw().into()));
        let id = clip(id.as_deref().unwrap_or_default(), 300).to_owned();
        let at = message.get("timestamp").and_then(unix_ms);
        let text = words(message.get("content"));
        match kind.as_ref() {
            "user" => self.prompt(&id, &text, at, out),
            "gemini" | "model" | "assistant" => {
                self.answer(&id, &text, message, at, out);
                for call in message.items("toolCalls") {
                    self.tool(&call.fields(), at, out);
                }
                None
            }
            "error" => {
                let draft = self
                    .draft(EventKind::Error, &id, at)
                    .key(Key::one(AGENT, "message", &id))
                    .fact("error", clip(&text, 500));
                self.tell(&id, draft, &text, out);
                None
            }
            "info" | "warning" => Some(Reason::Housekeeping),
            _ => Some(Reason::Internals),
        }
    }

    fn prompt(
        &mut self,
        id: &str,
        text: &str,
        at: Option<i64>,
        out: &mut Parsed,
    ) -> Option<Reason> {
        if text.trim().is_empty() {
            // What tools answered is told with their calls.
            return Some(Reason::SaidElsewhere);
        }
        if text.trim_start().starts_with("<session_context>") {
            return Some(Reason::Scaffolding);
        }
        let draft = self
            .draft(EventKind::UserPrompt, id, at)
            .key(Key::one(AGENT, "message", id))
            .keys(prompt_key(AGENT, &self.state.session, text))
            .text(Role::Prompt, text)
            .fact("message", text)
            .fact("message_id", id);
        self.tell(id, draft, text, out);
        None
    }

    fn answer(
        &mut self,
        id: &str,
        text: &str,
        message: &Fields<'_>,
        at: Option<i64>,
        out: &mut Parsed,
    ) {
        let model = message.text("model").map(|model| clip(model.trim(), 300).to_owned());
        if model.is_some() && model != self.state.model {
            self.note("model", &json!(model), at, out);
            self.state.model.clone_from(&model);
        }
        let usage = message.fields("tokens");
        let draft = self
            .draft(EventKind::LlmResponse, id, at)
            .key(Key::one(AGENT, "message", id))
            .keys(answer_key(AGENT, &self.state.session, text))
            .model(model.as_deref())
            .tokens(tokens(&usage))
            .text(Role::Answer, text)
            .fact("content_preview", clip(text, 500))
            .fact("message_id", id);
        let said = format!("{text} {:?}", message.get("tokens").map(Loose::raw));
        self.tell(id, draft, &said, out);
    }

    fn tool(&mut self, call: &Fields<'_>, at: Option<i64>, out: &mut Parsed) {
        let Some(id) = call.text("id").map(|id| clip(id.trim(), 300).to_owned()) else { return };
        let status = call.text("status").unwrap_or_default();
        let output = call.items("result");
        let output = output.first().map(|first| first.fields().fields("functionResponse"));
        let response = output.map(|output| output.fields("response")).unwrap_or_default();
        let error = response.text("error");
        let output = response.text("output").or_else(|| error.clone()).unwrap_or_default();
        let has_failed = matches!(status.as_ref(), "error" | "cancelled") || error.is_some();
        let at = call.get("timestamp").and_then(unix_ms).or(at);
        let draft = self
            .draft(EventKind::ToolUse, &format!("tool:{id}"), at)
            .key(Key::one(AGENT, "tool", &id))
            .tool(call.text("name").as_deref())
            .outcome(if has_failed { Outcome::Error } else { Outcome::Success })
            .text(Role::Output, &output)
            .fact("tool_use_id", id.as_str())
            .fact("error", error.map(|error| clip(&error, 500).to_owned()))
            .fact("content_preview", clip(&output, 500));
        let draft = given(draft, call.get("args"), &call.text("name").unwrap_or_default());
        self.tell(&format!("tool:{id}"), draft, &format!("{status} {output}"), out);
    }

    /// Tells of a thing unless it was told with the same words. Told with other words, it is another
    /// event of the same key.
    fn tell(&mut self, id: &str, draft: Draft, said: &str, out: &mut Parsed) {
        let digest = hashed("", said)[..16].to_owned();
        let known = self.state.known.iter().position(|(known, _)| known == id);
        let draft = match known.map(|at| &mut self.state.known[at].1) {
            Some(before) if *before == digest => return,
            Some(before) => {
                before.clone_from(&digest);
                let again = format!("{}:{id}:{digest}", self.state.session);
                draft.id(hashed("import-gem-", &again))
            }
            None => {
                if self.state.known.len() >= KNOWN_MAX {
                    self.state.known.pop_front();
                }
                self.state.known.push_back((id.to_owned(), digest));
                draft
            }
        };
        out.events.push(draft.build());
    }

    fn unknown(&mut self, raw: &str, out: &mut Parsed) {
        let nth = self.state.others;
        self.state.others += 1;
        let end = raw.floor_char_boundary(4 * 1024);
        let draft = self
            .draft(EventKind::Response, &format!("other:{nth}"), None)
            .sign(oriel_model::Sign::Aside)
            .fact("record_type", "unknown")
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

impl State {
    fn begin(file: &Path) -> Self {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        // `tmp/<project>/chats/<file>`; older versions have a hash for the project.
        let project = file.parent().and_then(Path::parent).and_then(Path::file_name);
        let project = project.map(|name| name.to_string_lossy().into_owned());
        let is_hash = |name: &str| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        Self {
            session: clip(&stem, 300).to_owned(),
            project: project.filter(|name| !is_hash(name)),
            ..Self::default()
        }
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
            Some(fields) => self.read(&fields, &text, out),
            None => out.tally.bad(self.state.lines, "it is not a JSON object"),
        }
    }

    fn pause(&mut self, _out: &mut Parsed) {}

    fn state(&self) -> String {
        serde_json::to_string(&self.state).unwrap_or_default()
    }
}

/// Returns the tokens of a message: the input includes what was cached, and what was thought is
/// told beside the output.
fn tokens(usage: &Fields<'_>) -> Tokens {
    let count = |name| usage.whole(name).unwrap_or(0);
    let (input, cached) = (count("input"), count("cached"));
    Tokens {
        input: input.saturating_sub(cached).saturating_add(count("tool")),
        output: count("output").saturating_add(count("thoughts")),
        cache_read: cached.min(input),
        ..Tokens::default()
    }
}
