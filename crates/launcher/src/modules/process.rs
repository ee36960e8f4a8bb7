//! The program of a module: started with a clean environment in a group of its own, listened to, and
//! ended with all that it started.
//!
//! It says `listening on PORT` on a line of its own when it can be reached. Choosing the port itself
//! it cannot lose it to another program, and what it says is a sign that it is ready. Its standard
//! input is a pipe that nothing is written to: it closes when the daemon ends, however that ends, and
//! the program must end then.

use std::collections::BTreeMap;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use oriel_link::Link;
use oriel_sign::module::{Module, Start};
use rustix::process::Signal;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::life::Pace;
use super::{Reach, leftover};
use crate::daemon::listener;
use crate::{logfile, platform};

/// The variables of the daemon that a module sees.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// What a module says when it can be reached.
const TOLD: &str = "listening on ";

/// A longer line says nothing.
const LINE_BYTES_MAX: usize = 256;

/// A log that is longer is put aside.
const LOG_BYTES_MAX: u64 = 1024 * 1024;

/// A program that runs.
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) reach: Reach,
    /// What must be said to end it, once. Dropping it ends it too.
    pub(super) end: Option<oneshot::Sender<()>>,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Death {
    pub(super) lived: Duration,
    pub(super) reason: String,
}

/// What is told of a program, in this order: that it listens, if ever, and that it ended.
#[derive(Debug)]
pub(super) enum News {
    Listens(u16),
    Ended(Death),
}

/// What a program is started in.
pub(super) struct Surroundings<'a> {
    pub(super) data_dir: &'a Path,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) pace: Pace,
}

/// Starts the program of a module; `tell` is told what becomes of it.
pub(super) fn start<T, F>(
    module: &Module,
    within: &Surroundings<'_>,
    tell: T,
) -> io::Result<Process>
where
    T: Fn(News) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let Start::Command { program, arguments, working } = &module.manifest.start else {
        return Err(io::Error::other("it has no program to start"));
    };
    let token = new_token()?;
    let (output, input) = io::pipe()?;
    let log = log_path(within.data_dir, &module.id);
    let (log_file, log_end) = logfile::open(&log, LOG_BYTES_MAX)?;
    let passed_on =
        PASSED_ON.iter().filter_map(|&name| Some((name, within.environment.get(name)?)));
    let mut command = Command::new(module.folder.join(program));
    command
        .args(arguments)
        .current_dir(
            working.as_ref().map_or(module.folder.clone(), |path| module.folder.join(path)),
        )
        .env_clear()
        .envs(passed_on)
        .env("ORIEL_MODULE_ID", &module.id)
        .env("ORIEL_MODULE_MOUNT", format!("/modules/{}/", module.id))
        .env("ORIEL_MODULE_TOKEN", &token)
        .stdin(Stdio::piped())
        .stdout(input.try_clone()?)
        .stderr(input)
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    // It holds our ends of the pipe, which must close for the reader to see the end.
    drop(command);
    // Waiting for a child closes its standard input, which would tell it to end.
    let stdin = child.stdin.take();
    let pid = child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
    if let Err(error) = leftover::note(within.data_dir, &module.id, pid) {
        tracing::warn!(module = module.id, %error, "a module would outlive a crash unnoticed");
    }
    let (told, port) = oneshot::channel();
    let mut log = Log { path: log, file: log_file, bytes: log_end };
    std::thread::spawn(move || read_output(output, &mut log, told));
    let (end, ended) = oneshot::channel();
    let watch = Watch {
        child,
        pid,
        stdin,
        born: Instant::now(),
        pace: within.pace,
        data_dir: within.data_dir.to_owned(),
        id: module.id.clone(),
    };
    tokio::spawn(watch.run(port, ended, tell));
    let nowhere = Link::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    Ok(Process { pid, reach: Reach { link: nowhere, token }, end: Some(end) })
}

/// Returns where what a module writes is kept.
#[must_use]
pub fn log_path(data_dir: &Path, id: &str) -> PathBuf {
    data_dir.join("logs").join(format!("module-{id}.log"))
}

/// Draws a secret.
pub(super) fn new_token() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Who waits for a program's end.
struct Watch {
    child: Child,
    pid: u32,
    stdin: Option<ChildStdin>,
    born: Instant,
    pace: Pace,
    data_dir: PathBuf,
    id: String,
}

