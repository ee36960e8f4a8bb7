//! Lines of the program: what happened to the session, and how it stands.

use std::borrow::Cow;

use oriel_model::{EventKind, Key};

use super::{At, ERROR_UNITS_MAX};
use crate::claude::AGENT;
use crate::claude::json::Raw;
use crate::claude::line::said;
use crate::claude::prompts::{Author, author_of_text};
use crate::claude::records::{Purpose, system_purpose};
use crate::claude::state::Compaction;
use crate::draft::clip;
use crate::parsed::Reason;

impl At<'_, '_> {
    pub(super) fn system(&mut self) {
        let subtype = self.line.subtype.and_then(Raw::word).unwrap_or_default();
        let kind = format!("system/{subtype}");
        match system_purpose(&subtype) {
            Purpose::Ignored(reason) => self.out.tally.left_out(&kind, reason),
            Purpose::Unknown => self.unknown(&kind),
            Purpose::Read if subtype == "api_error" => self.api_error(),
            Purpose::Read => self.compacted(),
        }
    }

    fn api_error(&mut self) {
        let error = self.line.whole.get("error");
        let word = |name: &str| error.and_then(|error| error.word_of(name));
        let mut draft = self.draft(EventKind::Error, "");
        let request = word("requestId").or_else(|| word("request_id"));
        draft = match &request {
            Some(request) => draft.key(Key::one(AGENT, "error", request)),
            None => self.keyed_by_line(draft),
        };
        let message = word("formatted").or_else(|| word("message"));
        let status = error.and_then(|error| error.get("status")?.count());
        let attempt = self.line.whole.get("retryAttempt").and_then(Raw::count);
        let draft = draft
            .fact("error", message.as_deref().map(|text| clip(text, ERROR_UNITS_MAX)))
            .fact("request_id", request.as_deref())
            .fact("status", status)
            .fact("attempt", attempt);
        self.tell(draft.build());
        self.out.tally.told();
    }

    /// Reads that the conversation was compacted. Which prompt asked for it stands in a later line.
    fn compacted(&mut self) {
        self.reader.close_message(self.out);
        let about = self.line.whole.get("compactMetadata");
        let count = |name: &str| about.and_then(|about| about.get(name)?.count());
        let compaction = Compaction {
            event_id: self.event_id(""),
            uuid: self.line.uuid.and_then(Raw::word).map(Cow::into_owned),
            at_ms: self.line.at_ms(),
            trigger: about.and_then(|about| about.word_of("trigger")).map(Cow::into_owned),
            pre_tokens: count("preTokens"),
            post_tokens: count("postTokens"),
            duration_ms: count("durationMs"),
        };
        if let Some(used) = compaction.post_tokens.filter(|_| self.is_main()) {
            let value = format!(r#"{{"used":{used},"size":null}}"#);
            self.reader.state.note("context", value, compaction.at_ms);
        }
        if let Some(before) = self.reader.state.compaction.replace(compaction) {
            self.tell_compaction(&before, None);
        }
        self.out.tally.told();
    }

    pub(super) fn settle_compaction(&mut self) {
        if self.reader.state.compaction.is_none() || !self.line.kind_is("user") {
            return;
        }
        if let Some(compaction) = self.reader.state.compaction.take() {
            let prompt = self.line.prompt_id.and_then(Raw::word);
            self.tell_compaction(&compaction, prompt.as_deref());
        }
    }

    fn tell_compaction(&mut self, compaction: &Compaction, prompt_id: Option<&str>) {
        let mut draft =
            self.draft(EventKind::Response, "").id(&*compaction.event_id).at(compaction.at_ms);
        if let Some(uuid) = &compaction.uuid {
            draft = draft.key(Key::one(AGENT, "line", uuid));
        }
        if let Some(prompt) = prompt_id {
            draft = draft.key(Key::alike(AGENT, "compaction", prompt));
        }
        let draft = draft
            .duration(compaction.duration_ms)
            .fact("compaction", compaction.trigger.as_deref().unwrap_or("auto"))
            .fact("pre_tokens", compaction.pre_tokens)
            .fact("post_tokens", compaction.post_tokens);
        self.tell(draft.build());
    }

    /// Reads what was put beside the conversation; of that only what a person queued counts.
    pub(super) fn attachment(&mut self) {
        let kind = self.line.attachment.and_then(|attachment| attachment.word_of("type"));
        let kind = kind.unwrap_or_default();
        if kind == "queued_command" {
            let attachment = self.line.attachment;
            let mode = attachment.and_then(|attachment| attachment.word_of("commandMode"));
            let words = attachment.and_then(|attachment| attachment.get("prompt"));
            let words = words.map(said).unwrap_or_default();
            let is_prompt = mode.is_none_or(|mode| mode == "prompt") && self.is_main();
            if let (true, Author::Person(words)) = (is_prompt, author_of_text(&words)) {
                return self.prompt(&words);
            }
        }
        let reason =
            if kind.starts_with("hook_") { Reason::Internals } else { Reason::Scaffolding };
        self.out.tally.left_out(&format!("attachment/{kind}"), reason);
    }

    /// Reads a line that tells how the session stands.
    pub(super) fn standing(&mut self, kind: &str) {
        match kind {
            "summary" => self.title(1, "summary"),
            "ai-title" => self.title(2, "aiTitle"),
            "agent-name" => self.title(3, "agentName"),
            "custom-title" => self.title(4, "customTitle"),
            "permission-mode" => {
                if let Some(mode) = self.line.whole.word_of("permissionMode") {
                    let at_ms = self.line.at_ms();
                    self.reader.state.note_word("permission_mode", &mode, at_ms);
                }
            }
            "cost-state" => self.client_cost(),
            _ => self.worktree(),
        }
        self.out.tally.joined();
    }

    /// Notes a title, unless a better one is known.
    fn title(&mut self, rank: u8, field: &str) {
        let whole = self.line.whole;
        let words = whole.word_of(field).or_else(|| whole.word_of("title"));
        let state = &mut self.reader.state;
        if let Some(words) = words.filter(|_| rank >= state.title_rank) {
            state.title_rank = rank;
            state.note_word("title", clip(&words, ERROR_UNITS_MAX), self.line.at_ms());
        }
    }

    fn client_cost(&mut self) {
        let whole = self.line.whole;
        let Some(usd) = whole.get("totalCostUSD").and_then(Raw::number) else { return };
        let count = |name: &str| whole.get(name).and_then(Raw::count);
        let note = serde_json::json!({
            "usd": usd,
            "api_ms": count("totalAPIDuration"),
            "lines_added": count("totalLinesAdded"),
            "lines_removed": count("totalLinesRemoved"),
        });
        self.reader.state.note("client_cost", note.to_string(), self.line.at_ms());
    }

    fn worktree(&mut self) {
        let worktree = self.line.whole.get("worktreeSession").filter(|value| value.is_object());
        let note = worktree.map_or(serde_json::Value::Null, |worktree| {
            serde_json::json!({
                "name": worktree.word_of("worktreeName"),
                "path": worktree.word_of("worktreePath"),
                "branch": worktree.word_of("worktreeBranch"),
            })
        });
        self.reader.state.note("worktree", note.to_string(), self.line.at_ms());
    }
}
