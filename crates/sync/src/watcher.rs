//! Hearing of changes in the folders that were listed. Each folder is watched by itself, before it is read,
//! so what changes afterwards is in what was read or is told.
//!
//! A folder is watched for what it is and not by its path. So when one is moved, all that was heard below it
//! is let go, and that it came is told: whoever lists it at its new path watches it again.

mod numbers;

use std::fmt;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use oriel_wire::sync::{Name, OWN_FOLDER, RelPath};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{
    CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
};
use rustix::io::Errno;

use crate::coalesce::Hint;
use crate::folder::Root;
use crate::vfs::Fault;

use numbers::{Id, Numbers};

/// So much is taken from the system at once; what does not fit comes the next time. What the system itself
/// keeps is bounded by it, and when it has lost something it says so.
const NEWS_BYTES: usize = 64 * 1024;

/// What is told of a folder. That somebody reads is not, or sync would hear itself read.
const IN_IT: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// The folder itself is not where it was.
const SELF_GONE: ReadFlags =
    ReadFlags::DELETE_SELF.union(ReadFlags::MOVE_SELF).union(ReadFlags::UNMOUNT);

/// What was there is not there any more.
const GOES: ReadFlags = ReadFlags::DELETE.union(ReadFlags::MOVED_FROM);

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something happened to a path.
    Hint(RelPath, Hint),
    /// More happened than was told.
    Rescan,
    /// The root itself was moved or removed, or what is sync's own in it.
    Root,
}

/// Hears, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    ends: Arc<OwnedFd>,
}

struct Shared {
    root: Arc<Root>,
    inotify: OwnedFd,
    numbers: Mutex<Numbers>,
    hear: Box<dyn Fn(Heard) + Send + Sync>,
    has_told_limit: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Its counter is far from full, so it is taken; the thread sees it and ends by itself. It is not
        // waited for, since it may be what drops this.
        let _ = rustix::io::write(&*self.ends, &1_u64.to_ne_bytes());
    }
}

impl Watcher {
    /// Begins to hear; nothing where the system has no more watchers.
    pub(crate) fn new(
        root: Arc<Root>,
        hear: impl Fn(Heard) + Send + Sync + 'static,
    ) -> Result<Option<Self>, Errno> {
        let inotify = match init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
            Err(Errno::MFILE | Errno::NOMEM) => {
                tracing::warn!("the system has no more watchers; changes are found by scans only");
                return Ok(None);
            }
            inotify => inotify?,
        };
        let shared = Arc::new(Shared {
            root,
            inotify,
            numbers: Mutex::default(),
            hear: Box::new(hear),
            has_told_limit: AtomicBool::new(false),
        });
        let ends = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let watcher = Self { shared: Arc::clone(&shared), ends: Arc::clone(&ends) };
        let thread = thread::Builder::new().name("oriel-sync-hear".to_owned());
        thread.spawn(move || shared.run(&ends)).map_err(|_| Errno::AGAIN)?;
        Ok(Some(watcher))
    }

    /// Watches a folder, or the root.
    pub(crate) fn watch(&self, path: Option<&RelPath>) -> Result<(), Fault> {
        self.shared.watch(path)
    }
}

impl Shared {
    /// One folder at a time: what its number stands for must not change between adding and noting it.
    fn watch(&self, path: Option<&RelPath>) -> Result<(), Fault> {
        let mut numbers = self.numbers();
        let folder = self.root.folder(path).map_err(crate::folder::fault_of)?;
        let id = Id::of(&folder).map_err(crate::folder::fault_of)?;
        // The descriptor stands for this folder and no other.
        let place = format!("/proc/self/fd/{}", folder.as_fd().as_raw_fd());
        let number = add_watch(&self.inotify, place, IN_IT).map_err(|error| self.refused(error))?;
        if let Some(stale) = numbers.put(number, path.cloned(), id) {
            // Another folder was there before. If it was removed, nobody watches it any more.
            let _ = remove_watch(&self.inotify, stale);
        }
        // One that was moved before it was noted here would be heard under a path that it has not.
        if path.is_some() && self.id_at(path) != Some(id) {
            numbers.forget(number);
            // As above.
            let _ = remove_watch(&self.inotify, number);
            return Err(Fault::NotThere);
        }
        Ok(())
    }

