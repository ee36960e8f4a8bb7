//! What connections want of a session, one wish after another.

use oriel_wire::gateway::{ErrorCode, EventBody, Reply, SessionState, TurnErrorCode};
use tokio::time::Instant;

use super::hold::Hold;
use super::tell::Effect;
use super::turn::{Ending, Turn};
use super::{Base, Session, Wish, journal, removal, stopping};
use crate::agent::Order;
use crate::asker::{Asker, Refusal};
use crate::state::Signal;
use crate::store::StoreError;

/// The longest name that a client gives a turn.
const TURN_NAME_BYTES_MAX: usize = 128;

/// How much a person can say while the agent has not heard any of it.
const STEER_BYTES_MAX: usize = 1024 * 1024;

impl Session {
    pub(super) async fn grant(&mut self, asker: Asker, wish: Wish) -> Result<(), StoreError> {
        match wish {
            Wish::Rename(name) => {
                self.meta.name = name;
                self.answer_updated(asker);
            }
            Wish::Archive(archived) => {
                self.meta.archived = archived;
                self.answer_updated(asker);
            }
            Wish::Delete => self.delete(asker).await,
            Wish::Join { after_seq } => self.join(asker, after_seq).await?,
            Wish::Leave => {
                self.joined.remove(&asker.client().number);
                asker.client().outbox.let_go(&self.meta.id);
                self.answer(asker, Ok(Reply::Left { session_id: self.meta.id.clone() }));
            }
            Wish::RunTurn { text, client_turn_id } => {
                self.run_turn(asker, text, client_turn_id).await?;
            }
            Wish::StopTurn => {
                let turn_id = self.turn.as_ref().map(|turn| turn.id.clone());
                self.accept(asker, turn_id);
                let ending = Ending::new(TurnErrorCode::TurnStopped, "the turn was stopped");
                self.stop(ending).await;
            }
            Wish::Steer(text) => self.steer(asker, &text),
            Wish::Answer { question_id, answer } => {
                self.answer_question(asker, question_id, &answer).await?;
            }
        }
        Ok(())
    }

    fn answer_updated(&mut self, asker: Asker) {
        self.tell_session();
        // Whoever asked hears of it by the answer, and if it has joined by the event too; not by what
        // everybody else hears.
        let client = asker.client().number;
        if let Some(Effect::Announce { besides, .. }) = self.effects.last_mut() {
            *besides = Some(client);
        }
        let session = self.meta.clone();
        self.answer(asker, Ok(Reply::SessionUpdated { session }));
    }

    fn accept(&mut self, asker: Asker, turn_id: Option<String>) {
        let session_id = self.meta.id.clone();
        self.answer(asker, Ok(Reply::Accepted { session_id, turn_id }));
    }

    async fn run_turn(
        &mut self,
        asker: Asker,
        text: String,
        name: Option<String>,
    ) -> Result<(), StoreError> {
        if let Some(name) = name.clone()
            && name.len() <= TURN_NAME_BYTES_MAX
        {
            let base = Base::Session(self.meta.id.clone());
            let known = self.hub.store.read(base, move |c| journal::turn_named(c, &name)).await?;
            if known.is_some() {
                self.accept(asker, known);
                return Ok(());
            }
        }
        if let Err(refusal) = self.may_run(&text, name.as_deref()).await {
            self.answer(asker, Err(refusal));
            return Ok(());
        }
        let turn = Turn::new(crate::token::fresh_id("turn"), self.seq + 1, text.clone());
        self.accept(asker, Some(turn.id.clone()));
        self.entry.turn_name = name.clone().map(|name| (name, turn.id.clone()));
        self.entry.turn = Some(Some(turn.open()));
        self.turn = Some(turn);
        self.meta.turns += 1;
        self.meta.problem = None;
        self.tell(EventBody::TurnStarted { text, client_turn_id: name });
        // Whoever asked hears of the turn before anybody looks at the workspace.
        self.flush().await?;
        self.watch_files().await;
        match &self.hold {
            Hold::There { .. } => self.begin_work(),
            Hold::Nothing => {
                if self.meta.state == SessionState::Error {
                    self.signal(Signal::Gone);
                }
                self.start_agent();
            }
            // It is started once the one before it has ended.
            Hold::Leaving { .. } => {}
            Hold::Starting { .. } | Hold::Waking { .. } => {}
        }
        self.tell_session();
        Ok(())
    }

