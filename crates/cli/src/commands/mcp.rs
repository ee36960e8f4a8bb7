//! `oriel mcp`: what is recorded, for agents that ask, over the Model Context Protocol.
//!
//! A line in is a message, and so is a line out; nothing else is ever written to standard output.
//! Each call reaches the daemon anew, or opens the store only while it lasts: an agent may keep this
//! process for days, and must not keep a daemon from starting.

mod outline;
mod protocol;
mod schema;
mod tools;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oriel_runtime::config::Config;
use oriel_runtime::settings::Flag;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::Exit;
use crate::output::Output;
use oriel_daemon::Surroundings;
use protocol::{Call, PARSE_ERROR, Step, error, step};

/// A longer message is refused.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Lines that are read ahead; whoever sends more waits.
const LINES_MAX: usize = 64;

/// Calls that may wait for each other; further ones are refused.
const CALLS_MAX: usize = 64;

/// Answers on standard output what is asked on standard input, until that ends.
pub(super) fn run(
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let (send, lines) = mpsc::channel(LINES_MAX);
    std::thread::Builder::new()
        .name("oriel-mcp".to_owned())
        .spawn(move || read_lines(BufReader::new(std::io::stdin()), &send))?;
    super::wait(serve(config, lines, output))
}

/// A line of input.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

fn read_lines(mut input: impl BufRead, send: &mpsc::Sender<Line>) {
    loop {
        let mut line = Vec::new();
        // What cannot be read any more is over.
        let Ok(read) = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) else {
            return;
        };
        if read == 0 {
            return;
        }
        let is_cut = read as u64 == LINE_BYTES_MAX && line.last() != Some(&b'\n');
        let line = if is_cut {
            if skip_line(&mut input).is_err() {
                return;
            }
            Line::TooLong
        } else {
            Line::Whole(line)
        };
        if send.blocking_send(line).is_err() {
            return;
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        input.consume(length);
        if end.is_some() || length == 0 {
            return Ok(());
        }
    }
}

/// Who answers calls, one after the other: two cannot have the store open at once.
#[derive(Clone)]
struct Desk {
    config: Config,
    turn: Arc<Mutex<()>>,
}

impl Desk {
    async fn answer(&self, call: Call, cancelled: &AtomicBool) -> Option<Value> {
        let _turn = self.turn.lock().await;
        if cancelled.load(Ordering::Relaxed) {
            return None;
        }
        let told = tools::call(self.config.clone(), &call.name, &call.arguments).await;
        let is_wanted = !cancelled.load(Ordering::Relaxed);
        is_wanted.then(|| protocol::called(&call, told))
    }

    /// Answers messages that came in one line.
    async fn answer_all(self, messages: Vec<Value>) -> Option<Value> {
        let mut answers = Vec::new();
        for message in messages {
            let answer = match step(&message) {
                Step::Answer(answer) => Some(answer),
                Step::Nothing | Step::Cancel(_) => None,
                Step::Call(call) => self.answer(call, &AtomicBool::new(false)).await,
            };
            answers.extend(answer);
        }
        if answers.is_empty() { None } else { Some(Value::Array(answers)) }
    }
}

