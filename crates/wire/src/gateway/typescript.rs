//! The protocol's types in TypeScript, so that a client written in it reads what these types say.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ts_rs::{Config, TS, TypeVisitor};

use super::{ClientMessage, EventBody, Reply, SessionEvent};

/// Returns the protocol's types as a TypeScript module.
#[must_use]
pub fn typescript() -> String {
    // Every number of the protocol stays below 2^53.
    let config = Config::new().with_large_int("number");
    let mut types = Types { config: &config, seen: BTreeSet::new(), found: BTreeMap::new() };
    types.visit::<ClientMessage>();
    types.visit::<Reply>();
    types.visit::<SessionEvent>();
    types.visit::<EventBody>();
    let mut text = String::from(
        "// The gateway protocol, version 1. `cargo xtask generate` writes this file.\n",
    );
    for (docs, declaration) in types.found.into_values() {
        let docs = docs.unwrap_or_default();
        // Writing into a string cannot fail.
        let _ = write!(text, "\n{docs}export {declaration}\n");
    }
    let lines = text.lines().map(str::trim_end);
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// Finds every type that a type is made of.
struct Types<'a> {
    config: &'a Config,
    seen: BTreeSet<TypeId>,
    found: BTreeMap<String, (Option<String>, String)>,
}

impl TypeVisitor for Types<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_none() || !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        let declared = (T::docs(), T::decl(self.config));
        self.found.insert(T::ident(self.config), declared);
        T::visit_dependencies(self);
    }
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
