//! Importing the histories that agents keep on disk: on request, by itself, and as they change.
//!
//! One task owns all of it and does one thing after another, so no file is ever read twice at a
//! time. Whoever wants something sends it a message; how an import stands is read from its `Run`.

mod lines;
mod read;
mod report;
mod request;
mod run;
mod sweep;
mod trial;
mod walk;
mod watch;

#[cfg(test)]
mod tests;

pub(crate) use report::{Run, add, fate};
pub(crate) use request::day;
pub(crate) use sweep::deleted_soon;
pub(crate) use trial::trial;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oriel_sources::{Format, Homes};
use oriel_store::{HeardHistory, ReadError, Store};
use oriel_wire::imports::{ImportOverview, ImportPhase, ImportRequest};
use oriel_wire::time::rfc3339;
use oriel_wire::{Frame, SessionChange};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::api::ApiError;
use crate::app::{App, Gate};
use report::Options;
use sweep::State;

/// Imports that are remembered once they are over.
const RUNS_MAX: usize = 20;

/// How many of the last ones tell of each of their files.
const RUNS_IN_FULL_MAX: usize = 4;

/// Imports that may wait for others.
const WAITING_MAX: usize = 8;

/// Changes that come within this time are looked at together.
const SETTLE: Duration = Duration::from_millis(25);

/// How often is looked where changes are not told and no interval is set.
const FALLBACK_EVERY: Duration = Duration::from_secs(600);

/// A span of time that never passes.
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// Where imports are asked for and asked after.
pub(crate) struct Imports {
    formats: Arc<[Box<dyn Format>]>,
    send: mpsc::UnboundedSender<Message>,
    /// Taken by the task that does the work.
    receive: Mutex<Option<mpsc::UnboundedReceiver<Message>>>,
    runs: Mutex<VecDeque<Arc<Run>>>,
    next_id: AtomicU64,
    /// How many folders are watched; none where changes are not told.
    watched: AtomicUsize,
    /// What was read by format, as last added up: there may be thousands of files.
    totals: tokio::sync::Mutex<Option<(u64, Vec<HeardHistory>)>>,
    /// How often anything was remembered of files; sums of another number are out of date.
    writes: AtomicU64,
}

enum Message {
    Import(Arc<Run>),
    /// The runtime listens and may import by itself.
    Begin,
}

impl Imports {
    pub(crate) fn new(formats: Vec<Box<dyn Format>>) -> Self {
        let (send, receive) = mpsc::unbounded_channel();
        Self {
            formats: formats.into(),
            send,
            receive: Mutex::new(Some(receive)),
            runs: Mutex::default(),
            next_id: AtomicU64::new(1),
            watched: AtomicUsize::new(0),
            totals: tokio::sync::Mutex::default(),
            writes: AtomicU64::new(0),
        }
    }

    /// Lets the runtime import by itself, where its settings say so.
    pub(crate) fn begin_by_itself(&self) {
        _ = self.send.send(Message::Begin);
    }

    /// Asks for an import and returns at once.
    pub(crate) fn start(&self, app: &App, request: &ImportRequest) -> Result<u64, ApiError> {
        app.store()?;
        let options = request::options(request, &self.formats)?;
        let waiting = self.runs().iter().filter(|run| run.phase() == ImportPhase::Waiting).count();
        if waiting >= WAITING_MAX {
            let problem = format!("{waiting} imports wait already; cancel one, or wait for them");
            return Err(ApiError::Busy(problem.into()));
        }
        let run = self.add(app, options);
        let id = run.id;
        self.send.send(Message::Import(run)).map_err(|_| ApiError::Busy("it stops".into()))?;
        Ok(id)
    }

    /// Returns an import.
    pub(crate) fn find(&self, id: u64) -> Option<Arc<Run>> {
        self.runs().iter().find(|run| run.id == id).cloned()
    }

    /// Tells of the imports that run and ran, and of how changes are noticed.
    pub(crate) fn overview(&self, app: &App) -> ImportOverview {
        let runs: Vec<Arc<Run>> = self.runs().iter().cloned().collect();
        let (over, open): (Vec<_>, Vec<_>) =
            runs.iter().rev().map(|run| run.status(false)).partition(|run| run.phase.is_over());
        let config = &app.config.imports;
        let watched = self.watched.load(Ordering::Relaxed);
        let watching = match (config.auto, watched) {
            (true, 1..) => "files",
            (true, 0) if config.watch || !config.every.is_zero() => "interval",
            _ => "off",
        };
        ImportOverview {
            running: open.into_iter().next_back(),
            last: over,
            watching: watching.to_owned(),
            folders: watched as u64,
            archiving: config.archive,
            ..ImportOverview::default()
        }
    }

