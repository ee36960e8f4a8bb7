//! One process of a session: started with next to nothing, written to, and read from.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use oriel_wire::compute::{Answer, Asked, Event, Request, Told, frame, frame_length, read_frame};
use oriel_wire::hostfs::WorkspaceAccess;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{ComputeError, Start};

/// How many requests wait to be written. One more finds the session busy.
const REQUESTS_MAX: usize = 64;

/// How much of a process's last words is kept.
const LAST_WORDS_BYTES_MAX: usize = 4 * 1024;

/// A process and what is known of it.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) is_ready: Arc<AtomicBool>,
    /// Ends when the process says no more.
    pub(super) reading: JoinHandle<()>,
    pub(super) last_words: JoinHandle<String>,
    requests: mpsc::Sender<Vec<u8>>,
    waiting: Waiting,
    next: u64,
}

/// Who waits for which answer.
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

/// Starts a process. It begins with the kept variables where it is to.
pub(super) fn start(
    start: &Start,
    restore: bool,
    events: &mpsc::Sender<Event>,
) -> Result<Process, ComputeError> {
    let mut command = Command::new(&start.program);
    command.arg("--workspace").arg(&start.workspace).arg("--replay").arg(&start.kept);
    if start.access == WorkspaceAccess::Read {
        command.arg("--read-only");
    }
    if restore {
        command.arg("--restore");
    }
    let limits = [
        ("--memory-bytes", start.limits.memory_bytes),
        ("--run-ms", start.limits.run_ms),
        ("--output-bytes", start.limits.output_bytes),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            command.arg(name).arg(limit.to_string());
        }
    }
    if let Some(umask) = start.umask {
        command.arg("--umask").arg(format!("{umask:04o}"));
    }
    command
        .current_dir("/")
        .env_clear()
        // There is no screen: a figure is described, and whoever drives the session draws it.
        .env("RUNMAT_HOST_MANAGED_PLOTS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A Ctrl-C at the terminal is for us; the script is asked to stop.
        .process_group(0)
        .kill_on_drop(true);
    let failed = |error| ComputeError::Start(start.program.clone(), error);
    let mut child = command.spawn().map_err(failed)?;
    let gone = || failed(std::io::Error::other("it has no pipes"));
    let (stdin, stdout) = child.stdin.take().zip(child.stdout.take()).ok_or_else(gone)?;
    let stderr = child.stderr.take().ok_or_else(gone)?;

    let waiting = Waiting::default();
    let is_ready = Arc::new(AtomicBool::new(false));
    let (requests, queue) = mpsc::channel(REQUESTS_MAX);
    tokio::spawn(write(stdin, queue));
    let reading = read(stdout, Arc::clone(&waiting), events.clone(), Arc::clone(&is_ready));
    let reading = tokio::spawn(reading);
    let last_words = tokio::spawn(last_words(stderr));
    Ok(Process { child, is_ready, reading, last_words, requests, waiting, next: 1 })
}

impl Process {
    /// Asks the process. Where it cannot be asked, whoever waits for the answer learns that it ended.
    pub(super) fn ask(&mut self, request: Request, answer: oneshot::Sender<Answer>) {
        let id = self.next;
        self.next += 1;
        let Ok(bytes) = frame(&Asked { id, request }) else { return };
        lock(&self.waiting).insert(id, answer);
        if self.requests.try_send(bytes).is_err() {
            lock(&self.waiting).remove(&id);
        }
    }

    /// Closes the process's input once what waits is written, which ends it.
    pub(super) fn hang_up(&mut self) {
        let (none, _) = mpsc::channel(1);
        self.requests = none;
    }
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn write(mut stdin: ChildStdin, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = queue.recv().await {
        // It ended, and whoever reads from it says so.
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Hands on what a process says until it says no more, or nothing that can be read.
async fn read(
    mut stdout: impl AsyncRead + Unpin,
    waiting: Waiting,
    events: mpsc::Sender<Event>,
    is_ready: Arc<AtomicBool>,
) {
    loop {
        let mut head = [0; 4];
        if stdout.read_exact(&mut head).await.is_err() {
            break;
        }
        let Ok(length) = frame_length(head) else { break };
        let mut text = vec![0; length];
        if stdout.read_exact(&mut text).await.is_err() {
            break;
        }
        match read_frame::<Told>(&text) {
            Ok(Told::Answer { id, answer }) => {
                if let Some(asked) = lock(&waiting).remove(&id) {
                    // Whoever asked may not want to know any more.
                    _ = asked.send(answer);
                }
            }
            Ok(Told::Event { event }) => {
                if matches!(event, Event::Ready { .. }) {
                    is_ready.store(true, Ordering::Relaxed);
                }
                // Nobody listens, and answers are still handed on.
                _ = events.send(event).await;
            }
            // A newer program tells more than is known here.
            Err(error) => tracing::debug!(%error, "a session told something unknown"),
        }
    }
    lock(&waiting).clear();
}

/// Returns the end of what a process says on its error output.
async fn last_words(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut end: Vec<u8> = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(came) = stderr.read(&mut piece).await {
        if came == 0 {
            break;
        }
        end.extend_from_slice(&piece[..came]);
        let before = end.len().saturating_sub(LAST_WORDS_BYTES_MAX);
        end.drain(..before);
    }
    String::from_utf8_lossy(&end).trim().to_owned()
}
