//! OpenCode: its database, in which messages and their parts change while they are made.
//!
//! The statement gives a session or a message with all its parts as one line. What is not finished
//! is left for later, since it will be told whole.

use std::path::{Path, PathBuf};

use oriel_model::{About, EventKind, Key, Note, Outcome, Role, SessionId, Sign, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::codex::folder_name;
use crate::draft::{Draft, clip};
use crate::format::{Format, Homes, Reader, Shape};
use crate::ids::hashed;
use crate::loose::{Fields, Loose, line_text, unix_ms};
use crate::parsed::{Parsed, Reason};
use crate::parts::given;
use crate::words::{answer_key, prompt_key};

const AGENT: &str = "opencode";

/// Data is given as a string, so that what is not JSON spoils only its own line.
const SQL: &str = "
SELECT line FROM (
  SELECT time_created AS at, 0 AS rank, id AS name, json_object(
    'row', 'session', 'id', id, 'parent', parent_id, 'cwd', directory, 'title', title,
    'version', version, 'created', time_created, 'updated', time_updated
  ) AS line FROM session
  UNION ALL
  SELECT m.time_created, 1, m.id, json_object(
    'row', 'message', 'id', m.id, 'session', m.session_id, 'cwd', s.directory,
    'created', m.time_created, 'data', CAST(m.data AS TEXT),
    'parts', (SELECT json_group_array(CAST(p.data AS TEXT))
              FROM (SELECT data FROM part WHERE message_id = m.id ORDER BY id) AS p)
  ) FROM message AS m LEFT JOIN session AS s ON s.id = m.session_id
) ORDER BY at, rank, name";

/// The database that OpenCode keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenCode;

impl Format for OpenCode {
    fn name(&self) -> &'static str {
        "opencode"
    }

    fn folders(&self, homes: &Homes) -> Vec<PathBuf> {
        vec![homes.data.join("opencode")]
    }

    fn claims(&self, below_folder: &Path) -> bool {
        below_folder.file_name().is_some_and(|name| name == "opencode.db")
    }

    fn shape(&self) -> Shape {
        Shape::Table { sql: SQL }
    }

    fn reader(&self, _file: &Path, state: Option<&str>) -> Box<dyn Reader> {
        let state = state.and_then(|text| serde_json::from_str(text).ok());
        Box::new(Table { state: state.unwrap_or_default() })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(default)]
struct State {
    rows: u64,
}

struct Table {
    state: State,
}

/// A message, with what is known of its session.
struct Message<'a> {
    id: String,
    session: String,
    cwd: Option<String>,
    at: Option<i64>,
    data: Fields<'a>,
    parts: Vec<Fields<'a>>,
}

impl Table {
    fn read(&self, row: &Fields<'_>, out: &mut Parsed) {
        let word = |name| row.text(name).map(|text| clip(text.trim(), 300).to_owned());
        let Some(id) = word("id") else { return out.tally.left_out("row", Reason::NoSession) };
        match row.text("row").as_deref() {
            Some("session") => session(&id, row, out),
            Some("message") => {
                let Some(session) = word("session") else {
                    return out.tally.left_out("message", Reason::NoSession);
                };
                let data = row.text("data").unwrap_or_default();
                let texts: Vec<_> =
                    row.items("parts").into_iter().filter_map(Loose::text).collect();
                let Some(data) = Fields::read(&data) else {
                    return out.tally.bad(self.state.rows, "the message's data is not JSON");
                };
                let parts = texts.iter().filter_map(|text| Fields::read(text)).collect();
                let at = row.get("created").and_then(unix_ms);
                message(&Message { id, session, cwd: word("cwd"), at, data, parts }, out);
            }
            _ => out.tally.left_out("row", Reason::Housekeeping),
        }
    }
}

impl Reader for Table {
    fn line(&mut self, line: &[u8], out: &mut Parsed) {
        self.state.rows += 1;
        let text = line_text(line);
        match Fields::read(&text) {
            Some(row) => self.read(&row, out),
            None => out.tally.bad(self.state.rows, "it is not a JSON object"),
        }
    }

