//! Starting a daemon that runs by itself, and stopping one.
//!
//! A start holds a lock of its own until the daemon answers, so of many starts at once one makes a
//! daemon and the others find it. Nothing is believed to run but what answers for itself.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;

use crate::daemon::{self, CallError, FindError, Live, Reached};
use crate::failure::Failure;
use crate::launch::{Keeper, Launch, LaunchError};
use crate::logfile;
use crate::platform;

/// A daemon that does not answer by then is reported. It is not ended: it may be at work on a large
/// store.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A daemon that is not gone by then is left to its fate.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// How often we look.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A log that is longer at a start is put aside. What the daemon logs while it runs goes to files
/// of its own, a day each; this one gets what it says before that, and its last words.
const LOG_BYTES_MAX: u64 = 256 * 1024;

/// How much of a failed daemon's log is told.
const TAIL_LINES: usize = 12;

/// What to start.
#[derive(Debug, Clone)]
pub struct Start {
    /// The program.
    pub program: PathBuf,
    /// The data directory, as an absolute path.
    pub data_dir: PathBuf,
    /// What stands behind `serve`, but for the data directory.
    pub arguments: Vec<String>,
}

/// A daemon that runs.
#[derive(Debug)]
pub struct Started {
    /// What answers.
    pub live: Box<Live>,
    /// Whether it is new.
    pub is_new: bool,
}

/// A daemon cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error("cannot use {}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another start takes too long.
    #[error(
        "another start of this data directory has not ended within {} s; see {}",
        ANSWER_WITHIN.as_secs(),
        log.display()
    )]
    Busy {
        /// Where it logs.
        log: PathBuf,
    },
    /// The program cannot be run.
    #[error("cannot run {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The daemon ended before it answered.
    #[error("the daemon ended ({status}) before it answered; its log is {}", log.display())]
    Ended {
        /// How it ended.
        status: std::process::ExitStatus,
        /// Where it logs.
        log: PathBuf,
        /// What it said last.
        tail: String,
    },
    /// The daemon does not answer.
    #[error(
        "process {pid} was started and has not answered within {} s ({reason}); it may be at work \
         on its store: look again with `oriel status`, or end it with `kill {pid}`; its log is {}",
        ANSWER_WITHIN.as_secs(),
        log.display()
    )]
    Silent {
        /// The daemon.
        pid: u32,
        /// What was found when we looked last.
        reason: String,
        /// Where it logs.
        log: PathBuf,
        /// What it said last.
        tail: String,
    },
    /// How it was started last cannot be believed.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

impl StartError {
    /// Returns the last lines that a daemon wrote which failed.
    #[must_use]
    pub fn tail(&self) -> &str {
        match self {
            Self::Ended { tail, .. } | Self::Silent { tail, .. } => tail,
            _ => "",
        }
    }

    /// Returns what kind of failure this is.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            // These are the words with which our own daemon says it.
            Self::Ended { tail, .. } if tail.contains(" is taken by ") => Failure::PortInUse,
            Self::Silent { .. } => Failure::DaemonControlUnreachable,
            _ => Failure::DaemonLauncherUnreachable,
        }
    }
}

/// A daemon cannot be stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It does not take the request.
    #[error("cannot stop process {pid}")]
    Call {
        /// The daemon.
        pid: u32,
        /// Why.
        source: CallError,
    },
    /// It does not end.
    #[error("process {pid} was asked to stop but still runs; end it with `kill {pid}`")]
    StillRuns {
        /// The daemon.
        pid: u32,
    },
}

/// Returns where a daemon that was started here writes what it says outside of its own logs.
#[must_use]
pub fn log_path(data_dir: &Path) -> PathBuf {
    data_dir.join("logs").join("daemon.log")
}

