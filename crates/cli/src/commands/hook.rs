//! `oriel hook`: hands on what an agent's hook says, and stops a command that would destroy.
//!
//! An agent waits for its hooks, and takes exit code 2 for a veto. So this never takes longer than
//! its deadline, never fails loudly, and what the daemon does not take waits in the spool.

mod http;
mod post;
mod safety;
mod statusline;

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use oriel_link::spool::{Spool, Spooled};
use oriel_runtime::settings::Flag;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::Exit;
use crate::args::Hook;
use crate::output::Output;
use crate::text;
use oriel_daemon::Surroundings;
use post::{Delivery, Target};
use safety::Blocked;

/// The longest that an agent is kept waiting for the daemon.
const DELIVERED_WITHIN: Duration = Duration::from_secs(2);

/// An agent that has not said everything by then has forgotten us.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// The longest body; what is longer is dropped.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The agents whose hooks are understood.
const AGENTS: &[&str] = &["claude-code", "codex"];

/// Hands on one hook's body. The exit code is [`Exit::Usage`] only to stop a command, and
/// [`Exit::Done`] whatever else happens.
pub(super) fn run(
    hook: &Hook,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> Exit {
    if hook.agent == "statusline" {
        statusline::run(hook, flags, surroundings, output);
        return Exit::Done;
    }
    if !AGENTS.contains(&hook.agent.as_str()) {
        tell(&format!("there is no agent {:?}; there are {}", hook.agent, AGENTS.join(", ")));
        return Exit::Done;
    }
    let body = match hook.body.clone().map_or_else(read_body, |body| Ok(body.into_bytes())) {
        Ok(body) => body,
        Err(problem) => {
            tell(&problem);
            return Exit::Done;
        }
    };
    let at = milliseconds(surroundings.clock.now());
    let finding = if hook.agent == "claude-code" && is_guarded(surroundings) {
        safety::examine(&body, surroundings, at)
    } else {
        None
    };
    let mut messages = Vec::new();
    let mut exit = Exit::Done;
    match finding {
        Some(Blocked { event, reason }) => {
            messages.push(message("events", at, event.into_bytes()));
            tell(&format!("blocked: {reason}; set ORIEL_SAFETY=0 to allow it"));
            exit = Exit::Usage;
        }
        // What Codex gives as an argument is of another form.
        None if hook.agent == "codex" && hook.body.is_some() => {
            messages.push(message("codex-notify", at, body));
        }
        None => messages.push(message(&hook.agent, at, body)),
    }
    deliver(messages, hook, flags, surroundings);
    exit
}

/// What is to be told to the daemon.
#[derive(Debug, Clone)]
struct Message {
    agent: String,
    at: u64,
    body: Vec<u8>,
}

fn message(agent: &str, at: u64, body: Vec<u8>) -> Message {
    Message { agent: agent.to_owned(), at, body }
}

/// Posts messages within the deadline, and keeps what the daemon did not take.
fn deliver(messages: Vec<Message>, hook: &Hook, flags: &[Flag], surroundings: &Surroundings) {
    let deadline = Instant::now() + DELIVERED_WITHIN;
    let target = Target::find(hook.url.as_deref(), flags, surroundings);
    let mut is_there = true;
    for message in messages {
        let delivery = match &target {
            Ok(target) if is_there => post::within(deadline, target, &message),
            Ok(_) => Delivery::Unanswered("the daemon did not answer".to_owned()),
            Err(problem) => Delivery::Unanswered(problem.clone()),
        };
        match delivery {
            Delivery::Taken => {}
            Delivery::Refused(problem) => tell(&format!("the daemon refuses this: {problem}")),
            Delivery::Unanswered(_) => {
                is_there = false;
                keep(message, flags, surroundings);
            }
        }
    }
}

fn keep(message: Message, flags: &[Flag], surroundings: &Surroundings) {
    let Message { agent, at, body } = message;
    let body = String::from_utf8_lossy(&body).into_owned();
    let kept = match surroundings.locate(flags) {
        Ok(location) => Spool::at(&location.data_dir)
            .put(&Spooled { agent, at, id: None, body })
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(problem) = kept {
        tell(&format!("this event is lost: {problem}"));
    }
}

/// Reads what the agent says. It is JSON, or it is not handed on.
fn read_body() -> Result<Vec<u8>, String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err("an agent's hook is read from standard input, and this is a terminal".into());
    }
    let (told, heard) = mpsc::channel();
    // A thread of its own, since an agent may never close its end.
    std::thread::spawn(move || {
        let mut body = Vec::new();
        let read = stdin.lock().take(BODY_BYTES_MAX + 1).read_to_end(&mut body);
        // Nobody listens any more where it took too long.
        _ = told.send(read.map(|_| body));
    });
    let body = match heard.recv_timeout(READ_WITHIN) {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return Err(format!("cannot read standard input: {error}")),
        Err(_) => return Err("standard input did not end; this event is dropped".to_owned()),
    };
    if BODY_BYTES_MAX < body.len() as u64 {
        return Err("this event has more than 16 MiB and is dropped".to_owned());
    }
    let body = trimmed(&body);
    match serde_json::from_slice::<IgnoredAny>(body) {
        Ok(_) => Ok(body.to_vec()),
        Err(error) => Err(format!("this is no JSON and is dropped: {error}")),
    }
}

/// Takes off what some programs put around JSON: a byte order mark, and zeros.
fn trimmed(body: &[u8]) -> &[u8] {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let is_padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let start = body.iter().position(|byte| !is_padding(byte)).unwrap_or(body.len());
    let end = body.iter().rposition(|byte| !is_padding(byte)).map_or(start, |last| last + 1);
    &body[start..end]
}

/// Returns whether commands are judged: unless somebody turned that off.
fn is_guarded(surroundings: &Surroundings) -> bool {
    let names = ["ORIEL_SAFETY", "AGENTMONITOR_SAFETY"];
    let value = names.iter().find_map(|name| surroundings.environment.get(*name));
    value.is_none_or(|value| value.trim() != "0")
}

/// Reads JSON as leniently as it can be read.
fn lenient(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().or_else(|| {
        let mut mended = String::from_utf8_lossy(body).into_owned().into_bytes();
        oriel_wire::json::mend_lone_surrogates(&mut mended);
        serde_json::from_slice(&mended).ok()
    })
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Says something to whoever looks at the hook's errors.
fn tell(line: &str) {
    let line = format!("oriel: {}\n", text::clean(line));
    // With standard error closed there is nobody to tell.
    _ = std::io::stderr().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surrounds_json_is_taken_off() {
        assert_eq!(trimmed(b"\xef\xbb\xbf {} \r\n\0\0"), b"{}");
        assert_eq!(trimmed(b"\0\0"), b"");
        assert_eq!(trimmed(b""), b"");
    }

    #[test]
    fn odd_json_is_read_all_the_same() {
        for body in [&b"{\"a\":\"\\ud800\"}"[..], b"{\"a\":\"\xff\"}", b"{\"a\":1,\"a\":2}"] {
            assert!(lenient(body).is_some_and(|value| value.is_object()), "{body:?}");
        }
        assert_eq!(lenient(b"{"), None);
    }
}
