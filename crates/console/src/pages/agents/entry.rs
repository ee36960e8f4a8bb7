//! What happened in a session of the gateway, as its page shows it: events that belong together, such as
//! those of a tool call, are one entry.
//!
//! What comes while somebody reads makes nothing anew: it adds entries, and fills what entries that are
//! there have left open ([`Fill`]).

use std::collections::HashMap;

use oriel_wire::gateway::{
    AnswerOption, EventBody, FileChange, FileDiff, Outcome, PlanEntry, SessionEvent, TurnErrorCode,
    Usage,
};
use serde::Serialize;
use serde_json::Value;

use crate::live::regions::element_id;
use crate::pages::sessions::change::{Change, between};
use crate::pages::sessions::entry::DETAILS;
use crate::pages::sessions::parts::TEXT_BYTES;

/// An entry.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// Its element.
    pub(crate) id: String,
    /// The number of its first event.
    pub(crate) seq: u64,
    /// When that was, in Unix seconds.
    pub(crate) at: i64,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What an entry tells.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum What {
    /// A person asked for something.
    Asked {
        words: Option<Words>,
        plan: Plan,
    },
    /// The turn began in an earlier part.
    Within {
        plan: Plan,
    },
    /// A person said more.
    Steered {
        words: Option<Words>,
    },
    /// The agent said something.
    Said {
        words: Option<Words>,
    },
    /// It thought something.
    Thought {
        words: Option<Words>,
    },
    Tool(Tool),
    Terminal {
        exit_code: Option<i32>,
        output: Option<Words>,
        failed: bool,
    },
    File {
        path: String,
        change: FileChange,
        iteration: u32,
        size: u64,
    },
    Question(Question),
    Used {
        usage: Usage,
        tokens: u64,
    },
    /// The turn is over.
    Ended {
        reason: String,
    },
    /// It ended early.
    Failed {
        label: &'static str,
        is_stop: bool,
        message: String,
    },
}

/// The plan of a turn, which has a place of its own to be renewed in.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) steps: Vec<PlanEntry>,
    pub(crate) done: usize,
}

/// A tool call, as far as it is known.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Tool {
    /// What its places are called after.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) input: Option<Words>,
    pub(crate) ended: Option<Ended>,
}

/// How a tool call ended.
#[derive(Debug, Serialize)]
pub(crate) struct Ended {
    pub(crate) failed: bool,
    pub(crate) output: Option<Words>,
    pub(crate) changes: Vec<FileChanged>,
}

/// How a tool changed a file.
#[derive(Debug, Serialize)]
pub(crate) struct FileChanged {
    pub(crate) path: String,
    pub(crate) change: Change,
}

/// A question, and what came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Question {
    /// Its place.
    pub(crate) key: String,
    pub(crate) is_permission: bool,
    pub(crate) prompt: String,
    #[serde(skip)]
    options: Vec<AnswerOption>,
    pub(crate) outcome: Option<Came>,
}

/// What came of a question.
#[derive(Debug, Serialize)]
pub(crate) struct Came {
    /// `allowed`, `refused`, `answered` or `withdrawn`.
    pub(crate) word: &'static str,
    pub(crate) words: Option<String>,
}

/// Words, as far as they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Words {
    pub(crate) text: String,
    pub(crate) lines: usize,
    /// How long they are altogether, where less is shown.
    pub(crate) whole_bytes: Option<usize>,
    /// The gateway itself has only a part of them.
    pub(crate) is_truncated: bool,
    /// The event that has all that is kept of them.
    pub(crate) seq: u64,
}

/// What an entry that the page has left open.
#[derive(Debug, Serialize)]
pub(crate) struct Fill {
    /// The place.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) with: With,
}

/// What a place is filled with.
#[derive(Debug, Serialize)]
#[serde(tag = "place", content = "value", rename_all = "lowercase")]
pub(crate) enum With {
    Plan(Plan),
    Detail(Option<String>),
    Given(Option<Words>),
    State(Ended),
    Gave(Ended),
    Outcome(Came),
}

/// Entries made of events.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    pub(crate) entries: Vec<Entry>,
    pub(crate) fills: Vec<Fill>,
    /// Where the entries with a name are.
    places: HashMap<String, usize>,
    /// Whether what is not among the entries is on the page already.
    is_addition: bool,
}

impl Conversation {
    /// Makes the entries of a part of a session.
    pub(crate) fn of(events: &[SessionEvent]) -> Self {
        Self::default().with(events)
    }

    /// Makes what these events add to a page that shows all before them.
    pub(crate) fn after(events: &[SessionEvent]) -> Self {
        Self { is_addition: true, ..Self::default() }.with(events)
    }

    fn with(mut self, events: &[SessionEvent]) -> Self {
        for event in events {
            self.begin_within(event);
            self.add(event);
        }
        self
    }

