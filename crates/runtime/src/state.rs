//! How a session stands: what it does, whom it waits for, and whether it lives at all.
//!
//! All of it is a pure function of the session's row, its notes, its latest events and the time.
//! A note says how something stood when it was told. What happened later may contradict it, and
//! then it is not shown: nothing works or waits for ever because its end was not told.

mod derive;
mod enough;
mod processes;
mod read;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use derive::state_of;
pub(crate) use enough::is_enough;
pub(crate) use processes::{Registry, look};
pub(crate) use read::{EVENTS_READ, of_session, told_to_wait, waiting};
pub(crate) use wire::{limits, state_row};

use std::borrow::Cow;

use oriel_model::{EventKind, NewEvent, Outcome, Phase, Sign, StoredEvent};

use crate::fields::pick;

/// The note in which it is kept whether a session's process runs.
pub(crate) const PROCESS: &str = "process";

/// How a session stands. Moments are Unix milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub phase: Phase,
    /// Whether its process runs; nothing where that is not known.
    pub alive: Option<bool>,
    pub pid: Option<u32>,
    pub mode: Option<Mode>,
    pub doing: Option<Doing>,
    pub waiting: Option<Waiting>,
    pub context: Option<(u64, Option<u64>)>,
    pub title: Option<String>,
    pub cwd: Option<String>,
    pub model: Option<String>,
    pub permission_mode: Option<String>,
    pub client_cost_usd: Option<f64>,
    /// The session and the agent that started it.
    pub parent: Option<(Option<String>, Option<String>)>,
    pub subagents: Vec<SubAgent>,
}

/// Whether a person sits in front of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Interactive,
    Headless,
}

/// What a session does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doing {
    pub tool: Option<String>,
    pub detail: Option<String>,
    pub since_ms: i64,
}

/// What a session waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub whom: Whom,
    pub what: Option<String>,
    pub tool: Option<String>,
    pub since_ms: i64,
}

/// What a person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    Permission,
    Answer,
    Input,
}

impl Whom {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::Answer => "answer",
            Self::Input => "input",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Permission, Self::Answer, Self::Input].into_iter().find(|one| one.as_str() == word)
    }
}

/// An agent that a session started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubAgent {
    pub id: String,
    pub kind: Option<String>,
    pub description: Option<String>,
    pub running: bool,
}

/// What of an event says how its session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sight {
    pub number: i64,
    /// When it happened.
    pub at_ms: i64,
    pub what: What,
    /// Whether the session did it itself, and not an agent that it started.
    pub is_main: bool,
    pub failed: bool,
    pub historical: bool,
    pub tool_use_id: Option<String>,
}

/// What happened, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Prompt,
    Tool,
    TurnOver,
    SessionOver,
    Other,
}

impl What {
    /// Returns what an event says that happened.
    pub(crate) fn of(event: &NewEvent) -> Self {
        let facet = &event.facet;
        match (event.told.sign, facet.kind) {
            (Sign::TurnOver, _) => What::TurnOver,
            (Sign::SessionOver, _) => What::SessionOver,
            (Sign::Aside, _) => What::Other,
            // Its old hooks tell the end of a turn so.
            (Sign::Kind, EventKind::SessionEnd) if facet.agent_type == "claude_code" => {
                What::TurnOver
            }
            (Sign::Kind, EventKind::SessionEnd) => What::SessionOver,
            (Sign::Kind, EventKind::UserPrompt) => What::Prompt,
            (Sign::Kind, EventKind::ToolUse) => What::Tool,
            (Sign::Kind, _) => What::Other,
        }
    }
}

impl Sight {
    pub(crate) fn of(stored: &StoredEvent) -> Self {
        let event = &stored.event;
        let facet = &event.facet;
        let names = ["agent_id", "tool_use_id"];
        let [agent_id, tool_use_id] = pick(event.metadata.text(), names).map(|value| {
            serde_json::from_str::<Cow<'_, str>>(value?.get()).ok().map(Cow::into_owned)
        });
        Self {
            number: stored.number.0,
            at_ms: event.client_ms.unwrap_or(stored.created_at.saturating_mul(1000)),
            what: What::of(event),
            is_main: agent_id.is_none(),
            failed: facet.outcome != Outcome::Success || facet.kind == EventKind::Error,
            historical: event.historical,
            tool_use_id,
        }
    }
}
