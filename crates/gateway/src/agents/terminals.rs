//! Commands that an agent has run for it, in the same confinement as itself.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent_client_protocol::Error;
use agent_client_protocol::v1::schema::{
    CreateTerminalRequest, TerminalExitStatus, TerminalOutputResponse,
};
use oriel_wire::gateway::EventBody;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::{mpsc, watch};

use super::confine::Cage;
use super::process::{Program, Spawner};
use crate::agent::News;

/// How many terminals an agent may have. One more is refused.
const TERMINALS_MAX: usize = 32;

/// How much of the end of a command's output is kept. What was said before is forgotten.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// How long is waited for the rest of a command's output once it ended: a program that it left behind
/// may hold its output open for ever.
const REST_WITHIN: Duration = Duration::from_millis(300);

/// How long is waited for a command that was killed.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// The terminals of an agent.
#[derive(Debug)]
pub(super) struct Terminals {
    cage: Cage,
    spawner: Spawner,
    news: mpsc::Sender<News>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    terminals: HashMap<String, Terminal>,
}

#[derive(Debug, Clone)]
struct Terminal {
    state: Arc<Mutex<State>>,
    ended: watch::Receiver<Option<Exit>>,
    kill: mpsc::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    output: VecDeque<u8>,
    is_truncated: bool,
    bytes_max: usize,
}

#[derive(Debug, Clone, Default)]
struct Exit {
    code: Option<i32>,
    signal: Option<String>,
}

impl Terminals {
    pub(super) fn new(cage: Cage, spawner: Spawner, news: mpsc::Sender<News>) -> Self {
        Self { cage, spawner, news, open: Mutex::default() }
    }

    /// Runs a command.
    pub(super) async fn create(&self, request: CreateTerminalRequest) -> Result<String, Error> {
        let id = self.name()?;
        let bytes_max = request.output_byte_limit.and_then(|it| usize::try_from(it).ok());
        let bytes_max = bytes_max.unwrap_or(OUTPUT_BYTES_MAX).min(OUTPUT_BYTES_MAX);
        let mut command = self.command(&request)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = self
            .spawner
            .spawn(command)
            .await
            .map_err(|error| refusal(&format!("cannot run {:?}: {error}", request.command)))?;
        let state = Arc::new(Mutex::new(State { bytes_max, ..State::default() }));
        let (chunks, output) = mpsc::channel(16);
        if let Some(stdout) = program.child.stdout.take() {
            tokio::spawn(forward(stdout, chunks.clone()));
        }
        if let Some(stderr) = program.child.stderr.take() {
            tokio::spawn(forward(stderr, chunks));
        }
        let (kill, killed) = mpsc::channel(1);
        let (end, ended) = watch::channel(None);
        let run = Run {
            id: id.clone(),
            program,
            output,
            killed,
            state: Arc::clone(&state),
            end,
            news: self.news.clone(),
        };
        tokio::spawn(run.watch());
        let terminal = Terminal { state, ended, kill };
        self.lock().terminals.insert(id.clone(), terminal);
        Ok(id)
    }

    /// Returns what a command has said so far.
    pub(super) fn output(&self, id: &str) -> Result<TerminalOutputResponse, Error> {
        let terminal = self.get(id)?;
        let (text, is_truncated) = lock(&terminal.state).text();
        let exit = terminal.ended.borrow().clone();
        Ok(TerminalOutputResponse::new(text, is_truncated).exit_status(exit.map(Exit::told)))
    }

    /// Waits for a command's end.
    pub(super) async fn wait(&self, id: &str) -> Result<TerminalExitStatus, Error> {
        let mut ended = self.get(id)?.ended;
        let exit = ended.wait_for(Option::is_some).await;
        let exit = exit.map_err(|_| refusal("the terminal is gone"))?.clone();
        Ok(exit.unwrap_or_default().told())
    }

    /// Ends a command. What it said can still be asked for.
    pub(super) fn kill(&self, id: &str) -> Result<(), Error> {
        // It may have ended already, or have been told.
        _ = self.get(id)?.kill.try_send(());
        Ok(())
    }

    /// Ends a command and forgets it.
    pub(super) fn release(&self, id: &str) -> Result<(), Error> {
        let terminal = self.lock().terminals.remove(id).ok_or_else(|| unknown(id))?;
        // Dropping the sender ends it too.
        _ = terminal.kill.try_send(());
        Ok(())
    }

    /// Ends every command and waits until the last of their news is told.
    pub(super) async fn close(&self) {
        let terminals: Vec<Terminal> =
            self.lock().terminals.drain().map(|(_, terminal)| terminal).collect();
        for mut terminal in terminals {
            _ = terminal.kill.try_send(());
            _ = tokio::time::timeout(GONE_WITHIN, terminal.ended.wait_for(Option::is_some)).await;
        }
    }

