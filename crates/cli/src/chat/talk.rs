//! A conversation as it is shown, made from a snapshot and the events after it.
//!
//! A durable event counts once, whatever comes again. What was said only in pieces is replaced by the
//! whole once that is told; after a broken link the pieces that are still open come from the snapshot,
//! but only when all the durable events before it were told.

use oriel_wire::gateway::{
    AnswerOption, EventBody, FileChange, FileDiff, Message, MessageRole, Outcome, PlanEntry,
    SessionEvent, Snapshot,
};

/// How many items are kept; the oldest go first and can be asked for again.
const ITEMS_MAX: usize = 2_000;

/// How much of a running tool's or terminal's output is kept, from its end.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// A conversation.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) items: Vec<Item>,
    /// A turn runs.
    pub(super) has_turn: bool,
    /// There is more before the first item, before this number.
    pub(super) older: Option<u64>,
    /// The last durable event that was told.
    told: u64,
    /// What the snapshot says is open, to be placed once this durable event was told.
    tail: Option<(u64, Tail)>,
}

/// What is open at the moment of a snapshot.
#[derive(Debug, Default)]
struct Tail {
    text: String,
    thinking: String,
}

/// Something in a conversation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// What a person said.
    User { text: String },
    /// What the agent said. An open one grows.
    Agent { text: String, is_open: bool },
    /// What it thought.
    Thinking { text: String, is_open: bool },
    /// What it used.
    Tool(Box<Tool>),
    /// What a command said.
    Terminal { id: String, output: String, end: Option<Option<i32>> },
    /// What it means to do.
    Plan(Vec<PlanEntry>),
    /// What it asked.
    Question(Box<Question>),
    /// What became of a file.
    File { path: String, kind: FileChange },
    /// Why a turn ended early.
    Error(String),
}

/// A tool call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tool {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) input: Option<String>,
    pub(super) output: String,
    pub(super) diff: Vec<FileDiff>,
    pub(super) step: Step,
}

/// How far a tool call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Runs,
    Done,
    Failed,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) prompt: String,
    pub(super) options: Vec<AnswerOption>,
    pub(super) is_permission: bool,
    /// What came of it; none while it waits.
    pub(super) outcome: Option<String>,
}

impl Talk {
    /// Begins with a snapshot: the messages before this event as words; the events from it on follow.
    pub(super) fn begin(&mut self, snapshot: &Snapshot, from: u64) {
        *self = Self::default();
        let before: Vec<&Message> = snapshot.messages.iter().filter(|it| it.seq < from).collect();
        self.older = snapshot.messages.first().map(|message| message.seq).filter(|seq| 1 < *seq);
        self.items = before.iter().flat_map(|message| said(message)).collect();
        self.told = from.saturating_sub(1);
        self.follow(snapshot);
    }

    /// Goes on after a broken link: what is open is what the snapshot says.
    pub(super) fn follow(&mut self, snapshot: &Snapshot) {
        self.items.retain(|item| {
            !matches!(
                item,
                Item::Agent { is_open: true, .. } | Item::Thinking { is_open: true, .. }
            )
        });
        let turn = snapshot.current_turn.as_ref();
        self.has_turn = turn.is_some();
        let tail =
            turn.map(|turn| Tail { text: turn.open_text.clone(), thinking: turn.thinking.clone() });
        self.tail = Some((snapshot.session.last_seq, tail.unwrap_or_default()));
        self.place_tail();
    }

    /// Tells what could not be had: the open parts are shown all the same.
    pub(super) fn give_up_past(&mut self, snapshot: &Snapshot) {
        self.begin(snapshot, u64::MAX);
        self.told = snapshot.last_seq;
        for question in &snapshot.pending {
            self.items.push(Item::Question(Box::new(Question {
                id: question.question_id.clone(),
                prompt: question.prompt.clone(),
                options: question.options.clone(),
                is_permission: question.is_permission,
                outcome: None,
            })));
        }
        self.place_tail();
    }

    /// Puts older messages in front.
    pub(super) fn prepend(&mut self, messages: &[Message], has_more: bool) {
        self.older = messages.first().map(|message| message.seq).filter(|_| has_more);
        self.items.splice(0..0, messages.iter().flat_map(said));
    }

    /// Returns the first question that waits.
    pub(super) fn open_question(&self) -> Option<&Question> {
        self.items.iter().find_map(|item| match item {
            Item::Question(question) if question.outcome.is_none() => Some(&**question),
            _ => None,
        })
    }