/// Makes sure that a daemon runs, and returns it once it answers.
///
/// # Errors
/// Where it cannot be started, ends again or does not answer, with the last lines of its log.
pub async fn start(start: &Start) -> Result<Started, StartError> {
    let log = log_path(&start.data_dir);
    for folder in [&start.data_dir, &start.data_dir.join("logs"), &start.data_dir.join("health")] {
        platform::make_private_dir(folder).map_err(|source| folder_error(folder, source))?;
    }
    let _only_one = lock(&start.data_dir, &log).await?;
    if let Ok(Reached::Live(live)) = daemon::find(&start.data_dir).await {
        return Ok(Started { live, is_new: false });
    }
    // A stale health file, or one that is none, is no daemon: whoever starts next replaces it.
    let (file, begin) =
        logfile::open(&log, LOG_BYTES_MAX).map_err(|source| folder_error(&log, source))?;
    let errors = file.try_clone().map_err(|source| folder_error(&log, source))?;
    let mut child = Command::new(&start.program)
        .arg("serve")
        .arg("--data-dir")
        .arg(&start.data_dir)
        .args(&start.arguments)
        .args(["--launched", &Keeper::Direct.word()])
        .current_dir(&start.data_dir)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .spawn()
        .map_err(|source| StartError::Spawn { program: start.program.clone(), source })?;
    let pid = child.id();
    let mut reason = "it has not said where it listens".to_owned();
    let answered = async {
        loop {
            match daemon::find(&start.data_dir).await {
                Ok(Reached::Live(live)) if live.status.pid != pid => {
                    // Somebody typed `oriel serve` at the same moment.
                    return Ok(Started { live, is_new: false });
                }
                Ok(Reached::Live(live)) if has_told(&start.data_dir, pid) => {
                    return Ok(Started { live, is_new: true });
                }
                Ok(Reached::Live(_) | Reached::Absent) => {}
                Ok(Reached::Stale { reason: why, .. }) => reason = why,
                Err(error) => reason = error.to_string(),
            }
            if let Ok(Some(status)) = child.try_wait() {
                let tail = logfile::tail(&log, begin, TAIL_LINES);
                return Err(StartError::Ended { status, log: log.clone(), tail });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let answered = tokio::time::timeout(ANSWER_WITHIN, answered).await;
    // A host that lives on must take note of the daemon's end, else its process stays as a shadow.
    std::thread::spawn(move || child.wait());
    match answered {
        Ok(answer) => answer,
        Err(_) => {
            let tail = logfile::tail(&log, begin, TAIL_LINES);
            Err(StartError::Silent { pid, reason, log, tail })
        }
    }
}

/// Waits until a daemon answers that somebody else starts, as systemd does.
///
/// # Errors
/// What was found last.
pub async fn answers(data_dir: &Path) -> Result<Box<Live>, String> {
    let mut reason = "it has not said where it listens".to_owned();
    let answered = async {
        loop {
            match daemon::find(data_dir).await {
                Ok(Reached::Live(live)) => return live,
                Ok(Reached::Absent) => {}
                Ok(Reached::Stale { reason: why, .. }) => reason = why,
                Err(error) => reason = error.to_string(),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(ANSWER_WITHIN, answered).await.map_err(|_| reason)
}

/// Asks a daemon to stop and waits until it is gone.
///
/// # Errors
/// Where it refuses, or does not end.
pub async fn stop(live: &Live) -> Result<(), StopError> {
    let pid = live.status.pid;
    let asked = live.peer.send(Method::POST, "/control/shutdown", Body::empty()).await;
    match asked {
        Ok(_) => {}
        // Two who stop it at once both find it gone.
        Err(_) if !platform::process_runs(pid) => return Ok(()),
        Err(source) => return Err(StopError::Call { pid, source }),
    }
    let gone = async {
        while platform::process_runs(pid) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(GONE_WITHIN, gone).await.map_err(|_| StopError::StillRuns { pid })
}

/// Returns what kind of failure it is that a daemon was not found, if it is one.
#[must_use]
pub fn failure(found: &Result<Reached, FindError>) -> Option<Failure> {
    use oriel_wire::control::DaemonPhase;
    match found {
        Ok(Reached::Absent) => None,
        Ok(Reached::Live(live)) => (live.status.phase == DaemonPhase::LocalReadinessGate)
            .then_some(Failure::LocalReadinessGate),
        Ok(Reached::Stale { health, .. }) => {
            platform::process_runs(health.pid).then_some(Failure::DaemonControlUnreachable)
        }
        Err(_) => Some(Failure::DaemonControlUnreachable),
    }
}

fn has_told(data_dir: &Path, pid: u32) -> bool {
    matches!(Launch::read(data_dir), Ok(Some(launch)) if launch.pid == pid)
}

/// Waits until no other start of this data directory is under way, and keeps others out.
async fn lock(data_dir: &Path, log: &Path) -> Result<File, StartError> {
    let path = data_dir.join("health").join("launch.lock");
    let file = platform::private_file(&path).map_err(|source| folder_error(&path, source))?;
    let ours = async {
        while file.try_lock().is_err() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(ANSWER_WITHIN, ours).await {
        Ok(()) => Ok(file),
        Err(_) => Err(StartError::Busy { log: log.to_owned() }),
    }
}

fn folder_error(path: &Path, source: io::Error) -> StartError {
    StartError::Folder { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_daemon_that_ends_at_once_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let program =
            script(folder.path(), "echo early; echo \"$@\"; echo 1:2 is taken by x >&2; exit 3");
        let start = Start {
            program,
            data_dir: folder.path().join("data"),
            arguments: vec!["--set".to_owned(), "a=b".to_owned()],
        };
        let error = super::start(&start).await.unwrap_err();
        let said = error.tail();
        assert!(error.to_string().contains("exit status: 3") && said.contains("early"), "{error}");
        assert!(said.contains("--set a=b --launched direct"), "{said}");
        assert_eq!(error.failure(), Failure::PortInUse);
        let again = super::start(&start).await.unwrap_err();
        let again = again.tail();
        assert_eq!(again.matches("early").count(), 1, "only its own words: {again}");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let start = Start {
            program: folder.path().join("nothing"),
            data_dir: folder.path().join("data"),
            arguments: Vec::new(),
        };
        let error = super::start(&start).await.unwrap_err();
        assert!(matches!(error, StartError::Spawn { .. }), "{error}");
        assert_eq!(error.failure(), Failure::DaemonLauncherUnreachable);
    }

    fn script(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("program");
        // Another process writes it: a program that this one has open for writing cannot be started
        // while any other test is starting one.
        let write = "printf '%s' \"$1\" >\"$0\" && chmod 700 \"$0\"";
        let mut shell = std::process::Command::new("/bin/sh");
        shell.arg("-c").arg(write).arg(&path).arg(format!("#!/bin/sh\n{text}\n"));
        assert!(shell.status().unwrap().success());
        path
    }
}
