//! Lines of the model: its answers, and the calls in them.

use oriel_model::{EventKind, Key};
use std::borrow::Cow;

use super::At;
use crate::claude::AGENT;
use crate::claude::calls::{Call, late};
use crate::claude::json::Raw;
use crate::claude::message::{self, Message, Names};
use crate::claude::tools::{self, Answer, ToolResult};

impl At<'_, '_> {
    pub(super) fn assistant(&mut self) {
        if message::is_synthetic(&self.line) {
            self.reader.close_message(self.out);
            let (kind, outcome) = message::synthetic_kind(&self.line);
            let draft = self.draft(kind, "").outcome(outcome);
            let prompt = self.reader.state.prompt_id.clone();
            self.tell(message::failure(&self.line, draft, prompt.as_deref()));
            return self.out.tally.told();
        }
        let names = Names::of(&self.line);
        let identity = names.identity();
        let open = self.reader.message.as_ref();
        let is_open = open.is_some_and(|open| identity.is_some() && open.identity == identity);
        if is_open {
            self.out.tally.joined();
        } else {
            self.reader.close_message(self.out);
            self.begin_message(names, identity.as_deref());
        }
        let cost = self.stated_cost();
        let is_main = self.is_main();
        if let Some(message) = self.reader.message.as_mut() {
            message.cost_usd += cost;
            message.learn(&self.line);
            let used = message.context();
            if is_main && used > 0 {
                let value = format!(r#"{{"used":{used},"size":null}}"#);
                self.reader.state.note("context", value, self.line.at_ms());
            }
        }
        for block in self.line.blocks() {
            self.block(block);
        }
    }

    fn begin_message(&mut self, names: Names, identity: Option<&str>) {
        let uuid = self.line.uuid.and_then(Raw::word);
        let mut message =
            Message::begin(names, self.draft(EventKind::LlmResponse, ""), uuid.as_deref());
        // More of the message that was told before the pause; its cost is stated as a whole.
        match self.reader.state.message.take() {
            Some((known, cost)) if identity == Some(&known) => {
                message.cost_usd = cost;
                self.out.tally.joined();
            }
            _ => self.out.tally.told(),
        }
        self.reader.message = Some(message);
    }

    /// Returns what old versions state that this line cost: they state the sum of all so far.
    fn stated_cost(&mut self) -> f64 {
        let Some(total) = self.line.whole.get("costUSD").and_then(Raw::number) else { return 0.0 };
        if total <= 0.0 {
            return 0.0;
        }
        let before = std::mem::replace(&mut self.reader.state.cost_usd, total);
        (total - before).max(0.0)
    }

    /// Reads a block of an answer: a call, or what a tool on the model's side gave back.
    fn block(&mut self, block: Raw<'_>) {
        let kind = block.word_of("type").unwrap_or_default();
        if matches!(&*kind, "tool_use" | "server_tool_use" | "mcp_tool_use") {
            self.call(block);
        } else if let Some(result) = ToolResult::of(block) {
            self.answer(&result, None);
        }
    }

    fn call(&mut self, block: Raw<'_>) {
        let Some(id) = block.word_of("id") else { return };
        let tool = block.word_of("name").unwrap_or_default().into_owned();
        let input = block.get("input");
        let draft = self
            .draft(EventKind::ToolUse, &format!(":tool:{id}"))
            .key(Key::one(AGENT, "tool", &id))
            .tool(Some(&tool));
        let draft = tools::input(draft, Some(&id), input);
        let edit = tools::edit(&tool, input);
        let agent_type = input.and_then(|input| input.word_of("subagent_type"));
        let agent_type = agent_type.map(Cow::into_owned);
        let call = Call { id: id.into_owned(), tool, draft, edit, agent_type };
        if let Some(oldest) = self.reader.calls.hold(call, &mut self.reader.state) {
            self.tell(oldest);
        }
    }

    /// Reads what a tool gave back. Returns whether its call was told before.
    pub(super) fn answer(&mut self, result: &ToolResult<'_>, duration_ms: Option<u64>) -> bool {
        let id = &result.id;
        let mut answer = Answer::of(result, duration_ms);
        if answer.is_error && !answer.is_denied {
            answer.is_denied = self.was_refused();
        }
        if let Some(event) = self.reader.calls.answer(id, &answer) {
            self.tell(event);
            return true;
        }
        let draft =
            self.draft(EventKind::ToolUse, &format!(":tool:{id}")).key(Key::one(AGENT, "tool", id));
        let is_known = self.reader.state.waiting.contains_key(&**id);
        let event = late(draft, id, &answer, &mut self.reader.state);
        self.tell(event);
        is_known
    }

    /// Returns whether the line says that a call was not allowed.
    fn was_refused(&self) -> bool {
        let [kind, decision] = self.line.whole.pick(["toolDenialKind", "permissionDecision"]);
        let decision = decision.and_then(|decision| decision.word_of("decision"));
        kind.and_then(Raw::word).is_some() || decision.as_deref() == Some("reject")
    }
}
