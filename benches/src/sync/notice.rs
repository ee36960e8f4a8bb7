//! Noticing that a file holds something, as soon as the system tells of it.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

use super::stop::go_on;
use crate::bench::{BenchError, failed};

/// The file is looked at this often even where nothing was told of it.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Room for what the system tells at once. More of it comes with the next look.
const TOLD_BYTES: usize = 16 * 1024;

/// A file, and what the system tells of the folder that it is in.
pub(super) struct Notice {
    path: PathBuf,
    told: OwnedFd,
}

impl Notice {
    /// Listens from now on. The folder has to be there.
    pub(super) fn of(path: &Path) -> Result<Self, BenchError> {
        let cannot =
            |error: rustix::io::Errno| failed(format!("watch {}", path.display()), error.into());
        let told = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(cannot)?;
        let kinds = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MODIFY
            | WatchFlags::CREATE;
        let folder = path.parent().unwrap_or(path);
        add_watch(&told, folder, kinds).map_err(cannot)?;
        Ok(Self { path: path.to_owned(), told })
    }

    /// Waits until the file is like this, and returns when that was seen.
    pub(super) fn until(
        &self,
        patience: Duration,
        is_so: impl Fn(&[u8]) -> bool,
    ) -> Result<Instant, BenchError> {
        let began = Instant::now();
        loop {
            go_on()?;
            // A file that is not there yet, or is being replaced, is not like anything.
            if fs::read(&self.path).is_ok_and(|found| is_so(&found)) {
                return Ok(Instant::now());
            }
            if patience < began.elapsed() {
                let late = format!("it did not in {} s", patience.as_secs());
                let what = format!("see {} hold what was written", self.path.display());
                return Err(failed(what, io::Error::other(late)));
            }
            self.hear();
        }
    }

    /// Waits for more to be told, and forgets it: what counts is what the file holds.
    fn hear(&self) {
        let nanoseconds = i64::from(LOOK_EVERY.subsec_nanos());
        let span = Timespec { tv_sec: 0, tv_nsec: nanoseconds };
        let mut ready = [PollFd::new(&self.told, PollFlags::IN)];
        // Where waiting or reading fails, the file is looked at all the same.
        let _ = rustix::event::poll(&mut ready, Some(&span));
        let _ = rustix::io::read(&self.told, &mut [0; TOLD_BYTES]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_comes_to_hold_is_seen_and_what_it_never_does_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let notice = Notice::of(&path).unwrap();
        let writer = std::thread::spawn({
            let path = path.clone();
            move || ["one", "two", "three"].map(|text| fs::write(&path, text).unwrap())
        });
        notice.until(Duration::from_secs(20), |found| found == b"three").unwrap();
        writer.join().unwrap();
        let never = notice.until(Duration::ZERO, |found| found == b"four").unwrap_err();
        assert!(never.to_string().contains("file"), "{never}");
    }
}
