//! Scripts of the workbench: each session is a process of its own for one granted folder, and belongs to
//! the load of the page that started it. When the page goes, or what was granted is taken back, its
//! sessions end, and so does one that is being started at that moment.

pub(crate) mod commands;
mod places;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oriel_hostfs::Grant;
use oriel_launcher::compute::{ComputeError, Session, Start};
use oriel_wire::compute::{Answer, EndReason, Event, Limits, Request};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use places::{Load, Places, Refused};

/// More sessions than this are not started: each is a process with all its variables.
const SESSIONS_MAX: usize = 8;

/// How much memory a session may have; a script that wants more is ended, and not the machine.
const MEMORY_BYTES_MAX: u64 = 8 << 30;

/// How much one run may print; then it is interrupted, since nobody reads as much.
const OUTPUT_BYTES_MAX: u64 = 64 << 20;

/// How often a session looks whether its folder is still granted.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long sessions may take to end when the desktop does. What is left then ends with its pipes.
const END_WITHIN: Duration = Duration::from_secs(5);

/// What runs scripts, and which sessions there are.
pub(crate) struct Compute {
    program: Option<PathBuf>,
    /// A private folder, in which each session has one of its own.
    folder: PathBuf,
    /// What files that scripts make are not allowed.
    umask: Option<u32>,
    places: Mutex<Places<Here>>,
    /// How many sessions are not wholly gone yet, with their processes and folders.
    not_gone: watch::Sender<usize>,
}

/// A session in its place.
struct Here {
    held: Arc<Held>,
    /// Dropped with the place, which everyone who waits for an answer hears.
    _here: watch::Sender<()>,
}

/// A session, for those who ask it something.
struct Held {
    session: Session,
    gone: watch::Receiver<()>,
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
    #[error(
        "the page that asked for a session is not there any more; start one from the page of now"
    )]
    Left,
    #[error("`{0}` is not granted any more; grant it again and start another session")]
    Revoked(PathBuf),
    #[error("no folder for the session can be made in {folder}: {source}")]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("a session cannot have a name: {0}")]
    Name(#[from] getrandom::Error),
    #[error(transparent)]
    Session(#[from] ComputeError),
}

impl Compute {
    /// Makes it; no session is there yet. The program is there or not. What a killed desktop left in the
    /// folder is removed.
    pub(crate) fn new(program: Option<PathBuf>, folder: PathBuf, umask: Option<u32>) -> Arc<Self> {
        // It is there only where a desktop was killed, and what stays is in nobody's way.
        _ = std::fs::remove_dir_all(&folder);
        let places = Mutex::new(Places::new(SESSIONS_MAX));
        Arc::new(Self { program, folder, umask, places, not_gone: watch::Sender::new(0) })
    }

    /// Returns the load of the page that is there now, for a start that is to belong to it.
    fn load(&self) -> Load {
        self.locked().load()
    }

    /// Starts a session for a granted folder, and has its events handed on for as long as `is_granted`
    /// says so and `tell` has somebody to tell.
    fn start(
        self: &Arc<Self>,
        load: Load,
        grant: &Grant,
        is_granted: impl Fn() -> bool + Send + 'static,
        tell: impl Fn(Event) -> bool + Send + 'static,
    ) -> Result<String, StartError> {
        let program = self.program.clone().ok_or(StartError::NoProgram)?;
        let place = Taken::new(self, load)?;
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
            umask: self.umask,
        })?;
        // From here on it is ended by whoever hands its events on.
        let (here, gone) = watch::channel(());
        let held = Arc::new(Held { session, gone: gone.clone() });
        let name = place.name.clone();
        let filled = if is_granted() {
            let here = Here { held, _here: here };
            self.locked().fill(&name, here).map_err(|_| StartError::Left)
        } else {
            Err(StartError::Revoked(grant.root.clone()))
        };
        let revoked = format!("`{}` is not granted any more", grant.root.display());
        let hands = HandsOn { compute: Arc::clone(self), name: name.clone(), told, kept, gone };
        self.not_gone.send_modify(|many| *many += 1);
        tokio::spawn(hands.on(is_granted, revoked, tell));
        filled.map(|()| name)
    }

    fn session(&self, name: &str) -> Option<Arc<Held>> {
        self.locked().get(name).map(|here| Arc::clone(&here.held))
    }

    fn forget(&self, name: &str) -> bool {
        // It ends beyond the lock.
        let gone = self.locked().remove(name);
        gone.is_some()
    }

    /// The page is gone: its sessions end.
    pub(crate) fn end(&self) {
        let gone = self.locked().end();
        drop(gone);
    }

    /// Ends all sessions for good, and waits until their processes and folders are gone.
    pub(crate) async fn shutdown(&self) {
        let gone = self.locked().close();
        drop(gone);
        let mut not_gone = self.not_gone.subscribe();
        if timeout(END_WITHIN, not_gone.wait_for(|many| *many == 0)).await.is_err() {
            tracing::warn!("some sessions of scripts take long to end and are left to it");
        }
    }

    fn locked(&self) -> MutexGuard<'_, Places<Here>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Asks for something, and waits for the answer or for the session's end.
    async fn ask(&self, request: Request) -> Result<Answer, ComputeError> {
        let mut gone = self.gone.clone();
        tokio::select! {
            answer = self.session.ask(request) => answer,
            // A process that does not answer must not be kept by whoever waits for that.
            _ = gone.changed() => Err(ComputeError::Ended),
        }
    }
}

/// A place that is given back unless something is put into it.
struct Taken<'a> {
    compute: &'a Compute,
    name: String,
}

impl<'a> Taken<'a> {
    fn new(compute: &'a Compute, load: Load) -> Result<Self, StartError> {
        let name = format!("{:016x}", getrandom::u64()?);
        compute.locked().take(&name, load).map_err(|refused| match refused {
            Refused::Full => StartError::TooMany,
            Refused::Left => StartError::Left,
        })?;
        Ok(Self { compute, name })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.compute.locked().give_back(&self.name);
    }
}

/// Who hands a session's events on, and sees to its end.
struct HandsOn {
    compute: Arc<Compute>,
    name: String,
    told: mpsc::Receiver<Event>,
    /// Variables that outlive a process. They are removed with the session.
    kept: TempDir,
    gone: watch::Receiver<()>,
}

impl HandsOn {
    /// Hands events on until either end is gone, or the folder is not granted any more.
    async fn on(
        mut self,
        is_granted: impl Fn() -> bool,
        revoked: String,
        tell: impl Fn(Event) -> bool,
    ) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            let event = tokio::select! {
                biased;
                // A page that is gone is told nothing, however much there is to tell.
                _ = self.gone.changed() => break,
                _ = look.tick() => {
                    if is_granted() {
                        continue;
                    }
                    let (reason, message) = (EndReason::Stopped, revoked);
                    _ = tell(Event::Ended { reason, message, is_restarting: false });
                    break;
                }
                event = self.told.recv() => event,
            };
            let Some(event) = event else { break };
            if !tell(event) {
                break;
            }
        }
        self.compute.forget(&self.name);
        // The process ends now that nobody has the session, and until then it may use its folder.
        while self.told.recv().await.is_some() {}
        let (compute, kept) = (self.compute, self.kept);
        let removed = tokio::task::spawn_blocking(move || kept.close()).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, "the folder of a session of scripts is left behind");
        }
        compute.not_gone.send_modify(|many| *many -= 1);
    }
}
