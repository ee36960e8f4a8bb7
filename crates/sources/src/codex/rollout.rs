//! Reads a rollout: which record says what.

use std::collections::BTreeMap;
use std::path::Path;

use oriel_model::{About, EventKind, Key, Note, Role, SessionId, Sign};
use serde_json::{Value, json};

use super::AGENT;
use super::state::{State, short};
use super::tools::Call;
use super::words::Candidate;
use crate::draft::{Draft, clip};
use crate::format::Reader;
use crate::ids::hashed;
use crate::loose::{Fields, Loose, line_text, unix_ms};
use crate::parsed::{Parsed, Reason};

/// How much of a record that is not understood is kept.
const RAW_BYTES_MAX: usize = 4 * 1024;

/// How many notes are held back until a pause. Beyond it all are told at once.
const NOTES_MAX: usize = 256;

/// Reads one rollout.
pub(crate) struct Rollout {
    pub state: State,
    /// Tool calls whose output is still to come.
    pub calls: Vec<Call>,
    /// Messages that may be prompts.
    pub candidates: Vec<Candidate>,
    /// The latest of each note. Most are told again and again, and only the last one counts.
    notes: BTreeMap<(About, String), Note>,
    /// Whether anything was read since the last pause.
    is_fresh: bool,
}

/// A record of a rollout.
pub(crate) struct Line<'a> {
    pub at: Option<i64>,
    pub payload: Fields<'a>,
    pub raw: &'a str,
}

impl Rollout {
    pub(crate) fn new(file: &Path, state: Option<&str>) -> Self {
        // A state that cannot be read is like none: ids are stable, so reading on without it repeats
        // nothing.
        let state = state.and_then(|text| serde_json::from_str(text).ok());
        Self {
            state: state.unwrap_or_else(|| State::begin(file)),
            calls: Vec::new(),
            candidates: Vec::new(),
            notes: BTreeMap::new(),
            is_fresh: false,
        }
    }

    /// Begins an event whose id is made of what it is of this thread.
    pub(crate) fn draft(&self, kind: EventKind, what: &str, at: Option<i64>) -> Draft {
        let State { session, cwd, branch, .. } = &self.state;
        let project = cwd.as_deref().map(folder_name);
        Draft::new(AGENT, "import", session, kind)
            .id(hashed("import-cdx-", &format!("codex:{session}:{what}")))
            .at(at)
            .place(project, branch.as_deref())
    }

    pub(crate) fn tell(&mut self, draft: Draft, out: &mut Parsed) {
        self.state.told = true;
        out.events.push(draft.build());
    }

    pub(crate) fn note(&mut self, name: &str, value: &Value, at: Option<i64>) {
        let session = SessionId(self.state.session.clone());
        self.hold_note(About::Session(session), name, value, at);
    }

    pub(crate) fn note_agent(&mut self, name: &str, value: &Value, at: Option<i64>) {
        self.hold_note(About::Agent(AGENT.to_owned()), name, value, at);
    }

