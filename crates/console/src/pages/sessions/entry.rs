//! One entry of a session as pages and exports show it: who said or did what, with which words.

use oriel_wire::{EntryText, EventRow, SessionEntry};
use serde::Serialize;
use serde_json::{Map, Value};

use super::change::{Change, Edit};

/// What tells most of a tool call in a line, the first that is there.
pub(crate) const DETAILS: [&str; 9] = [
    "command",
    "file_path",
    "notebook_path",
    "path",
    "pattern",
    "query",
    "url",
    "description",
    "subagent_type",
];

/// What is shown elsewhere of an entry, or says nothing to a person.
const SHOWN_ELSEWHERE: [&str; 16] = [
    "message",
    "prompt",
    "content_preview",
    "command",
    "file_path",
    "tool_use_id",
    "request_id",
    "message_id",
    "prompt_id",
    "lines_added",
    "lines_removed",
    "agent_id",
    "agent_type",
    "error",
    "old_string",
    "new_string",
];

/// An entry as it is shown.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) number: i64,
    pub(crate) kind: Kind,
    /// The kind of its event, as the API calls it.
    pub(crate) event_type: String,
    /// When it happened, by the sender's clock where it told.
    pub(crate) at: String,
    /// The agent that the session started, which did this.
    pub(crate) sub_agent: Option<String>,
    /// What was asked or answered.
    pub(crate) words: Option<Words>,
    pub(crate) tool: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) input: Option<Words>,
    pub(crate) output: Option<Words>,
    pub(crate) change: Option<Change>,
    pub(crate) file: Option<String>,
    pub(crate) lines_added: u64,
    pub(crate) lines_removed: u64,
    /// What else the sender said, where nothing else tells of the entry.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) status: String,
    pub(crate) failed: bool,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) model: Option<String>,
    pub(crate) tokens_in: u64,
    pub(crate) tokens_out: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    pub(crate) cost_usd: Option<f64>,
    /// It used tokens, and nobody knows what they cost.
    pub(crate) is_unpriced: bool,
    pub(crate) source: String,
}

/// Whose entry it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Prompt,
    Answer,
    Tool,
    Error,
    /// A request to a model, of which no words are known.
    Usage,
    /// Something that happened beside the work.
    Note,
}

/// Words, as far as they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Words {
    pub(crate) text: String,
    /// How long they are altogether, where less is shown.
    pub(crate) whole_bytes: Option<u64>,
    /// How many lines are shown.
    pub(crate) lines: usize,
}

impl Words {
    fn new(text: String, whole_bytes: Option<u64>) -> Option<Self> {
        let lines = text.lines().count();
        (!text.trim().is_empty()).then_some(Self { text, whole_bytes, lines })
    }
}

impl Entry {
    pub(crate) fn of(entry: &SessionEntry<'_>) -> Self {
        let event = &entry.event;
        let facts: Map<String, Value> = match serde_json::from_str(&event.metadata) {
            Ok(Value::Object(facts)) => facts,
            Ok(Value::String(text)) => Map::from_iter([("message".to_owned(), Value::from(text))]),
            _ => Map::new(),
        };
        let texts = Texts { texts: &entry.texts, facts: &facts };
        let words = match &*event.event_type {
            "user_prompt" => texts.words("prompt", &["message", "prompt", "content_preview"]),
            "tool_use" => None,
            _ => texts.words("answer", &["content_preview", "message", "response"]),
        };
        let kind = Kind::of(event, words.is_some());
        let (input, output) = match kind {
            Kind::Tool => (texts.input(), texts.output()),
            Kind::Error => (None, texts.output()),
            _ => (None, None),
        };
        let change = texts.edit(input.as_ref(), output.as_ref()).change();
        Self {
            number: event.id,
            kind,
            event_type: event.event_type.clone().into_owned(),
            at: event.client_timestamp.as_ref().unwrap_or(&event.created_at).clone().into_owned(),
            sub_agent: texts
                .fact("agent_id")
                .map(|id| texts.fact("agent_type").unwrap_or(id).to_owned()),
            words,
            tool: event.tool_name.as_ref().map(|name| name.clone().into_owned()),
            detail: DETAILS.iter().find_map(|name| texts.fact(name)).map(str::to_owned),
            input,
            output,
            change,
            file: texts.fact("file_path").map(str::to_owned),
            lines_added: texts.count("lines_added"),
            lines_removed: texts.count("lines_removed"),
            facts: match kind {
                Kind::Note | Kind::Error | Kind::Tool => others(&facts),
                _ => Vec::new(),
            },
            status: event.status.clone().into_owned(),
            failed: event.status != "success",
            duration_ms: event.duration_ms,
            model: event.model.as_ref().map(|model| model.clone().into_owned()),
            tokens_in: event.tokens_in,
            tokens_out: event.tokens_out,
            cache_read: event.cache_read_tokens,
            cache_write: event.cache_write_tokens,
            cost_usd: event.cost_usd,
            is_unpriced: event.cost_usd.is_none() && event.tokens_in + event.tokens_out > 0,
            source: event.source.clone().into_owned(),
        }
    }
}

