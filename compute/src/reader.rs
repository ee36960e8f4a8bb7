//! Reads what the driver asks, answers what is known, and hands the rest to the thread that runs scripts.

use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use oriel_wire::compute::{
    Answer, Asked, Code, Failed, Outcome, Request, SCRIPT_BYTES_MAX, Source, State, Status,
    frame_length, read_frame,
};

use crate::known::Known;
use crate::session::Order;

/// How long what is still to be said may take when the session ends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Reads requests until there are no more. It ends the process: who drove it is gone, or sends what
/// cannot be read.
pub(crate) fn read(
    mut from: impl Read,
    known: &Arc<Known>,
    orders: &SyncSender<Order>,
    memory: Option<&OwnedFd>,
) -> Result<(), String> {
    loop {
        let mut head = [0; 4];
        match from.read_exact(&mut head) {
            Ok(()) => {}
            // The driver closed its end, or is dead.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(format!("requests cannot be read: {error}")),
        }
        let length = match frame_length(head) {
            Ok(length) => length,
            Err(error) => {
                known.outbox.answer(0, failed(Code::BadMessage, error.to_string()));
                known.outbox.drain(LAST_WORDS);
                return Err(error.to_string());
            }
        };
        let mut text = vec![0; length];
        if from.read_exact(&mut text).is_err() {
            return Ok(());
        }
        match read_frame::<Asked>(&text) {
            Ok(asked) => {
                let is_stop = asked.request == Request::Stop;
                answer(asked, known, orders, memory);
                if is_stop {
                    known.outbox.drain(LAST_WORDS);
                    return Ok(());
                }
            }
            Err(error) => {
                let id = id_of(&text);
                known.outbox.answer(id, failed(Code::BadMessage, error.to_string()));
            }
        }
    }
}

/// The id of a request that is unknown, so that whoever asked learns it. 0 where there is none.
fn id_of(text: &[u8]) -> u64 {
    let value: Option<serde_json::Value> = serde_json::from_slice(text).ok();
    value.and_then(|value| value.get("id")?.as_u64()).unwrap_or(0)
}

fn answer(asked: Asked, known: &Known, orders: &SyncSender<Order>, memory: Option<&OwnedFd>) {
    let Asked { id, request } = asked;
    let order = |order: Order| {
        if orders.try_send(order).is_err() {
            known.outbox.answer(id, failed(Code::Busy, "too much is asked at once".to_owned()));
        }
    };
    let at_rest = |then: Order| match known.standing() {
        Some(standing) => known.outbox.answer(id, busy(standing.run)),
        None => order(then),
    };
    let answer = match request {
        Request::Run { source } => {
            if let Source::Text { text, .. } = &source
                && text.len() > SCRIPT_BYTES_MAX
            {
                let why =
                    format!("a script of more than {SCRIPT_BYTES_MAX} bytes is run as a file");
                return known.outbox.answer(id, failed(Code::TooLarge, why));
            }
            match known.begin() {
                Ok(run) => {
                    known.outbox.answer(id, Answer::Started { run });
                    if orders.send(Order::Run { run, source }).is_err() {
                        known.end();
                    }
                    return;
                }
                Err(run) => busy(run),
            }
        }
        Request::AnswerInput { question, text } => match known.answer(question, text) {
            true => Answer::Done,
            false => failed(Code::NotRunning, format!("question {question} is not asked")),
        },
        Request::Interrupt => match known.stop(Outcome::Interrupted) {
            true => Answer::Done,
            false => failed(Code::NotRunning, "no script runs".to_owned()),
        },
        Request::Reset => return at_rest(Order::Reset { id }),
        Request::Value { name, start, shape } => {
            return at_rest(Order::Value { id, name, start, shape });
        }
        Request::Figure { figure } => return at_rest(Order::Figure { id, figure }),
        Request::Variables => {
            let (variables, more) = known.variables();
            Answer::Variables { variables, more }
        }
        Request::Figures => Answer::Figures { figures: known.figures() },
        Request::Status => Answer::Status(status(known, memory)),
        Request::History => Answer::History { runs: known.history() },
        Request::Stop => Answer::Done,
    };
    known.outbox.answer(id, answer);
}

fn status(known: &Known, memory: Option<&OwnedFd>) -> Status {
    let standing = known.standing();
    let state = match standing {
        None => State::Idle,
        Some(standing) if standing.question.is_some() => State::WaitingForInput,
        Some(_) => State::Running,
    };
    Status {
        state,
        run: standing.map(|standing| standing.run),
        running_ms: standing.map(|it| u64::try_from(it.ran.as_millis()).unwrap_or(u64::MAX)),
        question: standing.and_then(|standing| standing.question),
        memory_bytes: memory.and_then(memory_bytes),
        limits: known.limits,
        is_confined: known.is_confined,
    }
}

/// How much memory the process has: the second number of the system's file, in pages.
fn memory_bytes(file: &OwnedFd) -> Option<u64> {
    let mut text = [0; 128];
    // Without it the status says nothing of memory.
    let came = rustix::io::pread(file, &mut text, 0).ok()?;
    let text = std::str::from_utf8(&text[..came]).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn busy(run: u64) -> Answer {
    failed(Code::Busy, format!("run {run} goes on; interrupt it or wait for its end"))
}

/// A request failed.
pub(crate) fn failed(code: Code, message: String) -> Answer {
    Answer::Failed(Failed { code, message })
}
