//! `oriel hook statusline`: the line under Claude Code's prompt, and what the agent tells for it,
//! which holds the true context, cost and limits.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use oriel_runtime::settings::Flag;
use serde_json::Value;

use super::post::{self, Target};
use super::{lenient, message, milliseconds, read_body, tell};
use crate::args::Hook;
use crate::output::Output;
use crate::text;
use oriel_daemon::Surroundings;

/// The line is drawn again and again, so a daemon that does not answer is not waited for. What was
/// not told is not kept either: the next line tells all of it anew.
const DELIVERED_WITHIN: Duration = Duration::from_millis(500);

/// The longest that another status line program may take.
const OTHER_WITHIN: Duration = Duration::from_secs(5);

/// Prints the line of the program that had this place before, then ours.
pub(super) fn run(
    hook: &Hook,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) {
    let body = match read_body() {
        Ok(body) => body,
        Err(problem) => return tell(&problem),
    };
    let other = hook.then.as_deref().map(|command| start(command, &body));
    let deadline = Instant::now() + DELIVERED_WITHIN;
    if let Ok(target) = Target::find(hook.url.as_deref(), flags, surroundings) {
        let at = milliseconds(surroundings.clock.now());
        post::within(deadline, &target, &message("claude-code-statusline", at, body.clone()));
    }
    let theirs = other.and_then(|other| other.recv_timeout(OTHER_WITHIN).ok()).unwrap_or_default();
    let ours = lenient(&body).map(|body| line(&body)).unwrap_or_default();
    let lines = [theirs.trim_end_matches('\n'), &ours];
    for line in lines.into_iter().filter(|line| !line.is_empty()) {
        // With the output closed nobody reads it.
        _ = output.print(&format!("{line}\n"));
    }
}

/// Starts a command with the body as its input, and returns where its output comes.
fn start(command: &str, body: &[u8]) -> mpsc::Receiver<String> {
    let (told, heard) = mpsc::channel();
    let (command, body) = (command.to_owned(), body.to_vec());
    std::thread::spawn(move || {
        let child = Command::new("sh")
            .args(["-c", &command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else { return };
        let input = child.stdin.take();
        // Whoever does not read its input still has something to say.
        std::thread::spawn(move || input.map(|mut input| input.write_all(&body)));
        if let Ok(done) = child.wait_with_output() {
            _ = told.send(String::from_utf8_lossy(&done.stdout).into_owned());
        }
    });
    heard
}

/// Returns our line: the model, the context in use, the cost and the limits.
fn line(body: &Value) -> String {
    let number = |path: &str| body.pointer(path).and_then(Value::as_f64).filter(|n| n.is_finite());
    let model = ["/model/display_name", "/model/id"]
        .iter()
        .find_map(|path| body.pointer(path).and_then(Value::as_str));
    let mut parts: Vec<String> = model.map(text::clean).into_iter().collect();
    if let Some(used) = number("/context_window/used_percentage") {
        parts.push(format!("context {used:.0}%"));
    }
    if let Some(cost) = number("/cost/total_cost_usd") {
        parts.push(format!("${cost:.2}"));
    }
    let limits = [("five_hour", "5h"), ("seven_day", "7d")];
    for (window, name) in limits {
        if let Some(used) = number(&format!("/rate_limits/{window}/used_percentage")) {
            parts.push(format!("{name} {used:.0}%"));
        }
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_line_says_what_is_known() {
        let full = json!({
            "model": { "id": "m-1", "display_name": "Model One" },
            "context_window": { "used_percentage": 41.6 }, "cost": { "total_cost_usd": 1.234 },
            "rate_limits": { "five_hour": { "used_percentage": 12 },
                "seven_day": { "used_percentage": 80.2 } },
        });
        assert_eq!(line(&full), "Model One · context 42% · $1.23 · 5h 12% · 7d 80%");
        let bare = json!({ "model": { "id": "m\u{1b}[2J" }, "context_window": { "used_percentage": null } });
        assert_eq!(line(&bare), "m[2J");
        assert_eq!(line(&json!([])), "");
    }

    #[test]
    fn the_other_program_gets_the_body() {
        let heard = start("cat; echo !", b"{}");
        assert_eq!(heard.recv_timeout(OTHER_WITHIN).unwrap(), "{}!\n");
    }
}
