//! Log records into events: what is the same for every agent, and what is said of records that no
//! agent's module knows.

use std::collections::{HashMap, HashSet};

use oriel_model::{EventKind, NewEvent, Role};
use serde_json::{Map, Value};

use super::attributes::{Any, Attributes};
use super::input;
use super::notes::Notes;
use super::record::{Group, LogRecord, millis};
use super::{agent, claude, codex, gemini, usage};
use crate::draft::{Draft, clip};
use crate::ids::hashed;
use crate::parsed::{Parsed, Reason, Tally};

/// How many different names of left out records are told; what has further names is counted as one.
const NAMES_MAX: usize = 200;

/// The longest name of an event that is kept.
const NAME_UNITS_MAX: usize = 120;

/// The fields of a body that have a place of their own in an event.
const PLACED: &[&str] = &[
    "session_id",
    "tool_name",
    "model",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_usd",
    "duration_ms",
    "project",
    "branch",
];

/// Attributes that say nothing of what happened: they are told of every record, or of a person.
const OF_EVERY_RECORD: &[&str] = &[
    "event.name",
    "event.timestamp",
    "event.sequence",
    "session.id",
    "conversation.id",
    "installation.id",
    "terminal.type",
];

/// What becomes of a record.
#[expect(clippy::large_enum_variant, reason = "one at a time exists, on the stack")]
pub(super) enum Fate {
    /// It makes an event, or tells more of one.
    Event(Draft),
    /// It is left out.
    LeftOut(Reason),
}

/// A log record with what is known of it at once.
pub(super) struct Log<'a> {
    pub agent: &'a str,
    pub resource: &'a Attributes,
    pub told: &'a Attributes,
    /// The event's name as it was told.
    pub name: String,
    pub session: Option<String>,
    pub at_ms: Option<i64>,
    pub severity: &'a str,
    /// What the body says, if it has fields.
    pub body: Map<String, Value>,
    /// What the body says in words, if these are not the agent's own name for the record.
    pub words: Option<String>,
}

/// Reads the log records of an export.
pub(super) fn read(groups: &[Group<LogRecord>]) -> Parsed {
    let mut out = Parsed::default();
    let mut notes = Notes::default();
    let mut seen = Seen::default();
    for group in groups {
        group.count_skipped(&mut out.tally);
        let agent = agent::of(&group.resource);
        for record in &group.records {
            match record {
                Err(problem) => out.tally.bad(out.tally.records + 1, problem.as_str()),
                Ok(record) => {
                    let log = Log::new(&agent, &group.resource, record);
                    match fate(&log, &mut notes) {
                        Fate::LeftOut(reason) => leave_out(&mut out.tally, &log.kind(), reason),
                        Fate::Event(_) if log.session.is_none() => {
                            leave_out(&mut out.tally, &log.kind(), Reason::NoSession);
                        }
                        Fate::Event(draft) => {
                            let name = log.id(record).map(|id| seen.name(&id));
                            seen.take(named(draft, name), &mut out);
                        }
                    }
                }
            }
        }
    }
    out.notes = notes.list();
    out
}

/// Counts a record that is left out, under its own name while there are few of these.
pub(super) fn leave_out(tally: &mut Tally, kind: &str, reason: Reason) {
    let kind = if tally.left_out.len() < NAMES_MAX { kind } else { "other" };
    tally.left_out(clip(kind, NAME_UNITS_MAX), reason);
}

fn named(draft: Draft, name: Option<String>) -> NewEvent {
    match name {
        Some(name) => draft.id(name).build(),
        None => draft.build(),
    }
}

/// What an export has told so far.
#[derive(Default)]
pub(super) struct Seen {
    names: HashMap<String, u64>,
    keys: HashSet<String>,
}

impl Seen {
    /// Returns the name for a record, which is another one for each of several that are the same.
    /// A retried export tells them in the same order, so it finds the same names.
    pub(super) fn name(&mut self, id: &str) -> String {
        let name = hashed("otel-", id);
        let times = self.names.entry(name.clone()).or_default();
        *times += 1;
        if *times == 1 { name } else { hashed("otel-", &format!("{id} {times}")) }
    }

    /// Takes an event, and counts its record as one that told more where an earlier one of this
    /// export tells of the same thing.
    pub(super) fn take(&mut self, event: NewEvent, out: &mut Parsed) {
        let sure = event.told.keys.iter().filter(|key| !key.repeats);
        let mut is_known = false;
        for key in sure {
            is_known |= !self.keys.insert(key.name.clone());
        }
        if is_known {
            out.tally.joined();
        } else {
            out.tally.told();
        }
        out.events.push(event);
    }
}

