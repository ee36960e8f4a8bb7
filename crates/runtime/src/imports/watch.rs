//! Word from the system that something changed where histories lie. Nobody looks by the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::walk::Root;

/// More changed paths than this are not told one by one: everything is looked at.
const PATHS_MAX: usize = 4096;

/// Folders that are made while they are looked for are looked for again, so often at most.
const ARMED_TIMES_MAX: usize = 8;

/// What is watched, and what changed there.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
    changes: Arc<Changes>,
    watched: BTreeMap<PathBuf, RecursiveMode>,
}

/// What changed since somebody looked.
#[derive(Default)]
pub(super) struct Changes {
    inner: Mutex<Changed>,
    woken: Notify,
}

#[derive(Default)]
struct Changed {
    paths: BTreeSet<PathBuf>,
    is_too_much: bool,
    /// What is of interest; what changes elsewhere wakes nobody.
    folders: Vec<PathBuf>,
}

impl Watch {
    pub(super) fn new() -> notify::Result<Self> {
        let changes = Arc::new(Changes::default());
        let of_watcher = Arc::clone(&changes);
        let watcher =
            notify::recommended_watcher(move |event: notify::Result<Event>| match event {
                Ok(event) => of_watcher.take(event),
                Err(error) => {
                    tracing::debug!(%error, "a change of histories was not told");
                    of_watcher.take_all();
                }
            })?;
        Ok(Self { watcher, changes, watched: BTreeMap::new() })
    }

    pub(super) fn changes(&self) -> Arc<Changes> {
        Arc::clone(&self.changes)
    }

    pub(super) fn len(&self) -> usize {
        self.watched.len()
    }

    /// Watches the folders that are there, and for each that is not the nearest one above it.
    /// Returns whether one is watched that was not before.
    pub(super) fn arm(&mut self, roots: &[Root]) -> notify::Result<bool> {
        let folders: Vec<PathBuf> = roots.iter().map(|root| root.folder.clone()).collect();
        self.changes.locked().folders.clone_from(&folders);
        let mut is_new = false;
        for _ in 0..ARMED_TIMES_MAX {
            let wanted = wanted(&folders);
            is_new |= self.watch_only(&wanted)?;
            // Nobody tells of a folder that was made after it was looked for and before the one
            // above it was watched.
            if self::wanted(&folders) == wanted {
                break;
            }
        }
        Ok(is_new)
    }

    fn watch_only(&mut self, wanted: &BTreeMap<PathBuf, RecursiveMode>) -> notify::Result<bool> {
        self.watched.retain(|folder, mode| {
            let stays = wanted.get(folder) == Some(mode);
            if !stays {
                // One that has vanished is not watched any more.
                _ = self.watcher.unwatch(folder);
            }
            stays
        });
        let mut is_new = false;
        for (folder, mode) in wanted {
            if !self.watched.contains_key(folder) {
                self.watcher.watch(folder, *mode)?;
                is_new |= *mode == RecursiveMode::Recursive;
                self.watched.insert(folder.clone(), *mode);
            }
        }
        Ok(is_new)
    }

    /// Forgets that a folder is watched, since it changed itself: it may be another one now.
    /// Returns whether there was one.
    pub(super) fn forget(&mut self, paths: &BTreeSet<PathBuf>) -> bool {
        let touched: Vec<PathBuf> = self
            .watched
            .iter()
            .filter(|(folder, mode)| match mode {
                RecursiveMode::Recursive => paths.contains(*folder),
                // What is waited for may have come.
                RecursiveMode::NonRecursive => {
                    paths.iter().any(|path| path.parent() == Some(folder) || path == *folder)
                }
            })
            .map(|(folder, _)| folder.clone())
            .collect();
        for folder in &touched {
            _ = self.watcher.unwatch(folder);
            self.watched.remove(folder);
        }
        !touched.is_empty()
    }
}

/// Returns what has to be watched so that everything below the folders is.
fn wanted(folders: &[PathBuf]) -> BTreeMap<PathBuf, RecursiveMode> {
    let mut wanted = BTreeMap::new();
    for folder in folders {
        if folder.is_dir() {
            wanted.insert(folder.clone(), RecursiveMode::Recursive);
        } else if let Some(above) = folder.ancestors().find(|above| above.is_dir()) {
            wanted.entry(above.to_owned()).or_insert(RecursiveMode::NonRecursive);
        }
    }
    // A folder below one that is watched whole is watched with it.
    let whole: Vec<PathBuf> = wanted
        .iter()
        .filter(|(_, mode)| **mode == RecursiveMode::Recursive)
        .map(|(folder, _)| folder.clone())
        .collect();
    wanted.retain(|folder, _| {
        !whole.iter().any(|above| above != folder && folder.starts_with(above))
    });
    wanted
}

impl Changes {
    /// Waits until something has changed.
    pub(super) async fn wait(&self) {
        loop {
            let woken = self.woken.notified();
            if self.is_any() {
                return;
            }
            woken.await;
        }
    }

    /// Returns what changed, or nothing where everything must be looked at.
    pub(super) fn drain(&self) -> Option<BTreeSet<PathBuf>> {
        let mut changed = self.locked();
        let paths = std::mem::take(&mut changed.paths);
        let is_too_much = std::mem::take(&mut changed.is_too_much);
        (!is_too_much).then_some(paths)
    }

    fn is_any(&self) -> bool {
        let changed = self.locked();
        changed.is_too_much || !changed.paths.is_empty()
    }

    fn take(&self, event: Event) {
        if event.need_rescan() {
            return self.take_all();
        }
        let changes_content = match event.kind {
            // Whoever reads, we among them, changes nothing.
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => false,
            _ => true,
        };
        if !changes_content {
            return;
        }
        let mut changed = self.locked();
        let is_of_interest = |path: &Path| {
            changed
                .folders
                .iter()
                .any(|folder| path.starts_with(folder) || folder.starts_with(path))
        };
        let paths: Vec<PathBuf> =
            event.paths.into_iter().filter(|path| is_of_interest(path)).collect();
        if paths.is_empty() {
            return;
        }
        changed.paths.extend(paths);
        if changed.paths.len() > PATHS_MAX {
            changed.paths.clear();
            changed.is_too_much = true;
        }
        drop(changed);
        self.woken.notify_one();
    }

    fn take_all(&self) {
        self.locked().is_too_much = true;
        self.woken.notify_one();
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Changed> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
