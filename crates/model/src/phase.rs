//! The life of a session is a pure function of what was seen and when.
//!
//! Nothing is ever swept: a session's phase is computed from its last event, its last sign of rest
//! and the time. So it is the same on any machine, after any restart, and whenever one looks.

use crate::event::EventKind;
use crate::told::Sign;

/// Where a session stands. Times are Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Events are arriving.
    Active,
    /// Quiet for one limit, or between two turns.
    Idle,
    /// Over: it said so, or was quiet for two limits.
    Ended {
        /// When it ended, dated by the rule and not by who noticed.
        at: i64,
    },
}

impl Phase {
    /// Returns the word for this phase.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Ended { .. } => "ended",
        }
    }
}

/// What a session last said about its own rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: it works until it falls silent.
    Working,
    /// Its turn is over and a person may answer.
    BetweenTurns,
    /// It is over.
    Over {
        /// When it said so.
        at: i64,
    },
}

/// All that is remembered of a session to tell its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// When its last event arrived.
    pub last_event: i64,
    /// What it last said about its rest.
    pub rest: Rest,
}

/// The silence after which a session is called idle. Twice as long ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietLimit {
    seconds: i64,
}

/// The configured quiet limit cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("a quiet limit of {seconds} s is out of range; set `session.quiet_minutes` to 1..=10080")]
pub struct QuietLimitError {
    seconds: u64,
}

impl QuietLimit {
    /// Makes a limit of one second up to a week.
    ///
    /// # Errors
    /// Refuses anything else.
    pub fn from_seconds(seconds: u64) -> Result<Self, QuietLimitError> {
        match i64::try_from(seconds) {
            Ok(valid @ 1..=604_800) => Ok(Self { seconds: valid }),
            _ => Err(QuietLimitError { seconds }),
        }
    }

    /// Returns the moment up to which a last event leaves a working session idle at `now`.
    #[must_use]
    pub const fn idle_since(self, now: i64) -> i64 {
        now.saturating_sub(self.seconds)
    }

    /// Returns the moment up to which a last event leaves a session ended at `now`.
    #[must_use]
    pub const fn ended_since(self, now: i64) -> i64 {
        now.saturating_sub(self.seconds.saturating_mul(2))
    }
}

impl Life {
    /// Returns the life of a session whose first event arrives.
    #[must_use]
    pub fn begin(at: i64, agent_type: &str, kind: EventKind, historical: bool, sign: Sign) -> Self {
        let begun = Self { last_event: at, rest: Rest::Working };
        begun.on_event(at, agent_type, kind, historical, sign)
    }

    /// Returns the life after an event. Any event wakes a session, but a tale of the past leaves
    /// it ended, and an end said twice keeps its first date.
    #[must_use]
    pub fn on_event(
        self,
        at: i64,
        agent_type: &str,
        kind: EventKind,
        historical: bool,
        sign: Sign,
    ) -> Self {
        let over = match self.rest {
            Rest::Over { at } => Rest::Over { at },
            Rest::Working | Rest::BetweenTurns => Rest::Over { at },
        };
        let rest = match (sign, kind) {
            _ if historical => over,
            (Sign::Aside, _) => return self,
            (Sign::TurnOver, _) => Rest::BetweenTurns,
            (Sign::SessionOver, _) => over,
            // Its stop hook runs at the end of every turn, so the session may well go on.
            (Sign::Kind, EventKind::SessionEnd) if agent_type == "claude_code" => {
                Rest::BetweenTurns
            }
            (Sign::Kind, EventKind::SessionEnd) => over,
            (Sign::Kind, _) => Rest::Working,
        };
        // A clock that stepped backwards does not make a session older than it was.
        Self { last_event: self.last_event.max(at), rest }
    }

