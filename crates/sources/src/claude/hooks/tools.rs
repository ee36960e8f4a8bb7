//! Hooks of tool calls: what is done, what came of it, and whether a person has to allow it.

use std::borrow::Cow;

use oriel_model::{EventKind, Key};
use serde_json::json;

use super::Told;
use crate::claude::AGENT;
use crate::claude::json::Raw;
use crate::claude::tools::{self, Answer};
use crate::draft::Draft;
use crate::parsed::Reason;
use crate::safety;

/// The tools that ask a person something, instead of for a permission.
const QUESTIONS: [&str; 1] = ["AskUserQuestion"];

impl Told<'_, '_> {
    pub(super) fn pre_tool(&mut self) {
        // What a session does is what it does itself; its sub-agents do things at the same time.
        if self.hook.agent_id.is_none() {
            let detail = tools::detail(self.hook.body.get("tool_input"));
            let doing = json!({
                "tool": self.hook.word("tool_name"),
                "detail": detail,
                "id": self.hook.tool_use_id,
            });
            self.note("doing", &doing);
        }
        match self.secrets() {
            Some((path, detail)) => {
                let draft = self
                    .call_draft(self.hook.body.get("tool_input"))
                    .fact("security_warning", true)
                    .fact("reason", "sensitive_file_access")
                    .fact("file_path", path.as_str())
                    .fact("detail", detail);
                self.event(draft.build());
            }
            None => self.leave_out(Reason::SaidElsewhere),
        }
    }

    /// Returns the file with secrets that a call is about to use, and why it is one.
    fn secrets(&self) -> Option<(String, &'static str)> {
        let input = self.hook.body.get("tool_input")?;
        let names = ["file_path", "notebook_path", "path"];
        let path = names.into_iter().find_map(|name| input.word_of(name))?;
        let detail = safety::sensitive(&path)?;
        Some((path.into_owned(), detail))
    }

    pub(super) fn post_tool(&mut self) {
        let response = self.hook.body.get("tool_response");
        let is_true =
            |name: &str| response.and_then(|response| response.get(name)).is_some_and(Raw::is_true);
        let answer = Answer {
            output: response.map(tools::output_of_response).unwrap_or_default(),
            is_error: is_true("is_error") || is_true("isError"),
            is_denied: false,
            duration_ms: self.duration(response),
        };
        self.sub_agent_launched(response);
        self.call(&answer);
    }

    pub(super) fn failed_tool(&mut self) {
        let answer = Answer {
            output: self.hook.word("error").unwrap_or_default(),
            is_error: true,
            is_denied: false,
            duration_ms: self.duration(None),
        };
        self.call(&answer);
    }

    pub(super) fn permission_denied(&mut self) {
        let output = self.hook.word("reason").unwrap_or_default();
        self.call(&Answer { output, is_error: true, is_denied: true, duration_ms: None });
    }

    fn duration(&self, response: Option<Raw<'_>>) -> Option<u64> {
        let of_tool = || tools::duration(response.filter(|response| response.is_object())?);
        self.hook.count("duration_ms").or_else(of_tool)
    }

    /// Tells a call with its answer.
    fn call(&mut self, answer: &Answer<'_>) {
        let tool = self.tool();
        let input = self.hook.body.get("tool_input");
        let edit = tools::edit(tool.as_deref().unwrap_or_default(), input);
        let draft = self.call_draft(input);
        self.event(answer.finish(draft, &edit).build());
        self.waits_no_more();
        if self.hook.agent_id.is_none() {
            self.does_nothing();
        }
    }

    fn call_draft(&self, input: Option<Raw<'_>>) -> Draft {
        let id = self.hook.tool_use_id.as_deref();
        let mut draft = self.hook.draft(EventKind::ToolUse).tool(self.tool().as_deref());
        if let Some(id) = id {
            draft = draft.key(Key::one(AGENT, "tool", id));
        }
        tools::input(draft, id, input)
    }

    fn tool(&self) -> Option<Cow<'_, str>> {
        self.hook.word("tool_name")
    }

    /// Notes a sub-agent that a call started or was the work of.
    fn sub_agent_launched(&mut self, response: Option<Raw<'_>>) {
        let Some(response) = response.filter(|response| response.is_object()) else { return };
        let Some(agent) = response.word_of("agentId") else { return };
        let input = self.hook.body.get("tool_input");
        let given = |name: &str| input.and_then(|input| input.word_of(name));
        let note = json!({
            "type": given("subagent_type"),
            "description": response.word_of("description").or_else(|| given("description")),
            "running": response.get("isAsync").is_some_and(Raw::is_true),
        });
        self.note(&format!("subagent:{agent}"), &note);
    }

    /// Every call of a batch has a hook of its own, but those that were not allowed to run. That
    /// one was refused is not said here, only that the tools are done.
    pub(super) fn tool_batch(&mut self) {
        if self.hook.agent_id.is_none() {
            self.does_nothing();
            self.waits_no_more();
        }
        self.leave_out(Reason::SaidElsewhere);
    }

    pub(super) fn permission_request(&mut self) {
        let tool = self.tool();
        let input = self.hook.body.get("tool_input");
        let what = tools::detail(input);
        let asks = tool.as_deref().is_some_and(|tool| QUESTIONS.contains(&tool));
        let draft = self
            .hook
            .draft(EventKind::Response)
            .fact("hook", "PermissionRequest")
            .fact("tool_name", tool.as_deref())
            .fact("what", what.as_deref());
        let event = draft.build();
        let tool = tool.map(Cow::into_owned);
        self.event(event);
        let whom = if asks { "answer" } else { "permission" };
        self.waits_for(whom, what.as_deref(), tool.as_deref());
    }
}
