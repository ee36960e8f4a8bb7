//! The events that opened what is still open in a session: they are sent beside what comes later.

use std::collections::VecDeque;

use oriel_wire::gateway::{EventBody, SessionEvent};

/// So many events are held; when one more comes, the oldest is forgotten, and what it opened is told
/// without its beginning.
const OPEN_MAX: usize = 512;

/// And so many bytes of them, roughly.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// What has begun in a session and is not over.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// The events in order, with the length of each.
    events: VecDeque<(usize, SessionEvent)>,
}

impl Open {
    /// Takes what an event opens or closes.
    pub(super) fn see(&mut self, event: &SessionEvent) {
        match &event.body {
            EventBody::ToolCallStart { .. }
            | EventBody::QuestionRequested { .. }
            | EventBody::PermissionRequested { .. } => self.push(event),
            EventBody::ToolCall { tool_call_id, .. } => {
                // The first event of a call says when it began, and the latest what is known of it.
                let mut nth = 0;
                self.events.retain(|(_, known)| {
                    nth += usize::from(call_of(known) == Some(tool_call_id));
                    call_of(known) != Some(tool_call_id) || nth == 1
                });
                self.push(event);
            }
            EventBody::ToolResult { tool_call_id, .. }
            | EventBody::ToolError { tool_call_id, .. } => {
                self.events.retain(|(_, known)| call_of(known) != Some(tool_call_id));
            }
            EventBody::ApprovalResolved { question_id, .. } => {
                self.events.retain(|(_, known)| question_of(known) != Some(question_id));
            }
            EventBody::TurnStarted { .. }
            | EventBody::TurnComplete { .. }
            | EventBody::TurnError { .. } => self.events.clear(),
            _ => {}
        }
    }
    /// Returns the number of the first of them.
    pub(super) fn first_seq(&self) -> Option<u64> {
        self.events.front().map(|(_, event)| event.seq)
    }

    /// Returns them, in order.
    pub(super) fn events(&self) -> Vec<SessionEvent> {
        self.events.iter().map(|(_, event)| event.clone()).collect()
    }

    fn push(&mut self, event: &SessionEvent) {
        let bytes = serde_json::to_vec(event).map_or(0, |text| text.len());
        self.events.push_back((bytes, event.clone()));
        let mut sum: usize = self.events.iter().map(|(bytes, _)| bytes).sum();
        while self.events.len() > OPEN_MAX || sum > BYTES_MAX {
            let Some((bytes, _)) = self.events.pop_front() else { break };
            sum -= bytes;
        }
    }
}

fn call_of(event: &SessionEvent) -> Option<&String> {
    match &event.body {
        EventBody::ToolCallStart { tool_call_id, .. }
        | EventBody::ToolCall { tool_call_id, .. } => Some(tool_call_id),
        _ => None,
    }
}

fn question_of(event: &SessionEvent) -> Option<&String> {
    match &event.body {
        EventBody::QuestionRequested { question_id, .. }
        | EventBody::PermissionRequested { question_id, .. } => Some(question_id),
        _ => None,
    }
}
