//! What was open when the gateway ended without a word is ended when the session is looked at again.

use oriel_wire::gateway::{EventBody, OpenQuestion, Outcome, SessionState, TurnErrorCode};

use super::speech::Speech;
use super::{Base, Session, journal};
use crate::journal::OpenTurn;
use crate::state;
use crate::store::StoreError;

impl Session {
    /// Ends what was open: the turn with what the agent is known to have said, its questions, its agent.
    pub(super) async fn recover(
        &mut self,
        turn: Option<OpenTurn>,
        waiting: Vec<OpenQuestion>,
    ) -> Result<(), StoreError> {
        let was_working = !matches!(self.meta.state, SessionState::Inactive | SessionState::Error);
        if turn.is_none() && waiting.is_empty() && !was_working {
            return Ok(());
        }
        for question in waiting {
            let question_id = question.question_id;
            self.entry.resolved.push(question_id.clone());
            let body = EventBody::ApprovalResolved { question_id, outcome: Outcome::Cancelled };
            self.tell_in(Some(question.turn_id), body);
        }
        if let Some(turn) = turn {
            self.end_lost_turn(turn).await?;
        }
        self.rest();
        self.flush().await
    }

    /// Lets a session whose agent could not be started or went away begin anew with the gateway.
    pub(super) async fn forgive(&mut self) -> Result<(), StoreError> {
        if self.meta.state != SessionState::Inactive {
            self.rest();
        }
        self.flush().await
    }

    async fn end_lost_turn(&mut self, turn: OpenTurn) -> Result<(), StoreError> {
        let from = turn.started_seq;
        let base = Base::Session(self.meta.id.clone());
        let told = self.hub.store.read(base, move |c| journal::stretches(c, from)).await?;
        let mut speech = Speech::default();
        let mut said = |text: &str| speech.say(text, &mut vec![]);
        for event in told {
            if let EventBody::TextComplete { text } = event.body {
                said(&text);
            }
        }
        said(&turn.open_text);
        if !turn.open_text.is_empty() {
            let body = EventBody::TextComplete { text: turn.open_text };
            self.tell_in(Some(turn.turn_id.clone()), body);
        }
        let final_text = speech.text().to_owned();
        let code = TurnErrorCode::GatewayRestarted;
        let message =
            "the gateway ended in this turn; see what was done, then run it again".to_owned();
        self.tell_in(Some(turn.turn_id), EventBody::TurnError { code, message, final_text });
        self.entry.turn = Some(None);
        Ok(())
    }

    fn rest(&mut self) {
        for signal in state::way_out(self.meta.state) {
            self.signal(*signal);
        }
        self.meta.problem = None;
        self.tell_session();
    }
}