    /// A part that begins within a turn says so, and has the place of that turn's plan.
    fn begin_within(&mut self, event: &SessionEvent) {
        let begins = matches!(event.body, EventBody::TurnStarted { .. });
        if self.is_addition || begins || !self.entries.is_empty() {
            return;
        }
        if let Some(turn) = &event.turn_id {
            let plan = Plan::of(turn, &[]);
            self.places.insert(plan.id.clone(), 0);
            self.push(event, What::Within { plan });
        }
    }

    fn add(&mut self, event: &SessionEvent) {
        let seq = event.seq;
        let words = |text: &str| Words::of(text, seq, false);
        let what = match &event.body {
            EventBody::TurnStarted { text, .. } => {
                let plan = Plan::of(event.turn_id.as_deref().unwrap_or_default(), &[]);
                self.places.insert(plan.id.clone(), self.entries.len());
                What::Asked { words: words(text), plan }
            }
            EventBody::TurnSteered { text } => What::Steered { words: words(text) },
            EventBody::TextComplete { text } => What::Said { words: words(text) },
            EventBody::ThinkingComplete { text } => What::Thought { words: words(text) },
            EventBody::ToolCallStart { .. }
            | EventBody::ToolCall { .. }
            | EventBody::ToolResult { .. }
            | EventBody::ToolError { .. } => return self.tool(event),
            EventBody::QuestionRequested { question_id, prompt, options } => {
                self.question(question_id, prompt, options, false)
            }
            EventBody::PermissionRequested { question_id, title, options, .. } => {
                self.question(question_id, title, options, true)
            }
            EventBody::ApprovalResolved { question_id, outcome } => {
                return self.resolved(question_id, outcome);
            }
            EventBody::TerminalComplete { exit_code, output, truncated, .. } => What::Terminal {
                exit_code: *exit_code,
                output: Words::of(output, seq, *truncated),
                failed: *exit_code != Some(0),
            },
            EventBody::PlanUpdated { entries } => return self.plan(event, entries),
            EventBody::FileChanged { path, iteration, size, kind, .. } => {
                What::File { path: path.clone(), change: *kind, iteration: *iteration, size: *size }
            }
            EventBody::TurnUsage { usage } => {
                let tokens = [
                    usage.input_tokens,
                    usage.output_tokens,
                    usage.cache_read_tokens,
                    usage.cache_write_tokens,
                ];
                let tokens = tokens.into_iter().fold(0, u64::saturating_add);
                What::Used { usage: usage.clone(), tokens }
            }
            EventBody::TurnComplete { stop_reason, .. } => {
                What::Ended { reason: stop_reason.clone() }
            }
            EventBody::TurnError { code, message, .. } => What::Failed {
                label: ended_early(*code),
                is_stop: *code == TurnErrorCode::TurnStopped,
                message: message.clone(),
            },
            // How the session stands is shown above, and what is not stored is told again whole.
            EventBody::SessionUpdated { .. }
            | EventBody::TextDelta { .. }
            | EventBody::ThinkingStart { .. }
            | EventBody::ThinkingProgress { .. }
            | EventBody::ToolCallDelta { .. }
            | EventBody::TerminalStream { .. } => return,
        };
        self.push(event, what);
    }

    fn push(&mut self, event: &SessionEvent, what: What) {
        let id = match &what {
            What::Within { .. } => "turn-goes-on".to_owned(),
            _ => format!("e-{}", event.seq),
        };
        self.entries.push(Entry { id, seq: event.seq, at: event.ts.div_euclid(1000), what });
    }

    /// Tells of a tool call: in its entry if that is here, else in that of the page, else by itself.
    fn tool(&mut self, event: &SessionEvent) {
        let (call, name) = match &event.body {
            EventBody::ToolCallStart { tool_call_id, tool_name, .. }
            | EventBody::ToolCall { tool_call_id, tool_name, .. } => {
                (tool_call_id, Some(tool_name))
            }
            EventBody::ToolResult { tool_call_id, .. }
            | EventBody::ToolError { tool_call_id, .. } => (tool_call_id, None),
            _ => return,
        };
        // Agents begin to count anew when they are started again, so a call is named within its turn.
        let turn = event.turn_id.as_deref().unwrap_or_default();
        let key = element_id("call", &format!("{turn}\n{call}"));
        let begins = matches!(event.body, EventBody::ToolCallStart { .. });
        if !self.places.contains_key(&key) {
            if self.is_addition && !begins {
                return self.fill_tool(&key, event);
            }
            self.places.insert(key.clone(), self.entries.len());
            let name = name.cloned().unwrap_or_default();
            self.push(event, What::Tool(Tool { key: key.clone(), name, ..Tool::default() }));
        }
        if let Some(What::Tool(tool)) = self.at(&key) {
            tool.learn(event);
        }
    }

    fn fill_tool(&mut self, key: &str, event: &SessionEvent) {
        let mut tool = Tool::default();
        tool.learn(event);
        let mut fill =
            |place: &str, with| self.fills.push(Fill { id: format!("{key}-{place}"), with });
        match tool.ended {
            None => {
                fill("detail", With::Detail(tool.detail));
                fill("given", With::Given(tool.input));
            }
            Some(ended) => {
                let state = Ended { failed: ended.failed, output: None, changes: Vec::new() };
                fill("state", With::State(state));
                fill("gave", With::Gave(ended));
            }
        }
    }

