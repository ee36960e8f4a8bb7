//! What every request shares: the store or what blocks it, the hub, and the facts of this process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, UNIX_EPOCH};

use oriel_model::{NewEvent, Note, QuietLimit};
use oriel_pricing::PriceBook;
use oriel_store::{Appended, Store};
use oriel_wire::control::{Blocker, DaemonPhase};
use tokio::sync::watch;

use crate::api::ApiError;
use crate::archive::Archive;
use crate::audit::Audit;
use crate::config::{Config, Role};
use crate::gate::Blocked;
use crate::home::Home;
use crate::hub::Hub;
use crate::imports::Imports;
use crate::ingest::{Admission, Branches};
use crate::metrics::Metrics;
use crate::notices::Notices;
use crate::state::Registry;
use crate::told::Meters;

/// The shortest age from which an import tells of the past.
const HISTORY_MINUTES_MIN: i64 = 30;

/// One runtime, shared by all of its requests.
pub(crate) struct App {
    pub config: Config,
    pub home: Home,
    pub gate: Gate,
    pub audit: Arc<Audit>,
    pub hub: Arc<Hub>,
    pub quiet: QuietLimit,
    pub prices: PriceBook,
    pub branches: Option<Branches>,
    pub metrics: Metrics,
    /// The last whole of each meter that tells wholes.
    pub meters: Meters,
    pub imports: Imports,
    pub archive: Archive,
    pub notices: Arc<Notices>,
    pub registry: Registry,
    pub started: Instant,
    pub started_at: i64,
    pub phase: watch::Sender<DaemonPhase>,
    /// Becomes true when something asked this runtime to stop.
    pub stop: watch::Sender<bool>,
    /// Whether it is to start again once it has stopped.
    pub again: AtomicBool,
    /// What keeps modules running beside it, if anything does.
    pub launcher: OnceLock<oriel_link::Link>,
    /// What keeps folders equal beside it, if anything does.
    pub sync: OnceLock<oriel_link::Link>,
    /// Where it listens, once it does.
    pub address: OnceLock<Address>,
    /// Held by whoever changes an agent's settings.
    pub changing_hooks: tokio::sync::Mutex<()>,
}

/// Where a runtime listens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Address {
    pub tcp: Option<SocketAddr>,
    pub socket: Option<PathBuf>,
}

/// The store, or what must be mended first.
pub(crate) enum Gate {
    Open(Store),
    Blocked(Blocked),
}

impl App {
    /// Returns the store, or the refusal of a runtime that is blocked.
    pub(crate) fn store(&self) -> Result<&Store, ApiError> {
        match &self.gate {
            Gate::Open(store) => Ok(store),
            Gate::Blocked(blocked) => Err(ApiError::Blocked(blocked.count())),
        }
    }

    /// Stores events and what is known beside them, all or none.
    pub(crate) async fn append(
        &self,
        events: Vec<NewEvent>,
        notes: Vec<Note>,
    ) -> Result<Vec<Appended>, ApiError> {
        let store = self.store()?;
        let began = Instant::now();
        let appended = store.append_told(events, notes, self.now()).await?;
        self.metrics.append_seconds.observe(began.elapsed().as_secs_f64());
        let count =
            |which: fn(&Appended) -> bool| appended.iter().filter(|one| which(one)).count() as u64;
        self.metrics.stored.inc_by(count(|one| matches!(one, Appended::New(_))));
        self.metrics.joined.inc_by(count(|one| matches!(one, Appended::Joined(_))));
        self.metrics.duplicates.inc_by(count(|one| matches!(one, Appended::Duplicate)));
        Ok(appended)
    }

    /// Returns what must be mended before this runtime can take events.
    pub(crate) fn blockers(&self) -> Vec<Blocker> {
        match &self.gate {
            Gate::Open(_) => Vec::new(),
            Gate::Blocked(blocked) => blocked.list(),
        }
    }

    /// Returns whether whoever runs this runtime can start it again.
    pub(crate) fn restartable(&self) -> bool {
        self.config.role == Role::Daemon
    }

    /// Asks to be stopped and started again. What already stops is not started again.
    pub(crate) fn restart(&self) -> Result<(), ApiError> {
        if !self.restartable() {
            let problem = "this runtime ends with the command that asked; start a daemon";
            return Err(ApiError::Conflict(problem.into()));
        }
        let asked = self.stop.send_if_modified(|stop| {
            if *stop {
                return false;
            }
            self.again.store(true, Ordering::SeqCst);
            *stop = true;
            true
        });
        if asked || self.again.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(ApiError::Conflict("the daemon is stopping already".into()))
        }
    }

    /// Waits until this runtime stops. The future holds nothing of the app.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        // A sender that is gone has stopped too.
        async move { _ = stop.wait_for(|stop| *stop).await }
    }

    /// Returns the time in Unix milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        let since = self.config.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Returns the time in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// Returns what decides which events may be stored at this moment.
    pub(crate) fn admission(&self, now_ms: i64) -> Admission<'_> {
        let quiet_minutes = i64::try_from(self.config.quiet.as_secs() / 60).unwrap_or(i64::MAX);
        let history_minutes = quiet_minutes.saturating_mul(6).max(HISTORY_MINUTES_MIN);
        let cap = self.config.ingest.payload_kib_max.saturating_mul(1024);
        Admission {
            metadata_bytes_max: usize::try_from(cap).unwrap_or(usize::MAX),
            privacy: &self.config.privacy,
            prices: &self.prices,
            history_ms: history_minutes.saturating_mul(60_000),
            compat: self.config.compat,
            now_ms,
        }
    }
}
