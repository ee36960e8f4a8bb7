//! What changes in a folder, told to a page.
//!
//! The system's news is taken as a hint of where to look. What is told is what is there when it is asked
//! for, looked at beneath the folder as everything else, so news from elsewhere tells nothing.

#[cfg(target_os = "linux")]
mod folders;

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{EventKind, ModifyKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use oriel_wire::hostfs::{Change, ChangeKind, Changes, Code};
use rustix::io::Errno;

use crate::error::{FileError, system};
use crate::path::InnerPath;
use crate::root::{Root, is_part};

/// So many changed paths are remembered until they are asked for. Beyond it all are forgotten, and whoever
/// watches is told to look at everything again.
const CHANGES_MAX: usize = 4096;

/// How long more is waited for after something changed: what changes, seldom changes alone.
const GATHER: Duration = Duration::from_millis(10);

/// A folder that is watched, with all below it, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watching {
    root: Root,
    news: Arc<News>,
    /// It hears for as long as it is there.
    _ear: Ear,
}

/// What hears until it is dropped.
type Ear = Box<dyn Any + Send + Sync>;

#[derive(Debug, Default)]
struct News {
    told: Mutex<Told>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    /// The paths that something happened to, and whether they may be new.
    paths: BTreeMap<String, bool>,
    look_again: bool,
    is_closed: bool,
}

impl Root {
    /// Watches a folder and all below it. Links are not followed.
    ///
    /// # Errors
    /// Where it is no folder of the workspace, or the system does not watch any more folders.
    pub(crate) fn watch(&self, path: &str) -> Result<Watching, FileError> {
        let folder = self.folder_to_watch(path)?;
        let news = Arc::new(News::default());
        let held = || self.try_clone().map_err(|error| system(&error, Some(path)));
        let ear = self.ear(&folder, held()?, &news).map_err(|error| failed(error, path))?;
        let root = held()?;
        // Nothing else was put in its place meanwhile.
        root.folder_to_watch(path)?;
        Ok(Watching { root, news, _ear: ear })
    }

    /// Hears of a folder: by what it is, where the system can, and by its path otherwise.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(unused_variables, reason = "there is one way only")
    )]
    fn ear(&self, folder: &str, root: Self, news: &Arc<News>) -> notify::Result<Ear> {
        #[cfg(target_os = "linux")]
        if self.is_watched_by_folders() {
            let listening = folders::listen(root, folder.to_owned(), Arc::clone(news));
            return listening.map(|it| -> Ear { Box::new(it) }).map_err(|error| match error {
                Errno::NOSPC => notify::Error::new(ErrorKind::MaxFilesWatch),
                error => notify::Error::io(error.into()),
            });
        }
        let mut paths = Paths { news: Arc::clone(news), top: self.path().to_owned() };
        let settings = notify::Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(move |event| paths.hear(event), settings)?;
        let top = if folder.is_empty() { self.path().to_owned() } else { self.path().join(folder) };
        watcher.watch(&top, RecursiveMode::Recursive)?;
        Ok(Box::new(watcher))
    }
}

impl Watching {
    /// Returns what changed since the last time, and waits at most so long for something to change.
    ///
    /// # Errors
    /// Where the granted folder is there no more.
    pub(crate) fn changes(&self, wait: Duration) -> Result<Changes, FileError> {
        let until = Instant::now() + wait;
        let nothing =
            |told: &mut Told| told.paths.is_empty() && !told.look_again && !told.is_closed;
        let came = self.news.came.wait_timeout_while(self.news.told(), wait, nothing);
        let (mut told, _) = came.unwrap_or_else(PoisonError::into_inner);
        let more = GATHER.min(until.saturating_duration_since(Instant::now()));
        if !told.paths.is_empty() && !more.is_zero() {
            let more = self.news.came.wait_timeout_while(told, more, |told| !told.is_closed);
            (told, _) = more.unwrap_or_else(PoisonError::into_inner);
        }
        let look_again = std::mem::take(&mut told.look_again);
        let paths = std::mem::take(&mut told.paths);
        drop(told);
        self.root.still_there()?;
        let changes = paths.into_iter().filter_map(|(path, is_new)| self.change(path, is_new));
        Ok(Changes { changes: changes.collect(), look_again })
    }

    /// Wakes whoever waits for changes; there are no more.
    pub(crate) fn close(&self) {
        self.news.told().is_closed = true;
        self.news.came.notify_all();
    }

    /// Returns what became of something, as far as a page may know.
    fn change(&self, path: String, is_new: bool) -> Option<Change> {
        let is_there = match self.root.is_there(InnerPath::parse(&path).ok()?) {
            Ok(is_there) => is_there,
            Err(error) if error.code == Code::NotFound => false,
            Err(_) => return None,
        };
        let kind = match (is_there, is_new) {
            (false, _) => ChangeKind::Removed,
            (true, true) => ChangeKind::Made,
            (true, false) => ChangeKind::Changed,
        };
        Some(Change { path, kind })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.close();
    }
}

impl News {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears what the system tells of paths, on a thread of its own.
struct Paths {
    news: Arc<News>,
    top: PathBuf,
}

impl Paths {
    fn hear(&mut self, event: notify::Result<notify::Event>) {
        let mut told = self.news.told();
        match event {
            Ok(event) if event.need_rescan() => told.look_again = true,
            Ok(event) => {
                let is_new = match event.kind {
                    EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
                    EventKind::Modify(_) | EventKind::Remove(_) => false,
                    _ => return,
                };
                for path in &event.paths {
                    told.add(path.strip_prefix(&self.top).ok(), is_new);
                }
            }
            // It may not hear of everything any more.
            Err(_) => told.look_again = true,
        }
        drop(told);
        self.news.came.notify_all();
    }
}

impl Told {
    fn add(&mut self, path: Option<&Path>, is_new: bool) {
        let Some(path) = path.and_then(Path::to_str) else { return };
        if path.rsplit('/').next().is_some_and(is_part) {
            return;
        }
        if path.is_empty() || self.paths.len() >= CHANGES_MAX {
            self.paths.clear();
            self.look_again = true;
        }
        // Who looks at everything needs no names.
        if !self.look_again {
            *self.paths.entry(path.to_owned()).or_default() |= is_new;
        }
    }
}

fn failed(error: notify::Error, path: &str) -> FileError {
    let too_many = |what: &str| {
        let why = format!("`{path}` cannot be watched: this system watches no more {what}");
        FileError::new(Code::TooMany, why).about(path)
    };
    match error.kind {
        ErrorKind::MaxFilesWatch => too_many("folders").hint(
            "watch a smaller folder, or raise the system's limit (fs.inotify.max_user_watches)",
        ),
        ErrorKind::Io(error) if Errno::from_io_error(&error) == Some(Errno::MFILE) => {
            too_many("for one user")
                .hint("stop watching elsewhere, or raise fs.inotify.max_user_instances")
        }
        ErrorKind::Io(error) => system(&error, Some(path)),
        ErrorKind::PathNotFound => system(&Errno::NOENT.into(), Some(path)),
        _ => {
            let why = format!("`{path}` cannot be watched: {error}");
            FileError::new(Code::System, why).about(path).hint("look at the folder now and then")
        }
    }
}

#[cfg(test)]
mod tests;
