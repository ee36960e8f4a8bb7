//! What requests used, counted once each.
//!
//! Newer rollouts record each response's usage. Older ones tell running totals, often twice, with
//! the last request's share beside them; where that is missing the difference stands for it.

use oriel_model::{EventKind, Key, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::AGENT;
use super::rollout::{Line, Rollout};
use super::state::short;
use crate::loose::Fields;
use crate::parsed::{Parsed, Reason};

/// A usage as Codex writes it: the input includes what was cached, the output what was thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Usage {
    pub input: u64,
    pub cached: u64,
    pub cache_write: u64,
    pub output: u64,
    pub reasoning: u64,
}

impl Usage {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let usage = Self {
            input: fields.whole("input_tokens").unwrap_or(0),
            cached: fields
                .whole("cached_input_tokens")
                .or_else(|| fields.whole("cache_read_input_tokens"))
                .unwrap_or(0),
            cache_write: fields.whole("cache_write_input_tokens").unwrap_or(0),
            output: fields.whole("output_tokens").unwrap_or(0),
            reasoning: fields.whole("reasoning_output_tokens").unwrap_or(0),
        };
        (!fields.is_empty()).then_some(usage)
    }

    fn is_nothing(self) -> bool {
        self.input == 0 && self.output == 0
    }

    /// Returns what was used since other totals. Totals may fall, which is no use at all.
    fn since(self, before: Self) -> Self {
        Self {
            input: self.input.saturating_sub(before.input),
            cached: self.cached.saturating_sub(before.cached),
            cache_write: self.cache_write.saturating_sub(before.cache_write),
            output: self.output.saturating_sub(before.output),
            reasoning: self.reasoning.saturating_sub(before.reasoning),
        }
    }

    pub(crate) fn tokens(self) -> Tokens {
        let Self { input, cached, cache_write, output, .. } = self;
        Tokens {
            input: input.saturating_sub(cached).saturating_sub(cache_write),
            output,
            cache_read: cached.min(input),
            cache_write,
            cache_write_1h: 0,
        }
    }

    /// Returns the key by which other sources know it.
    pub(crate) fn key(self, thread: &str) -> Key {
        let Self { input, cached, output, reasoning, .. } = self;
        Key::alike(AGENT, "usage", &format!("{thread} {input} {cached} {output} {reasoning}"))
    }
}

impl Rollout {
    /// Reads the usage of one response.
    pub(crate) fn usage_record(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let kind = "token_usage_record";
        let (fields, state) = (&line.payload, &mut self.state);
        if fields.text("thread_id").is_some_and(|thread| thread.trim() != state.session) {
            return out.tally.left_out(kind, Reason::Inherited);
        }
        let Some(usage) = Usage::read(&fields.fields("usage")).filter(|usage| !usage.is_nothing())
        else {
            return out.tally.left_out(kind, Reason::Empty);
        };
        let response = fields.text("response_id").map(|id| short(&id));
        let is_first = !std::mem::replace(&mut state.has_records, true);
        // The totals of the first response may stand before its record.
        let was_told = is_first && state.last_usage == Some(usage);
        let is_again = response.is_some() && response == state.last_response;
        state.last_response.clone_from(&response);
        if was_told || is_again {
            return out.tally.left_out(kind, Reason::SaidElsewhere);
        }
        let turn = fields.text("turn_id").map(|turn| short(&turn));
        self.tell_usage(usage, response.as_deref(), turn.as_deref(), line.at, out);
        out.tally.told();
    }

