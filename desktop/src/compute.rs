//! Scripts of the workbench: each session is a process of its own for one granted folder, and belongs to
//! the page that started it. When the page goes, or what was granted is taken back, its sessions end.

pub(crate) mod commands;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use oriel_hostfs::Grant;
use oriel_launcher::compute::{Session, Start};
use oriel_wire::compute::{EndReason, Event, Limits};
use tauri::ipc::Channel;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::desktop::Desktop;
use crate::files;

/// More sessions than this are not started: each is a process with all its variables.
const SESSIONS_MAX: usize = 8;

/// How much memory a session may have; a script that wants more is ended, and not the machine.
const MEMORY_BYTES_MAX: u64 = 8 << 30;

/// How much one run may print; then it is interrupted, since nobody reads as much.
const OUTPUT_BYTES_MAX: u64 = 64 << 20;

/// How often a session looks whether its folder is still granted.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What runs scripts, and which sessions there are.
pub(crate) struct Compute {
    program: Option<PathBuf>,
    /// A private folder, in which each session has one of its own.
    folder: PathBuf,
    sessions: Mutex<BTreeMap<String, Arc<Held>>>,
}

/// A session with what is its own.
struct Held {
    session: Session,
    /// Variables that outlive its process. It is removed with the session.
    _kept: TempDir,
}

/// A session was not started.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(
        "`oriel-compute` is not here: build it with `cargo xtask compute`, or lay it beside `oriel-desktop`"
    )]
    NoProgram,
    #[error("there are {SESSIONS_MAX} sessions already; stop one of them first")]
    TooMany,
    #[error("no folder for the session can be made in {folder}: {source}")]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("a session cannot have a name: {0}")]
    Name(#[from] getrandom::Error),
    #[error(transparent)]
    Session(#[from] oriel_launcher::compute::ComputeError),
}

impl Compute {
    /// Makes it; no session is there yet. The program is there or not.
    pub(crate) fn new(program: Option<PathBuf>, folder: PathBuf) -> Self {
        Self { program, folder, sessions: Mutex::default() }
    }

    /// Starts a session for a granted folder, and hands its events to the page.
    fn start(
        &self,
        desktop: &Arc<Desktop>,
        grant: Grant,
        events: Channel<Event>,
    ) -> Result<String, StartError> {
        let program = self.program.clone().ok_or(StartError::NoProgram)?;
        if SESSIONS_MAX <= self.locked().len() {
            return Err(StartError::TooMany);
        }
        let failed = |source| StartError::Folder { folder: self.folder.clone(), source };
        oriel_launcher::platform::make_private_dir(&self.folder).map_err(failed)?;
        let kept = tempfile::Builder::new().prefix("session-").tempdir_in(&self.folder);
        let kept = kept.map_err(failed)?;
        let limits = Limits {
            memory_bytes: Some(MEMORY_BYTES_MAX),
            run_ms: None,
            output_bytes: Some(OUTPUT_BYTES_MAX),
        };
        let (session, told) = Session::start(Start {
            program,
            workspace: grant.root.clone(),
            access: grant.access,
            limits,
            kept: kept.path().to_owned(),
        })?;
        let name = format!("{:016x}", getrandom::u64()?);
        let held = Held { session, _kept: kept };
        self.locked().insert(name.clone(), Arc::new(held));
        tauri::async_runtime::spawn(hand_on(
            Arc::downgrade(desktop),
            name.clone(),
            grant,
            told,
            events,
        ));
        Ok(name)
    }

    fn session(&self, name: &str) -> Option<Arc<Held>> {
        self.locked().get(name).cloned()
    }

    fn forget(&self, name: &str) -> bool {
        self.locked().remove(name).is_some()
    }

    /// The page is gone: its sessions end.
    pub(crate) fn end(&self) {
        let gone = std::mem::take(&mut *self.locked());
        drop(gone);
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Held>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands a session's events to the page until either is gone, or the folder is not granted any more.
async fn hand_on(
    desktop: Weak<Desktop>,
    name: String,
    grant: Grant,
    mut told: mpsc::Receiver<Event>,
    events: Channel<Event>,
) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        let event = tokio::select! {
            event = told.recv() => event,
            _ = look.tick() => {
                let Some(desktop) = desktop.upgrade() else { return };
                if desktop.files.grants().of(files::LABEL).contains(&grant) {
                    continue;
                }
                _ = events.send(Event::Ended {
                    reason: EndReason::Stopped,
                    message: format!("`{}` is not granted any more", grant.root.display()),
                    is_restarting: false,
                });
                None
            }
        };
        let Some(event) = event else { break };
        if events.send(event).is_err() {
            break;
        }
    }
    if let Some(desktop) = desktop.upgrade() {
        desktop.compute.forget(&name);
    }
}
