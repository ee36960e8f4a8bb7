//! Turns: what was asked and said, what they used, how they end, and whom a session waits for.

use oriel_model::{Amount, EventKind, Key, Role, Sign, Tokens};
use oriel_wire::gateway::{SessionEvent, SessionMeta, SessionState, TurnErrorCode, Usage};
use serde_json::{Value, json};

use super::Told;
use super::open::Question;
use crate::codex::{answer_key as codex_answer, prompt_key as codex_prompt};
use crate::draft::clip;
use crate::parsed::Reason;
use crate::words::{answer_key, prompt_key};

/// The most of a text that is shown, in UTF-16 units.
const PREVIEW_UNITS_MAX: usize = 500;

/// The agents whose own tellings make a request of an answer, and know it by its words.
const ANSWERS_ARE_REQUESTS: [&str; 4] = ["claude_code", "gemini_cli", "qwen_code", "opencode"];

/// The agents whose own tellings of a session's start are known by the session.
const STARTS_HAVE_KEYS: [&str; 5] = ["codex", "gemini_cli", "qwen_code", "opencode", "copilot_cli"];

impl Told {
    pub(super) fn updated(&mut self, event: &SessionEvent, session: &SessionMeta) {
        self.note_session(event, session);
        let is_over = matches!(session.state, SessionState::Inactive | SessionState::Error);
        // One that was never asked anything has not begun.
        if !is_over || session.turns == 0 {
            return self.parsed.tally.joined();
        }
        // What is told of a session again, such as its new name, does not end it again.
        let what = format!("end {}", session.turns);
        let draft = self
            .draft_named(&what, event.ts, EventKind::SessionEnd)
            .sign(Sign::SessionOver)
            .fact("reason", session.problem.as_deref().map(|why| clip(why, PREVIEW_UNITS_MAX)));
        self.event(draft);
        self.parsed.tally.told();
        self.note(event, "doing", &Value::Null);
        self.note(event, "waiting", &Value::Null);
    }

    pub(super) fn turn_started(&mut self, event: &SessionEvent, text: &str) {
        let session = self.session.clone();
        self.note_session(event, &session);
        self.note(event, "gateway", &json!(session.id));
        // Every turn says it, and the first one to do so is heard.
        let draft = self.draft_named("start", event.ts, EventKind::SessionStart);
        if self.who.is(&STARTS_HAVE_KEYS) {
            let key = Key::one(&self.who.agent, "start", &self.who.session);
            self.event(draft.key(key));
        } else if !self.who.is_known {
            self.event(draft);
        }
        self.note(event, "doing", &Value::Null);
        self.prompt(event, text);
    }

    pub(super) fn prompt(&mut self, event: &SessionEvent, text: &str) {
        let mut draft = self
            .draft(event, EventKind::UserPrompt)
            .text(Role::Prompt, text)
            .fact("message", text)
            .fact("turn_id", event.turn_id.as_deref());
        let (agent, session) = (&self.who.agent, &self.who.session);
        if self.who.is(&["codex"]) {
            draft = draft.key(codex_prompt(session, text));
        } else if self.who.is_known {
            draft = draft.keys(prompt_key(agent, session, text));
        }
        self.event(draft);
        self.parsed.tally.told();
        self.note(event, "waiting", &Value::Null);
    }

    pub(super) fn said(&mut self, event: &SessionEvent, text: &str) {
        if text.trim().is_empty() {
            return self.leave_out("text.complete", Reason::Empty);
        }
        let (agent, session) = (&self.who.agent, &self.who.session);
        let draft = if self.who.is(&ANSWERS_ARE_REQUESTS) {
            let draft = self.draft(event, EventKind::LlmResponse);
            draft.keys(answer_key(agent, session, text))
        } else {
            let draft = self.draft(event, EventKind::Response);
            if self.who.is(&["codex"]) { draft.key(codex_answer(session, text)) } else { draft }
        };
        let draft = draft
            .text(Role::Answer, text)
            .fact("content_preview", clip(text.trim(), PREVIEW_UNITS_MAX));
        self.event(draft);
        self.parsed.tally.told();
    }