    fn plan(&mut self, event: &SessionEvent, steps: &[PlanEntry]) {
        let new = Plan::of(event.turn_id.as_deref().unwrap_or_default(), steps);
        match self.at(&new.id.clone()) {
            Some(What::Asked { plan, .. } | What::Within { plan }) => *plan = new,
            // Every turn on the page has a place for its plan.
            _ => self.fills.push(Fill { id: new.id.clone(), with: With::Plan(new) }),
        }
    }

    fn question(
        &mut self,
        id: &str,
        prompt: &str,
        options: &[AnswerOption],
        is_permission: bool,
    ) -> What {
        let key = element_id("ask", id);
        self.places.insert(key.clone(), self.entries.len());
        What::Question(Question {
            key,
            is_permission,
            prompt: prompt.to_owned(),
            options: options.to_vec(),
            outcome: None,
        })
    }

    fn resolved(&mut self, id: &str, outcome: &Outcome) {
        let key = element_id("ask", id);
        if let Some(What::Question(question)) = self.at(&key) {
            question.outcome = Some(Came::of(outcome, &question.options));
        } else if self.is_addition {
            let with = With::Outcome(Came::of(outcome, &[]));
            self.fills.push(Fill { id: key, with });
        }
    }

    fn at(&mut self, name: &str) -> Option<&mut What> {
        let at = *self.places.get(name)?;
        self.entries.get_mut(at).map(|entry| &mut entry.what)
    }
}

impl Tool {
    fn learn(&mut self, event: &SessionEvent) {
        let seq = event.seq;
        match &event.body {
            EventBody::ToolCallStart { tool_name, title, .. } => {
                self.name.clone_from(tool_name);
                self.title = title.clone().filter(|title| !title.trim().is_empty());
            }
            EventBody::ToolCall { tool_name, input, locations, .. } => {
                self.name.clone_from(tool_name);
                self.input = given(input).and_then(|text| Words::of(&text, seq, false));
                let named = DETAILS.iter().find_map(|name| input.get(name)?.as_str());
                let place = locations.first().map(|place| place.path.as_str());
                self.detail = named.or(place).map(str::to_owned);
            }
            EventBody::ToolResult { output, truncated, diff, .. } => {
                self.ended = Some(Ended::of(false, output, *truncated, diff, seq));
            }
            EventBody::ToolError { output, truncated, diff, .. } => {
                self.ended = Some(Ended::of(true, output, *truncated, diff, seq));
            }
            _ => {}
        }
    }
}

impl Ended {
    fn of(failed: bool, output: &str, is_truncated: bool, diff: &[FileDiff], seq: u64) -> Self {
        let changes = diff.iter().map(|diff| FileChanged {
            path: diff.path.clone(),
            change: between(diff.old.as_deref().unwrap_or_default(), &diff.new),
        });
        Self { failed, output: Words::of(output, seq, is_truncated), changes: changes.collect() }
    }
}

impl Plan {
    fn of(turn: &str, steps: &[PlanEntry]) -> Self {
        let done = steps.iter().filter(|step| step.status == "completed").count();
        Self { id: element_id("plan", turn), steps: steps.to_vec(), done }
    }
}

impl Came {
    fn of(outcome: &Outcome, options: &[AnswerOption]) -> Self {
        match outcome {
            Outcome::Selected { option_id, allowed } => {
                let option = options.iter().find(|option| option.id == *option_id);
                let word = match allowed {
                    Some(true) => "allowed",
                    Some(false) => "refused",
                    None => "answered",
                };
                let label = option.map_or(option_id, |option| &option.label);
                Self { word, words: Some(label.clone()) }
            }
            Outcome::Answered { text } => Self { word: "answered", words: Some(text.clone()) },
            Outcome::Cancelled => Self { word: "withdrawn", words: None },
        }
    }
}

impl Words {
    fn of(text: &str, seq: u64, is_truncated: bool) -> Option<Self> {
        let shown = &text[..text.floor_char_boundary(TEXT_BYTES)];
        let lines = shown.lines().count();
        let is_cut = shown.len() < text.len();
        (!text.trim().is_empty()).then(|| Self {
            text: shown.to_owned(),
            lines,
            whole_bytes: is_cut.then_some(text.len()),
            is_truncated,
            seq,
        })
    }
}

/// Returns what a tool was given as people read it.
fn given(input: &Value) -> Option<String> {
    match input {
        Value::Null => None,
        Value::Object(fields) if fields.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => serde_json::to_string_pretty(other).ok(),
    }
}

const fn ended_early(code: TurnErrorCode) -> &'static str {
    match code {
        TurnErrorCode::TurnStopped => "Stopped",
        TurnErrorCode::AgentExited => "The agent's process ended",
        TurnErrorCode::AgentFailed => "The agent failed",
        TurnErrorCode::TurnTimedOut => "It took too long",
        TurnErrorCode::GatewayRestarted => "The gateway was restarted",
    }
}