    /// Takes what happened.
    pub(super) fn on(&mut self, event: SessionEvent) {
        // A piece that is older than what was told is a part of that.
        if event.seq <= self.told {
            return;
        }
        if event.body.is_durable() {
            self.told = event.seq;
        }
        self.apply(event.body);
        self.place_tail();
        if ITEMS_MAX < self.items.len() {
            self.items.drain(..self.items.len() - ITEMS_MAX);
        }
    }

    fn place_tail(&mut self) {
        if let Some((until, tail)) = self.tail.take_if(|(until, _)| *until <= self.told) {
            debug_assert!(until <= self.told);
            if !tail.thinking.is_empty() {
                self.items.push(Item::Thinking { text: tail.thinking, is_open: true });
            }
            if !tail.text.is_empty() {
                self.items.push(Item::Agent { text: tail.text, is_open: true });
            }
        }
    }

    fn apply(&mut self, body: EventBody) {
        match body {
            EventBody::TurnStarted { text, .. } => {
                self.has_turn = true;
                self.items.push(Item::User { text });
            }
            EventBody::TurnSteered { text } => self.items.push(Item::User { text }),
            EventBody::TextDelta { text: more } => match self.open_text() {
                Some(text) => text.push_str(&more),
                None => self.items.push(Item::Agent { text: more, is_open: true }),
            },
            EventBody::TextComplete { text } => {
                let whole = Item::Agent { text, is_open: false };
                self.complete(whole, |item| matches!(item, Item::Agent { is_open: true, .. }));
            }
            EventBody::ThinkingStart { text: more }
            | EventBody::ThinkingProgress { text: more } => match self.open_thinking() {
                Some(text) => text.push_str(&more),
                None => self.items.push(Item::Thinking { text: more, is_open: true }),
            },
            EventBody::ThinkingComplete { text } => {
                let whole = Item::Thinking { text, is_open: false };
                self.complete(whole, |item| matches!(item, Item::Thinking { is_open: true, .. }));
            }
            EventBody::ToolCallStart { tool_call_id, tool_name, title } => {
                let tool = self.tool(tool_call_id);
                (tool.name, tool.title) = (tool_name, title);
            }
            EventBody::ToolCallDelta { tool_call_id, delta } => {
                append(&mut self.tool(tool_call_id).output, &delta);
            }
            EventBody::ToolCall { tool_call_id, tool_name, input, .. } => {
                let tool = self.tool(tool_call_id);
                tool.name = tool_name;
                tool.input = Some(match input {
                    serde_json::Value::String(text) => text,
                    input => serde_json::to_string_pretty(&input).unwrap_or_default(),
                });
            }
            EventBody::ToolResult { tool_call_id, output, diff, truncated } => {
                self.end_tool(tool_call_id, Step::Done, output, diff, truncated);
            }
            EventBody::ToolError { tool_call_id, output, diff, truncated } => {
                self.end_tool(tool_call_id, Step::Failed, output, diff, truncated);
            }
            EventBody::TerminalStream { terminal_id, chunk } => {
                append(self.terminal(terminal_id).0, &chunk);
            }
            EventBody::TerminalComplete { terminal_id, exit_code, output, .. } => {
                let (told, end) = self.terminal(terminal_id);
                (*told, *end) = (output, Some(exit_code));
            }
            EventBody::PlanUpdated { entries } => self.plan(entries),
            other => self.apply_rest(other),
        }
    }

    fn apply_rest(&mut self, body: EventBody) {
        match body {
            EventBody::QuestionRequested { question_id, prompt, options } => {
                self.ask(question_id, prompt, options, false);
            }
            EventBody::PermissionRequested { question_id, title, options, .. } => {
                self.ask(question_id, title, options, true);
            }
            EventBody::ApprovalResolved { question_id, outcome } => {
                self.resolve(&question_id, &outcome);
            }
            EventBody::FileChanged { path, kind, .. } => self.items.push(Item::File { path, kind }),
            EventBody::TurnComplete { .. } => self.end_turn(),
            EventBody::TurnError { message, .. } => {
                self.end_turn();
                self.items.push(Item::Error(message));
            }
            _ => {}
        }
    }

    /// Closes what a turn leaves open, however it ended.
    fn end_turn(&mut self) {
        self.has_turn = false;
        for item in &mut self.items {
            match item {
                Item::Agent { is_open, .. } | Item::Thinking { is_open, .. } => *is_open = false,
                Item::Tool(tool) if tool.step == Step::Runs => tool.step = Step::Failed,
                Item::Terminal { end: end @ None, .. } => *end = Some(None),
                Item::Question(question) if question.outcome.is_none() => {
                    question.outcome = Some("not answered".to_owned());
                }
                _ => {}
            }
        }
    }

