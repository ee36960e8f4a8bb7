//! The local side as a daemon runs it: one engine for each folder that a person keeps equal with a session's
//! workspace, from when they ask for it until they stop it, through every restart in between.
#![forbid(unsafe_code)]

mod about;
mod conflicts;
mod failure;
mod place;
mod reach;
mod service;
mod status;
mod sync;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oriel_link::Link;
use oriel_wire::sync::{
    ConfirmSync, ConflictTexts, PauseReason, RelPath, ResolveConflict, StartSync, StopSync,
    SyncCode, SyncEvent, SyncList, SyncStatus, SyncVerified,
};
use tokio::sync::broadcast;

use crate::room::Now;
use about::About;
use failure::Failure;
use sync::Sync;

/// The most syncs of one daemon. Whoever wants one more stops another.
const SYNCS_MAX: usize = 64;

/// How many events whoever listens may be behind. Whoever is further behind is told how everything stands.
const EVENTS_MAX: usize = 256;

/// How the gateway is reached whose sessions are synced.
#[derive(Debug, Clone)]
pub enum Gateway {
    /// This way, with the token that is in a file.
    Link {
        /// The way.
        link: Link,
        /// The file.
        token: PathBuf,
    },
    /// Another process has it: where it is and what the token is stands in its folder.
    Folder(PathBuf),
    /// There is none.
    None,
}

/// What the local side is told at start.
#[derive(Clone)]
pub struct SyncsConfig {
    /// The folder for journals and contents.
    pub own: PathBuf,
    /// Folders that nobody may sync, with what is in them and what they are in: the program's own.
    pub closed: Vec<PathBuf>,
    /// The person's home. It is not synced as a whole.
    pub home: Option<PathBuf>,
    /// The way to the gateway.
    pub gateway: Gateway,
    /// Where the time comes from.
    pub now: Now,
    /// The umask of a plain program of this person, where this process has another.
    pub umask: Option<u32>,
}

/// Everything that is synced.
pub struct Syncs {
    config: SyncsConfig,
    running: Mutex<BTreeMap<String, Arc<Sync>>>,
    /// Only one is begun or ended at a time.
    changing: tokio::sync::Mutex<()>,
    events: broadcast::Sender<SyncEvent>,
}

impl std::fmt::Debug for Syncs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syncs").field("own", &self.config.own).finish_non_exhaustive()
    }
}

impl Syncs {
    /// Goes on with what was synced when the last process ended. What cannot be is told in its status.
    pub async fn open(config: SyncsConfig) -> Arc<Self> {
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let syncs = Arc::new(Self {
            running: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            events,
            config,
        });
        let own = syncs.config.own.clone();
        let known = tokio::task::spawn_blocking(move || about::all(&own)).await;
        for about in known.unwrap_or_default() {
            let sync = Sync::begin(&syncs.config, about.clone(), &syncs.events).await;
            syncs.running().insert(about.session_id, sync);
        }
        syncs
    }

