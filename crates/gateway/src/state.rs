//! Where a session stands is a pure function of where it stood and what came.
//!
//! Whoever owns a session sends its signals through here, so that no other step than those of the
//! protocol can ever be seen by a client. A step that is none is refused, and nothing changes.

use oriel_wire::gateway::SessionState;

/// What moves a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Signal {
    /// Its agent is being started.
    Start,
    /// Its agent can be given work.
    Ready,
    /// A turn begins.
    TurnBegan,
    /// The agent waits for a person.
    Asked,
    /// The agent waits for nobody any more.
    Answered,
    /// The turn is over, and the agent is still there.
    TurnEnded,
    /// Its agent is being ended.
    End,
    /// Its agent is no more, as it should be.
    Gone,
    /// Its agent could not be started, or went away.
    Failed,
}

/// A signal does not fit where the session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session that is {} cannot take the signal {signal:?}", state.as_str())]
pub(crate) struct Refused {
    /// Where it stands, and goes on standing.
    pub(crate) state: SessionState,
    /// What came.
    pub(crate) signal: Signal,
}

/// Returns where a session stands after a signal.
///
/// # Errors
/// Where there is no such step.
pub(crate) fn after(state: SessionState, signal: Signal) -> Result<SessionState, Refused> {
    use SessionState::{Activating, Deactivating, Error, Inactive, Ready, Running, Waiting};

    match (state, signal) {
        (Inactive, Signal::Start) => Ok(Activating),
        (Activating, Signal::Ready) | (Running | Waiting, Signal::TurnEnded) => Ok(Ready),
        (Ready, Signal::TurnBegan) | (Waiting, Signal::Answered) => Ok(Running),
        (Running, Signal::Asked) => Ok(Waiting),
        (Ready | Running | Waiting | Error, Signal::End) => Ok(Deactivating),
        (Activating | Ready | Error | Deactivating, Signal::Gone) => Ok(Inactive),
        (Activating | Ready | Running | Waiting | Deactivating, Signal::Failed) => Ok(Error),
        _ => Err(Refused { state, signal }),
    }
}

/// Returns the signals that lead from anywhere to a session without an agent.
pub(crate) fn way_out(state: SessionState) -> &'static [Signal] {
    use SessionState::{Activating, Deactivating, Error, Inactive, Ready, Running, Waiting};

    match state {
        Inactive => &[],
        Activating | Ready | Error | Deactivating => &[Signal::Gone],
        Running | Waiting => &[Signal::End, Signal::Gone],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNALS: [Signal; 9] = [
        Signal::Start,
        Signal::Ready,
        Signal::TurnBegan,
        Signal::Asked,
        Signal::Answered,
        Signal::TurnEnded,
        Signal::End,
        Signal::Gone,
        Signal::Failed,
    ];

    #[test]
    fn the_whole_table_is_the_protocols() {
        // One row for each state; a dot is a refusal. The columns are those of `SIGNALS`.
        let table = "
            inactive      activating . . . . . . . .
            activating    . ready . . . . . inactive error
            ready         . . running . . . deactivating inactive error
            running       . . . waiting . ready deactivating . error
            waiting       . . . . running ready deactivating . error
            deactivating  . . . . . . . inactive error
            error         . . . . . . deactivating inactive .
        ";
        let mut rows = 0;
        for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let mut words = row.split_whitespace();
            let state = SessionState::from_word(words.next().unwrap()).unwrap();
            for (signal, word) in SIGNALS.into_iter().zip(words.by_ref()) {
                let wanted = match word {
                    "." => Err(Refused { state, signal }),
                    word => Ok(SessionState::from_word(word).unwrap()),
                };
                assert_eq!(after(state, signal), wanted, "{state:?} {signal:?}");
            }
            assert_eq!(words.next(), None, "{row}");
            rows += 1;
        }
        assert_eq!(rows, SessionState::ALL.len());
    }

    #[test]
    fn every_step_is_one_that_the_protocol_names() {
        let allowed = [
            ("inactive", "activating"),
            ("activating", "ready error inactive"),
            ("ready", "running deactivating inactive error"),
            ("running", "ready waiting error deactivating"),
            ("waiting", "running ready error deactivating"),
            ("error", "deactivating inactive"),
            ("deactivating", "inactive error"),
        ];
        for (from, to) in allowed {
            let from = SessionState::from_word(from).unwrap();
            let steps = SIGNALS.into_iter().filter_map(|signal| after(from, signal).ok());
            let mut steps: Vec<&str> = steps.map(SessionState::as_str).collect();
            let mut wanted: Vec<&str> = to.split(' ').collect();
            steps.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(steps, wanted, "{from:?}");
        }
    }

    #[test]
    fn there_is_a_way_out_of_everywhere() {
        for state in SessionState::ALL {
            let end = way_out(state).iter().try_fold(state, |state, signal| after(state, *signal));
            assert_eq!(end, Ok(SessionState::Inactive), "{state:?}");
        }
    }

    #[test]
    fn a_refusal_names_both() {
        let refused = after(SessionState::Inactive, Signal::Asked).unwrap_err().to_string();
        assert!(refused.contains("inactive") && refused.contains("Asked"), "{refused}");
    }
}