    fn pause(&mut self, _out: &mut Parsed) {}

    fn state(&self) -> String {
        serde_json::to_string(&self.state).unwrap_or_default()
    }
}

fn draft(session: &str, cwd: Option<&str>, kind: EventKind, what: &str, at: Option<i64>) -> Draft {
    Draft::new(AGENT, "import", session, kind)
        .id(hashed("import-oco-", &format!("{session}:{what}")))
        .at(at)
        .place(cwd.map(folder_name), None)
}

fn session(id: &str, row: &Fields<'_>, out: &mut Parsed) {
    let word = |name| row.text(name).map(|text| clip(text.trim(), 300).to_owned());
    let at = row.get("created").and_then(unix_ms);
    let updated = row.get("updated").and_then(unix_ms).or(at);
    let parent = word("parent");
    let draft = draft(id, word("cwd").as_deref(), EventKind::SessionStart, "start", at)
        .key(Key::one(AGENT, "start", id))
        .fact("cwd", word("cwd"))
        .fact("version", word("version"))
        .fact("parent_session", parent.clone());
    out.events.push(draft.build());
    for name in ["title", "cwd", "version"] {
        if let Some(value) = word(name) {
            note(id, name, &json!(value), updated, out);
        }
    }
    if let Some(parent) = parent {
        note(id, "parent", &json!({ "session": parent, "agent": null }), updated, out);
    }
    out.tally.told();
}

fn note(session: &str, name: &str, value: &Value, at: Option<i64>, out: &mut Parsed) {
    let Some(at_ms) = at else { return };
    let about = About::Session(SessionId(session.to_owned()));
    out.notes.push(Note { about, name: name.to_owned(), value: value.to_string(), at_ms });
}

fn message(message: &Message<'_>, out: &mut Parsed) {
    let told = out.events.len();
    match message.data.text("role").as_deref() {
        Some("user") => prompt(message, out),
        Some("assistant") => answer(message, out),
        role => {
            let role = clip(role.unwrap_or("message without a role"), 60);
            return out.tally.left_out(role, Reason::Internals);
        }
    }
    if out.events.len() > told {
        out.tally.told();
    } else {
        out.tally.left_out("message", Reason::Empty);
    }
}

impl Message<'_> {
    fn draft(&self, kind: EventKind, what: &str) -> Draft {
        draft(&self.session, self.cwd.as_deref(), kind, what, self.at)
    }

    /// Returns the words of its parts, without those that the agent adds.
    fn words(&self) -> String {
        let of_person = |part: &&Fields<'_>| {
            let is = |name| part.get(name).and_then(Loose::flag) == Some(true);
            part.text("type").is_some_and(|kind| kind == "text")
                && !is("synthetic")
                && !is("ignored")
        };
        let texts = self.parts.iter().filter(of_person).filter_map(|part| part.text("text"));
        texts.collect::<Vec<_>>().join("\n")
    }
}

fn prompt(message: &Message<'_>, out: &mut Parsed) {
    if message.parts.iter().any(|part| part.text("type").is_some_and(|it| it == "compaction")) {
        let draft = message
            .draft(EventKind::Response, &message.id)
            .key(Key::alike(AGENT, "compaction", &message.session))
            .fact("record_type", "compaction");
        out.events.push(draft.build());
    }
    let text = message.words();
    if text.trim().is_empty() {
        return;
    }
    let draft = message
        .draft(EventKind::UserPrompt, &format!("{}:prompt", message.id))
        .key(Key::one(AGENT, "message", &message.id))
        .keys(prompt_key(AGENT, &message.session, &text))
        .text(Role::Prompt, &text)
        .fact("message", text)
        .fact("message_id", message.id.as_str());
    out.events.push(draft.build());
}

