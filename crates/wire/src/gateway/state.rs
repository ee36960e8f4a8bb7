//! Where a session stands.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// No agent runs for it.
    Inactive,
    /// Its agent is being started.
    Activating,
    /// Its agent waits for something to do.
    Ready,
    /// A turn runs.
    Running,
    /// A turn runs, and a person must answer before it goes on.
    Waiting,
    /// Its agent is being stopped.
    Deactivating,
    /// Its agent could not be started or went away.
    Error,
}

impl SessionState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Inactive,
        Self::Activating,
        Self::Ready,
        Self::Running,
        Self::Waiting,
        Self::Deactivating,
        Self::Error,
    ];

    /// Returns the word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Activating => "activating",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Deactivating => "deactivating",
            Self::Error => "error",
        }
    }

    /// Returns the state that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Returns whether a turn is open in this state.
    #[must_use]
    pub const fn has_turn(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}