    fn open_text(&mut self) -> Option<&mut String> {
        self.items.iter_mut().rev().find_map(|item| match item {
            Item::Agent { text, is_open: true } => Some(text),
            _ => None,
        })
    }

    fn open_thinking(&mut self) -> Option<&mut String> {
        self.items.iter_mut().rev().find_map(|item| match item {
            Item::Thinking { text, is_open: true } => Some(text),
            _ => None,
        })
    }

    fn complete(&mut self, whole: Item, is_part: impl Fn(&Item) -> bool) {
        match self.items.iter_mut().rev().find(|item| is_part(item)) {
            Some(part) => *part = whole,
            None => self.items.push(whole),
        }
    }

    fn tool(&mut self, id: String) -> &mut Tool {
        let found =
            self.items.iter().rposition(|it| matches!(it, Item::Tool(tool) if tool.id == id));
        let at = found.unwrap_or_else(|| {
            self.items.push(Item::Tool(Box::new(Tool {
                id,
                name: String::new(),
                title: None,
                input: None,
                output: String::new(),
                diff: Vec::new(),
                step: Step::Runs,
            })));
            self.items.len() - 1
        });
        match &mut self.items[at] {
            Item::Tool(tool) => tool,
            _ => unreachable!("it was found or put there as a tool"),
        }
    }

    fn end_tool(
        &mut self,
        id: String,
        step: Step,
        output: String,
        diff: Vec<FileDiff>,
        truncated: bool,
    ) {
        let tool = self.tool(id);
        (tool.step, tool.output, tool.diff) = (step, output, diff);
        if truncated {
            tool.output.push_str("\n… and more");
        }
    }

    fn terminal(&mut self, wanted: String) -> (&mut String, &mut Option<Option<i32>>) {
        let is_it = |item: &Item| matches!(item, Item::Terminal { id, .. } if *id == wanted);
        let at = self.items.iter().rposition(is_it).unwrap_or_else(|| {
            self.items.push(Item::Terminal { id: wanted, output: String::new(), end: None });
            self.items.len() - 1
        });
        match &mut self.items[at] {
            Item::Terminal { output, end, .. } => (output, end),
            _ => unreachable!("it was found or put there as a terminal"),
        }
    }

    /// A turn has one plan, which stands where it was made.
    fn plan(&mut self, entries: Vec<PlanEntry>) {
        let turn = self.items.iter().rposition(|item| matches!(item, Item::User { .. }));
        let in_turn = self.items.iter_mut().skip(turn.unwrap_or_default());
        match in_turn.rev().find_map(|item| match item {
            Item::Plan(plan) => Some(plan),
            _ => None,
        }) {
            Some(plan) => *plan = entries,
            None => self.items.push(Item::Plan(entries)),
        }
    }

    fn ask(&mut self, id: String, prompt: String, options: Vec<AnswerOption>, is_permission: bool) {
        let question = Question { id, prompt, options, is_permission, outcome: None };
        self.items.push(Item::Question(Box::new(question)));
    }

    fn resolve(&mut self, id: &str, outcome: &Outcome) {
        let found = self.items.iter_mut().rev().find_map(|item| match item {
            Item::Question(question) if question.id == id => Some(question),
            _ => None,
        });
        let Some(question) = found else { return };
        question.outcome = Some(match outcome {
            Outcome::Selected { option_id, .. } => {
                let option = question.options.iter().find(|option| option.id == *option_id);
                option.map_or_else(|| option_id.clone(), |option| option.label.clone())
            }
            Outcome::Answered { text } => text.clone(),
            Outcome::Cancelled => "not answered".to_owned(),
        });
    }
}

fn said(message: &Message) -> Vec<Item> {
    let text = message.text.clone();
    let mut items = match message.role {
        MessageRole::User => vec![Item::User { text }],
        MessageRole::Agent if text.is_empty() => Vec::new(),
        MessageRole::Agent => vec![Item::Agent { text, is_open: false }],
    };
    items.extend(message.error.clone().map(Item::Error));
    items
}

/// Adds to output, and lets go of its beginning where it is too long.
fn append(output: &mut String, more: &str) {
    output.push_str(more);
    if OUTPUT_BYTES_MAX < output.len() {
        let from = output.ceil_char_boundary(output.len() - OUTPUT_BYTES_MAX / 2);
        output.drain(..from);
    }
}

#[cfg(test)]
mod tests;
