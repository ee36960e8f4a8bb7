//! Types of the wire in TypeScript, so that a client written in it reads what these types say.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ts_rs::{Config, TS, TypeVisitor};

/// Types with all that they are made of, each once.
pub(crate) struct Types {
    title: &'static str,
    config: Config,
    seen: BTreeSet<TypeId>,
    found: BTreeMap<String, (Option<String>, String)>,
}

impl Types {
    /// Begins a module of this title.
    pub(crate) fn new(title: &'static str) -> Self {
        // Every number of ours stays below 2^53.
        let config = Config::new().with_large_int("number");
        Self { title, config, seen: BTreeSet::new(), found: BTreeMap::new() }
    }

    /// Adds a type.
    pub(crate) fn add<T: TS + 'static + ?Sized>(&mut self) {
        self.visit::<T>();
    }

    /// Returns the module.
    pub(crate) fn text(self) -> String {
        let mut text = format!("// {} `cargo xtask generate` writes this file.\n", self.title);
        for (docs, declaration) in self.found.into_values() {
            let docs = docs.unwrap_or_default();
            // Writing into a string cannot fail.
            let _ = write!(text, "\n{docs}export {declaration}\n");
        }
        let lines = text.lines().map(str::trim_end);
        lines.fold(String::new(), |text, line| text + line + "\n")
    }
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if T::output_path().is_none() || !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        let declared = (T::docs(), T::decl(&self.config));
        self.found.insert(T::ident(&self.config), declared);
        T::visit_dependencies(self);
    }
}
