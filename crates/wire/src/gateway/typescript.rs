//! The protocol's types in TypeScript.

use super::{ClientMessage, EventBody, Reply, SessionEvent};
use crate::typescript::Types;

/// Returns the protocol's types as a TypeScript module.
#[must_use]
pub fn typescript() -> String {
    let mut types = Types::new("The gateway protocol, version 1.");
    types.add::<ClientMessage>();
    types.add::<Reply>();
    types.add::<SessionEvent>();
    types.add::<EventBody>();
    types.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_and_all_that_it_holds_is_declared_once() {
        let text = typescript();
        for name in ["ClientMessage", "Reply", "SessionEvent", "EventBody", "SessionMeta"] {
            let declaration = format!("export type {name} =");
            assert_eq!(text.matches(&declaration).count(), 1, "{name} in:\n{text}");
        }
        assert!(!text.contains("bigint"), "{text}");
        assert!(text.contains("\"type\": \"run_turn\""), "{text}");
        assert!(text.contains("afterSeq?: number"), "{text}");
    }
}
