//! Hooks of sessions and turns: their beginning, their end, and what changes between.

use oriel_model::{EventKind, Key, Role, Sign};
use serde_json::json;

use super::Told;
use crate::claude::AGENT;
use crate::claude::line::model_name;
use crate::claude::prompts::{Author, author_of_text};
use crate::draft::clip;
use crate::parsed::Reason;
use crate::words::prompt_key;

/// The most of an answer that is shown, in UTF-16 units.
const PREVIEW_UNITS_MAX: usize = 500;

impl Told<'_, '_> {
    pub(super) fn session_start(&mut self) {
        let source = self.hook.word("source");
        let model = self.hook.word("model");
        let model = model.as_deref().map(model_name);
        for (name, field) in
            [("cwd", "cwd"), ("transcript", "transcript_path"), ("title", "session_title")]
        {
            self.note_field(name, field);
        }
        if let Some(model) = model {
            self.note("model", &model.into());
        }
        if let Some(used) = self.hook.count("context_tokens") {
            self.note("context", &json!({ "used": used, "size": null }));
        }
        // A compaction is in the midst of a turn, and what is waited for goes on.
        if source.as_deref() != Some("compact") {
            self.waits_no_more();
            self.does_nothing();
        }
        let draft = self.hook.draft(EventKind::SessionStart).model(model);
        self.event(draft.fact("hook_source", source.as_deref()).build());
    }

    pub(super) fn session_end(&mut self) {
        let reason = self.hook.word("reason");
        let draft = self.hook.draft(EventKind::SessionEnd).sign(Sign::SessionOver);
        self.event(draft.fact("reason", reason.as_deref()).build());
        self.waits_no_more();
        self.does_nothing();
    }

    pub(super) fn prompt(&mut self) {
        self.waits_no_more();
        for (name, field) in [
            ("cwd", "cwd"),
            ("transcript", "transcript_path"),
            ("permission_mode", "permission_mode"),
            ("title", "session_title"),
        ] {
            self.note_field(name, field);
        }
        let words = self.hook.word("prompt").unwrap_or_default();
        let words = match author_of_text(&words) {
            Author::Person(words) | Author::Interruption(words) => words,
            Author::Program(_, reason) => return self.leave_out(reason),
        };
        let prompt = self.hook.prompt_id.as_deref();
        let mut draft = self.hook.draft(EventKind::UserPrompt);
        if let Some(prompt) = prompt {
            draft = draft.key(Key::one(AGENT, "prompt", prompt));
        }
        draft = draft.keys(prompt_key(AGENT, &self.hook.session, &words));
        let draft =
            draft.fact("message", &*words).fact("prompt_id", prompt).text(Role::Prompt, &words);
        self.event(draft.build());
    }

    pub(super) fn stop(&mut self) {
        let words = self.hook.word("last_assistant_message").unwrap_or_default();
        let draft = self
            .hook
            .draft(EventKind::Response)
            .sign(Sign::TurnOver)
            .fact("hook", "Stop")
            .fact("prompt_id", self.hook.prompt_id.as_deref())
            .fact("content_preview", clip(words.trim(), PREVIEW_UNITS_MAX))
            .text(Role::Answer, &words);
        self.event(draft.build());
        self.turn_is_over();
    }

    pub(super) fn stop_failure(&mut self) {
        let word = |field: &str| self.hook.word(field);
        let (words, error) = (word("last_assistant_message"), word("error"));
        let words = words.unwrap_or_default();
        let details = word("error_details");
        let mut draft = self.hook.draft(EventKind::Error).sign(Sign::TurnOver);
        if let Some(prompt) = &self.hook.prompt_id {
            draft = draft.key(Key::alike(AGENT, "failure", prompt));
        }
        let draft = draft
            .fact("hook", "StopFailure")
            .fact("error", error.as_deref())
            .fact("details", details.as_deref().map(|text| clip(text, PREVIEW_UNITS_MAX)))
            .fact("message", clip(words.trim(), PREVIEW_UNITS_MAX))
            .text(Role::Answer, &words);
        self.event(draft.build());
        self.turn_is_over();
    }

    fn turn_is_over(&mut self) {
        self.note_field("permission_mode", "permission_mode");
        if let Some(level) = self.hook.body.get("effort").and_then(|effort| effort.word_of("level"))
        {
            self.note("effort", &(*level).into());
        }
        self.does_nothing();
        self.waits_for("input", None, None);
    }

    pub(super) fn pre_compact(&mut self) {
        let trigger = self.hook.word("trigger");
        self.note("doing", &json!({ "tool": "compact", "detail": trigger, "id": null }));
        self.parsed.tally.joined();
    }

    pub(super) fn post_compact(&mut self) {
        let trigger = self.hook.word("trigger");
        let summary = self.hook.word("compact_summary").unwrap_or_default();
        let mut draft = self.hook.draft(EventKind::Response);
        if let Some(prompt) = &self.hook.prompt_id {
            draft = draft.key(Key::alike(AGENT, "compaction", prompt));
        }
        let draft = draft
            .fact("compaction", trigger.as_deref().unwrap_or("auto"))
            .fact("content_preview", clip(summary.trim(), PREVIEW_UNITS_MAX));
        self.event(draft.build());
        self.does_nothing();
    }

    pub(super) fn model_switch(&mut self) {
        let (from, to) = (self.hook.word("from_model"), self.hook.word("to_model"));
        let Some(to) = to else { return self.leave_out(Reason::Empty) };
        let source = self.hook.word("source");
        self.note("model", &model_name(&to).into());
        let draft = self
            .hook
            .draft(EventKind::Response)
            .fact("hook", "PostModelSwitch")
            .fact("from_model", from.as_deref())
            .fact("to_model", &*to)
            .fact("source", source.as_deref())
            .fact("context_tokens", self.hook.count("context_tokens"));
        self.event(draft.build());
    }
}