    fn hold_note(&mut self, about: About, name: &str, value: &Value, at: Option<i64>) {
        // A note without a time could not be told from older ones.
        let Some(at_ms) = at.or(self.state.last_ms) else { return };
        if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return;
        }
        let note =
            Note { about: about.clone(), name: name.to_owned(), value: value.to_string(), at_ms };
        self.notes.insert((about, name.to_owned()), note);
    }

    fn tell_notes(&mut self, out: &mut Parsed) {
        out.notes.extend(std::mem::take(&mut self.notes).into_values());
    }

    fn read(&mut self, text: &str, out: &mut Parsed) {
        let Some(record) = Fields::read(text) else {
            return out.tally.bad(self.state.counts.lines, "it is not a JSON object");
        };
        let at = record.get("timestamp").and_then(unix_ms);
        self.state.last_ms = self.state.last_ms.max(at);
        let kind = record.text("type").unwrap_or_default();
        // The first versions wrote items without an envelope.
        let is_bare = record.get("payload").is_none();
        let ordinal = record.whole("ordinal");
        let payload = if is_bare { record } else { record.fields("payload") };
        let line = Line { at, payload, raw: text };
        let kind = match (is_bare, kind.as_ref()) {
            (true, "message" | "reasoning" | "function_call" | "function_call_output") => {
                "response_item"
            }
            (true, "") if line.payload.get("id").is_some() => "session_meta",
            (true, "") if line.payload.get("record_type").is_some() => "world_state",
            (_, kind) => kind,
        };
        if kind == "session_meta" {
            return self.session_meta(&line, out);
        }
        let State { history, session, .. } = &mut self.state;
        if history.is_copied(session, ordinal, line.at, &line.payload) {
            self.copied_totals(&line.payload);
            return out.tally.left_out(&label(kind, &line.payload), Reason::Inherited);
        }
        match kind {
            "response_item" => self.response_item(&line, out),
            "event_msg" => self.event_msg(&line, out),
            "turn_context" => self.turn_context(&line, out),
            "token_usage_record" => self.usage_record(&line, out),
            "compacted" => self.compacted(&line, out),
            "world_state" | "inter_agent_communication_metadata" => {
                out.tally.left_out(kind, Reason::Housekeeping);
            }
            _ => self.unknown(&label(kind, &line.payload), &line, out),
        }
    }

    fn session_meta(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let meta = &line.payload;
        let id = meta.text("id").or_else(|| meta.text("session_id")).map(|id| short(&id));
        if self.state.has_meta {
            return if id.as_ref().is_none_or(|id| *id == self.state.session) {
                out.tally.joined();
            } else {
                self.state.history.on_other_meta();
                out.tally.left_out("session_meta", Reason::Inherited);
            };
        }
        self.state.has_meta = true;
        self.state.session = id.unwrap_or_else(|| self.state.session.clone());
        let begun = meta.get("timestamp").and_then(unix_ms).or(line.at);
        self.state.history.on_own_meta(&self.state.session, meta, line.at.or(begun));
        self.state.cwd = meta.text("cwd").map(|cwd| short(&cwd)).or(self.state.cwd.take());
        self.state.branch = meta.fields("git").text("branch").map(|branch| short(&branch));
        let word = |name| meta.text(name).map(|text| short(&text));
        let parent = word("parent_thread_id").or_else(|| word("forked_from_id"));
        let draft = self
            .draft(EventKind::SessionStart, "meta", begun)
            .key(Key::one(AGENT, "start", &self.state.session))
            .fact("cli_version", word("cli_version"))
            .fact("originator", word("originator"))
            .fact("cwd", self.state.cwd.clone())
            .fact("parent_session", parent.clone());
        self.tell(draft, out);
        self.note("cwd", &json!(self.state.cwd), begun);
        self.note("version", &json!(word("cli_version")), begun);
        self.note("entrypoint", &json!(word("originator")), begun);
        if let Some(parent) = parent {
            let agent = word("agent_nickname").or_else(|| word("agent_role"));
            self.note("parent", &json!({ "session": parent, "agent": agent }), begun);
        }
        out.tally.told();
    }

    fn turn_context(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let context = &line.payload;
        let word = |name| context.text(name).map(|text| short(&text));
        let settings = context.fields("collaboration_mode").fields("settings");
        let effort = word("effort")
            .or_else(|| settings.text("reasoning_effort").map(|effort| short(&effort)));
        self.state.turn = word("turn_id").or(self.state.turn.take());
        self.state.cwd = self.state.cwd.take().or_else(|| word("cwd"));
        self.learn("model", word("model").as_ref(), line.at);
        self.learn("effort", effort.as_ref(), line.at);
        self.learn("permission_mode", word("approval_policy").as_ref(), line.at);
        out.tally.joined();
    }

    fn learn(&mut self, name: &str, value: Option<&String>, at: Option<i64>) {
        let State { model, effort, permission_mode, .. } = &mut self.state;
        let known = match name {
            "model" => model,
            "effort" => effort,
            _ => permission_mode,
        };
        if value.is_some() && known.as_ref() != value {
            *known = value.cloned();
            self.note(name, &json!(value), at);
        }
    }

    fn event_msg(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let event = &line.payload;
        let kind = event.text("type").unwrap_or_default();
        let label = label("event_msg", event);
        match kind.as_ref() {
            "token_count" => {
                self.settle_prompts(out);
                self.token_count(line, out);
            }
            "user_message" => self.user_message(line, out),
            "agent_message" => {
                let text = event.text("message").unwrap_or_default();
                self.answer(&text, &label, line.at, out);
            }
            "item_completed" => self.item_completed(line, out),
            "exec_command_end"
            | "patch_apply_end"
            | "mcp_tool_call_end"
            | "dynamic_tool_call_response" => self.call_ended(&label, event, event, line.at, out),
            "task_started" | "turn_started" => {
                self.state.turn = event.text("turn_id").map(|turn| short(&turn));
                out.tally.left_out(&label, Reason::Housekeeping);
            }
            "task_complete" | "turn_complete" => self.turn_over(line, None, out),
            "turn_aborted" => {
                let reason = event.text("reason").unwrap_or("aborted".into());
                self.turn_over(line, Some(&reason), out);
            }
            "error" | "stream_error" => self.error(event, &label, line.at, out),
            "thread_name_updated" => {
                let title = event.text("thread_name").or_else(|| event.text("name"));
                self.note("title", &json!(title.map(|title| short(&title))), line.at);
                out.tally.joined();
            }
            "web_search_end" | "context_compacted" | "view_image_tool_call" => {
                out.tally.left_out(&label, Reason::SaidElsewhere);
            }
            "agent_reasoning" | "agent_reasoning_raw_content" | "agent_reasoning_section_break" => {
                out.tally.left_out(&label, Reason::Internals);
            }
            "thread_settings_applied"
            | "thread_rolled_back"
            | "entered_review_mode"
            | "exited_review_mode"
            | "session_configured"
            | "shutdown_complete"
            | "warning"
            | "background_event"
            | "turn_diff"
            | "plan_update" => {
                out.tally.left_out(&label, Reason::Housekeeping);
            }
            kind if kind.ends_with("_delta") || kind.ends_with("_begin") => {
                out.tally.left_out(&label, Reason::Internals);
            }
            _ => self.unknown(&label, line, out),
        }
    }

    /// Reads an item that is complete: a message, a command that ended and the like.
    fn item_completed(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let item = line.payload.fields("item");
        let kind = item.text("type").unwrap_or_default();
        let label = format!("event_msg/item_completed/{}", clip(&kind, 60));
        match kind.as_ref() {
            "UserMessage" => self.prompt_item(line, &item, out),
            "AgentMessage" => {
                let text = joined_text(&item.items("content"));
                self.answer(&text, &label, line.at, out);
            }
            "CommandExecution" | "FileChange" | "McpToolCall" | "DynamicToolCall" => {
                self.call_ended(&label, &item, &line.payload, line.at, out);
            }
            "CollabAgentToolCall" => {
                self.note_sub_agents(&item, line.at);
                self.call_ended(&label, &item, &line.payload, line.at, out);
            }
            "SubAgentActivity" => {
                let running = item.text("kind").is_some_and(|kind| kind == "started");
                let path = item.text("agent_path").map(|path| short(&path));
                if let Some(id) = item.text("agent_thread_id") {
                    let name = format!("subagent:{}", short(&id));
                    self.note(&name, &json!({ "type": path, "running": running }), line.at);
                }
                out.tally.joined();
            }
            "Reasoning" => out.tally.left_out(&label, Reason::Internals),
            "ContextCompaction" | "WebSearch" | "ImageView" => {
                out.tally.left_out(&label, Reason::SaidElsewhere);
            }
            "EnteredReviewMode" | "ExitedReviewMode" | "HookPrompt" => {
                out.tally.left_out(&label, Reason::Housekeeping);
            }
            _ => self.unknown(&label, line, out),
        }
    }

    fn note_sub_agents(&mut self, item: &Fields<'_>, at: Option<i64>) {
        let states = item.fields("agents_states");
        let task = item.text("prompt").map(|prompt| clip(&prompt, 200).to_owned());
        for agent in item.items("receiver_agents") {
            let agent = agent.fields();
            let Some(id) = agent.text("thread_id") else { continue };
            let over = |state: Loose<'_>| {
                let state = state.text().unwrap_or_default();
                !matches!(state.as_ref(), "pending_init" | "running")
            };
            let value = json!({
                "type": agent.text("agent_nickname").map(|name| short(&name)),
                "description": task,
                "running": !states.get(&id).is_some_and(over),
            });
            self.note(&format!("subagent:{}", short(&id)), &value, at);
        }
    }

    fn compacted(&mut self, line: &Line<'_>, out: &mut Parsed) {
        self.settle_prompts(out);
        let nth = self.state.counts.compactions;
        self.state.counts.compactions += 1;
        let summary = line.payload.text("message").unwrap_or_default();
        let draft = self
            .draft(EventKind::Response, &format!("compaction:{nth}"), line.at)
            .key(Key::alike(AGENT, "compaction", &self.state.session))
            .fact("record_type", "compacted")
            .fact("content_preview", clip(&summary, 500));
        self.tell(draft, out);
        out.tally.told();
    }

    fn turn_over(&mut self, line: &Line<'_>, aborted: Option<&str>, out: &mut Parsed) {
        self.settle_prompts(out);
        let event = &line.payload;
        let turn = event.text("turn_id").map(|turn| short(&turn)).or(self.state.turn.clone());
        let name = match &turn {
            Some(turn) => turn.clone(),
            None => {
                self.state.counts.turns += 1;
                format!("#{}", self.state.counts.turns)
            }
        };
        let error = message_of(&event.fields("error"));
        let is_news = error.is_some() && error != self.state.error;
        let kind = if is_news { EventKind::Error } else { EventKind::Response };
        let last = event.text("last_agent_message").unwrap_or_default();
        let draft = self
            .draft(kind, &format!("turn:{name}"), line.at)
            .key(turn_key(&self.state.session, &name))
            .sign(Sign::TurnOver)
            .duration(event.whole("duration_ms"))
            .fact("record_type", if aborted.is_some() { "turn_aborted" } else { "task_complete" })
            .fact("prompt_id", turn)
            .fact("reason", aborted)
            .fact("error", error)
            .fact("content_preview", clip(&last, 500));
        self.state.error = None;
        self.tell(draft, out);
        out.tally.told();
    }

    fn error(&mut self, event: &Fields<'_>, label: &str, at: Option<i64>, out: &mut Parsed) {
        let Some(message) = message_of(event) else {
            return out.tally.left_out(label, Reason::Empty);
        };
        let nth = self.state.counts.errors;
        self.state.counts.errors += 1;
        let draft = self
            .draft(EventKind::Error, &format!("error:{nth}"), at)
            .text(Role::Answer, &message)
            .fact("error", message.as_str())
            .fact("prompt_id", self.state.turn.clone());
        self.state.error = Some(message);
        self.tell(draft, out);
        out.tally.told();
    }

    /// Keeps a record of a kind that is not known.
    pub(crate) fn unknown(&mut self, label: &str, line: &Line<'_>, out: &mut Parsed) {
        let nth = self.state.counts.others;
        self.state.counts.others += 1;
        let end = line.raw.floor_char_boundary(RAW_BYTES_MAX);
        let draft = self
            .draft(EventKind::Response, &format!("other:{nth}"), line.at)
            .sign(Sign::Aside)
            .fact("record_type", label)
            .fact("raw", &line.raw[..end]);
        self.tell(draft, out);
        out.tally.told();
    }

    fn tell_end(&mut self, out: &mut Parsed) {
        let sums = self.state.sums;
        // The thread may go on at any time, so nobody is told that it ended.
        let draft = self
            .draft(EventKind::SessionEnd, "end", self.state.last_ms)
            .sign(Sign::Aside)
            .fact("total_tokens_in", sums.input)
            .fact("total_tokens_out", sums.output)
            .fact("total_cache_read", sums.cache_read);
        self.tell(draft, out);
    }
}