fn answer(message: &Message<'_>, out: &mut Parsed) {
    let Message { id, data, .. } = message;
    for part in &message.parts {
        if part.text("type").is_some_and(|kind| kind == "tool") {
            tool(message, part, out);
        }
    }
    let error = data.fields("error");
    if !error.is_empty() {
        let words = error.fields("data").text("message").or_else(|| error.text("name"));
        let draft = message
            .draft(EventKind::Error, &format!("{id}:error"))
            .key(Key::one(AGENT, "error", id))
            .fact("error", words.map(|words| clip(&words, 500).to_owned()));
        out.events.push(draft.build());
    }
    let times = data.fields("time");
    let is_over = times.get("completed").is_some() || !error.is_empty();
    let (tokens, cost) = (tokens(&data.fields("tokens")), data.get("cost").and_then(Loose::float));
    if tokens == Tokens::default() && (!is_over || !error.is_empty()) {
        return;
    }
    // An answer that is still being made is told again once it is whole, under the same key.
    let what = if is_over { id.clone() } else { format!("{id}:{}", tokens.output) };
    let text = message.words();
    let model = data.text("modelID");
    if let Some(model) = &model {
        note(&message.session, "model", &json!(clip(model, 300)), message.at, out);
    }
    let finish = data.text("finish").unwrap_or_default();
    let mut draft = message
        .draft(EventKind::LlmResponse, &what)
        .key(Key::one(AGENT, "message", id))
        .keys(answer_key(AGENT, &message.session, &text))
        .model(model.as_deref().map(|model| clip(model, 300)))
        .tokens(tokens)
        // Nothing is stated where the price list of OpenCode does not know the model.
        .stated_cost(cost.filter(|&cost| cost > 0.0))
        .duration(span(&times, "created", "completed"))
        .text(Role::Answer, &text)
        .fact("content_preview", clip(&text, 500))
        .fact("message_id", id.as_str())
        .fact("provider", data.text("providerID").as_deref())
        .fact("stop_reason", finish.as_ref());
    if finish == "stop" {
        draft = draft.sign(Sign::TurnOver);
    }
    out.events.push(draft.build());
}

fn tool(message: &Message<'_>, part: &Fields<'_>, out: &mut Parsed) {
    let state = part.fields("state");
    let status = state.text("status").unwrap_or_default();
    let Some(call_id) = part.text("callID") else { return };
    if !matches!(status.as_ref(), "completed" | "error") {
        return;
    }
    let (call_id, name) = (clip(call_id.trim(), 300), part.text("tool").unwrap_or_default());
    let error = state.text("error");
    let exit = state.fields("metadata").get("exit").and_then(Loose::float);
    // A call of a tool that does not exist, or with arguments that it cannot take.
    let is_invalid = name == "invalid";
    let has_failed = status == "error" || is_invalid || exit.is_some_and(|code| code != 0.0);
    let output = state.text("output").or_else(|| error.clone()).unwrap_or_default();
    let begun = state.fields("time").get("start").and_then(unix_ms).or(message.at);
    let draft = message
        .draft(EventKind::ToolUse, &format!("{}:tool:{call_id}", message.id))
        .key(Key::one(AGENT, "tool", call_id))
        .at(begun)
        .tool(Some(clip(&name, 300)))
        .outcome(if has_failed { Outcome::Error } else { Outcome::Success })
        .duration(span(&state.fields("time"), "start", "end"))
        .text(Role::Output, &output)
        .fact("tool_use_id", call_id)
        .fact("error", has_failed.then(|| clip(&output, 500)))
        .fact("content_preview", clip(&output, 500));
    out.events.push(given(draft, state.get("input"), &name).build());
}

fn span(times: &Fields<'_>, from: &str, to: &str) -> Option<u64> {
    Some(times.whole(to)?.saturating_sub(times.whole(from)?))
}

/// Returns the tokens of an answer, in which nothing is part of anything else.
fn tokens(usage: &Fields<'_>) -> Tokens {
    let count = |name| usage.whole(name).unwrap_or(0);
    let cache = usage.fields("cache");
    Tokens {
        input: count("input"),
        output: count("output").saturating_add(count("reasoning")),
        cache_read: cache.whole("read").unwrap_or(0),
        cache_write: cache.whole("write").unwrap_or(0),
        cache_write_1h: 0,
    }
}
