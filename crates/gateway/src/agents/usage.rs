//! What a turn used, from what agents say of it, each in its own way.

use agent_client_protocol::v1::schema::{
    Meta, SessionConfigKind, SessionConfigOption, SessionConfigOptionCategory, UsageUpdate,
};
use oriel_wire::gateway::Usage;
use serde_json::Value;

/// What is known of an agent's usage.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Meter {
    pub(super) model: Option<String>,
    context_tokens: Option<u64>,
    context_limit: Option<u64>,
    /// What the turn used so far, of an agent that tells it request by request.
    so_far: Option<Usage>,
    /// What the session cost so far, as the agent says, and when the last turn ended.
    cost_usd: Option<f64>,
    cost_usd_before: f64,
}

impl Meter {
    pub(super) fn update(&mut self, usage: &UsageUpdate) {
        self.context_tokens = Some(usage.used);
        self.context_limit = Some(usage.size).filter(|&size| size != 0);
        if let Some(cost) = usage.cost.as_ref().filter(|cost| cost.currency == "USD") {
            self.cost_usd = Some(cost.amount).filter(|cost| cost.is_finite());
        }
    }

    /// Adds what a request used that is told beside the words, as Qwen Code does.
    pub(super) fn chunk(&mut self, meta: Option<&Meta>) {
        let Some(usage) = meta.and_then(|meta| meta.get("usage")) else { return };
        let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or_default();
        let so_far = self.so_far.get_or_insert_default();
        let cached = count("cachedReadTokens");
        // What came from the cache is counted as read, too.
        so_far.input_tokens += count("inputTokens").saturating_sub(cached);
        so_far.cache_read_tokens += cached;
        so_far.output_tokens += count("outputTokens");
    }

    /// Learns the model from an agent's settings.
    pub(super) fn model_of_options(&mut self, options: &[SessionConfigOption]) {
        let models = options.iter().filter(|option| {
            option.category == Some(SessionConfigOptionCategory::Model)
                || option.id.to_string() == "model"
        });
        for option in models {
            if let SessionConfigKind::Select(select) = &option.kind {
                self.learn(&select.current_value.to_string());
            }
        }
    }

    /// Learns the model from the answer that began a session.
    pub(super) fn model_of_session(&mut self, answer: &Value) {
        if let Some(model) = answer.pointer("/models/currentModelId").and_then(Value::as_str) {
            self.learn(model);
        }
        let options = answer.get("configOptions").cloned().map(serde_json::from_value);
        if let Some(Ok(options)) = options {
            let options: Vec<SessionConfigOption> = options;
            self.model_of_options(&options);
        }
    }

    fn learn(&mut self, model: &str) {
        // An agent that chooses by itself names no model.
        self.model = Some(model.to_owned()).filter(|it| it != "default" && it != "auto");
    }

    /// Returns what a turn used, once its answer has come. None where the agent says nothing of it.
    pub(super) fn turn(&mut self, answer: &Value) -> Option<Usage> {
        let so_far = self.so_far.take();
        let mut usage = of_answer(answer).or_else(|| of_quota(answer)).or(so_far);
        let cost_usd = self.cost_usd.map(|cost| {
            // A session that is gone on with may be counted from zero again.
            let before = if cost < self.cost_usd_before { 0.0 } else { self.cost_usd_before };
            self.cost_usd_before = cost;
            cost - before
        });
        if usage.is_none() && cost_usd.is_none() && self.context_tokens.is_none() {
            return None;
        }
        let usage = usage.get_or_insert_default();
        usage.cost_usd = cost_usd;
        usage.context_tokens = self.context_tokens;
        usage.context_limit = self.context_limit;
        usage.model = usage.model.take().or_else(|| self.model.clone());
        Some(usage.clone())
    }
}

