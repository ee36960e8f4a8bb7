//! What an event learns when another source tells of the same thing.
//!
//! It ends up the same whoever tells first, in everything that is counted: that is what makes a sum
//! one sum. Only who told first, and with what words, depends on the order.

use crate::event::{NewEvent, Outcome, Tokens};
use crate::metadata::Metadata;

impl NewEvent {
    /// Learns what another source tells of the same thing. Returns whether anything that is stored
    /// changed. The session, the kind, the source and the name of the event stay, and so does the
    /// place as far as it is known.
    pub fn learn(&mut self, other: &Self) -> bool {
        let before = self.clone();
        let cost = self.settled_cost(other);
        if outweighs(other.tokens, self.tokens) {
            self.tokens = other.tokens;
            // The model goes with the usage that counts.
            self.facet.model = other.facet.model.clone().or(self.facet.model.take());
        } else if !outweighs(self.tokens, other.tokens) {
            prefer(&mut self.facet.model, other.facet.model.as_deref(), |_| 0);
        }
        (self.cost_usd, self.told.cost_is_stated) = cost;
        let (mine, theirs) = (&mut self.facet, &other.facet);
        mine.outcome = worse(mine.outcome, theirs.outcome);
        prefer(&mut mine.tool_name, theirs.tool_name.as_deref(), tool_rank);
        fill(&mut mine.model, theirs.model.as_ref());
        fill(&mut self.place.project, other.place.project.as_ref());
        fill(&mut self.place.branch, other.place.branch.as_ref());
        self.duration_ms = self.duration_ms.max(other.duration_ms);
        self.client_ms = match (self.client_ms, other.client_ms) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        if let Some(text) = self.metadata.text_with(other.metadata.text()) {
            let truncated = self.metadata.truncated() || other.metadata.truncated();
            self.metadata = Metadata::new(text, truncated);
        }
        *self != before
    }

    /// Returns what both together say that it cost: what the agent states, else what the telling
    /// with the weightier usage was priced at.
    fn settled_cost(&self, other: &Self) -> (Option<f64>, bool) {
        let greater = |one: Option<f64>, two: Option<f64>| match (one, two) {
            (Some(one), Some(two)) => Some(one.max(two)),
            (one, two) => one.or(two),
        };
        match (self.told.cost_is_stated, other.told.cost_is_stated) {
            (true, true) => (greater(self.cost_usd, other.cost_usd), true),
            (true, false) => (self.cost_usd, true),
            (false, true) => (other.cost_usd, true),
            (false, false) if outweighs(other.tokens, self.tokens) => {
                (other.cost_usd.or(self.cost_usd), false)
            }
            (false, false) if outweighs(self.tokens, other.tokens) => {
                (self.cost_usd.or(other.cost_usd), false)
            }
            (false, false) => (greater(self.cost_usd, other.cost_usd), false),
        }
    }
}

/// Returns whether one telling of a request's usage is to be believed over another. Counts grow
/// while an answer is streamed, and some agents write them down too early, so more tokens are later;
/// a whole telling is taken and never the best of two.
#[must_use]
pub fn outweighs(one: Tokens, other: Tokens) -> bool {
    let weight = |tokens: Tokens| {
        let Tokens { input, output, cache_read, cache_write, cache_write_1h } = tokens;
        let prompt = input.saturating_add(cache_read).saturating_add(cache_write);
        (prompt.saturating_add(output), output, cache_write, input, cache_write_1h)
    };
    weight(one) > weight(other)
}

/// Takes the name that says more, so that a thing has the same one whoever tells first: that of the
/// higher rank, else the shorter one, since some sources put more before it, else the first of the
/// alphabet.
fn prefer(mine: &mut Option<String>, theirs: Option<&str>, rank: fn(&str) -> u8) {
    let order = |name: &str| (std::cmp::Reverse(rank(name)), name.len());
    let Some(theirs) = theirs else { return };
    let is_better =
        mine.as_deref().is_none_or(|mine| (order(theirs), theirs) < (order(mine), mine));
    if is_better {
        *mine = Some(theirs.to_owned());
    }
}

/// Returns how much the name of a tool says. Agents have words that stand for many tools: for all
/// that a server offers, or for whatever a shell is told to do.
fn tool_rank(name: &str) -> u8 {
    match name {
        "mcp_tool" => 0,
        "exec_command" | "shell" => 1,
        name if name.starts_with("mcp__") => 3,
        _ => 2,
    }
}

fn fill(mine: &mut Option<String>, theirs: Option<&String>) {
    if mine.is_none() {
        *mine = theirs.cloned();
    }
}