impl<'a> Log<'a> {
    fn new(agent: &'a str, resource: &'a Attributes, record: &'a LogRecord) -> Self {
        let told = &record.attributes;
        let name = told.text(&["event.name", "name"]).map(|name| name.trim().to_owned());
        // A name of code that wrote the record is no name of an event.
        let own = Some(record.event_name.trim()).filter(|name| !name.contains(' '));
        let name = name.or_else(|| own.map(str::to_owned)).unwrap_or_default();
        let (body, words) = body_of(&record.body);
        let words = words.filter(|words| {
            // These two describe each record in a sentence of their own.
            if matches!(agent, "gemini_cli" | "qwen_code") {
                return false;
            }
            let is_name =
                *words == name || words.rsplit_once('.').is_some_and(|(_, end)| end == name);
            !is_name && !words.trim().is_empty()
        });
        let session = agent::session(told, resource).or_else(|| {
            let told = body.get("session_id").and_then(Value::as_str).map(str::trim);
            told.filter(|told| !told.is_empty()).map(str::to_owned)
        });
        let session = session.or_else(|| codex::sender(agent, told));
        let at_ms = millis(record.time)
            .or_else(|| stamp(&told.text(&["event.timestamp"])?))
            .or_else(|| millis(record.observed));
        let severity = record.severity.as_str();
        Self { agent, resource, told, name, session, at_ms, severity, body, words }
    }

    /// Returns the event's name without the agent's.
    pub(super) fn short_name(&self) -> &str {
        ["claude_code.", "codex.", "gemini_cli.", "qwen-code.", "qwen_code."]
            .iter()
            .find_map(|prefix| self.name.strip_prefix(prefix))
            .unwrap_or(&self.name)
    }

    fn kind(&self) -> String {
        match self.told.text(&["event.kind"]) {
            _ if self.name.is_empty() => "log record".to_owned(),
            Some(kind) => format!("{} {kind}", self.name),
            None => self.name.clone(),
        }
    }

    /// Returns what tells this record from every other one, unless too little is known of it.
    fn id(&self, record: &LogRecord) -> Option<String> {
        let order = self.told.text(&["event.sequence"]);
        let time = [record.time, record.observed].into_iter().find(|time| *time > 0);
        if order.is_none() && time.is_none() {
            return None;
        }
        // A session that is taken up again counts from the beginning, so both are needed.
        let order = format!("{} {}", order.unwrap_or_default(), time.unwrap_or_default());
        let session = self.session.as_deref().unwrap_or_default();
        let (agent, name, told) = (self.agent, &self.name, self.told.canonical(&[]));
        Some(format!("log {agent} {session} {name} {order} {told} {}", record.body.json()))
    }

    /// Begins an event with all that is told in the names that every agent may use.
    pub(super) fn draft(&self, kind: EventKind) -> Draft {
        let (told, body) = (self.told, &self.body);
        let of_body = |name: &str| body.get(name).and_then(Value::as_str);
        let text = |names: &[&str], in_body: &str| {
            told.text(names).map(String::from).or_else(|| of_body(in_body).map(str::to_owned))
        };
        let number = |names: &[&str], in_body: &str| {
            told.number(names).or_else(|| body.get(in_body).and_then(Value::as_f64))
        };
        let placed = |name: &str| {
            let told = told.text(&[name]).or_else(|| self.resource.text(&[name]));
            told.map(String::from).or_else(|| of_body(name).map(str::to_owned))
        };
        let tool = text(&["gen_ai.tool.name", "tool_name", "tool.name"], "tool_name");
        let model = text(&["gen_ai.response.model", "gen_ai.request.model", "model"], "model");
        let cost = number(&["gen_ai.usage.cost", "cost_usd"], "cost_usd");
        let micros = told.number(&["cost_usd_micros"]).map(|micros| micros / 1e6);
        let duration = number(&["gen_ai.latency", "duration_ms"], "duration_ms");
        let session = self.session.as_deref().unwrap_or_default();
        let mut draft = Draft::new(self.agent, "otel", session, kind)
            .at(self.at_ms)
            .place(placed("project").as_deref(), placed("branch").as_deref())
            .tool(tool.as_deref())
            .model(model.as_deref())
            .tokens(usage::common(told, body))
            .stated_cost(cost.or(micros))
            .duration(duration.and_then(super::attributes::count))
            .fact("otel_event_name", self.name.as_str());
        for (name, value) in body {
            if !PLACED.contains(&name.as_str()) {
                draft = draft.fact(name, value.clone());
            }
        }
        draft.fact("message", self.words.as_deref())
    }

    /// Begins an event and adds these attributes as they are.
    pub(super) fn draft_with(&self, kind: EventKind, names: &[&str]) -> Draft {
        let draft = self.draft(kind);
        names.iter().fold(draft, |draft, name| draft.fact(name, self.told.plain(name)))
    }