    /// Returns the folders of each format that are there.
    pub(crate) fn folders_here(&self, homes: &Homes) -> Vec<(&'static str, Vec<PathBuf>)> {
        let here = |format: &dyn Format| {
            let folders = format.folders(homes).into_iter().filter(|folder| folder.is_dir());
            (format.name(), folders.collect())
        };
        self.formats.iter().map(|format| here(&**format)).collect()
    }

    /// Returns what was read, by format. It is added up anew only after something was read.
    pub(crate) async fn totals(&self, store: &Store) -> Result<Vec<HeardHistory>, ReadError> {
        let mut totals = self.totals.lock().await;
        // What is remembered while it is added up makes it out of date at once.
        let writes = self.writes.load(Ordering::Acquire);
        match &*totals {
            Some((at, totals)) if *at == writes => Ok(totals.clone()),
            _ => {
                let fresh = store.heard_histories().await?;
                *totals = Some((writes, fresh.clone()));
                Ok(fresh)
            }
        }
    }

    /// Returns whether an import runs or waits to.
    pub(crate) fn is_busy(&self) -> bool {
        self.runs().iter().any(|run| !run.phase().is_over())
    }

    fn add(&self, app: &App, options: Options) -> Arc<Run> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let run = Arc::new(Run::new(id, options, rfc3339(app.now())));
        let mut runs = self.runs();
        while runs.len() >= RUNS_MAX {
            // What nobody asked for is asked after by nobody.
            let by_itself = |run: &Arc<Run>| run.options.automatic && run.phase().is_over();
            let oldest = runs.iter().position(by_itself);
            let oldest = oldest.or_else(|| runs.iter().position(|run| run.phase().is_over()));
            let Some(oldest) = oldest else { break };
            runs.remove(oldest);
        }
        for run in runs.iter().rev().skip(RUNS_IN_FULL_MAX).filter(|run| run.phase().is_over()) {
            run.forget_files();
        }
        runs.push_back(Arc::clone(&run));
        run
    }

    fn runs(&self) -> MutexGuard<'_, VecDeque<Arc<Run>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does all importing until the runtime stops.
pub(crate) async fn run(app: Arc<App>) {
    if matches!(app.gate, Gate::Blocked(_)) {
        return;
    }
    let receive = app.imports.receive.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut receive) = receive else { return };
    let mut stopping = pin!(app.stopping());
    let mut state = State::new(&app);
    let mut sweep = every(NEVER);
    loop {
        let changes = state.changes();
        let changed = async {
            match &changes {
                Some(changes) => changes.wait().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = &mut stopping => return,
            message = receive.recv() => match message {
                None => return,
                Some(Message::Import(run)) => state.import(&run).await,
                Some(Message::Begin) if app.config.imports.auto => {
                    state.watch().await;
                    import_by_itself(&app, &mut state).await;
                    sweep = every(sweep_period(&app));
                }
                Some(Message::Begin) => {}
            },
            () = changed => {
                // What is written comes in several pieces.
                tokio::time::sleep(SETTLE).await;
                if !state.read_changed().await {
                    import_by_itself(&app, &mut state).await;
                }
            }
            _ = sweep.tick() => import_by_itself(&app, &mut state).await,
        }
    }
}

/// Looks at everything, and tells those who listen if there was something new.
async fn import_by_itself(app: &Arc<App>, state: &mut State) {
    let options = Options { automatic: true, ..Options::default() };
    let run = app.imports.add(app, options);
    state.import(&run).await;
    let status = run.status(false);
    if status.imported > 0 {
        tracing::info!(events = status.imported, files = status.files_done, "histories imported");
        let payload = SessionChange::AutoImport { imported: status.imported };
        app.hub.note(&Frame::SessionUpdate { payload });
    }
}

fn sweep_period(app: &App) -> Duration {
    let config = &app.config.imports;
    let is_watched = app.imports.watched.load(Ordering::Relaxed) > 0;
    match config.every {
        Duration::ZERO if config.watch && !is_watched => FALLBACK_EVERY,
        Duration::ZERO => NEVER,
        every => every,
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