    fn refused(&self, error: Errno) -> Fault {
        match error {
            Errno::NOSPC | Errno::NOMEM => {
                if !self.has_told_limit.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "the system allows no more watches; some folders are only scanned; \
                         raise fs.inotify.max_user_watches"
                    );
                }
                Fault::NoMoreWatches
            }
            error => crate::folder::fault_of(error),
        }
    }

    fn id_at(&self, path: Option<&RelPath>) -> Option<Id> {
        self.root.folder(path).and_then(|folder| Id::of(&folder)).ok()
    }

    fn run(&self, ends: &OwnedFd) {
        let mut space = vec![MaybeUninit::uninit(); NEWS_BYTES];
        loop {
            let mut came = [
                PollFd::new(&self.inotify, PollFlags::IN),
                PollFd::from_borrowed_fd(ends.as_fd(), PollFlags::IN),
            ];
            let polled = poll(&mut came, None);
            if has_ended(&came) {
                return;
            }
            let taken = match polled {
                Err(Errno::INTR) => Ok(()),
                Err(error) => Err(error),
                Ok(_) => self.take(&mut space, ends),
            };
            if let Err(error) = taken {
                tracing::warn!(%error, "the watcher of a synced folder failed");
                return (self.hear)(Heard::Rescan);
            }
        }
    }

    /// Takes what there is, and tells it. Once the watcher was dropped, at most what one buffer holds is told.
    fn take(&self, space: &mut [MaybeUninit<u8>], ends: &OwnedFd) -> Result<(), Errno> {
        let mut reader = Reader::new(&self.inotify, space);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().and_then(|name| name.to_str().ok());
                    let heard = self.happened(event.wd(), event.events(), name);
                    if let Some(heard) = heard {
                        (self.hear)(heard);
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
            // Looked at once for each buffer: a call of the system for each event would cost more.
            if reader.is_buffer_empty() {
                let mut end = [PollFd::from_borrowed_fd(ends.as_fd(), PollFlags::IN)];
                let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
                if poll(&mut end, Some(&now)).is_ok() && has_ended(&end) {
                    return Ok(());
                }
            }
        }
    }

    fn happened(&self, number: i32, what: ReadFlags, name: Option<&str>) -> Option<Heard> {
        // What is watched stays: the scan that follows corrects the paths of what was moved unheard.
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            return Some(Heard::Rescan);
        }
        let mut numbers = self.numbers();
        if what.contains(ReadFlags::IGNORED) {
            numbers.forget(number);
            return None;
        }
        let watched = numbers.get(number)?.clone();
        let Some(name) = name else {
            return what.intersects(SELF_GONE).then(|| self.left(&mut numbers, watched)).flatten();
        };
        if watched.path.is_none() && name == OWN_FOLDER && what.intersects(GOES) {
            // The root is held open, so the system does not tell that it was removed. This it tells.
            return Some(Heard::Root);
        }
        let name = Name::parse(name).ok()?;
        let path = RelPath::in_folder(watched.path.as_ref(), &name).ok()?;
        let is_folder = what.contains(ReadFlags::ISDIR);
        if is_folder && what.intersects(GOES) {
            self.let_go(&mut numbers, &path);
        }
        Some(Heard::Hint(path, hint(what, is_folder)?))
    }

    /// A watched folder was moved or removed, and what it is in did not say so.
    fn left(&self, numbers: &mut Numbers, watched: numbers::Watched) -> Option<Heard> {
        let Some(path) = watched.path else { return Some(Heard::Root) };
        if self.id_at(Some(&path)) == Some(watched.id) {
            // It was moved here, and is watched under this path already.
            return None;
        }
        self.let_go(numbers, &path);
        Some(Heard::Rescan)
    }

    /// Hears no more of a folder and what was below it.
    fn let_go(&self, numbers: &mut Numbers, path: &RelPath) {
        for number in numbers.take_beneath(path) {
            // One that was removed is not watched any more by itself.
            let _ = remove_watch(&self.inotify, number);
        }
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        // Whoever panicked with it left a path too much or too little, which a scan corrects.
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what an event says of a path.
fn hint(what: ReadFlags, is_folder: bool) -> Option<Hint> {
    if what.intersects(GOES) {
        Some(Hint::Removed)
    } else if is_folder && what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
        Some(Hint::Folder)
    } else if what.intersects(ReadFlags::MODIFY | ReadFlags::CREATE) {
        // A link is not closed, so what comes is looked at even if nothing else is heard of it.
        Some(Hint::Written)
    } else if what.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO | ReadFlags::ATTRIB) {
        Some(Hint::Closed)
    } else {
        None
    }
}

fn has_ended(polled: &[PollFd<'_>]) -> bool {
    polled.last().is_some_and(|end| !end.revents().is_empty())
}

#[cfg(test)]
mod tests;