    /// Returns the phase at `now`.
    #[must_use]
    pub fn phase(self, now: i64, limit: QuietLimit) -> Phase {
        match self.rest {
            Rest::Over { at } => Phase::Ended { at },
            _ if self.last_event <= limit.ended_since(now) => {
                Phase::Ended { at: self.last_event.saturating_add(2 * limit.seconds) }
            }
            Rest::BetweenTurns => Phase::Idle,
            Rest::Working if self.last_event <= limit.idle_since(now) => Phase::Idle,
            Rest::Working => Phase::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn silence_idles_then_ends_a_session() {
        let life = Life::begin(100, "codex", EventKind::ToolUse, false, Sign::Kind);
        for (now, expected) in [
            (0, Phase::Active),
            (159, Phase::Active),
            (160, Phase::Idle),
            (219, Phase::Idle),
            (220, Phase::Ended { at: 220 }),
            (9_999, Phase::Ended { at: 220 }),
        ] {
            assert_eq!(life.phase(now, minute()), expected, "at {now}");
        }
    }

    #[test]
    fn the_end_of_a_turn_is_not_the_end_of_a_session() {
        let turn = Life::begin(100, "claude_code", EventKind::SessionEnd, false, Sign::Kind);
        assert_eq!(turn.phase(100, minute()), Phase::Idle);
        assert_eq!(turn.phase(220, minute()), Phase::Ended { at: 220 }, "nothing idles for ever");
        let end = Life::begin(100, "codex", EventKind::SessionEnd, false, Sign::Kind);
        assert_eq!(end.phase(100, minute()), Phase::Ended { at: 100 });
    }

    #[test]
    fn any_event_wakes_a_session_even_within_the_same_second() {
        let ended = Life::begin(100, "codex", EventKind::SessionEnd, false, Sign::Kind);
        let woken = ended.on_event(100, "codex", EventKind::ToolUse, false, Sign::Kind);
        assert_eq!(woken.phase(100, minute()), Phase::Active);
    }

    #[test]
    fn the_past_wakes_nobody_and_a_second_end_keeps_the_first_date() {
        let ended = Life::begin(100, "codex", EventKind::SessionEnd, false, Sign::Kind);
        let told = ended.on_event(150, "codex", EventKind::ToolUse, true, Sign::Kind);
        assert_eq!(told.phase(150, minute()), Phase::Ended { at: 100 });
        let again = ended.on_event(150, "codex", EventKind::SessionEnd, false, Sign::Kind);
        assert_eq!(again.phase(150, minute()), Phase::Ended { at: 100 });
    }

    #[test]
    fn a_sign_says_more_than_the_kind() {
        let working = Life::begin(100, "claude_code", EventKind::UserPrompt, false, Sign::Kind);
        let told = |sign| working.on_event(130, "claude_code", EventKind::Response, false, sign);
        assert_eq!(told(Sign::TurnOver).phase(130, minute()), Phase::Idle);
        assert_eq!(told(Sign::SessionOver).phase(130, minute()), Phase::Ended { at: 130 });
        assert_eq!(told(Sign::Aside), working, "what is told aside wakes nobody");
    }

    #[test]
    fn a_useless_limit_names_the_setting_to_change() {
        let message = QuietLimit::from_seconds(0).unwrap_err().to_string();
        assert!(message.contains("session.quiet_minutes"), "{message}");
    }

    proptest! {
        #[test]
        fn looking_later_never_makes_a_silent_session_livelier(
            last in 0_i64..1_000, now in 0_i64..2_000, wait in 0_i64..2_000, between in any::<bool>(),
        ) {
            let rest = if between { Rest::BetweenTurns } else { Rest::Working };
            let life = Life { last_event: last, rest };
            let rank = |phase| match phase { Phase::Active => 0, Phase::Idle => 1, Phase::Ended { .. } => 2 };
            prop_assert!(rank(life.phase(now, minute())) <= rank(life.phase(now + wait, minute())));
        }
    }

    fn minute() -> QuietLimit {
        QuietLimit { seconds: 60 }
    }
}