fn worse(one: Outcome, other: Outcome) -> Outcome {
    let rank = |outcome| match outcome {
        Outcome::Success => 0,
        Outcome::Timeout => 1,
        Outcome::Error => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{EventId, EventKind, Facet, Place, SessionId, Told};

    #[test]
    fn the_weightier_usage_is_taken_whole_and_with_its_model() {
        let mut early = told(10, 1, Some(0.1));
        early.facet.model = Some("small".to_owned());
        let mut late = told(9, 40, Some(0.2));
        late.facet.model = Some("large".to_owned());
        for (mut first, second) in [(early.clone(), late.clone()), (late, early)] {
            first.learn(&second);
            assert_eq!((first.tokens.input, first.tokens.output), (9, 40), "not the best of two");
            assert_eq!(first.facet.model.as_deref(), Some("large"));
            assert_eq!(first.cost_usd, Some(0.2));
        }
    }

    #[test]
    fn a_tool_has_the_same_name_whoever_tells_first() {
        for (better, other) in [
            ("mcp__birds__count", "mcp_tool"),
            ("mcp__birds__count", "count"),
            ("wait_agent", "multi_agentwait_agent"),
            ("apply_patch", "exec_command"),
            ("Task", "Agent"),
        ] {
            for (one, two) in [(better, other), (other, better)] {
                let [mut first, mut second] = [told(1, 1, None), told(1, 1, None)];
                first.facet.tool_name = Some(one.to_owned());
                second.facet.tool_name = Some(two.to_owned());
                first.learn(&second);
                assert_eq!(first.facet.tool_name.as_deref(), Some(better));
            }
        }
    }

    #[test]
    fn what_the_agent_states_wins_over_what_was_worked_out() {
        let mut stated = told(10, 2, Some(0.5));
        stated.told.cost_is_stated = true;
        let worked_out = told(10, 20, Some(0.7));
        for (mut first, second) in [(stated.clone(), worked_out.clone()), (worked_out, stated)] {
            first.learn(&second);
            assert_eq!((first.cost_usd, first.tokens.output), (Some(0.5), 20));
        }
    }

    #[test]
    fn words_that_are_known_stay_and_new_ones_are_added() {
        let mut one = told(1, 1, None);
        one.metadata = Metadata::new(r#"{"a":1,"b":2}"#.to_owned(), false);
        let mut other = told(1, 1, None);
        other.metadata = Metadata::new(r#"{"b":3,"file_path":"x.rs"}"#.to_owned(), false);
        assert!(one.learn(&other));
        assert_eq!(one.metadata.text(), r#"{"a":1,"b":2,"file_path":"x.rs"}"#);
        assert_eq!(one.metadata.facts().file_path.as_deref(), Some("x.rs"));
        assert!(!one.learn(&other), "it knows all of it now");
    }

    #[test]
    fn what_many_say_of_one_thing_stays_small() {
        let mut event = told(1, 1, None);
        for nth in 0..40 {
            let mut other = told(1, 1, None);
            let text = format!("{{\"k{nth}\":\"{}\"}}", "x".repeat(9000));
            other.metadata = Metadata::new(text, false);
            event.learn(&other);
        }
        assert!(event.metadata.text().len() <= 64 * 1024);
    }

    proptest! {
        #[test]
        fn whoever_tells_first_the_counts_are_the_same(
            tellings in prop::collection::vec(
                (0_u64..4, 0_u64..4, any::<bool>(), 0_u64..3, 0_i64..3, 0_usize..3), 2..6),
            turn in 0_usize..6,
        ) {
            let tellings: Vec<_> = tellings.into_iter().map(|(input, output, stated, duration, at, outcome)| {
                // A price depends on the usage alone.
                let mut event = told(input, output, Some((input + 2 * output) as f64));
                event.told.cost_is_stated = stated;
                event.duration_ms = Some(duration);
                event.client_ms = Some(at);
                event.facet.outcome = Outcome::ALL[outcome];
                event
            }).collect();
            let mut turned = tellings.clone();
            turned.rotate_left(turn % tellings.len());
            let joined = |tellings: &[NewEvent]| {
                let mut event = tellings[0].clone();
                for other in &tellings[1..] {
                    event.learn(other);
                }
                event
            };
            prop_assert_eq!(joined(&tellings), joined(&turned));
        }
    }

    fn told(input: u64, output: u64, cost_usd: Option<f64>) -> NewEvent {
        NewEvent {
            event_id: Some(EventId("e".to_owned())),
            session_id: SessionId("s".to_owned()),
            facet: Facet {
                agent_type: "claude_code".to_owned(),
                kind: EventKind::LlmResponse,
                outcome: Outcome::Success,
                tool_name: None,
                model: None,
                source: "otel".to_owned(),
            },
            place: Place::default(),
            tokens: Tokens { input, output, ..Tokens::default() },
            cost_usd,
            duration_ms: None,
            client_ms: None,
            metadata: Metadata::default(),
            historical: false,
            told: Told::default(),
        }
    }
}
