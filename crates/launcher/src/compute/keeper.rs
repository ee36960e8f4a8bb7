//! The task that owns a session's process: it hands on what is asked, and starts the process anew when it
//! ended and should not have.

use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::time::Duration;

use oriel_wire::compute::{EndReason, Event, Request};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::process::{self, Process};
use super::{Order, Start};

/// How long a process that is asked to end may take. Then it is ended by force.
const STOP: Duration = Duration::from_secs(3);

/// The code with which a process ends when a script took too long and did not stop.
const TIME_LIMIT_CODE: i32 = 3;

/// What the allocator says when there is no more memory to be had.
const NO_MEMORY: &str = "memory allocation of";

/// Keeps a session until it is stopped, dropped, or ends before it was ever ready.
pub(super) async fn keep(
    start: Start,
    mut process: Process,
    mut todo: mpsc::Receiver<Order>,
    events: mpsc::Sender<Event>,
) {
    let mut is_killed = false;
    loop {
        tokio::select! {
            order = todo.recv() => match order {
                Some(Order::Ask(request, answer)) => process.ask(request, answer),
                Some(Order::Kill) => {
                    is_killed = true;
                    // It may have ended by itself meanwhile.
                    _ = process.child.start_kill();
                }
                Some(Order::Stop(done)) => {
                    end(process).await;
                    tell_stopped(&events);
                    _ = done.send(());
                    return;
                }
                None => return end(process).await,
            },
            status = process.child.wait() => {
                let status = status.ok();
                // What it still said is heard first; whoever does not read it is not waited for.
                _ = timeout(STOP, &mut process.reading).await;
                let words = timeout(STOP, &mut process.last_words).await;
                let words = words.ok().and_then(Result::ok).unwrap_or_default();
                let reason = why(status, is_killed, &words);
                let next = if process.is_ready.load(Ordering::Relaxed) {
                    process::start(&start, true, &events).ok()
                } else {
                    None
                };
                let message = message(reason, status, words, start.limits.memory_bytes);
                let is_restarting = next.is_some();
                let ended = Event::Ended { reason, message, is_restarting };
                tokio::select! {
                    _ = events.send(ended) => {}
                    () = wait_for_stop(&mut todo) => return,
                }
                let Some(next) = next else { return };
                process = next;
                is_killed = false;
            }
        }
    }
}

/// Waits until nobody has the session any more, for a listener that never reads must not keep it.
async fn wait_for_stop(todo: &mut mpsc::Receiver<Order>) {
    while let Some(order) = todo.recv().await {
        if let Order::Stop(_) = order {
            return;
        }
    }
}

async fn end(mut process: Process) {
    let (answer, _) = oneshot::channel();
    process.ask(Request::Stop, answer);
    process.hang_up();
    if timeout(STOP, process.child.wait()).await.is_err() {
        // Where that fails it has ended.
        _ = process.child.kill().await;
    }
    process.reading.abort();
    process.last_words.abort();
}

fn tell_stopped(events: &mpsc::Sender<Event>) {
    let reason = EndReason::Stopped;
    let message = String::new();
    // Whoever stops a session knows it.
    _ = events.try_send(Event::Ended { reason, message, is_restarting: false });
}

fn why(status: Option<ExitStatus>, is_killed: bool, words: &str) -> EndReason {
    let code = status.and_then(|status| status.code());
    if is_killed {
        EndReason::Killed
    } else if code == Some(TIME_LIMIT_CODE) {
        EndReason::TimeLimit
    } else if words.contains(NO_MEMORY) {
        EndReason::MemoryLimit
    } else {
        EndReason::Crashed
    }
}

fn message(
    reason: EndReason,
    status: Option<ExitStatus>,
    words: String,
    memory_bytes: Option<u64>,
) -> String {
    match (reason, status) {
        (EndReason::Killed, _) => "the script did not stop and was ended by force".to_owned(),
        (EndReason::MemoryLimit, _) => match memory_bytes {
            Some(bytes) => {
                format!("the script wanted more memory than the {bytes} bytes it may have")
            }
            None => "the script wanted more memory than there is".to_owned(),
        },
        (_, Some(status)) if words.is_empty() => format!("oriel-compute ended with {status}"),
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn an_end_is_told_by_who_caused_it() {
        let code = |code: i32| Some(ExitStatus::from_raw(code << 8));
        let signal = |signal| Some(ExitStatus::from_raw(signal));
        assert_eq!(why(signal(9), true, ""), EndReason::Killed);
        assert_eq!(why(code(3), false, "took too long"), EndReason::TimeLimit);
        let words = "memory allocation of 8 bytes failed";
        assert_eq!(why(signal(6), false, words), EndReason::MemoryLimit);
        assert_eq!(why(signal(11), false, ""), EndReason::Crashed);
        assert_eq!(why(None, false, ""), EndReason::Crashed);
        let told = message(EndReason::Crashed, signal(11), String::new(), None);
        assert!(told.contains("signal: 11"), "{told}");
        let told = message(EndReason::MemoryLimit, signal(6), words.to_owned(), Some(600));
        assert!(told.contains("600 bytes") && !told.contains("allocation"), "{told}");
    }
}