    /// Reads running totals, which come with how much of the limits is used.
    pub(crate) fn token_count(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let kind = "event_msg/token_count";
        let info = line.payload.fields("info");
        self.note_limits(&line.payload.fields("rate_limits"), line.at);
        self.note_context(&info, line.at);
        let total = Usage::read(&info.fields("total_token_usage"));
        let last = Usage::read(&info.fields("last_token_usage"));
        let before = self.state.totals;
        self.state.totals = total.or(before);
        if self.state.has_records {
            return out.tally.left_out(kind, Reason::SaidElsewhere);
        }
        let amount = match (total, last.filter(|usage| !usage.is_nothing())) {
            (None, None) if line.payload.get("rate_limits").is_some() => return out.tally.joined(),
            (None, None) => return out.tally.left_out(kind, Reason::Empty),
            (total @ Some(_), _) if total == before => {
                return out.tally.left_out(kind, Reason::SaidElsewhere);
            }
            (_, Some(last)) => last,
            // Nobody can say how much of the first totals is the other thread's.
            (Some(_), None) if before.is_none() && self.state.history.continues => {
                return out.tally.left_out(kind, Reason::Inherited);
            }
            (Some(total), None) => total.since(before.unwrap_or_default()),
        };
        if amount.is_nothing() {
            return out.tally.left_out(kind, Reason::Empty);
        }
        let turn = self.state.turn.clone();
        self.tell_usage(amount, None, turn.as_deref(), line.at, out);
        out.tally.told();
    }

    /// Remembers the totals of a copied record, so that differences begin after them.
    pub(crate) fn copied_totals(&mut self, payload: &Fields<'_>) {
        let info = payload.fields("info");
        self.state.totals = Usage::read(&info.fields("total_token_usage")).or(self.state.totals);
    }

    fn tell_usage(
        &mut self,
        usage: Usage,
        response: Option<&str>,
        turn: Option<&str>,
        at: Option<i64>,
        out: &mut Parsed,
    ) {
        let nth = self.state.counts.amounts;
        self.state.counts.amounts += 1;
        self.state.last_usage = Some(usage);
        let tokens = usage.tokens();
        let sums = &mut self.state.sums;
        sums.input = sums.input.saturating_add(tokens.input);
        sums.output = sums.output.saturating_add(tokens.output);
        sums.cache_read = sums.cache_read.saturating_add(tokens.cache_read);
        let mut draft = self
            .draft(EventKind::LlmResponse, &format!("token:{nth}"), at)
            .model(self.state.model.as_deref())
            .tokens(tokens)
            .fact("request_id", response)
            .fact("prompt_id", turn);
        if usage.reasoning > 0 {
            draft = draft.fact("reasoning_tokens", usage.reasoning);
        }
        if let Some(response) = response {
            draft = draft.key(Key::one(AGENT, "response", response));
        }
        let draft = draft.key(usage.key(&self.state.session));
        self.tell(draft, out);
    }

    fn note_context(&mut self, info: &Fields<'_>, at: Option<i64>) {
        let last = info.fields("last_token_usage");
        if let Some(used) = last.whole("total_tokens").filter(|&used| used > 0) {
            let size = info.whole("model_context_window");
            self.note("context", &json!({ "used": used, "size": size }), at);
        }
    }

    fn note_limits(&mut self, limits: &Fields<'_>, at: Option<i64>) {
        // Models may have limits beside those of the account.
        let of =
            limits.text("limit_id").filter(|id| id != AGENT).map(|id| format!("{}:", short(&id)));
        for name in ["primary", "secondary"] {
            let limit = limits.fields(name);
            let Some(used) = limit.get("used_percent").and_then(crate::loose::Loose::float) else {
                continue;
            };
            let resets_in = limit
                .whole("resets_in_seconds")
                .zip(at)
                .and_then(|(seconds, at)| (at / 1000).checked_add(i64::try_from(seconds).ok()?));
            let resets_at = limit
                .get("resets_at")
                .and_then(crate::loose::unix_ms)
                .map(|ms| ms / 1000)
                .or(resets_in);
            let value = json!({
                "used_percent": used,
                "resets_at": resets_at,
                "window_minutes": limit.whole("window_minutes"),
            });
            let name = format!("limit:{}{name}", of.as_deref().unwrap_or_default());
            self.note_agent(&name, &value, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_input_is_counted_once() {
        let usage =
            Usage { input: 1500, cached: 1024, output: 40, reasoning: 16, cache_write: 100 };
        let expected = Tokens {
            input: 376,
            output: 40,
            cache_read: 1024,
            cache_write: 100,
            cache_write_1h: 0,
        };
        assert_eq!(usage.tokens(), expected);
        let odd = Usage { input: 10, cached: 50, ..Usage::default() };
        assert_eq!(odd.tokens(), Tokens { cache_read: 10, ..Tokens::default() });
    }
}