    /// Returns what a person asked, from the attributes or the body.
    pub(super) fn prompt(&self) -> Option<String> {
        let names = ["prompt", "prompt_text", "gen_ai.prompt", "message", "codex.prompt"];
        let told = self.told.words(&names[..1]).or_else(|| self.told.words(&names[1..]));
        let told = told.or_else(|| self.told.words(&["gen_ai.content.prompt"]));
        let payload = self.body.get("payload");
        let said = self.body.get("message").or_else(|| payload?.get("message"));
        let said = said.and_then(Value::as_str).map(str::to_owned);
        told.map(String::from).or(said).or_else(|| self.words.clone())
    }

    /// Makes the event of what a person asked.
    pub(super) fn prompted(&self) -> Draft {
        let draft = self.draft(EventKind::UserPrompt);
        match self.prompt() {
            Some(prompt) => draft.text(Role::Prompt, &prompt).fact("message", prompt),
            None => draft,
        }
    }
}

fn fate(log: &Log<'_>, notes: &mut Notes) -> Fate {
    let known = match log.agent {
        "claude_code" => claude::fate(log, notes),
        "codex" => codex::fate(log, notes),
        "gemini_cli" | "qwen_code" => gemini::fate(log, notes),
        _ => None,
    };
    known.or_else(|| common(log)).unwrap_or_else(|| unknown(log))
}

/// Returns the fate of a record by the end of its name, which means the same for every agent.
fn common(log: &Log<'_>) -> Option<Fate> {
    let payload = log.body.get("payload").and_then(|payload| payload.get("type"));
    let kind = match log.name.rsplit('.').next().unwrap_or_default() {
        "user_prompt" | "user_prompt_submit" | "user_message" => {
            return Some(Fate::Event(log.prompted()));
        }
        "response" | "event_msg" if payload.and_then(Value::as_str) == Some("user_message") => {
            return Some(Fate::Event(log.prompted()));
        }
        "tool_result" | "tool_use" | "tool_decision" => EventKind::ToolUse,
        "api_request" => EventKind::LlmRequest,
        "api_response" => EventKind::LlmResponse,
        "session_start" => EventKind::SessionStart,
        "session_end" => EventKind::SessionEnd,
        "file_change" => EventKind::FileChange,
        "git_commit" => EventKind::GitCommit,
        "plan_step" => EventKind::PlanStep,
        "error" => EventKind::Error,
        _ if log.name.starts_with("gen_ai.") => return Some(generated(log)),
        _ => return None,
    };
    let draft = log.draft(kind);
    let tool = log.told.text(&["gen_ai.tool.name", "tool_name", "tool.name"]);
    let tool = tool.as_deref().or_else(|| log.body.get("tool_name").and_then(Value::as_str));
    let patch = log.body.get("input").and_then(Value::as_str);
    Some(Fate::Event(match patch {
        Some(patch) if tool == Some("apply_patch") => {
            input::edit_facts(draft, crate::edits::patch(patch))
        }
        _ => draft,
    }))
}

/// Returns the fate of a record of the GenAI conventions: only what tells usage is an event.
fn generated(log: &Log<'_>) -> Fate {
    if usage::is_none(usage::common(log.told, &log.body)) {
        return Fate::LeftOut(Reason::Empty);
    }
    let id = log.told.text(&["gen_ai.response.id"]);
    let draft = log.draft_with(EventKind::LlmResponse, &["gen_ai.provider.name"]);
    Fate::Event(match id {
        Some(id) => draft.key(oriel_model::Key::one(log.agent, "response", &id)),
        None => draft,
    })
}

/// Returns the fate of a record whose name is not known: of a known agent it is kept with all that
/// it says, so that what an agent adds tomorrow can be seen.
fn unknown(log: &Log<'_>) -> Fate {
    if agent::is_known(log.agent) && !log.name.is_empty() {
        let says_more =
            |name: &String| !OF_EVERY_RECORD.contains(&name.as_str()) && !name.starts_with("user.");
        let mut told = log.told.json();
        told.retain(|name, value| says_more(name) && !value.is_null());
        return Fate::Event(log.draft(EventKind::Response).fact("attributes", told));
    }
    if log.severity == "ERROR" {
        return Fate::Event(log.draft(EventKind::Error));
    }
    Fate::LeftOut(if log.session.is_none() { Reason::NoSession } else { Reason::Internals })
}

/// Returns the fields of a body, or its words.
fn body_of(body: &Any) -> (Map<String, Value>, Option<String>) {
    match body {
        Any::Fields(fields) => (fields.json(), None),
        Any::Text(text) => match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => (fields, None),
            Ok(list @ Value::Array(_)) => (Map::from_iter([("body".to_owned(), list)]), None),
            _ => (Map::new(), Some(text.clone())),
        },
        _ => (Map::new(), None),
    }
}

/// Reads a time such as `2026-11-21T10:41:28.404Z` into Unix milliseconds.
fn stamp(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    Some(time.as_millisecond()).filter(|ms| *ms > 0)
}