    async fn may_run(&mut self, text: &str, name: Option<&str>) -> Result<(), Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::invalid("the text of a turn is empty; say what is to be done"));
        }
        if name.is_some_and(|name| name.is_empty() || name.len() > TURN_NAME_BYTES_MAX) {
            let message = format!("clientTurnId must have 1 to {TURN_NAME_BYTES_MAX} bytes");
            return Err(Refusal::invalid(message));
        }
        if self.turn.is_some() {
            let message = "a turn runs; wait for its end, stop it, or steer it";
            return Err(Refusal::new(ErrorCode::TurnInProgress, message));
        }
        if self.hub.is_stopping() || !self.stopping.is_empty() {
            return Err(stopping());
        }
        crate::sessions::check_agent(&*self.hub.agents, &self.meta.agent_type)?;
        match tokio::fs::metadata(&self.meta.workspace).await {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            _ => {
                let message = "the session's workspace is no folder any more; put it back, or make \
                               a session with another one";
                Err(Refusal::new(ErrorCode::AgentUnavailable, message))
            }
        }
    }

    /// Stops the turn, if one runs. One that works is asked first, and ends when the agent has stopped or
    /// has had the time to.
    pub(super) async fn stop(&mut self, ending: Ending) {
        let Some(turn) = &mut self.turn else { return };
        if turn.is_prompted {
            if turn.ending.is_none() {
                turn.ending = Some(ending);
                turn.next = None;
                if turn.cancel_by.is_none() {
                    self.effects.push(Effect::Order(Order::Cancel));
                }
                turn.cancel_by = Some(Instant::now() + self.hub.limits.stop_within);
                self.cancel_questions_aloud();
            }
            return;
        }
        self.end_turn(Err(ending)).await;
        if matches!(self.hold, Hold::Starting { .. } | Hold::Waking { .. }) {
            self.hold = Hold::Nothing;
            self.signal(Signal::Gone);
        }
        self.tell_session();
    }

    fn steer(&mut self, asker: Asker, text: &str) {
        let refusal = match &self.turn {
            _ if text.trim().is_empty() => {
                Some(Refusal::invalid("the text is empty; say what the agent is to hear"))
            }
            None => {
                let message = "no turn runs; begin one with run_turn";
                Some(Refusal::new(ErrorCode::NoActiveTurn, message))
            }
            Some(turn) if turn.ending.is_some() => {
                let message = "the turn is being stopped; begin another one with run_turn";
                Some(Refusal::new(ErrorCode::NoActiveTurn, message))
            }
            Some(turn) => {
                let waits = turn.next.as_ref().map_or(0, String::len);
                (waits + text.len() > STEER_BYTES_MAX).then(|| {
                    Refusal::invalid(
                        "the agent has not heard yet what was said before; wait for it",
                    )
                })
            }
        };
        if let Some(refusal) = refusal {
            self.answer(asker, Err(refusal));
            return;
        }
        let turn_id = self.turn.as_ref().map(|turn| turn.id.clone());
        self.accept(asker, turn_id);
        self.on_speech_end();
        self.tell(EventBody::TurnSteered { text: text.to_owned() });
        let Some(turn) = &mut self.turn else { return };
        turn.add_next(text);
        if turn.is_prompted && turn.cancel_by.is_none() {
            // What it did is asked to end, and its end is not the turn's.
            turn.cancel_by = Some(Instant::now() + self.hub.limits.stop_within);
            self.effects.push(Effect::Order(Order::Cancel));
            self.cancel_questions_aloud();
        }
    }

    fn cancel_questions_aloud(&mut self) {
        if !self.questions.is_empty() {
            self.cancel_questions();
            self.tell_session();
        }
    }

    /// Removes the session and everything that is kept of it. Its agent is ended first.
    async fn delete(&mut self, asker: Asker) {
        self.hold.let_go(Instant::now() + self.hub.limits.stop_within);
        if let Hold::Leaving { news, by } = &mut self.hold {
            let ended = async { while news.recv().await.is_some() {} };
            if tokio::time::timeout_at(*by, ended).await.is_err() {
                tracing::warn!(session = self.meta.id, "an agent outlives its session");
            }
        }
        self.hold = Hold::Nothing;
        self.is_deleted = true;
        for outbox in self.joined.values() {
            outbox.let_go(&self.meta.id);
        }
        removal::remove(&self.hub, &self.meta.id, asker).await;
    }
}