impl Kind {
    fn of(event: &EventRow<'_>, has_words: bool) -> Self {
        match &*event.event_type {
            "user_prompt" => Self::Prompt,
            "error" => Self::Error,
            "tool_use" => Self::Tool,
            "file_change" | "git_commit" | "plan_step" if event.tool_name.is_some() => Self::Tool,
            "llm_response" | "llm_request" | "response" if has_words => Self::Answer,
            "llm_response" | "llm_request" => Self::Usage,
            _ => Self::Note,
        }
    }
}

/// The words of an event, and what its sender said beside them.
struct Texts<'a> {
    texts: &'a [EntryText],
    facts: &'a Map<String, Value>,
}

impl<'a> Texts<'a> {
    fn fact(&self, name: &str) -> Option<&'a str> {
        self.facts.get(name)?.as_str().filter(|text| !text.trim().is_empty())
    }

    fn count(&self, name: &str) -> u64 {
        self.facts.get(name).and_then(Value::as_u64).unwrap_or(0)
    }

    fn kept(&self, role: &str) -> Option<Words> {
        let text = self.texts.iter().find(|text| text.role == role)?;
        let is_cut = (text.text.len() as u64) < text.bytes;
        Words::new(text.text.clone(), is_cut.then_some(text.bytes))
    }

    /// Returns words that are kept, else the first fact that has any.
    fn words(&self, role: &str, names: &[&str]) -> Option<Words> {
        self.kept(role).or_else(|| {
            let text = names.iter().find_map(|name| self.said(name))?;
            Words::new(text, None)
        })
    }

    /// Returns a fact as text, whatever its form is.
    fn said(&self, name: &str) -> Option<String> {
        match self.facts.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Value::Object(fields) if fields.get("message").is_some_and(Value::is_string) => {
                Some(fields["message"].as_str()?.to_owned())
            }
            other => serde_json::to_string_pretty(other).ok(),
        }
    }

    fn input(&self) -> Option<Words> {
        let told = || self.words("input", &["tool_input", "input", "arguments"]);
        let kept = self.kept("input").or_else(told)?;
        // A call that is told whole in its line has nothing to unfold.
        let detail = DETAILS.iter().find_map(|name| self.fact(name)).unwrap_or_default();
        (kept.text.trim() != detail.trim() || kept.text.contains('\n')).then_some(kept)
    }

    fn output(&self) -> Option<Words> {
        let names =
            ["output", "tool_response", "stdout", "content_preview", "error", "stderr", "message"];
        self.words("output", &names)
    }

    fn edit<'b>(&'b self, input: Option<&'b Words>, output: Option<&'b Words>) -> Edit<'b> {
        let given = self.facts.get("tool_input").and_then(Value::as_object).unwrap_or(self.facts);
        let string = |name: &str| given.get(name).and_then(Value::as_str);
        Edit {
            input: input.map(|words| words.text.as_str()),
            file_path: self.fact("file_path"),
            lines_added: self.count("lines_added"),
            lines_removed: self.count("lines_removed"),
            replaced: string("old_string").zip(string("new_string")),
            output: output.map(|words| words.text.as_str()),
        }
    }
}

/// Returns what a sender said that is shown nowhere else, in a line each.
fn others(facts: &Map<String, Value>) -> Vec<(String, String)> {
    let others = facts.iter().filter(|(name, _)| !SHOWN_ELSEWHERE.contains(&name.as_str()));
    let plain = others.filter_map(|(name, value)| match value {
        Value::String(text) => Some((name.clone(), text.clone())),
        Value::Number(_) | Value::Bool(_) => Some((name.clone(), value.to_string())),
        _ => None,
    });
    plain.take(12).collect()
}
