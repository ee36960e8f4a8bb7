//! One folder that is kept equal with one session's workspace.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oriel_wire::sync::{
    Notice as WireNotice, PauseReason, RelPath, SyncCode, SyncEvent, SyncStatus, SyncVerified,
};
use tokio::sync::{Notify, broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::about::{About, folder, off_thread};
use super::failure::Failure;
use super::reach::{Away, Reach};
use super::{SyncsConfig, conflicts, status};
use crate::conflict::ConflictId;
use crate::journal::Pause;
use crate::local::{DeleteLimits, Engine, Input, Notice};
use crate::room::{Now, Opening, Room};
use crate::served::RECHECK;
use crate::side::{Effect, LocalSetup};

/// How it stands is told at most so often.
const TOLD_EVERY: Duration = Duration::from_millis(250);

/// Contents are tidied so often.
const COLLECT_EVERY: Duration = Duration::from_secs(600);

/// How many notices of an engine wait to be told. Conflicts beyond them are in the status all the same.
const NOTICES_MAX: usize = 1024;

/// One sync.
pub(super) struct Sync {
    about: About,
    now: Now,
    /// Nothing where it was stopped, or could not begin.
    room: Mutex<Option<Arc<Room<Engine>>>>,
    failure: Option<Failure>,
    /// Why the other side is not there, while it is not.
    away: Mutex<Option<Away>>,
    /// When both were last equal, in Unix milliseconds; 0 where they never were.
    equal_ms: AtomicU64,
    pub(super) mergeable: Mutex<conflicts::Mergeable>,
    /// Conflicts that were told of, and not yet that they are over.
    told: Mutex<BTreeMap<u64, RelPath>>,
    pub(super) verifying: tokio::sync::Mutex<()>,
    pub(super) reach: Reach,
    changed: Arc<Notify>,
    stop: CancellationToken,
}

impl Sync {
    /// Begins. Where that fails, it is there and says why.
    pub(super) async fn begin(
        config: &SyncsConfig,
        about: About,
        events: &broadcast::Sender<SyncEvent>,
    ) -> Arc<Self> {
        let (notices, told) = mpsc::channel(NOTICES_MAX);
        let changed = Arc::new(Notify::new());
        let opened = if about.is_stopped {
            Ok(None)
        } else {
            open(config, &about, notices, Arc::clone(&changed)).await.map(Some)
        };
        let (room, failure) = match opened {
            Ok(room) => (room, None),
            Err(failure) => {
                tracing::warn!(session = about.session_id, "sync does not begin: {failure}");
                (None, Some(failure))
            }
        };
        let equal_ms = room.as_ref().and_then(|room| room.ledger.about("equal_ms").ok().flatten());
        let equal_ms = equal_ms.and_then(|text| text.parse().ok()).unwrap_or_default();
        let sync = Arc::new(Self {
            reach: Reach::new(config.gateway.clone(), about.session_id.clone()),
            about,
            now: Arc::clone(&config.now),
            room: Mutex::new(room.clone()),
            failure,
            away: Mutex::new(Some(Away::NotYet)),
            equal_ms: AtomicU64::new(equal_ms),
            mergeable: Mutex::default(),
            told: Mutex::default(),
            verifying: tokio::sync::Mutex::default(),
            changed,
            stop: CancellationToken::new(),
        });
        if let Some(room) = room {
            sync.spawn(room, told, events.clone());
        }
        sync
    }

    fn spawn(
        self: &Arc<Self>,
        room: Arc<Room<Engine>>,
        told: mpsc::Receiver<Notice>,
        events: broadcast::Sender<SyncEvent>,
    ) {
        let run = |task: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
            tokio::spawn(self.stop.clone().run_until_cancelled_owned(task));
        };
        let (sync, own) = (Arc::clone(self), Arc::clone(&room));
        let stop = self.stop.clone();
        tokio::spawn(async move { sync.reach.keep(&sync, own, stop).await });
        let (sync, own, teller) = (Arc::clone(self), Arc::clone(&room), events.clone());
        run(Box::pin(async move { sync.tell_notices(&own, told, &teller).await }));
        let sync = Arc::clone(self);
        run(Box::pin(async move { sync.tell_status(&events).await }));
        run(Box::pin(async move {
            loop {
                tokio::time::sleep(COLLECT_EVERY).await;
                room.collect().await;
            }
        }));
    }

    pub(super) fn about(&self) -> &About {
        &self.about
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.clone()
    }

    pub(super) fn is_running(&self) -> bool {
        self.room_now().is_some()
    }

    /// Returns what it works with.
    pub(super) fn room(&self) -> Result<Arc<Room<Engine>>, Failure> {
        self.room_now().ok_or_else(|| match &self.failure {
            Some(failure) => failure.clone(),
            None => Failure::new(SyncCode::NotSyncing, "the sync is stopped; start it again"),
        })
    }

    fn room_now(&self) -> Option<Arc<Room<Engine>>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says why the other side is not there, or that it is.
    pub(super) fn set_away(&self, away: Option<Away>) {
        *self.away() = away;
        self.changed.notify_one();
    }

    fn away(&self) -> MutexGuard<'_, Option<Away>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it. What was begun is finished.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        let room = self.room.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(room) = room else { return };
        let closed = tokio::task::spawn_blocking(move || room.desk.close());
        if let Err(error) = closed.await {
            tracing::error!(%error, "ending a sync failed");
        }
        self.reach.closed().await;
    }

    /// Returns how it stands.
    pub(super) async fn status(&self) -> SyncStatus {
        let away = self.away().clone();
        let Some(room) = self.room_now() else {
            return status::at_rest(&self.about, self.failure.as_ref(), self.equal_ms());
        };
        let asked = room.ask(|engine, _| (status::Seen::of(engine), Vec::new())).await;
        let Some(seen) = asked else {
            let failure = Failure::away();
            return status::at_rest(&self.about, Some(&failure), self.equal_ms());
        };
        if away.is_none() && seen.is_equal() {
            let now_ms = (self.now)();
            self.equal_ms.store(now_ms, Ordering::Relaxed);
        }
        let is_polled = room.folder.is_remote();
        let mergeable = conflicts::mergeable(self, &room, &seen.conflicts).await;
        let equal_ms = self.equal_ms();
        status::told(&self.about, seen, &status::Beside { away, equal_ms, is_polled, mergeable })
    }

    fn equal_ms(&self) -> Option<u64> {
        Some(self.equal_ms.load(Ordering::Relaxed)).filter(|ms| *ms != 0)
    }

    /// Goes on after a pause, or puts back what would be deleted.
    pub(super) async fn confirm(&self, reason: PauseReason, restore: bool) -> Result<(), Failure> {
        let room = self.room()?;
        let confirmed = room.ask(move |engine, now_ms| {
            let is_it = match engine.paused() {
                Some(Pause::MassDelete { .. }) => reason == PauseReason::MassDelete,
                Some(Pause::RemoteReset) => reason == PauseReason::RemoteReset,
                Some(Pause::RootGone) | None => false,
            };
            if !is_it {
                return (false, Vec::new());
            }
            // A tree that is met as if for the first time takes nothing along: all of it is put back.
            let restores = restore && reason == PauseReason::MassDelete;
            let input = if restores { Input::Restore } else { Input::Confirm };
            (true, engine.step(now_ms, input).into_iter().map(Effect::from).collect())
        });
        match confirmed.await {
            Some(true) => Ok(()),
            Some(false) => {
                let message = "it is not paused for that reason now; look at its status";
                Err(Failure::new(SyncCode::NotPaused, message))
            }
            None => Err(Failure::away()),
        }
    }

    /// Compares both trees, once nothing is under way.
    pub(super) async fn verify(&self) -> Result<SyncVerified, Failure> {
        let _one = self.verifying.lock().await;
        self.reach.verify(self, &self.room()?).await
    }

    async fn tell_notices(
        &self,
        room: &Arc<Room<Engine>>,
        mut told: mpsc::Receiver<Notice>,
        events: &broadcast::Sender<SyncEvent>,
    ) {
        // Conflicts that may be put together unasked once all of their versions are here.
        let mut open = Vec::new();
        loop {
            let notice = tokio::select! {
                notice = told.recv() => notice,
                () = tokio::time::sleep(TOLD_EVERY), if !open.is_empty() => {
                    open = self.put_together(room, open, events).await;
                    continue;
                }
            };
            let Some(notice) = notice else { return };
            match notice {
                Notice::Conflict(id) if self.about.merge_unasked => open.push(id),
                Notice::Conflict(id) => self.tell_conflict(room, id, events).await,
                Notice::CameBack(path) => self.tell(events, path, WireNotice::LocalDeleteUndone),
                Notice::KeptHere(path) => self.tell(events, path, WireNotice::RemoteDeleteUndone),
                // Its status says so.
                Notice::Paused(_) => self.changed.notify_one(),
            }
        }
    }

    /// Puts together what can be. Returns what has to wait.
    async fn put_together(
        &self,
        room: &Arc<Room<Engine>>,
        open: Vec<ConflictId>,
        events: &broadcast::Sender<SyncEvent>,
    ) -> Vec<ConflictId> {
        let mut waiting = Vec::new();
        for id in open {
            match conflicts::merge_unasked(self, room, id).await {
                conflicts::Unasked::Merged(path) => self.tell(events, path, WireNotice::Merged),
                conflicts::Unasked::Waits => waiting.push(id),
                conflicts::Unasked::Asks => self.tell_conflict(room, id, events).await,
                conflicts::Unasked::Over => {}
            }
        }
        waiting
    }

    async fn tell_conflict(
        &self,
        room: &Arc<Room<Engine>>,
        id: ConflictId,
        events: &broadcast::Sender<SyncEvent>,
    ) {
        let shown = conflicts::shown(self, room, id).await;
        if let Some(conflict) = shown {
            let session_id = self.about.session_id.clone();
            self.told().insert(conflict.id, conflict.path.clone());
            // Nobody may listen.
            _ = events.send(SyncEvent::Conflict { session_id, conflict });
        }
        self.changed.notify_one();
    }

    fn tell(&self, events: &broadcast::Sender<SyncEvent>, path: RelPath, notice: WireNotice) {
        let message = match notice {
            WireNotice::LocalDeleteUndone => {
                format!("{path} was removed here and had changed upstream since; it is here again")
            }
            WireNotice::RemoteDeleteUndone => {
                format!("{path} was removed upstream and had changed here since; it is there again")
            }
            WireNotice::Merged => {
                format!("{path} had changed on both sides, and both changes are in it now")
            }
        };
        let session_id = self.about.session_id.clone();
        _ = events.send(SyncEvent::Notice { session_id, path, notice, message });
    }

    /// Tells how it stands whenever that is otherwise than it was told.
    async fn tell_status(&self, events: &broadcast::Sender<SyncEvent>) {
        let mut last: Option<SyncStatus> = None;
        loop {
            self.changed.notified().await;
            // Nobody has to be told what nobody hears; who begins to listen is told by asking.
            if events.receiver_count() != 0 {
                let status = self.status().await;
                let same = |last: &SyncStatus| {
                    SyncStatus { last_sync_at: status.last_sync_at, ..last.clone() } == status
                };
                if !last.as_ref().is_some_and(same) {
                    self.tell_resolved(&status, events);
                    _ = events.send(SyncEvent::Status { status: Box::new(status.clone()) });
                    last = Some(status);
                }
            }
            tokio::time::sleep(TOLD_EVERY).await;
        }
    }

    /// Tells of conflicts that are over.
    fn tell_resolved(&self, status: &SyncStatus, events: &broadcast::Sender<SyncEvent>) {
        let mut told = self.told();
        // Of more conflicts than are listed it cannot be said which are over.
        if status.more_conflicts == 0 {
            let is_open = |id: &u64| status.conflicts.iter().any(|conflict| conflict.id == *id);
            let over: Vec<_> = told.extract_if(.., |id, _| !is_open(id)).collect();
            for (id, path) in over {
                let session_id = self.about.session_id.clone();
                _ = events.send(SyncEvent::Resolved { session_id, id, path });
            }
        }
        told.extend(status.conflicts.iter().map(|it| (it.id, it.path.clone())));
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<u64, RelPath>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers when both were last equal.
    pub(super) fn remember(&self) {
        if let (Some(room), Some(equal_ms)) = (self.room_now(), self.equal_ms())
            && let Err(error) = room.ledger.set_about("equal_ms", &equal_ms.to_string())
        {
            tracing::debug!(%error, "when both were last equal is not remembered");
        }
    }
}

