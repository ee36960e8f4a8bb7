//! What somebody tells a daemon in the demonstration, in the form in which agents tell it.

use serde_json::{Value, json};

use super::tales::{Step, Tale};
use crate::service::Service;

/// One thing that is told.
#[derive(Debug, Clone)]
pub(super) enum Said {
    /// By a hook of Claude Code.
    Hook(Value),
    /// By its status line.
    StatusLine(Value),
    /// By whatever posts events of its own.
    Event(Value),
}

impl Said {
    /// Tells it.
    pub(super) async fn post(&self, service: &Service) -> anyhow::Result<()> {
        let (path, body) = match self {
            Self::Hook(body) => ("/api/hooks/claude-code", body),
            Self::StatusLine(body) => ("/api/hooks/claude-code-statusline", body),
            Self::Event(body) => ("/api/events", body),
        };
        service.post::<Value>(path, body).await?;
        Ok(())
    }
}

/// A session of Claude Code and how far it is.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) tale: &'static Tale,
    /// Numbers what was told, for the names of calls and events.
    told: u32,
    /// How full the context is, in tokens.
    context: u64,
    spent_usd: f64,
}

impl Session {
    pub(super) fn new(id: &str, tale: &'static Tale) -> Self {
        Self { id: id.to_owned(), tale, told: 0, context: 18_000, spent_usd: 0.2 }
    }

    /// A hook of the session, with these members.
    pub(super) fn hook(&self, name: &str, members: Value) -> Said {
        let mut body = json!({
            "session_id": self.id,
            "cwd": format!("/home/demo/{}", self.tale.project),
            "transcript_path": format!("/home/demo/.claude/projects/{}.jsonl", self.id),
            "permission_mode": "default",
            "hook_event_name": name,
        });
        add(&mut body, members);
        Said::Hook(body)
    }

    /// Its beginning, with its name and model.
    pub(super) fn start(&mut self) -> Vec<Said> {
        let start = json!({ "source": "startup", "model": self.tale.model });
        vec![self.hook("SessionStart", start), self.status_line(None)]
    }

    pub(super) fn prompt(&mut self, words: &str) -> Vec<Said> {
        self.told += 1;
        vec![self.hook("UserPromptSubmit", json!({ "prompt": words, "prompt_id": self.name("p") }))]
    }

    /// Its request to a model and the beginning of a call.
    pub(super) fn begin(&mut self, step: &Step) -> Vec<Said> {
        self.told += 1;
        self.context = (self.context + 2_600) % 190_000;
        self.spent_usd += 0.031;
        let before = json!({
            "tool_name": step.tool, "tool_input": step.input(), "tool_use_id": self.name("toolu"),
        });
        vec![self.request(), self.hook("PreToolUse", before), self.status_line(None)]
    }

    /// The end of the call that began.
    pub(super) fn end(&mut self, step: &Step) -> Vec<Said> {
        let mut after = json!({
            "tool_name": step.tool, "tool_input": step.input(), "tool_use_id": self.name("toolu"),
            "duration_ms": step.millis,
        });
        let (name, more) = match (step.fails, step.patch()) {
            (true, _) => ("PostToolUseFailure", json!({ "error": step.output })),
            (false, Some(patch)) => {
                ("PostToolUse", json!({ "tool_response": { "structuredPatch": patch } }))
            }
            (false, None) => {
                ("PostToolUse", json!({ "tool_response": { "stdout": step.output, "stderr": "" } }))
            }
        };
        add(&mut after, more);
        vec![self.hook(name, after)]
    }

    /// The end of a turn.
    pub(super) fn answer(&mut self, words: &str) -> Vec<Said> {
        self.told += 1;
        let stop = json!({
            "stop_hook_active": false, "last_assistant_message": words, "prompt_id": self.name("p"),
        });
        vec![self.request(), self.hook("Stop", stop)]
    }

    /// What its status line says, with the limits where they are known.
    pub(super) fn status_line(&self, limits: Option<Value>) -> Said {
        let mut body = json!({
            "session_id": self.id,
            "session_name": self.tale.title,
            "model": { "id": self.tale.model },
            "cost": { "total_cost_usd": self.spent_usd, "total_api_duration_ms": 41_000 },
            "context_window": {
                "context_window_size": 200_000,
                "current_usage": { "input_tokens": 1_200, "cache_read_input_tokens": self.context },
            },
        });
        if let Some(limits) = limits {
            body["rate_limits"] = limits;
        }
        Said::StatusLine(body)
    }

    /// What its last request used.
    fn request(&self) -> Said {
        Said::Event(json!({
            "event_id": format!("{}-{}", self.id, self.name("request")),
            "session_id": self.id, "agent_type": "claude_code", "event_type": "llm_response",
            "project": self.tale.project, "branch": self.tale.branch, "model": self.tale.model,
            "source": "hook", "tokens_in": 900 + 37 * self.told, "tokens_out": 240 + 53 * self.told,
            "cache_read_tokens": self.context, "cache_write_tokens": 2_600,
            "duration_ms": 2_400 + 130 * self.told, "metadata": { "stop_reason": "tool_use" },
        }))
    }

    fn name(&self, prefix: &str) -> String {
        format!("{prefix}-{}-{}", self.id, self.told)
    }
}

fn add(body: &mut Value, members: Value) {
    if let (Value::Object(body), Value::Object(members)) = (body, members) {
        body.extend(members);
    }
}
