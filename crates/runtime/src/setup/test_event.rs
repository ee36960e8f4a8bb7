//! A test event: it goes the way of a hook's event, and is counted as nobody's.
//!
//! It is told in the form of an agent's hook and read like one. What makes it a test is its session:
//! whatever a hook tells of that one is of an agent type of its own, with no tokens and no cost, so that
//! a test from the command line is recognised as well.

use oriel_model::{Metadata, Tokens, Told};
use oriel_sources::Parsed;
use serde_json::json;

/// The session of test events.
pub(crate) const TEST_SESSION: &str = "oriel-test";

/// The agent type of test events.
pub(crate) const TEST_AGENT: &str = "oriel_test";

/// Returns what the hook of a test is given: a session that ends, which leaves nobody at work. Hooks are
/// known again by what they say, so each test says something of its own.
pub(crate) fn body(nonce: &str) -> Vec<u8> {
    let body = json!({
        "session_id": TEST_SESSION, "hook_event_name": "SessionEnd", "reason": "test", "test": nonce,
    });
    body.to_string().into_bytes()
}

/// Makes what was told of the test's session recognisable, and takes out whatever would count.
pub(crate) fn mark(parsed: &mut Parsed) {
    for event in parsed.events.iter_mut().filter(|event| event.session_id.0 == TEST_SESSION) {
        event.facet.agent_type = TEST_AGENT.to_owned();
        (event.facet.model, event.facet.tool_name) = (None, None);
        event.place = oriel_model::Place::default();
        (event.tokens, event.cost_usd, event.duration_ms) = (Tokens::default(), None, None);
        event.told = Told { sign: event.told.sign, ..Told::default() };
        event.metadata = Metadata::new(r#"{"test":true}"#.to_owned(), false);
    }
}
