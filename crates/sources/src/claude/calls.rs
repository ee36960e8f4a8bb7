//! Tool calls that wait for their answers.
//!
//! A call and its answer stand in different lines, often far apart, and are one event. So a call is
//! held until its answer is read. Where reading pauses in between, the call is told without one, and
//! the answer is told as an event of its own that has the same key.

use std::collections::VecDeque;

use oriel_model::NewEvent;

use super::state::{State, WAITING_MAX, Waiting};
use super::tools::Answer;
use crate::draft::Draft;
use crate::edits::Edit;

/// How many calls are held. When one more comes, the oldest is told without its answer.
const HELD_MAX: usize = 256;

/// A call that waits for its answer.
pub(super) struct Call {
    pub(super) id: String,
    pub(super) tool: String,
    pub(super) draft: Draft,
    pub(super) edit: Edit,
    /// The kind of sub-agent that the call starts.
    pub(super) agent_type: Option<String>,
}

/// The calls that wait for their answers, the oldest first.
#[derive(Default)]
pub(super) struct Calls(VecDeque<Call>);

impl Calls {
    /// Holds a call. Returns the one that has to leave for it.
    pub(super) fn hold(&mut self, call: Call, state: &mut State) -> Option<NewEvent> {
        self.0.push_back(call);
        let oldest = if self.0.len() > HELD_MAX { self.0.pop_front() } else { None };
        oldest.map(|call| without_answer(call, state))
    }

    /// Returns the event of a call with its answer, or nothing where the call is not held.
    pub(super) fn answer(&mut self, id: &str, answer: &Answer<'_>) -> Option<NewEvent> {
        let at = self.0.iter().position(|call| call.id == id)?;
        let call = self.0.remove(at)?;
        Some(answer.finish(call.draft, &call.edit).build())
    }

    /// Returns the kind of sub-agent that a held call starts.
    pub(super) fn agent_type(&self, id: &str) -> Option<&str> {
        self.0.iter().find(|call| call.id == id)?.agent_type.as_deref()
    }

    /// Returns the events of all calls, without their answers.
    pub(super) fn release(&mut self, state: &mut State) -> Vec<NewEvent> {
        self.0.drain(..).map(|call| without_answer(call, state)).collect()
    }
}

/// Adds an answer to the event of a call that was told before it.
pub(super) fn late(draft: Draft, id: &str, answer: &Answer<'_>, state: &mut State) -> NewEvent {
    let Waiting { tool, lines_added, lines_removed } = state.waiting.remove(id).unwrap_or_default();
    let edit = Edit { file_path: None, lines_added, lines_removed };
    answer.finish(draft.tool(Some(&tool)).fact("tool_use_id", id), &edit).build()
}

fn without_answer(call: Call, state: &mut State) -> NewEvent {
    let Edit { lines_added, lines_removed, .. } = call.edit;
    let waiting = Waiting { tool: call.tool, lines_added, lines_removed };
    // One more is not remembered: its answer is joined all the same, and only lacks its lines.
    if state.waiting.len() < WAITING_MAX {
        state.waiting.insert(call.id, waiting);
    }
    call.draft.build()
}
