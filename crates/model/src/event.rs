//! An event: one thing an agent did. It is immutable once it is stored.
//!
//! A [`NewEvent`] has passed every check, so whoever holds one may store it without looking again.

use crate::facet::{Facet, Place};
use crate::metadata::Metadata;
use crate::told::Told;

/// The name of a session, as its agent gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub String);

impl std::borrow::Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The name that a sender gave an event, so that a repeated delivery is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventId(pub String);

/// The place of an event in the store: every later event has a greater number. A cursor is the
/// number of the last event that a reader has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EventNumber(pub i64);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order in which messages list them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the word that stands for this value on the wire and on disk.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Returns the value that a word stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What kind of thing happened.
    EventKind {
        /// A tool ran.
        ToolUse = "tool_use",
        /// A session began.
        SessionStart = "session_start",
        /// A session, or for some agents a turn, ended.
        SessionEnd = "session_end",
        /// Something failed.
        Error = "error",
        /// A request to a model.
        LlmRequest = "llm_request",
        /// A model's answer with its usage.
        LlmResponse = "llm_response",
        /// Something the agent said.
        Response = "response",
        /// A file changed.
        FileChange = "file_change",
        /// A commit was made.
        GitCommit = "git_commit",
        /// A step of a plan.
        PlanStep = "plan_step",
        /// Something a person asked.
        UserPrompt = "user_prompt",
        /// Instructions were loaded.
        InstructionLoad = "instruction_load",
    }
}

words! {
    /// How it went.
    Outcome {
        /// It worked.
        Success = "success",
        /// It failed.
        Error = "error",
        /// It took too long.
        Timeout = "timeout",
    }
}

/// The tokens that an event accounts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Tokens read by the model.
    pub input: u64,
    /// Tokens written by the model.
    pub output: u64,
    /// Tokens read from the prompt cache.
    pub cache_read: u64,
    /// Tokens written to the prompt cache.
    pub cache_write: u64,
    /// How many of the tokens written to the cache live for an hour.
    pub cache_write_1h: u64,
}

/// An event that may be stored as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The sender's name for it.
    pub event_id: Option<EventId>,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// What it is counted by.
    pub facet: Facet,
    /// Where it happened; what is missing is taken from its session.
    pub place: Place,
    /// The tokens it accounts for.
    pub tokens: Tokens,
    /// What it cost in US dollars: finite and not negative.
    pub cost_usd: Option<f64>,
    /// How long it took; never 0.
    pub duration_ms: Option<u64>,
    /// When it happened by the sender's clock, in Unix milliseconds.
    pub client_ms: Option<i64>,
    /// What else the sender said.
    pub metadata: Metadata,
    /// Whether it tells of the past and so says nothing about whether its session lives.
    pub historical: bool,
    /// How it stands to what other sources tell of the same thing.
    pub told: Told,
}

/// An event on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its place in the store.
    pub number: EventNumber,
    /// When the store received it, in Unix seconds.
    pub created_at: i64,
    /// What was stored, with the place completed from the session.
    pub event: NewEvent,
}