impl Watch {
    async fn run<T, F>(
        mut self,
        port: oneshot::Receiver<u16>,
        mut asked: oneshot::Receiver<()>,
        tell: T,
    ) where
        T: Fn(News) -> F,
        F: Future<Output = ()>,
    {
        let told = tokio::time::timeout(self.pace.told_within, port);
        let reason = tokio::select! {
            status = self.child.wait() => ended_as(status),
            _ = &mut asked => self.end().await,
            told = told => match told {
                Ok(Ok(port)) => match self.is_ours(port) {
                    Ok(()) => {
                        tell(News::Listens(port)).await;
                        tokio::select! {
                            status = self.child.wait() => ended_as(status),
                            _ = &mut asked => self.end().await,
                        }
                    }
                    Err(reason) => {
                        self.end().await;
                        reason
                    }
                },
                // It closed its output: it is about to end, or has lost the way to be heard.
                Ok(Err(_)) => match tokio::time::timeout(self.pace.gone_within, self.child.wait()).await {
                    Ok(status) => ended_as(status),
                    Err(_) => {
                        self.end().await;
                        "it closed its output before it said `listening on PORT`".to_owned()
                    }
                },
                Err(_) => {
                    self.end().await;
                    let seconds = self.pace.told_within.as_secs();
                    format!("it did not say `listening on PORT` within {seconds} s")
                }
            },
        };
        // What it started ends with it. The group keeps its number while one of it lives.
        platform::signal_group(self.pid, Signal::KILL);
        leftover::forget(&self.data_dir, &self.id);
        tell(News::Ended(Death { lived: self.born.elapsed(), reason })).await;
    }

    /// Refuses a port that another user's program has.
    fn is_ours(&self, port: u16) -> Result<(), String> {
        let link = Link::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        listener::belongs_to_owner(&link, &self.data_dir)
    }

    /// Asks the program to end, and makes it.
    async fn end(&mut self) -> String {
        self.stdin = None;
        platform::signal_group(self.pid, Signal::TERM);
        if let Ok(status) = tokio::time::timeout(self.pace.gone_within, self.child.wait()).await {
            return ended_as(status);
        }
        platform::signal_group(self.pid, Signal::KILL);
        ended_as(self.child.wait().await)
    }
}

fn ended_as(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => format!("it ended ({status})"),
        Err(error) => format!("nobody can tell how it ended ({error})"),
    }
}

/// A module's log, which is put aside when it is long.
struct Log {
    path: PathBuf,
    file: std::fs::File,
    bytes: u64,
}

impl Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if LOG_BYTES_MAX < self.bytes.saturating_add(bytes.len() as u64) {
            let (file, _) = logfile::open(&self.path, 0)?;
            (self.file, self.bytes) = (file, 0);
        }
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// Reads what a program writes until the last of it has ended, and finds where it listens.
fn read_output(mut output: PipeReader, log: &mut Log, told: oneshot::Sender<u16>) {
    let mut told = Some(told);
    let mut line = Vec::new();
    let mut buffer = [0; 8 * 1024];
    loop {
        let bytes = match output.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => &buffer[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        // A full disk must not stop the program, so what cannot be kept is lost.
        _ = log.write(bytes);
        if told.is_none() {
            continue;
        }
        if let Some(port) = find_port(&mut line, bytes)
            && let Some(told) = told.take()
        {
            // Nobody waits for it where it was ended meanwhile.
            _ = told.send(port);
        }
    }
}

/// Goes on reading lines, and returns the port that the first of them names.
fn find_port(line: &mut Vec<u8>, bytes: &[u8]) -> Option<u16> {
    for &byte in bytes {
        if byte == b'\n' {
            let port = std::str::from_utf8(line).ok().and_then(|line| {
                line.trim_end().strip_prefix(TOLD)?.parse().ok().filter(|&port| port != 0)
            });
            line.clear();
            if port.is_some() {
                return port;
            }
        } else if line.len() < LINE_BYTES_MAX {
            line.push(byte);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_in_whatever_pieces_it_comes() {
        for (pieces, port) in [
            (&["listening on 4000\n"][..], Some(4000)),
            (&["hello\nlisten", "ing on 40", "00\r\n"], Some(4000)),
            (&["listening on 4000"], None),
            (&["listening on 0\nlistening on 70000\nlistening on 127.0.0.1:1\n"], None),
            (&["not listening on 4000\n"], None),
            (&["listening on 1\nlistening on 2\n"], Some(1)),
        ] {
            let mut line = Vec::new();
            let found = pieces.iter().find_map(|piece| find_port(&mut line, piece.as_bytes()));
            assert_eq!(found, port, "{pieces:?}");
        }
        let mut line = Vec::new();
        assert_eq!(find_port(&mut line, &[b'x'; 1_000_000]), None);
        assert!(line.len() <= LINE_BYTES_MAX);
    }

    #[test]
    fn a_log_is_bounded_whatever_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("module-x.log");
        let (file, _) = logfile::open(&path, LOG_BYTES_MAX).unwrap();
        let mut log = Log { path, file, bytes: 0 };
        for _ in 0..80 {
            log.write(&[b'x'; 100_000]).unwrap();
        }
        let sizes = std::fs::read_dir(folder.path()).unwrap();
        let sizes: Vec<u64> = sizes.map(|file| file.unwrap().metadata().unwrap().len()).collect();
        assert!(sizes.len() == 4 && sizes.iter().all(|&size| size <= LOG_BYTES_MAX), "{sizes:?}");
    }
}
