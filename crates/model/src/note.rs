//! What is known of a session or an agent beside its events. A note is not a thing that happened but
//! how something stands, so only the latest of a name is kept.

use crate::event::SessionId;

/// What a note is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// A session.
    Session(SessionId),
    /// Everything that agents of this type do on this machine.
    Agent(String),
}

/// How something stood at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// What it is about.
    pub about: About,
    /// Its name, such as `title`.
    pub name: String,
    /// What it says, as JSON text; `null` takes back what was said before.
    pub value: String,
    /// When that was so, in Unix milliseconds. A note older than the one that is known is ignored.
    pub at_ms: i64,
}