/// Reads the usage of an answer as the protocol has it.
fn of_answer(answer: &Value) -> Option<Usage> {
    let usage = answer.get("usage").filter(|usage| usage.is_object())?;
    let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or_default();
    let names = ["inputTokens", "outputTokens", "cachedReadTokens", "cachedWriteTokens"];
    let [input_tokens, written, cache_read_tokens, cache_write_tokens] = names.map(count);
    let all: u64 = [input_tokens, written, cache_read_tokens, cache_write_tokens].iter().sum();
    // What a model thinks it also writes. Some agents count it among that, some beside it.
    let thought = count("thoughtTokens");
    let is_beside = count("totalTokens") == all + thought;
    let output_tokens = if is_beside { written + thought } else { written };
    let usage = Usage {
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_write_tokens,
        ..Usage::default()
    };
    Some(usage)
}

/// Reads the usage as Gemini CLI and its kin have it, by model.
fn of_quota(answer: &Value) -> Option<Usage> {
    let quota = answer.pointer("/_meta/quota")?;
    let tokens = quota.get("token_count")?;
    let count = |name: &str| tokens.get(name).and_then(Value::as_u64).unwrap_or_default();
    let model = quota.pointer("/model_usage/0/model").and_then(Value::as_str);
    Some(Usage {
        model: model.map(str::to_owned),
        input_tokens: count("input_tokens"),
        output_tokens: count("output_tokens"),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_turns_tokens_are_read_as_each_agent_counts_them() {
        // Claude Code, with nothing thought; Codex, whose thoughts are among what it writes; OpenCode,
        // whose thoughts stand beside it; Gemini CLI, which does not tell the cache.
        for (answer, expected) in [
            (
                json!({"usage": {"totalTokens": 4337, "inputTokens": 23, "outputTokens": 34,
                "cachedReadTokens": 3600, "cachedWriteTokens": 680}}),
                (23, 34, 3600, 680),
            ),
            (
                json!({"usage": {"totalTokens": 3181, "inputTokens": 1052, "outputTokens": 81,
                "cachedReadTokens": 2048, "cachedWriteTokens": 0, "thoughtTokens": 32}}),
                (1052, 81, 2048, 0),
            ),
            (
                json!({"usage": {"totalTokens": 971, "inputTokens": 438, "outputTokens": 16,
                "cachedReadTokens": 512, "thoughtTokens": 5}}),
                (438, 21, 512, 0),
            ),
            (
                json!({"_meta": {"quota": {"token_count": {"input_tokens": 2010, "output_tokens": 50}}}}),
                (2010, 50, 0, 0),
            ),
        ] {
            assert_eq!(tokens(&Meter::default().turn(&answer).unwrap()), expected, "{answer}");
        }
    }

    #[test]
    fn what_is_told_request_by_request_is_the_turns_sum() {
        let mut meter = Meter::default();
        for input in [900, 950] {
            let usage = json!({"usage": {"inputTokens": input, "outputTokens": 21,
                "cachedReadTokens": 512, "thoughtTokens": 5}});
            meter.chunk(usage.as_object());
        }
        let answer = json!({"stopReason": "end_turn"});
        assert_eq!(tokens(&meter.turn(&answer).unwrap()), (826, 42, 1024, 0));
        assert_eq!(meter.turn(&answer), None, "the next turn begins from nothing");
    }

    #[test]
    fn a_model_that_an_agent_chooses_by_itself_is_none() {
        let mut meter = Meter::default();
        meter.model_of_session(&json!({"models": {"currentModelId": "fast"}}));
        assert_eq!(meter.model.as_deref(), Some("fast"));
        meter.model_of_session(&json!({"configOptions": [{"id": "model", "name": "Model",
            "category": "model", "type": "select", "currentValue": "default", "options": []}]}));
        assert_eq!(meter.model, None);
    }

    fn tokens(usage: &Usage) -> (u64, u64, u64, u64) {
        let Usage { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, .. } =
            usage;
        (*input_tokens, *output_tokens, *cache_read_tokens, *cache_write_tokens)
    }
}
