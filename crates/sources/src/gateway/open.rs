//! What has begun in a session and is not over: calls that run and questions that wait.

use std::collections::VecDeque;

use oriel_wire::gateway::{EventBody, SessionEvent};
use serde_json::Value;

/// So many calls and questions are open at a time. When one more comes, the oldest is forgotten, and its
/// end is told without its beginning.
const OPEN_MAX: usize = 256;

/// What has begun and is not over, the oldest first.
#[derive(Default)]
pub(super) struct Open {
    calls: VecDeque<Call>,
    questions: VecDeque<Question>,
}

/// A call that runs.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) tool: String,
    pub(super) input: Option<Value>,
    /// The file that it is about, as far as it says so beside its input.
    pub(super) path: Option<String>,
    pub(super) seq: u64,
    pub(super) began_ms: i64,
}

/// A question that waits for a person.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) whom: &'static str,
    pub(super) what: String,
    pub(super) tool: Option<String>,
}

impl Open {
    /// Takes what an event opens or closes.
    pub(super) fn see(&mut self, event: &SessionEvent) {
        match &event.body {
            EventBody::ToolCallStart { tool_call_id, tool_name, .. } => {
                self.call(event, tool_call_id, tool_name);
            }
            EventBody::ToolCall { tool_call_id, tool_name, input, locations } => {
                let call = self.call(event, tool_call_id, tool_name);
                call.input = Some(input.clone());
                call.path = locations.first().map(|location| location.path.clone());
            }
            EventBody::ToolResult { tool_call_id, .. }
            | EventBody::ToolError { tool_call_id, .. } => {
                self.calls.retain(|call| call.id != *tool_call_id);
            }
            EventBody::QuestionRequested { question_id, prompt, .. } => {
                self.question(question_id, "answer", prompt, None);
            }
            EventBody::PermissionRequested { question_id, tool_call_id, title, .. } => {
                let tool = tool_call_id.as_deref().and_then(|id| self.tool(id)).map(str::to_owned);
                self.question(question_id, "permission", title, tool);
            }
            EventBody::ApprovalResolved { question_id, .. } => {
                self.questions.retain(|question| question.id != *question_id);
            }
            EventBody::TurnStarted { .. }
            | EventBody::TurnComplete { .. }
            | EventBody::TurnError { .. } => *self = Self::default(),
            _ => {}
        }
    }

    /// Returns the name of a running call's tool.
    pub(super) fn tool(&self, id: &str) -> Option<&str> {
        self.find(id).map(|call| &*call.tool)
    }

    /// Returns a running call.
    pub(super) fn find(&self, id: &str) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id)
    }

    /// Returns the calls that run.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    /// Returns the question that waits beside one, the latest of several.
    pub(super) fn beside(&self, id: &str) -> Option<Question> {
        self.questions.iter().rev().find(|question| question.id != id).cloned()
    }

    fn call(&mut self, event: &SessionEvent, id: &str, tool: &str) -> &mut Call {
        let at = self.calls.iter().position(|call| call.id == id).unwrap_or_else(|| {
            if self.calls.len() >= OPEN_MAX {
                self.calls.pop_front();
            }
            self.calls.push_back(Call {
                id: id.to_owned(),
                tool: tool.to_owned(),
                input: None,
                path: None,
                seq: event.seq,
                began_ms: event.ts,
            });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        tool.clone_into(&mut call.tool);
        call
    }

    fn question(&mut self, id: &str, whom: &'static str, what: &str, tool: Option<String>) {
        self.questions.retain(|question| question.id != id);
        if self.questions.len() >= OPEN_MAX {
            self.questions.pop_front();
        }
        let (id, what) = (id.to_owned(), what.to_owned());
        self.questions.push_back(Question { id, whom, what, tool });
    }
}