async fn open(
    config: &SyncsConfig,
    about: &About,
    notices: mpsc::Sender<Notice>,
    changed: Arc<Notify>,
) -> Result<Arc<Room<Engine>>, Failure> {
    let allow_polling = about.allow_polling;
    let opening = Opening {
        root: about.local_dir.clone().into(),
        own: folder(&config.own, &about.session_id),
        now: Arc::clone(&config.now),
        umask: config.umask,
        uses_gitignore: about.use_gitignore,
        setup: Box::new(|folder| LocalSetup {
            folds: folder.folds_case(),
            recheck: RECHECK,
            deletes: DeleteLimits::default(),
        }),
        notice: Box::new(move |notice| {
            // Whoever is too slow reads the status, in which all of them are.
            _ = notices.try_send(notice);
        }),
        changed: Box::new(move || changed.notify_one()),
    };
    let room = off_thread(move || Ok(Arc::new(Room::<Engine>::open(opening)?))).await?;
    if room.folder.is_remote() && !allow_polling {
        let message = format!(
            "{} is on another machine, and what changes there is not told; confirm that it is looked \
             through every few seconds instead",
            about.local_dir
        );
        let closed = tokio::task::spawn_blocking(move || room.desk.close());
        closed.await.map_err(Failure::system)?;
        return Err(Failure::new(SyncCode::FolderNotWatched, message));
    }
    Ok(room)
}
