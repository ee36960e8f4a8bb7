//! What an agent's updates are as events: a function of what was told so far and what is told now.
//!
//! Nothing here waits or sends. Calls that ended are remembered for a while, so that what an agent
//! says of one afterwards does not begin it again.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use agent_client_protocol::v1::schema::{
    ContentBlock, Diff, EmbeddedResourceResource, Meta, Plan, PlanEntryPriority, PlanEntryStatus,
    SessionUpdate, ToolCall, ToolCallContent, ToolCallLocation, ToolCallStatus, ToolCallUpdate,
    ToolCallUpdateFields, ToolKind,
};
use oriel_wire::gateway::{EventBody, FileDiff, PlanEntry, ToolLocation};
use serde_json::Value;

use super::usage::Meter;

/// How many calls are remembered, those that ended first among those that are forgotten.
const CALLS_MAX: usize = 4096;

/// A longer output of a tool is cut.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// What a tool is given, and how it changed files, is left out where it is longer than this.
const INPUT_BYTES_MAX: usize = 1024 * 1024;

/// How many steps of a plan are told.
const PLAN_MAX: usize = 500;

/// How many files a call tells that it is about.
const LOCATIONS_MAX: usize = 100;

/// What an agent has told so far.
#[derive(Debug)]
pub(super) struct Telling {
    workspace: PathBuf,
    calls: HashMap<String, Call>,
    order: VecDeque<String>,
    pub(super) meter: Meter,
    /// Whether what is told now was told before, to somebody else.
    pub(super) is_replay: bool,
    /// How many updates there were.
    pub(super) updates: u64,
}

/// What is known of a call.
#[derive(Debug, Default)]
struct Call {
    name: String,
    title: String,
    input: Option<Value>,
    is_input_told: bool,
    locations: Vec<ToolLocation>,
    text: String,
    told_bytes: usize,
    /// What a terminal of the agent's own said, which comes beside the content.
    heard: String,
    raw_output: Option<Value>,
    diff: Vec<FileDiff>,
    is_over: bool,
}

impl Telling {
    pub(super) fn new(workspace: PathBuf) -> Self {
        Self {
            workspace,
            calls: HashMap::new(),
            order: VecDeque::new(),
            meter: Meter::default(),
            is_replay: false,
            updates: 0,
        }
    }

    /// Returns what an update is as events.
    pub(super) fn update(&mut self, update: SessionUpdate) -> Vec<EventBody> {
        self.updates += 1;
        let mut events = Vec::new();
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => {
                self.meter.chunk(chunk.meta.as_ref());
                let text = words(chunk.content);
                events.extend((!text.is_empty()).then_some(EventBody::TextDelta { text }));
            }
            SessionUpdate::AgentThoughtChunk(chunk) => {
                let text = words(chunk.content);
                events.extend((!text.is_empty()).then_some(EventBody::ThinkingProgress { text }));
            }
            SessionUpdate::ToolCall(call) => self.begin(call, &mut events),
            SessionUpdate::ToolCallUpdate(update) => self.go_on(update, true, &mut events),
            SessionUpdate::Plan(plan) => events.push(told_plan(plan)),
            SessionUpdate::UsageUpdate(usage) => self.meter.update(&usage),
            SessionUpdate::ConfigOptionUpdate(options) => {
                self.meter.model_of_options(&options.config_options);
            }
            // The person's own words come back, and commands, modes and titles are not shown.
            _ => {}
        }
        // A session that is gone on with is told again from its start, which everybody knows.
        if self.is_replay { Vec::new() } else { events }
    }

    /// Returns what a call is that leave is asked for, and its title.
    pub(super) fn asked(&mut self, update: ToolCallUpdate) -> (Vec<EventBody>, String) {
        let id = update.tool_call_id.to_string();
        let mut events = Vec::new();
        self.go_on(update, false, &mut events);
        // Whoever is asked must see what the tool is given.
        if let Some(call) = self.calls.get_mut(&id).filter(|call| !call.is_over) {
            call.tell_input(&id, &mut events);
        }
        let title = self.calls.get(&id).map(|call| match call.title.as_str() {
            "" => call.name.clone(),
            title => title.to_owned(),
        });
        (events, title.unwrap_or(id))
    }

    fn begin(&mut self, call: ToolCall, events: &mut Vec<EventBody>) {
        let ToolCall { tool_call_id, title, name, kind, status, content, locations, .. } = call;
        let fields = ToolCallUpdateFields::new()
            .kind(kind)
            .status(status)
            .title(title)
            .name(name)
            .content((!content.is_empty()).then_some(content))
            .locations((!locations.is_empty()).then_some(locations))
            .raw_input(call.raw_input)
            .raw_output(call.raw_output);
        // What an agent says first of a call's input may be only a part of it.
        self.go_on(ToolCallUpdate::new(tool_call_id, fields).meta(call.meta), false, events);
    }

    fn go_on(&mut self, update: ToolCallUpdate, is_input_whole: bool, events: &mut Vec<EventBody>) {
        let id = update.tool_call_id.to_string();
        let fields = update.fields;
        if !self.calls.contains_key(&id) {
            let title = fields.title.clone().filter(|title| !title.is_empty());
            let name = tool_name(&fields, update.meta.as_ref());
            events.push(EventBody::ToolCallStart {
                tool_call_id: id.clone(),
                tool_name: name.clone(),
                title: title.clone(),
            });
            self.remember(id.clone(), Call { name, ..Call::default() });
        }
        let workspace = &self.workspace;
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.is_over {
            return;
        }
        let status = fields.status;
        let is_given = is_input_whole && fields.raw_input.as_ref().is_some_and(|it| !is_empty(it));
        call.learn(fields, workspace);
        if let Some(chunk) = terminal_chunk(update.meta.as_ref()) {
            call.hear(&id, chunk, events);
        }
        match status {
            Some(ToolCallStatus::Completed) => call.end(&id, true, events),
            Some(ToolCallStatus::Failed) => call.end(&id, false, events),
            _ => call.grow(&id, is_given || status == Some(ToolCallStatus::InProgress), events),
        }
    }

    fn remember(&mut self, id: String, call: Call) {
        if CALLS_MAX <= self.calls.len()
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
        self.order.push_back(id.clone());
        self.calls.insert(id, call);
    }
}

