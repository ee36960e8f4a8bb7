//! A turn that runs.

use oriel_wire::gateway::{CurrentTurn, EventBody, OpenTool, TurnErrorCode};
use tokio::time::Instant;

use super::speech::Speech;
use crate::files::Touch;
use crate::journal::OpenTurn;
use crate::limits::OPEN_TOOLS_MAX;

/// How many files an agent may say that it wrote before somebody looks. Of more, the first ones are kept;
/// the others are found by looking at the whole workspace.
const TOUCHED_MAX: usize = 1024;

/// How much of what tools were given a snapshot tells. The inputs of further tools are left out; their
/// events have them.
const INPUTS_BYTES_MAX: usize = 1024 * 1024;

/// A turn that runs.
pub(super) struct Turn {
    pub(super) id: String,
    /// The number of the event that began it.
    pub(super) started_seq: u64,
    pub(super) began: Instant,
    pub(super) speech: Speech,
    /// What the agent is to be told as soon as it listens.
    pub(super) next: Option<String>,
    /// Whether it works on something.
    pub(super) is_prompted: bool,
    /// It was asked to stop that, and must have done so by then.
    pub(super) cancel_by: Option<Instant>,
    /// Why the turn ends early as soon as the agent has stopped.
    pub(super) ending: Option<Ending>,
    /// The files that the agent says it wrote.
    touched: Vec<Touch>,
    /// Since when it has said something that is not on disk.
    pub(super) unsaved_since: Option<Instant>,
    tools: Vec<OpenTool>,
}

/// Why a turn ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) code: TurnErrorCode,
    pub(super) message: String,
}

impl Ending {
    pub(super) fn new(code: TurnErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl Turn {
    pub(super) fn new(id: String, started_seq: u64, text: String) -> Self {
        Self {
            id,
            started_seq,
            began: Instant::now(),
            speech: Speech::default(),
            next: Some(text),
            is_prompted: false,
            cancel_by: None,
            ending: None,
            touched: vec![],
            unsaved_since: None,
            tools: vec![],
        }
    }

    /// Keeps track of the tools that run. Returns whether one just ended.
    pub(super) fn follow(&mut self, body: &EventBody) -> bool {
        match body {
            EventBody::ToolCallStart { tool_call_id, tool_name, title } => {
                let tool = self.tool(tool_call_id, tool_name);
                if let Some(tool) = tool {
                    tool.title.clone_from(title);
                }
                false
            }
            EventBody::ToolCall { tool_call_id, tool_name, input, locations } => {
                for location in locations {
                    self.touch(Touch::Path(location.path.clone().into()));
                }
                let tool = self.tool(tool_call_id, tool_name);
                if let Some(tool) = tool {
                    tool.input = Some(input.clone());
                }
                false
            }
            EventBody::ToolResult { tool_call_id, diff, .. }
            | EventBody::ToolError { tool_call_id, diff, .. } => {
                for diff in diff {
                    self.touch(Touch::Diff(diff.clone()));
                }
                self.tools.retain(|tool| tool.tool_call_id != *tool_call_id);
                true
            }
            _ => false,
        }
    }

    pub(super) fn touch(&mut self, touch: Touch) {
        if self.touched.len() < TOUCHED_MAX && !self.touched.contains(&touch) {
            self.touched.push(touch);
        }
    }

    pub(super) fn take_touched(&mut self) -> Vec<Touch> {
        std::mem::take(&mut self.touched)
    }

    /// Takes the tools that have not ended.
    pub(super) fn take_tools(&mut self) -> Vec<OpenTool> {
        std::mem::take(&mut self.tools)
    }

    /// Returns the turn as a snapshot tells it.
    pub(super) fn current(&self) -> CurrentTurn {
        let mut open_tools = self.tools.clone();
        let mut bytes = 0;
        for tool in &mut open_tools {
            bytes += tool.input.as_ref().map_or(0, |input| input.to_string().len());
            if bytes > INPUTS_BYTES_MAX {
                tool.input = None;
            }
        }
        CurrentTurn {
            turn_id: self.id.clone(),
            text: self.speech.text().to_owned(),
            open_text: self.speech.open_text().to_owned(),
            thinking: self.speech.thought().to_owned(),
            open_tools,
        }
    }

    /// Returns the turn as far as it must be known after a crash.
    pub(super) fn open(&self) -> OpenTurn {
        OpenTurn {
            turn_id: self.id.clone(),
            started_seq: self.started_seq,
            open_text: self.speech.open_text().to_owned(),
        }
    }

    /// Adds to what the agent is told next.
    pub(super) fn add_next(&mut self, text: &str) {
        match &mut self.next {
            Some(next) => {
                next.push_str("\n\n");
                next.push_str(text);
            }
            None => self.next = Some(text.to_owned()),
        }
    }

    fn tool(&mut self, id: &str, name: &str) -> Option<&mut OpenTool> {
        if let Some(at) = self.tools.iter().position(|tool| tool.tool_call_id == id) {
            return self.tools.get_mut(at);
        }
        if self.tools.len() >= OPEN_TOOLS_MAX {
            return None;
        }
        self.tools.push(OpenTool {
            tool_call_id: id.to_owned(),
            tool_name: name.to_owned(),
            title: None,
            input: None,
        });
        self.tools.last_mut()
    }
}