    fn command(&self, request: &CreateTerminalRequest) -> Result<tokio::process::Command, Error> {
        let workspace = &self.cage.workspace;
        let folder = match &request.cwd {
            Some(cwd) => workspace.join(cwd),
            None => workspace.clone(),
        };
        if !folder.is_dir() {
            return Err(refusal(&format!("{} is no folder", folder.display())));
        }
        let folder: OsString = folder.into();
        let named: Vec<OsString> = request.args.iter().map(OsString::from).collect();
        // Changing into the folder is left to the shell, because confinement begins in the workspace.
        // A command without arguments is a line for the shell, which agents mean it to be.
        let (script, words) = if named.is_empty() {
            ("cd -- \"$0\" && eval \"$1\"", vec![folder, request.command.clone().into()])
        } else {
            let words = [folder, request.command.clone().into()];
            ("cd -- \"$0\" && exec \"$@\"", words.into_iter().chain(named).collect())
        };
        let mut arguments: Vec<OsString> = vec!["-c".into(), script.into()];
        arguments.extend(words);
        let mut command = self.cage.command(Path::new("/bin/sh"), &arguments);
        let set = request.env.iter().filter(|it| !it.name.starts_with("ORIEL_"));
        command.envs(set.map(|it| (&it.name, &it.value)));
        Ok(command)
    }

    fn name(&self) -> Result<String, Error> {
        let mut open = self.lock();
        if TERMINALS_MAX <= open.terminals.len() {
            return Err(refusal("there are too many terminals; release one first"));
        }
        open.last += 1;
        Ok(format!("terminal-{}", open.last))
    }

    fn get(&self, id: &str) -> Result<Terminal, Error> {
        self.lock().terminals.get(id).cloned().ok_or_else(|| unknown(id))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        lock(&self.open)
    }
}

/// A command that runs, as the one who waits for it has it.
struct Run {
    id: String,
    program: Program,
    output: mpsc::Receiver<Vec<u8>>,
    killed: mpsc::Receiver<()>,
    state: Arc<Mutex<State>>,
    end: watch::Sender<Option<Exit>>,
    news: mpsc::Sender<News>,
}

impl Run {
    async fn watch(mut self) {
        let mut text = Pieces::default();
        let status = loop {
            tokio::select! {
                biased;
                // Nobody holds the other end where the agent is gone.
                _ = self.killed.recv() => {
                    self.program.kill();
                    break self.program.child.wait().await;
                }
                Some(bytes) = self.output.recv() => self.tell(&mut text, &bytes).await,
                status = self.program.child.wait() => break status,
            }
        };
        let rest = async {
            while let Some(bytes) = self.output.recv().await {
                self.tell(&mut text, &bytes).await;
            }
        };
        // What is left behind by the command may go on for ever.
        _ = tokio::time::timeout(REST_WITHIN, rest).await;
        let exit = status.map(Exit::of).unwrap_or_default();
        let (output, truncated) = lock(&self.state).text();
        let complete = EventBody::TerminalComplete {
            terminal_id: self.id.clone(),
            exit_code: exit.code,
            output,
            truncated,
        };
        // Nobody hears of it where the agent is gone.
        _ = self.news.send(News::Happened(complete)).await;
        self.end.send_replace(Some(exit));
    }

    async fn tell(&self, text: &mut Pieces, bytes: &[u8]) {
        lock(&self.state).add(bytes);
        let chunk = text.next(bytes);
        if !chunk.is_empty() {
            let stream = EventBody::TerminalStream { terminal_id: self.id.clone(), chunk };
            // Nobody hears of it where the agent is gone.
            _ = self.news.send(News::Happened(stream)).await;
        }
    }
}

impl State {
    fn add(&mut self, bytes: &[u8]) {
        self.output.extend(bytes);
        let over = self.output.len().saturating_sub(self.bytes_max);
        if 0 < over {
            self.is_truncated = true;
            self.output.drain(..over);
        }
    }

    fn text(&self) -> (String, bool) {
        let mut bytes: Vec<u8> = self.output.iter().copied().collect();
        if self.is_truncated {
            // A letter that was cut in two is left out.
            let whole = bytes.iter().position(|byte| byte & 0xc0 != 0x80).unwrap_or(bytes.len());
            bytes.drain(..whole);
        }
        (String::from_utf8_lossy(&bytes).into_owned(), self.is_truncated)
    }
}

impl Exit {
    fn of(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;

        Self { code: status.code(), signal: status.signal().map(|it| it.to_string()) }
    }

    fn told(self) -> TerminalExitStatus {
        let code = self.code.and_then(|code| u32::try_from(code).ok());
        TerminalExitStatus::new().exit_code(code).signal(self.signal)
    }
}

/// Puts letters together that come in pieces.
#[derive(Debug, Default)]
struct Pieces(Vec<u8>);

impl Pieces {
    fn next(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.0) {
            // Only an end that may still become a letter is kept back.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.0.len(),
        };
        let text = String::from_utf8_lossy(&self.0[..whole]).into_owned();
        self.0.drain(..whole);
        text
    }
}

async fn forward(mut from: impl AsyncRead + Unpin, to: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if to.send(buffer[..count].to_vec()).await.is_err() {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unknown(id: &str) -> Error {
    refusal(&format!("there is no terminal {id:?}"))
}

/// Returns an error whose words the agent reads.
pub(super) fn refusal(words: &str) -> Error {
    Error::new(-32602, words)
}
