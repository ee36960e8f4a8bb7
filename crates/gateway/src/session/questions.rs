//! The questions of an agent: asked, waiting, answered once.

use oriel_wire::gateway::{Answer, ErrorCode, EventBody, OpenQuestion, Outcome, Reply};
use tokio::sync::oneshot;

use super::tell::Effect;
use super::{Base, Session, journal};
use crate::agent::{Asked, Given, fit};
use crate::asker::{Asker, Refusal};
use crate::limits::{OPTIONS_MAX, PROMPT_BYTES_MAX, QUESTIONS_MAX, cut};
use crate::state::Signal;
use crate::store::StoreError;

/// The longest name of an option, and its longest label.
const OPTION_BYTES_MAX: usize = 1024;

/// A question that waits.
pub(super) struct Waiting {
    pub(super) question: OpenQuestion,
    answer: oneshot::Sender<Given>,
}

impl Session {
    /// Takes a question. Where nobody can answer it, it is cancelled by being dropped.
    pub(super) fn on_asked(&mut self, asked: Asked) {
        let Some(turn) = &self.turn else { return };
        if turn.ending.is_some()
            || turn.cancel_by.is_some()
            || self.questions.len() >= QUESTIONS_MAX
        {
            return;
        }
        let turn_id = turn.id.clone();
        self.on_speech_end();
        let Asked { is_permission, tool_call_id, mut prompt, mut options, answer } = asked;
        cut(&mut prompt, PROMPT_BYTES_MAX);
        options.retain(|option| option.id.len() <= OPTION_BYTES_MAX);
        options.truncate(OPTIONS_MAX);
        for option in &mut options {
            cut(&mut option.label, OPTION_BYTES_MAX);
        }
        let question_id = crate::token::fresh_id("question");
        let ts = self.hub.clock.unix_ms();
        let question = OpenQuestion {
            question_id: question_id.clone(),
            turn_id,
            ts,
            is_permission,
            tool_call_id: tool_call_id.clone(),
            prompt: prompt.clone(),
            options: options.clone(),
        };
        self.tell(if is_permission {
            EventBody::PermissionRequested { question_id, tool_call_id, title: prompt, options }
        } else {
            EventBody::QuestionRequested { question_id, prompt, options }
        });
        self.entry.asked.push((self.seq, question.clone()));
        if self.questions.is_empty() {
            self.signal(Signal::Asked);
        }
        self.questions.push(Waiting { question, answer });
        self.tell_session();
    }

    /// Answers a question for whoever asks first.
    pub(super) async fn answer_question(
        &mut self,
        asker: Asker,
        question_id: String,
        answer: &Answer,
    ) -> Result<(), StoreError> {
        let found = self.questions.iter().position(|it| it.question.question_id == question_id);
        let Some(at) = found else {
            let base = Base::Session(self.meta.id.clone());
            let known = self.hub.store.read(base, move |c| journal::was_asked(c, &question_id));
            let refusal = if known.await? {
                let message = "the question was answered before, or needs no answer any more";
                Refusal::new(ErrorCode::AlreadyResolved, message)
            } else {
                Refusal::invalid("this session has no such question; a snapshot says which wait")
            };
            self.answer(asker, Err(refusal));
            return Ok(());
        };
        let question = &self.questions[at].question;
        match fit(&question.options, answer) {
            Err(why) => self.answer(asker, Err(Refusal::invalid(why))),
            Ok(_) if self.questions[at].answer.is_closed() => {
                self.resolve(at, Outcome::Cancelled);
                let message = "the agent does not wait for the answer any more";
                self.answer(asker, Err(Refusal::new(ErrorCode::AlreadyResolved, message)));
                self.go_on();
            }
            Ok(given) => {
                let (session_id, turn_id) = (self.meta.id.clone(), question.turn_id.clone());
                let outcome = outcome(question, &given);
                self.answer(asker, Ok(Reply::Accepted { session_id, turn_id: Some(turn_id) }));
                let answer = self.resolve(at, outcome);
                // Only once the answer is on disk may the agent act on it.
                self.effects.push(Effect::Give(answer, given));
                self.go_on();
            }
        }
        Ok(())
    }

    /// Cancels every question that waits, since nobody needs its answer any more.
    pub(super) fn cancel_questions(&mut self) {
        if !self.questions.is_empty() {
            while !self.questions.is_empty() {
                self.resolve(0, Outcome::Cancelled);
            }
            self.signal(Signal::Answered);
        }
    }

    fn go_on(&mut self) {
        if self.questions.is_empty() {
            self.signal(Signal::Answered);
        }
        self.tell_session();
    }

    fn resolve(&mut self, at: usize, outcome: Outcome) -> oneshot::Sender<Given> {
        let Waiting { question, answer } = self.questions.remove(at);
        let question_id = question.question_id;
        self.entry.resolved.push(question_id.clone());
        self.tell(EventBody::ApprovalResolved { question_id, outcome });
        answer
    }
}

fn outcome(question: &OpenQuestion, given: &Given) -> Outcome {
    match given {
        Given::Words(text) => Outcome::Answered { text: text.clone() },
        Given::Option(id) => {
            let option = question.options.iter().find(|option| option.id == *id);
            let allowed = option.and_then(|option| option.kind.allows());
            Outcome::Selected { option_id: id.clone(), allowed }
        }
    }
}
