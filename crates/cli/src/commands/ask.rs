//! `oriel ask`: one turn of an agent, from a script.

mod turn;

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use oriel_gateway_client::{ClientError, EventStream, GatewayClient};
use oriel_runtime::settings::Flag;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::Exit;
use crate::args::Ask;
use crate::gateway::{self, ReachError};
use crate::output::Output;
use crate::text;
use oriel_daemon::Surroundings;
use turn::{Asks, Do, Turn};

/// The longest prompt, which is somewhat less than a gateway reads at once.
const PROMPT_BYTES_MAX: u64 = 1_000_000;

/// How long a turn may take to end once it was stopped.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// When a turn has no end of its own: as good as never.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Runs one turn and prints what the agent says.
pub(super) fn run(
    asked: &Ask,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let Some(prompt) = prompt(asked)? else {
        note("say what to do, as an argument or on standard input");
        return Ok(Exit::Usage);
    };
    let data_dir = surroundings.locate(flags)?.data_dir;
    super::wait(async {
        let (client, events) = match gateway::reach(&asked.at, &data_dir).await {
            Ok(reached) => reached,
            Err(error) => return Ok(not_reached(&error)),
        };
        let done = talk(&client, events, asked, prompt, surroundings, output).await;
        client.close().await;
        done
    })
}

/// Says why there is no gateway, and returns how to end.
pub(super) fn not_reached(error: &ReachError) -> Exit {
    note(&crate::chain(error));
    match error {
        ReachError::Connect(oriel_gateway_client::ConnectError::Url { .. }) => Exit::Usage,
        _ => Exit::NotRunning,
    }
}

/// Returns what to do, or none where nobody said it.
fn prompt(asked: &Ask) -> anyhow::Result<Option<String>> {
    let text = match &asked.prompt {
        Some(text) => text.clone(),
        None if std::io::stdin().is_terminal() => return Ok(None),
        None => {
            let mut text = String::new();
            let input = std::io::stdin().lock().take(PROMPT_BYTES_MAX + 1);
            { input }
                .read_to_string(&mut text)
                .context("cannot read what to do from standard input")?;
            text
        }
    };
    anyhow::ensure!(
        text.len() as u64 <= PROMPT_BYTES_MAX,
        "what to do is longer than {PROMPT_BYTES_MAX} bytes; put it into a file and name that"
    );
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

async fn talk(
    client: &GatewayClient,
    events: EventStream,
    asked: &Ask,
    prompt: String,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let session_id = session(client, asked, surroundings).await?;
    client.join_session(&session_id, None).await?;
    if std::io::stderr().is_terminal() {
        note(&format!("session {session_id}"));
    }
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let asks = match (asked.allow, asked.deny) {
        (true, _) => Asks::Allow,
        (false, false) if can_ask => Asks::Person,
        _ => Asks::Deny,
    };
    let turn_id = client.run_turn(&session_id, prompt, None).await?;
    let turn = Turn::new(session_id, turn_id, asks, asked.form.json);
    let lines = lines(asks == Asks::Person);
    let ends_at = Instant::now() + asked.timeout.map_or(NEVER, Duration::from_secs);
    follow(client, events, turn, lines, ends_at, output).await
}

/// Returns the session that was named, or a new one.
async fn session(
    client: &GatewayClient,
    asked: &Ask,
    surroundings: &Surroundings,
) -> anyhow::Result<String> {
    if let Some(name) = &asked.session {
        let sessions = client.list_sessions(true).await?;
        return Ok(gateway::named(&sessions, name)?.id.clone());
    }
    let working = &surroundings.folders.working;
    let workspace = asked.workspace.as_ref().map_or(working.clone(), |dir| working.join(dir));
    let workspace = workspace
        .canonicalize()
        .with_context(|| format!("cannot work in {}", workspace.display()))?;
    let workspace = workspace.to_str().context("the folder's path is not valid UTF-8")?.to_owned();
    Ok(client.create_session(&asked.agent, None, Some(workspace)).await?.id)
}

/// Follows the turn to its end.
async fn follow(
    client: &GatewayClient,
    mut events: EventStream,
    mut turn: Turn,
    mut lines: mpsc::Receiver<String>,
    ends_at: Instant,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let (mut ends_at, mut is_stopped) = (ends_at, false);
    loop {
        let todo = tokio::select! {
            incoming = events.next() => turn.on(incoming),
            Some(line) = lines.recv() => turn.on_line(&line),
            signal = tokio::signal::ctrl_c() => {
                signal?;
                if is_stopped {
                    return Ok(Exit::Interrupted);
                }
                turn.stop(Exit::Interrupted)
            }
            () = sleep_until(ends_at) => {
                if is_stopped {
                    note("the turn does not stop; it goes on without this command");
                    return Ok(turn.exit());
                }
                note("the turn took too long and is stopped");
                turn.stop(Exit::Failed)
            }
        };
        for act in todo {
            match act {
                Do::Print(text) => output.print(&text)?,
                Do::Json(value) => output.json_line(&value)?,
                Do::Note(text) => note(&text),
                Do::End(exit) => return Ok(exit),
                Do::Stop => {
                    (is_stopped, ends_at) = (true, Instant::now() + STOP_WITHIN);
                    let stopped = client.stop_turn(turn.session_id()).await;
                    tell(stopped);
                }
                Do::Answer { question_id, answer } => {
                    let answered =
                        client.answer_question(turn.session_id(), question_id, answer).await;
                    tell(answered);
                }
            }
        }
    }
}

/// Says what could not be done; the turn goes on meanwhile.
fn tell(done: Result<(), ClientError>) {
    if let Err(error) = done {
        note(&error.to_string());
    }
}

/// Reads lines that somebody types, where somebody is asked.
fn lines(is_wanted: bool) -> mpsc::Receiver<String> {
    let (typed, lines) = mpsc::channel(1);
    if is_wanted {
        // A thread that waits for a line cannot be told to stop; it ends with the process.
        std::thread::spawn(move || {
            for line in std::io::stdin().lines() {
                let Ok(line) = line else { return };
                if typed.blocking_send(line).is_err() {
                    return;
                }
            }
        });
    }
    lines
}

fn note(line: &str) {
    let line = format!("oriel: {}\n", text::clean(line));
    // With standard error closed there is nobody left to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