    /// What a turn used. It adds up requests that the agent itself may tell of, each with its model. So
    /// where it does, this names none, and is what requests of whichever models account for.
    pub(super) fn used(&mut self, event: &SessionEvent, usage: &Usage) {
        if let Some(used) = usage.context_tokens {
            self.note(event, "context", &json!({ "used": used, "size": usage.context_limit }));
        }
        let told = usage.model.as_deref().or(self.session.usage.model.as_deref());
        let model = told.map(str::trim).filter(|model| !model.is_empty()).map(str::to_owned);
        self.note_model(event, model.as_deref());
        let tokens = Tokens {
            input: usage.input_tokens,
            output: usage.output_tokens,
            cache_read: usage.cache_read_tokens,
            cache_write: usage.cache_write_tokens,
            cache_write_1h: 0,
        };
        if tokens == Tokens::default() && usage.cost_usd.is_none_or(|cost| cost <= 0.0) {
            return self.leave_out("turn_usage", Reason::Empty);
        }
        let counted = model.as_deref().filter(|_| !self.who.is_known);
        let draft = self
            .draft(event, EventKind::LlmResponse)
            .model(counted)
            .tokens(tokens)
            .stated_cost(usage.cost_usd)
            .fact("_synthetic", true)
            .fact("_source", "gateway_turn")
            .fact("turn_id", event.turn_id.as_deref())
            .fact("model_told", model.as_deref().filter(|_| self.who.is_known));
        let mut made = draft.build();
        made.told.amount = Amount::Meter;
        self.parsed.events.push(made);
        self.parsed.tally.told();
    }

    pub(super) fn turn_complete(&mut self, event: &SessionEvent, text: &str, reason: &str) {
        self.cut_off(None);
        // Its words were told as they were said.
        let draft = self
            .draft(event, EventKind::Response)
            .sign(Sign::TurnOver)
            .fact("turn_id", event.turn_id.as_deref())
            .fact("stop_reason", reason)
            .fact("content_preview", clip(text.trim(), PREVIEW_UNITS_MAX));
        self.event(draft);
        self.turn_is_over(event);
    }

    pub(super) fn turn_error(&mut self, event: &SessionEvent, code: TurnErrorCode, why: &str) {
        self.cut_off(Some(why));
        let (kind, word) = match code {
            TurnErrorCode::TurnStopped => (EventKind::Response, "interrupted"),
            TurnErrorCode::AgentExited => (EventKind::Error, "agent_exited"),
            TurnErrorCode::AgentFailed => (EventKind::Error, "agent_failed"),
            TurnErrorCode::TurnTimedOut => (EventKind::Error, "turn_timed_out"),
            TurnErrorCode::GatewayRestarted => (EventKind::Error, "gateway_restarted"),
        };
        let why = clip(why.trim(), PREVIEW_UNITS_MAX);
        let draft = self
            .draft(event, kind)
            .sign(Sign::TurnOver)
            .fact("turn_id", event.turn_id.as_deref())
            .fact("reason", word)
            .fact("error", (kind == EventKind::Error).then_some(why));
        self.event(draft);
        self.turn_is_over(event);
    }

    fn turn_is_over(&mut self, event: &SessionEvent) {
        self.parsed.tally.told();
        self.note(event, "doing", &Value::Null);
        self.note(event, "waiting", &waiting("input", None, None));
    }

    /// The agent asks a person.
    pub(super) fn asks(
        &mut self,
        event: &SessionEvent,
        what: &str,
        tool: Option<&str>,
        whom: &str,
    ) {
        let what = clip(what.trim(), PREVIEW_UNITS_MAX);
        let draft = self
            .draft(event, EventKind::Response)
            .fact("asks_for", whom)
            .fact("tool_name", tool)
            .fact("what", what);
        self.event(draft);
        self.parsed.tally.told();
        self.note(event, "waiting", &waiting(whom, Some(what), tool));
    }

    /// A question needs no answer any more. Another one may.
    pub(super) fn resolved(&mut self, event: &SessionEvent, question: &str) {
        let rest = match self.open.beside(question) {
            Some(Question { whom, what, tool, .. }) => {
                let what = clip(what.trim(), PREVIEW_UNITS_MAX);
                waiting(whom, Some(what), tool.as_deref())
            }
            None => Value::Null,
        };
        self.note(event, "waiting", &rest);
        self.parsed.tally.joined();
    }

    fn note_session(&mut self, event: &SessionEvent, session: &SessionMeta) {
        let words = [("title", &session.name), ("cwd", &session.workspace)];
        for (name, word) in words.into_iter().filter(|(_, word)| !word.trim().is_empty()) {
            self.note(event, name, &json!(word.trim()));
        }
        self.note_model(event, session.usage.model.as_deref());
    }

    /// Notes the model, but of agents that say it themselves: through the gateway they call it by words
    /// of their own, such as `default`.
    fn note_model(&mut self, event: &SessionEvent, model: Option<&str>) {
        if let Some(model) = model.filter(|_| !self.who.is_known) {
            self.note(event, "model", &json!(clip(model, 300)));
        }
    }
}

/// Returns whom a session waits for, as a note says it.
fn waiting(whom: &str, what: Option<&str>, tool: Option<&str>) -> Value {
    json!({ "for": whom, "what": what, "tool": tool })
}
