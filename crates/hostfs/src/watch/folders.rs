//! On Linux, folders are watched for what they are: each is found beneath the workspace, where no link is on
//! the way, and is watched by its descriptor. What lies at its path later is another folder.
//!
//! The system tells what happened in the order in which it did. So a folder that is moved away is let go
//! before anything is heard that happened in it afterwards, and with it all below; and of a folder that is
//! put at its path, nothing is heard until it was found in the same way.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{
    CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
};
use rustix::fs::{Dir, FileType};
use rustix::io::Errno;

use super::News;
use crate::path::joined;
use crate::root::{Root, is_beneath};
use crate::sys;

/// So much news is taken at once; what does not fit comes the next time.
const NEWS_BYTES: usize = 16 * 1024;

const IN_IT: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::ATTRIB);

/// What happens to a folder on the way to the one that is watched.
const ON_THE_WAY: WatchFlags = WatchFlags::CREATE.union(WatchFlags::DELETE).union(WatchFlags::MOVE);

/// Something is there that was not.
const COMES: ReadFlags = ReadFlags::CREATE.union(ReadFlags::MOVED_TO);

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Listening {
    ends: Arc<OwnedFd>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Its counter is far from full, so it is taken; the thread sees it and ends by itself.
        let _ = rustix::io::write(&*self.ends, &1_u64.to_ne_bytes());
    }
}

/// A folder that is heard.
#[derive(Debug)]
struct Folder {
    /// Its path in the workspace.
    path: String,
    /// Whether it is only on the way to what is watched.
    is_way: bool,
}

struct Folders {
    root: Root,
    /// The watched folder.
    top: String,
    inotify: Arc<OwnedFd>,
    folders: HashMap<i32, Folder>,
    news: Arc<News>,
}

/// Watches a folder and all below it.
pub(super) fn listen(root: Root, top: String, news: Arc<News>) -> Result<Listening, Errno> {
    let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let inotify = Arc::new(inotify);
    let mut all = Folders { root, top, inotify, folders: HashMap::new(), news };
    all.begin()?;
    let ends = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
    let listening = Listening { ends: Arc::clone(&ends) };
    let thread = thread::Builder::new().name("oriel-watch".to_owned());
    thread.spawn(move || all.run(&ends)).map_err(|_| Errno::AGAIN)?;
    Ok(listening)
}

impl Folders {
    /// Finds the watched folder, with those on the way to it.
    fn begin(&mut self) -> Result<(), Errno> {
        let top = self.top.clone();
        let mut way = String::new();
        for name in top.split('/').filter(|name| !name.is_empty()) {
            self.hear(&way, true)?;
            way = joined(&way, name);
        }
        self.add(top, false)
    }

    /// Watches a folder and all below it, and may tell of what is in it, since nobody else will.
    fn add(&mut self, top: String, is_news: bool) -> Result<(), Errno> {
        let mut todo = vec![top];
        while let Some(path) = todo.pop() {
            let Some(folder) = self.hear(&path, false)? else { continue };
            // Watched first and read then: what is made in between is in both. One that cannot be read
            // is told of by its name alone.
            let Ok(entries) = sys::readable(&folder).and_then(Dir::read_from) else { continue };
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().to_str() else { continue };
                if matches!(name, "." | "..") {
                    continue;
                }
                let inner = joined(&path, name);
                if is_news {
                    self.tell(&inner, true);
                }
                // Not every file system says here what it is; one that is no folder is not heard.
                if matches!(entry.file_type(), FileType::Directory | FileType::Unknown) {
                    todo.push(inner);
                }
            }
        }
        Ok(())
    }

    /// Hears a folder, and returns it; nothing where none lies there that a page may know of.
    fn hear(&mut self, path: &str, is_way: bool) -> Result<Option<OwnedFd>, Errno> {
        let Some(folder) = self.root.folder_as_named(path) else { return Ok(None) };
        let what = if is_way { ON_THE_WAY } else { IN_IT };
        // The descriptor stands for this folder and no other.
        let place = format!("/proc/self/fd/{}", folder.as_raw_fd());
        match add_watch(&*self.inotify, place, what | WatchFlags::ONLYDIR) {
            Ok(number) => {
                self.folders.insert(number, Folder { path: path.to_owned(), is_way });
                Ok(Some(folder))
            }
            Err(error @ (Errno::NOSPC | Errno::NOMEM)) => Err(error),
            // It went, or may not be read.
            Err(_) => Ok(None),
        }
    }

    /// Hears no more of a folder and what was below it.
    fn let_go(&mut self, path: &str) {
        let inotify = &self.inotify;
        self.folders.retain(|number, folder| {
            let stays = !is_beneath(&folder.path, path);
            if !stays {
                // One that was removed is not watched any more by itself.
                let _ = remove_watch(&**inotify, *number);
            }
            stays
        });
    }

    fn run(mut self, ends: &OwnedFd) {
        let mut space = [MaybeUninit::uninit(); NEWS_BYTES];
        loop {
            let mut came = [
                PollFd::new(&*self.inotify, PollFlags::IN),
                PollFd::from_borrowed_fd(ends.as_fd(), PollFlags::IN),
            ];
            match poll(&mut came, None) {
                Ok(_) if !came[1].revents().is_empty() => return,
                Ok(_) | Err(Errno::INTR) => {}
                // It hears nothing any more.
                Err(_) => return self.look_again(),
            }
            if self.take(&mut space).is_err() {
                return self.look_again();
            }
        }
    }

    /// Takes the news that there is.
    fn take(&mut self, space: &mut [MaybeUninit<u8>]) -> Result<(), Errno> {
        let mut reader = Reader::new(Arc::clone(&self.inotify), space);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().and_then(|name| name.to_str().ok());
                    if self.happened(event.wd(), event.events(), name).is_err() {
                        // The system watches no more folders.
                        self.look_again();
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn happened(&mut self, number: i32, what: ReadFlags, name: Option<&str>) -> Result<(), Errno> {
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            // A move may be among what was lost, so nothing that is heard is known for what it is.
            self.let_go("");
            self.begin()?;
            self.look_again();
            return Ok(());
        }
        if what.contains(ReadFlags::IGNORED) {
            self.folders.remove(&number);
            return Ok(());
        }
        // What was let go is not heard, even if it is still told.
        let (Some(folder), Some(name)) = (self.folders.get(&number), name) else { return Ok(()) };
        let (path, is_way) = (joined(&folder.path, name), folder.is_way);
        let is_on_the_way = is_beneath(&self.top, &path);
        if is_way && !is_on_the_way {
            return Ok(());
        }
        let is_folder = what.contains(ReadFlags::ISDIR);
        if is_folder && what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
            self.let_go(&path);
        }
        if !is_way {
            let is_new = what.intersects(COMES | ReadFlags::MOVED_FROM);
            self.tell(&path, is_new);
        }
        if is_folder && what.intersects(COMES) {
            if is_way {
                self.begin()?;
                self.look_again();
            } else {
                self.add(path, true)?;
            }
        } else if is_way {
            self.look_again();
        }
        Ok(())
    }

    fn tell(&self, path: &str, is_new: bool) {
        self.news.told().add(Some(Path::new(path)), is_new);
        self.news.came.notify_all();
    }

    fn look_again(&self) {
        self.news.told().look_again = true;
        self.news.came.notify_all();
    }
}
