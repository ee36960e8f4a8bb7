//! What a session does because it is time.

use std::time::Duration;

use oriel_wire::gateway::{SessionState, TurnErrorCode};
use tokio::time::Instant;

use super::Session;
use super::hold::Hold;
use super::turn::Ending;
use crate::state::Signal;
use crate::store::StoreError;

/// What the agent says is on disk after so long, should nothing else be written before.
const SAVE_AFTER: Duration = Duration::from_secs(2);

/// A session that waits for nothing looks around this often.
const LOOK_AROUND: Duration = Duration::from_secs(60);

impl Session {
    /// Returns when something is to be done next.
    pub(super) fn deadline(&self) -> Instant {
        let limits = &self.hub.limits;
        let agent = match &self.hold {
            Hold::Nothing => None,
            Hold::Starting { by, .. } | Hold::Waking { by, .. } | Hold::Leaving { by, .. } => {
                Some(*by)
            }
            Hold::There { idle_since, .. } => {
                self.turn.is_none().then(|| *idle_since + limits.idle_agent)
            }
        };
        let turn = self.turn.as_ref().and_then(|turn| {
            let over = turn.ending.is_none().then(|| turn.began + limits.turn_max);
            let save = turn.unsaved_since.map(|since| since + SAVE_AFTER);
            [over, save, turn.cancel_by].into_iter().flatten().min()
        });
        let forgotten = self.is_free().then(|| self.busy_at + limits.linger);
        let next = [agent, turn, forgotten].into_iter().flatten().min();
        next.unwrap_or_else(|| Instant::now() + LOOK_AROUND)
    }

    /// Does what it is time for.
    pub(super) async fn on_time(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        self.watch_agent(now).await;
        self.watch_turn(now).await;
        if let Some(turn) = &self.turn
            && turn.unsaved_since.is_some_and(|since| now >= since + SAVE_AFTER)
            && self.entry.turn.is_none()
        {
            self.entry.turn = Some(Some(turn.open()));
        }
        self.rest_if_stopping();
        self.flush().await
    }

    async fn watch_agent(&mut self, now: Instant) {
        match &self.hold {
            Hold::Starting { by, .. } | Hold::Waking { by, .. } if now >= *by => {
                let problem = "the agent was not ready in time; see whether it runs by itself, then \
                               run the turn again";
                self.hold = Hold::Nothing;
                self.end_turn(Err(Ending::new(TurnErrorCode::AgentFailed, problem))).await;
                self.fail(problem);
                self.tell_session();
            }
            Hold::Leaving { by, .. } if now >= *by => self.on_gone(),
            Hold::There { idle_since, .. } => {
                let is_idle = now >= *idle_since + self.hub.limits.idle_agent;
                if self.turn.is_none() && is_idle {
                    self.end_agent();
                }
            }
            _ => {}
        }
    }

    async fn watch_turn(&mut self, now: Instant) {
        let Some(turn) = &self.turn else { return };
        if turn.cancel_by.is_some_and(|by| now >= by) {
            let ending = turn.ending.clone().unwrap_or_else(|| {
                let message = "the agent did not stop what it did to hear what was said; say it \
                               again in a new turn";
                Ending::new(TurnErrorCode::AgentFailed, message)
            });
            self.end_turn(Err(ending)).await;
            self.end_agent();
        } else if turn.ending.is_none() && now >= turn.began + self.hub.limits.turn_max {
            let message = "the turn took longer than turns may; go on with a new one";
            self.stop(Ending::new(TurnErrorCode::TurnTimedOut, message)).await;
        }
    }

    /// Ends the agent. What becomes of the session is told at once and again when it has ended.
    pub(super) fn end_agent(&mut self) {
        self.signal(Signal::End);
        self.hold.let_go(Instant::now() + self.hub.limits.stop_within);
        self.tell_session();
    }

    /// Takes note that the agent is no more, as it should be. A turn that waits starts another one.
    pub(super) fn on_gone(&mut self) {
        self.hold = Hold::Nothing;
        self.signal(Signal::Gone);
        if self.turn.is_some() {
            self.start_agent();
        }
        self.tell_session();
    }

    /// Ends the agent where the gateway stops and no turn runs.
    pub(super) fn rest_if_stopping(&mut self) {
        if !self.stopping.is_empty() && self.turn.is_none() {
            match &self.hold {
                Hold::There { .. } => self.end_agent(),
                Hold::Starting { .. } | Hold::Waking { .. } => {
                    self.hold = Hold::Nothing;
                    if self.meta.state == SessionState::Activating {
                        self.signal(Signal::Gone);
                        self.tell_session();
                    }
                }
                Hold::Nothing | Hold::Leaving { .. } => {}
            }
        }
    }
}