    /// Returns the service: everything under `/sync`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        service::router(self)
    }

    /// Begins to keep a folder equal with a session's workspace, or goes on where it was stopped.
    ///
    /// # Errors
    /// Where that folder may not be used for it, or something in it has to be confirmed first.
    pub(crate) async fn start(&self, start: StartSync) -> Result<SyncStatus, Failure> {
        let _one = self.changing.lock().await;
        let session_id = start.session_id.clone();
        let existing = self.running().get(&session_id).cloned();
        if let Some(sync) = &existing
            && sync.about().local_dir != start.local_dir
        {
            let dir = sync.about().local_dir.clone();
            let message = format!(
                "the session is synced with {dir}; stop that and forget it before another folder is used"
            );
            return Err(Failure::new(SyncCode::AlreadySyncing, message));
        }
        if existing.is_none() && SYNCS_MAX <= self.running().len() {
            let message = format!("{SYNCS_MAX} folders are synced already; stop one of them first");
            return Err(Failure::new(SyncCode::System, message));
        }
        if existing.as_ref().is_some_and(|sync| sync.is_running()) {
            return self.status(&session_id).await;
        }
        let others: Vec<_> = self.running().values().map(|sync| sync.about().clone()).collect();
        let others: Vec<_> =
            others.into_iter().filter(|other| other.session_id != session_id).collect();
        let about = place::check(&self.config, start, others, existing.is_some()).await?;
        about::write(&self.config.own, &about).await?;
        let sync = Sync::begin(&self.config, about, &self.events).await;
        self.running().insert(session_id.clone(), Arc::clone(&sync));
        if let Some(failure) = sync.failure() {
            if existing.is_none() {
                self.running().remove(&session_id);
                about::forget(&self.config.own, &session_id).await?;
            }
            return Err(failure);
        }
        self.status(&session_id).await
    }

    /// Ends it. What was begun is finished first.
    ///
    /// # Errors
    /// Where it is not synced, or what is remembered cannot be written.
    pub(crate) async fn stop(&self, stop: StopSync) -> Result<SyncStatus, Failure> {
        let _one = self.changing.lock().await;
        let sync = self.sync(&stop.session_id)?;
        sync.stop().await;
        if stop.forget {
            self.running().remove(&stop.session_id);
            about::forget(&self.config.own, &stop.session_id).await?;
        } else {
            let about = About { is_stopped: true, ..sync.about().clone() };
            about::write(&self.config.own, &about).await?;
            let stopped = Sync::begin(&self.config, about, &self.events).await;
            self.running().insert(stop.session_id.clone(), Arc::clone(&stopped));
            return Ok(stopped.status().await);
        }
        Ok(sync.status().await)
    }

    /// Returns how everything stands.
    pub(crate) async fn list(&self) -> SyncList {
        let all: Vec<_> = self.running().values().cloned().collect();
        let mut syncs = Vec::with_capacity(all.len());
        for sync in all {
            syncs.push(sync.status().await);
        }
        SyncList { syncs }
    }

    pub(crate) async fn status(&self, session_id: &str) -> Result<SyncStatus, Failure> {
        Ok(self.sync(session_id)?.status().await)
    }

    pub(crate) async fn confirm(&self, confirm: ConfirmSync) -> Result<SyncStatus, Failure> {
        let sync = self.sync(&confirm.session_id)?;
        if confirm.reason == PauseReason::Asked && sync.about().is_stopped && !sync.is_running() {
            return self.start(sync.about().again()).await;
        }
        sync.confirm(confirm.reason, confirm.restore).await?;
        Ok(sync.status().await)
    }

    pub(crate) async fn resolve(&self, resolve: ResolveConflict) -> Result<SyncStatus, Failure> {
        let sync = self.sync(&resolve.session_id)?;
        conflicts::resolve(&sync, resolve).await?;
        Ok(sync.status().await)
    }

    pub(crate) async fn versions(
        &self,
        session_id: &str,
        path: RelPath,
    ) -> Result<ConflictTexts, Failure> {
        conflicts::versions(&*self.sync(session_id)?, path).await
    }

    pub(crate) async fn verify(&self, session_id: &str) -> Result<SyncVerified, Failure> {
        self.sync(session_id)?.verify().await
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<SyncEvent> {
        self.events.subscribe()
    }

    /// Ends all of it. What was begun is finished, and goes on at the next start.
    pub async fn shutdown(&self) {
        let _one = self.changing.lock().await;
        let all: Vec<_> = std::mem::take(&mut *self.running()).into_values().collect();
        for sync in all {
            sync.stop().await;
        }
    }

    fn sync(&self, session_id: &str) -> Result<Arc<Sync>, Failure> {
        self.running().get(session_id).cloned().ok_or_else(|| {
            let message = format!("the session {session_id} is not synced; start it first");
            Failure::new(SyncCode::NotSyncing, message)
        })
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Sync>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