impl Call {
    fn learn(&mut self, fields: ToolCallUpdateFields, workspace: &Path) {
        if let Some(title) = fields.title {
            self.title = title;
        }
        if let Some(input) = fields.raw_input {
            self.input = Some(input);
        }
        if let Some(locations) = fields.locations {
            let locations = locations.into_iter().take(LOCATIONS_MAX);
            self.locations = locations.map(|it| told_location(&it, workspace)).collect();
        }
        if let Some(output) = fields.raw_output {
            self.raw_output = Some(output);
        }
        if let Some(content) = fields.content {
            let mut text = String::new();
            let mut diff = Vec::new();
            for part in content {
                match part {
                    ToolCallContent::Content(part) => join(&mut text, &words(part.content)),
                    ToolCallContent::Diff(part) => diff.push(told_diff(part, workspace)),
                    // What a terminal says is told by itself.
                    _ => {}
                }
            }
            self.text = text;
            // What a tool is about to change is told first, and often not again at its end.
            if !diff.is_empty() {
                self.diff = diff;
            }
        }
    }

    fn grow(&mut self, id: &str, is_given: bool, events: &mut Vec<EventBody>) {
        if is_given {
            self.tell_input(id, events);
        }
        let known = cut(&self.text, OUTPUT_BYTES_MAX);
        let delta = known.get(self.told_bytes..).unwrap_or_default();
        if !delta.is_empty() {
            let delta = delta.to_owned();
            events.push(EventBody::ToolCallDelta { tool_call_id: id.to_owned(), delta });
            self.told_bytes = known.len();
        }
    }

    fn hear(&mut self, id: &str, chunk: &str, events: &mut Vec<EventBody>) {
        // One byte more than is told shows that it was cut.
        let room = (OUTPUT_BYTES_MAX + 1).saturating_sub(self.heard.len());
        let chunk = cut(chunk, room);
        if !chunk.is_empty() {
            self.heard.push_str(chunk);
            let delta = chunk.to_owned();
            events.push(EventBody::ToolCallDelta { tool_call_id: id.to_owned(), delta });
        }
    }

    fn end(&mut self, id: &str, is_well: bool, events: &mut Vec<EventBody>) {
        self.tell_input(id, events);
        self.is_over = true;
        let mut text = std::mem::take(&mut self.text);
        if text.is_empty() {
            text = std::mem::take(&mut self.heard);
        }
        let whole = match self.raw_output.take() {
            Some(raw) if text.is_empty() => raw_text(raw),
            _ => text,
        };
        let output = cut(&whole, OUTPUT_BYTES_MAX).to_owned();
        let mut truncated = output.len() < whole.len();
        let mut diff = std::mem::take(&mut self.diff);
        let bytes = |it: &FileDiff| it.new.len() + it.old.as_ref().map_or(0, String::len);
        if INPUT_BYTES_MAX < diff.iter().map(bytes).sum() {
            diff.clear();
            truncated = true;
        }
        let tool_call_id = id.to_owned();
        events.push(if is_well {
            EventBody::ToolResult { tool_call_id, output, truncated, diff }
        } else {
            EventBody::ToolError { tool_call_id, output, truncated, diff }
        });
        self.input = None;
        self.heard = String::new();
    }

