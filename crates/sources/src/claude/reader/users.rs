//! Lines of the user: what a person asked, and what tools gave back.

use oriel_model::{EventKind, Role, Sign};

use super::{At, ERROR_UNITS_MAX, FileReader};
use crate::claude::AGENT;
use crate::claude::json::Raw;
use crate::claude::prompts::{Author, author};
use crate::claude::tools::{self, ToolResult};
use crate::draft::clip;
use crate::words::prompt_key;

/// What hooks tell of the launch of a sub-agent, they tell within this time.
const LAUNCH_MS: i64 = 1_000;

impl At<'_, '_> {
    pub(super) fn user(&mut self) {
        let results: Vec<_> = self.line.blocks().filter_map(ToolResult::of).collect();
        if let [first, ..] = results.as_slice() {
            // An answer is told before its calls. If more of it follows, that is joined to it.
            self.reader.close_message(self.out);
            // What stands beside is of one answer; with several nobody can tell of which.
            let beside = self.line.tool_use_result.filter(|_| results.len() == 1);
            let beside = beside.filter(|result| result.is_object());
            let duration_ms = beside.and_then(tools::duration);
            if let Some(beside) = beside {
                self.launched(&first.id, beside);
            }
            let mut is_known = true;
            for result in &results {
                is_known &= self.answer(result, duration_ms);
            }
            return if is_known { self.out.tally.joined() } else { self.out.tally.told() };
        }
        match author(&self.line, self.reader.origin.agent.is_some()) {
            Author::Program(kind, reason) => self.out.tally.left_out(kind, reason),
            Author::Person(words) => self.prompt(&words),
            Author::Interruption(words) => self.interruption(&words),
        }
    }

    /// Takes note of a sub-agent whose work a call was.
    fn launched(&mut self, id: &str, result: Raw<'_>) {
        let [agent, description, is_async] = result.pick(["agentId", "description", "isAsync"]);
        let Some(agent) = agent.and_then(Raw::word) else { return };
        let note = serde_json::json!({
            "type": self.reader.calls.agent_type(id),
            "description": description.and_then(Raw::word),
            "running": false,
        });
        // One that was only launched may be at work. Hooks know, and they tell it in this second.
        let before = if is_async.is_some_and(Raw::is_true) { LAUNCH_MS } else { 0 };
        let at_ms = self.line.at_ms().map(|ms| ms.saturating_sub(before));
        self.reader.state.note(&format!("subagent:{agent}"), note.to_string(), at_ms);
    }

    pub(super) fn prompt(&mut self, words: &str) {
        self.reader.close_message(self.out);
        let prompt_id = self.line.prompt_id.and_then(Raw::word);
        let draft = self
            .draft(EventKind::UserPrompt, "")
            .fact("message", words)
            .fact("prompt_id", prompt_id.as_deref())
            .text(Role::Prompt, words);
        let mut event = self.keyed_by_line(draft).build();
        event.told.keys.extend(prompt_key(AGENT, &event.session_id.0, words));
        let begun_ms = self.reader.state.begun_ms;
        let is_copy =
            matches!((self.line.at_ms(), begun_ms), (Some(at), Some(begun)) if at < begun);
        let prompt_id = prompt_id.filter(|_| !is_copy);
        let FileReader { sequence, state, .. } = &mut *self.reader;
        sequence.tell_prompt(event, prompt_id.as_deref(), state, self.out);
        self.out.tally.told();
    }

    fn interruption(&mut self, words: &str) {
        self.reader.close_message(self.out);
        let draft = self
            .draft(EventKind::Response, "")
            .sign(Sign::TurnOver)
            .fact("interrupted", true)
            .fact("message", clip(words, ERROR_UNITS_MAX));
        let event = self.keyed_by_line(draft).build();
        self.tell(event);
        self.out.tally.told();
    }
}
