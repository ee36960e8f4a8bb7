//! What events are counted by: a few small sets of words that together tell one count from another.

use crate::event::{EventKind, Outcome};

/// What an event is counted by: all of its fields with few distinct values. Every total is a sum
/// over facets, so its cost is the number of facets and not the number of events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Facet {
    /// The program that acted, such as `claude_code`.
    pub agent_type: String,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// How it went.
    pub outcome: Outcome,
    /// The tool that ran.
    pub tool_name: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// Who told of it: `api`, `hook`, `otel`, `import` or another word.
    pub source: String,
}

/// Where an event happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// The project, usually the name of its folder.
    pub project: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
}