    fn tell_input(&mut self, id: &str, events: &mut Vec<EventBody>) {
        if self.is_input_told {
            return;
        }
        let Some(input) = self.input.take() else { return };
        self.is_input_told = true;
        let is_short = input.to_string().len() <= INPUT_BYTES_MAX;
        events.push(EventBody::ToolCall {
            tool_call_id: id.to_owned(),
            tool_name: self.name.clone(),
            input: if is_short { input } else { Value::from("longer than 1 MiB") },
            locations: self.locations.clone(),
        });
    }
}

/// Returns what an agent calls a tool, or else what kind of tool it is.
fn tool_name(fields: &ToolCallUpdateFields, meta: Option<&Meta>) -> String {
    let said = |key: &str| meta?.get(key)?.get("toolName")?.as_str().map(str::to_owned);
    let named = || meta?.get("tool_name")?.as_str().map(str::to_owned);
    let kind = fields.kind.unwrap_or_default();
    let from = fields.name.clone().or_else(|| said("claudeCode")).or_else(named);
    from.filter(|name| !name.is_empty()).unwrap_or_else(|| kind_name(kind).to_owned())
}

/// Returns what a terminal of the agent's own says, as Codex tells it.
fn terminal_chunk(meta: Option<&Meta>) -> Option<&str> {
    let meta = meta?;
    let told = meta.get("terminal_output_delta").or_else(|| meta.get("terminal_output"))?;
    told.get("data")?.as_str()
}

fn kind_name(kind: ToolKind) -> &'static str {
    match kind {
        ToolKind::Read => "read",
        ToolKind::Edit => "edit",
        ToolKind::Delete => "delete",
        ToolKind::Move => "move",
        ToolKind::Search => "search",
        ToolKind::Execute => "execute",
        ToolKind::Think => "think",
        ToolKind::Fetch => "fetch",
        ToolKind::SwitchMode => "switch_mode",
        _ => "tool",
    }
}

fn told_plan(plan: Plan) -> EventBody {
    let entries = plan.entries.into_iter().take(PLAN_MAX).map(|entry| PlanEntry {
        text: entry.content,
        status: match entry.status {
            PlanEntryStatus::InProgress => "in_progress",
            PlanEntryStatus::Completed => "completed",
            _ => "pending",
        }
        .to_owned(),
        priority: match entry.priority {
            PlanEntryPriority::High => "high",
            PlanEntryPriority::Low => "low",
            _ => "medium",
        }
        .to_owned(),
    });
    EventBody::PlanUpdated { entries: entries.collect() }
}

fn told_location(location: &ToolCallLocation, workspace: &Path) -> ToolLocation {
    ToolLocation { path: relative(&location.path, workspace), line: location.line }
}

fn told_diff(diff: Diff, workspace: &Path) -> FileDiff {
    FileDiff { path: relative(&diff.path, workspace), old: diff.old_text, new: diff.new_text }
}

/// Returns a path from the workspace on where it lies in it.
fn relative(path: &Path, workspace: &Path) -> String {
    path.strip_prefix(workspace).unwrap_or(path).display().to_string()
}

/// Returns content as text. What is none is named.
fn words(content: ContentBlock) -> String {
    match content {
        ContentBlock::Text(text) => text.text,
        ContentBlock::Image(image) => format!("[image {}]", image.mime_type),
        ContentBlock::Audio(audio) => format!("[audio {}]", audio.mime_type),
        ContentBlock::ResourceLink(link) => format!("[{}]({})", link.name, link.uri),
        ContentBlock::Resource(resource) => match resource.resource {
            EmbeddedResourceResource::TextResourceContents(text) => text.text,
            EmbeddedResourceResource::BlobResourceContents(blob) => format!("[{}]", blob.uri),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !text.ends_with('\n') && !more.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}

fn raw_text(raw: Value) -> String {
    match raw {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Object(mut fields) => {
            let names =
                ["formatted_output", "aggregated_output", "output", "stdout", "text", "error"];
            let text = names.iter().find_map(|name| match fields.remove(*name) {
                Some(Value::String(text)) if !text.is_empty() => Some(text),
                _ => None,
            });
            text.unwrap_or_else(|| Value::Object(fields).to_string())
        }
        other => other.to_string(),
    }
}

fn is_empty(input: &Value) -> bool {
    match input {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Returns the start of a text that fits, whole letters only.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests;