impl Reader for Rollout {
    fn line(&mut self, line: &[u8], out: &mut Parsed) {
        self.is_fresh = true;
        self.state.counts.lines += 1;
        let text = line_text(line);
        if text.is_empty() {
            return out.tally.left_out("blank", Reason::Empty);
        }
        self.read(&text, out);
        if self.notes.len() > NOTES_MAX {
            self.tell_notes(out);
        }
    }

    fn pause(&mut self, out: &mut Parsed) {
        self.settle_prompts(out);
        self.tell_calls(out);
        self.tell_notes(out);
        if std::mem::take(&mut self.is_fresh) && self.state.told {
            self.tell_end(out);
        }
    }

    fn state(&self) -> String {
        serde_json::to_string(&self.state).unwrap_or_default()
    }
}

/// Names the end of a turn, as the file, hooks and `notify` know it.
pub(crate) fn turn_key(thread: &str, turn: &str) -> Key {
    Key::one(AGENT, "turn", &format!("{thread} {turn}"))
}

/// Returns the kind of a record, with the kind of what is in it.
fn label(kind: &str, payload: &Fields<'_>) -> String {
    let kind = if kind.is_empty() { "without a type" } else { clip(kind, 60) };
    match payload.text("type") {
        Some(inner) if kind == "response_item" || kind == "event_msg" => {
            format!("{kind}/{}", clip(&inner, 60))
        }
        _ => kind.to_owned(),
    }
}

fn message_of(error: &Fields<'_>) -> Option<String> {
    error.text("message").map(|message| clip(&message, 500).to_owned())
}

/// Returns the words of a message's parts.
pub(crate) fn joined_text(parts: &[Loose<'_>]) -> String {
    parts.iter().filter_map(|part| part.fields().text("text").map(String::from)).collect()
}

/// Returns the name of a folder on either kind of system.
pub(crate) fn folder_name(path: &str) -> &str {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default()
}