async fn serve(
    config: Config,
    mut lines: mpsc::Receiver<Line>,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let desk = Desk { config, turn: Arc::default() };
    let mut jobs: JoinSet<(Option<Value>, Option<Value>)> = JoinSet::new();
    // What each open call is told when it is no longer wanted, by its id.
    let mut open: HashMap<String, Arc<AtomicBool>> = HashMap::new();
    let mut is_open = true;
    while is_open || !jobs.is_empty() {
        tokio::select! {
            line = lines.recv(), if is_open => match line {
                None => is_open = false,
                Some(Line::TooLong) => {
                    let problem = format!("a message has at most {LINE_BYTES_MAX} bytes");
                    write(output, &error(&Value::Null, PARSE_ERROR, &problem))?;
                }
                Some(Line::Whole(line)) => {
                    if let Some(answer) = take(&line, &desk, &mut jobs, &mut open) {
                        write(output, &answer)?;
                    }
                }
            },
            Some(done) = jobs.join_next(), if !jobs.is_empty() => {
                // A call that failed altogether has said so on standard error.
                let Ok((id, answer)) = done else { continue };
                if let Some(id) = id {
                    open.remove(&id.to_string());
                }
                if let Some(answer) = answer {
                    write(output, &answer)?;
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// Takes a line: answers it at once, or begins what answers it later.
fn take(
    line: &[u8],
    desk: &Desk,
    jobs: &mut JoinSet<(Option<Value>, Option<Value>)>,
    open: &mut HashMap<String, Arc<AtomicBool>>,
) -> Option<Value> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let message: Value = match serde_json::from_slice(line) {
        Ok(message) => message,
        Err(problem) => {
            let problem = format!("the line is no JSON: {problem}");
            return Some(error(&Value::Null, PARSE_ERROR, &problem));
        }
    };
    let desk = desk.clone();
    match message {
        Value::Array(messages) if !messages.is_empty() && jobs.len() < CALLS_MAX => {
            jobs.spawn(async move { (None, desk.answer_all(messages).await) });
            None
        }
        message => match step(&message) {
            Step::Answer(answer) => Some(answer),
            Step::Nothing => None,
            Step::Cancel(id) => {
                if let Some(cancelled) = open.get(&id.to_string()) {
                    cancelled.store(true, Ordering::Relaxed);
                }
                None
            }
            Step::Call(call) if jobs.len() >= CALLS_MAX => Some(protocol::too_many(&call)),
            Step::Call(call) => {
                let cancelled = Arc::new(AtomicBool::new(false));
                open.insert(call.id.to_string(), Arc::clone(&cancelled));
                jobs.spawn(
                    async move { (Some(call.id.clone()), desk.answer(call, &cancelled).await) },
                );
                None
            }
        },
    }
}

fn write(output: &mut Output<'_>, message: &Value) -> anyhow::Result<()> {
    Ok(output.print(&format!("{message}\n"))?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::Paint;
    use crate::testing;

    #[tokio::test]
    async fn every_request_is_answered_and_nothing_else_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let call = |id: i64, tool: &str, arguments: Value| {
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
                "params": { "name": tool, "arguments": arguments } })
            .to_string()
        };
        let answers = talk(
            testing::config(folder.path()),
            &[
                "{ no json".to_owned(),
                String::new(),
                json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
                json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" }).to_string(),
                call(1, "search", json!({ "words": "anything" })),
                call(2, "sessions", json!({ "limt": 3 })),
                call(3, "session", json!({ "id": "none" })),
                call(4, "nothing", json!({})),
                call(6, "search", json!({ "words": "x".repeat(100_000) })),
                json!([{ "jsonrpc": "2.0", "id": 5, "method": "ping" }]).to_string(),
            ],
        )
        .await;
        assert_eq!(answers.len(), 8, "{answers:#?}");
        let of = |id: Value| answers.iter().find(|answer| answer["id"] == id).unwrap();
        assert_eq!(of(Value::Null)["error"]["code"], -32700);
        assert_eq!(of(json!("p"))["result"], json!({}));
        let found = &of(json!(1))["result"];
        assert_eq!(
            (&found["isError"], &found["structuredContent"]["hits"]),
            (&json!(false), &json!([]))
        );
        let typo = &of(json!(2))["result"];
        assert_eq!(typo["isError"], true);
        assert!(typo["content"][0]["text"].as_str().unwrap().contains("limt"), "{typo}");
        assert_eq!(of(json!(3))["result"]["isError"], true);
        assert_eq!(of(json!(4))["error"]["code"], -32602);
        assert_eq!(of(json!(6))["result"]["isError"], true, "too long a question is no fault");
        assert!(answers.iter().any(|answer| answer[0]["id"] == 5), "a batch is answered as one");
    }

    #[tokio::test]
    async fn what_is_cancelled_is_not_answered() {
        let folder = tempfile::tempdir().unwrap();
        let answers = talk(
            testing::config(folder.path()),
            &[
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                    "params": { "name": "sessions" } })
                .to_string(),
                json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
                    "params": { "requestId": 1, "reason": "no longer" } })
                .to_string(),
                json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" }).to_string(),
            ],
        )
        .await;
        assert_eq!(answers.len(), 1, "{answers:#?}");
        assert_eq!(answers[0]["id"], 2);
    }

    #[test]
    fn a_line_of_absurd_length_costs_only_itself() {
        let long = vec![b'x'; LINE_BYTES_MAX as usize + 10];
        let input = [&long[..], b"\nshort\nlast"].concat();
        let (send, mut lines) = mpsc::channel(8);
        read_lines(&input[..], &send);
        let mut next = || lines.try_recv().unwrap();
        assert_eq!(next(), Line::TooLong);
        assert_eq!(next(), Line::Whole(b"short\n".to_vec()));
        assert_eq!(next(), Line::Whole(b"last".to_vec()));
    }

    async fn talk(config: Config, lines: &[String]) -> Vec<Value> {
        let (send, received) = mpsc::channel(LINES_MAX);
        for line in lines {
            send.try_send(Line::Whole(line.clone().into_bytes())).unwrap();
        }
        drop(send);
        let mut written = Vec::new();
        let mut output = Output::new(&mut written, Paint::new(false));
        serve(config, received, &mut output).await.unwrap();
        drop(output);
        let text = String::from_utf8(written).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
