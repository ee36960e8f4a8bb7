//! Lines of the oldest versions, each of which is an event by itself.

use std::borrow::Cow;

use oriel_model::{EventKind, Key, Outcome};

use super::{At, ERROR_UNITS_MAX};
use crate::claude::AGENT;
use crate::claude::json::Raw;
use crate::claude::tools::{self, Answer};
use crate::draft::{Draft, clip};
use crate::edits::Edit;

impl At<'_, '_> {
    /// Reads a call of the oldest versions, which is a line of its own.
    pub(super) fn old_call(&mut self, kind: &str) {
        let whole = self.line.whole;
        let names = ["tool_use_id", "toolUseId", "id"];
        let id = names.iter().find_map(|name| whole.word_of(name));
        let tool = whole.word_of("name").or_else(|| whole.word_of("tool_name"));
        let mut draft = self.draft(EventKind::ToolUse, "").tool(tool.as_deref());
        draft = match &id {
            Some(id) => draft.key(Key::one(AGENT, "tool", id)),
            None => self.keyed_by_line(draft),
        };
        let input = whole.get("input");
        draft = tools::input(draft, id.as_deref(), input);
        draft = tools::lines_of(draft, &tools::edit(tool.as_deref().unwrap_or_default(), input));
        if kind == "tool_result" {
            let output = whole.get("output").or_else(|| whole.get("content"));
            let output =
                output.map(|output| output.string().unwrap_or(Cow::Borrowed(output.text())));
            let answer = Answer { output: output.unwrap_or_default(), ..Answer::default() };
            draft = answer.finish(draft, &Edit::default());
        }
        self.tell_plain(draft);
    }

    /// Reads a line of the oldest versions that is an event by itself.
    pub(super) fn plain(&mut self, kind: EventKind) {
        let draft = self.keyed_by_line(self.draft(kind, ""));
        self.tell_plain(draft);
    }

    fn tell_plain(&mut self, draft: Draft) {
        let whole = self.line.whole;
        let error = whole.get("error");
        let error = error.and_then(|error| error.word().or_else(|| error.word_of("message")));
        let failed = whole.get("is_error").is_some_and(Raw::is_true)
            || whole.word_of("status").as_deref() == Some("error");
        let draft = if failed { draft.outcome(Outcome::Error) } else { draft };
        let draft = draft
            .duration(tools::duration(whole))
            .fact("error", error.as_deref().map(|text| clip(text, ERROR_UNITS_MAX)));
        self.tell(draft.build());
        self.out.tally.told();
    }
}
