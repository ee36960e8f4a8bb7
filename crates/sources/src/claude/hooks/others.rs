//! Hooks beside the course of a turn: notices, sub-agents, plans, files and settings.

use oriel_model::{EventKind, Key, Role, Sign};
use serde_json::{Value, json};

use super::{Told, waiting};
use crate::claude::AGENT;
use crate::draft::clip;
use crate::parsed::Reason;

/// The most of a text that is shown, in UTF-16 units.
const PREVIEW_UNITS_MAX: usize = 500;

/// A dialogue has stood for some seconds when a notice of it is sent.
const NOTICE_DELAY_MS: i64 = 10_000;

/// The hook of the call that starts a sub-agent says more of it, and comes within this time.
const LAUNCH_MS: i64 = 1_000;

impl Told<'_, '_> {
    pub(super) fn notification(&mut self) {
        let message = self.hook.word("message");
        let message = message.as_deref().map(|text| clip(text.trim(), PREVIEW_UNITS_MAX));
        let kind = self.hook.word("notification_type").unwrap_or_default();
        let draft = self
            .hook
            .draft(EventKind::Response)
            .sign(Sign::Aside)
            .fact("notification_type", &*kind)
            .fact("message", message);
        self.event(draft.build());
        match &*kind {
            "permission_prompt" | "worker_permission_prompt" => {
                // The hook of the request itself says more of it. So this is dated before that one,
                // and only counts where there was none.
                let at_ms = self.hook.now_ms.saturating_sub(NOTICE_DELAY_MS);
                self.note_at("waiting", &waiting("permission", message, None), at_ms);
            }
            "idle_prompt" => self.waits_for("input", message, None),
            "agent_needs_input" | "elicitation" | "elicitation_dialog" => {
                self.waits_for("answer", message, None);
            }
            _ => {}
        }
    }

    pub(super) fn sub_agent_start(&mut self) {
        self.sub_agent(true);
    }

    pub(super) fn sub_agent_stop(&mut self) {
        // The program forks itself for its own ends, too, and such a fork has no type.
        let is_internal =
            self.hook.body.get("agent_type").is_some_and(|kind| kind.word().is_none());
        if is_internal || self.hook.agent_id.is_none() {
            return self.leave_out(Reason::Internals);
        }
        self.sub_agent(false);
    }

    fn sub_agent(&mut self, is_running: bool) {
        let Some(agent) = self.hook.agent_id.as_deref() else {
            return self.leave_out(Reason::Empty);
        };
        let words = self.hook.word("last_assistant_message").unwrap_or_default();
        let transcript = self.hook.word("agent_transcript_path");
        let draft = self
            .hook
            .draft(EventKind::Response)
            .key(Key::one(AGENT, "subagent", agent))
            .fact("hook", &*self.hook.name)
            .fact("transcript", transcript.as_deref())
            .fact("content_preview", clip(words.trim(), PREVIEW_UNITS_MAX))
            .text(Role::Answer, &words);
        let note = json!({
            "type": self.hook.word("agent_type"),
            "description": self.task_description(agent),
            "running": is_running,
        });
        let name = format!("subagent:{agent}");
        self.event(draft.build());
        let before = if is_running { LAUNCH_MS } else { 0 };
        self.note_at(&name, &note, self.hook.now_ms.saturating_sub(before));
    }

    fn task_description(&self, agent: &str) -> Option<String> {
        let tasks = self.hook.body.get("background_tasks")?;
        let task = tasks.items().find(|task| task.word_of("id").is_some_and(|id| id == agent))?;
        task.word_of("description").map(|text| clip(&text, PREVIEW_UNITS_MAX).to_owned())
    }

    /// Reads the hooks that take few words.
    pub(super) fn other(&mut self, name: &str) {
        match name {
            "InstructionsLoaded" => {
                let fields = ["file_path", "memory_type", "load_reason", "trigger_file_path"];
                self.fields_of(EventKind::InstructionLoad, &fields);
            }
            "FileChanged" => self.fields_of(EventKind::FileChange, &["file_path", "event"]),
            "TaskCreated" | "TaskCompleted" => {
                let fields = ["task_id", "task_subject", "task_description", "teammate_name"];
                self.fields_of(EventKind::PlanStep, &fields);
            }
            "TeammateIdle" => self.fields_of(EventKind::Response, &["teammate_name", "team_name"]),
            "Elicitation" => self.elicitation(),
            "ElicitationResult" => {
                self.fields_of(EventKind::Response, &["mcp_server_name", "action", "mode"]);
                self.waits_no_more();
            }
            "CwdChanged" => {
                self.note_field("cwd", "new_cwd");
                self.parsed.tally.joined();
            }
            "WorktreeCreate" => {
                let note = json!({ "name": self.hook.word("name"), "path": null, "branch": null });
                self.note("worktree", &note);
                self.parsed.tally.joined();
            }
            "WorktreeRemove" => {
                self.note("worktree", &Value::Null);
                self.parsed.tally.joined();
            }
            "UserPromptExpansion" | "PreModelSwitch" | "MessageDisplay" => {
                self.leave_out(Reason::SaidElsewhere);
            }
            "Setup" | "ConfigChange" | "DirectoryAdded" => self.leave_out(Reason::Housekeeping),
            _ => self.unknown(),
        }
    }

    fn elicitation(&mut self) {
        self.fields_of(EventKind::Response, &["mcp_server_name", "message", "mode", "url"]);
        let word = |field: &str| self.hook.word(field);
        let (what, server) = (word("message"), word("mcp_server_name"));
        self.waits_for("answer", what.as_deref(), server.as_deref());
    }

    /// Tells an event with these fields as its facts.
    fn fields_of(&mut self, kind: EventKind, fields: &[&str]) {
        let mut draft = self.hook.draft(kind).fact("hook", &*self.hook.name);
        for field in fields {
            let value = self.hook.body.get(field);
            let value = value.and_then(|value| {
                value.word().or_else(|| value.number().map(|_| value.text().into()))
            });
            draft = draft.fact(field, value.as_deref().map(|text| clip(text, PREVIEW_UNITS_MAX)));
        }
        self.event(draft.build());
    }
}
