//! Grants in a file that several processes use: the desktop adds to it, the daemon and the command line
//! take from it. Each change is made under a lock, and readers see the old file or the new one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oriel_wire::hostfs::Code;

use super::{Grant, file};
use crate::error::FileError;

/// A longer file is none of ours.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// How long another process is waited for that changes the grants. It takes milliseconds; one that takes
/// longer is stopped, and then the change is refused.
const LOCK_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Stored {
    path: PathBuf,
    seen: Mutex<Seen>,
    /// The generation of what was read last, for who asks often.
    known: AtomicU64,
}

/// What was read last.
#[derive(Debug)]
struct Seen {
    of: Option<Version>,
    grants: Result<Vec<Grant>, FileError>,
    generation: u64,
}

/// What tells a version of the file from another. Each is a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    file: (u64, u64),
    changed: (i64, i64),
    length: u64,
}

impl Stored {
    pub(super) fn open(path: PathBuf) -> Result<Self, FileError> {
        let (of, grants) = read(&path);
        let grants = grants?;
        let seen = Mutex::new(Seen { of, grants: Ok(grants), generation: 1 });
        Ok(Self { path, seen, known: AtomicU64::new(1) })
    }

    pub(super) fn all(&self) -> Result<Vec<Grant>, FileError> {
        self.fresh().grants.clone()
    }

    pub(super) fn generation(&self) -> u64 {
        self.fresh().generation
    }

    pub(super) fn known_generation(&self) -> u64 {
        self.known.load(Ordering::Acquire)
    }

    /// Changes the grants as they are now, whoever changed them last.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Grant>) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        let failed = |error: io::Error| self.failed(&error);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = self.lock()?;
        let mut grants = read(&self.path).1?;
        let before = grants.clone();
        let done = change(&mut grants)?;
        if grants != before {
            let bytes = file::write(&grants).map_err(|error| failed(error.into()))?;
            put(&self.path, &bytes).map_err(failed)?;
        }
        drop(self.fresh());
        drop(lock);
        Ok(done)
    }

    fn lock(&self) -> Result<File, FileError> {
        let path = self.path.with_extension("lock");
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(|error| self.failed(&error))?;
        let until = Instant::now() + LOCK_WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    // Nobody wakes us when a lock is let go. It is held for a few milliseconds.
                    std::thread::park_timeout(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => {
                    let why = format!("another program has `{}` locked", path.display());
                    let error = FileError::new(Code::Busy, why);
                    return Err(
                        error.hint("try again; end the other program if that does not help")
                    );
                }
                Err(TryLockError::Error(error)) => return Err(self.failed(&error)),
            }
        }
    }

    /// Returns what the file holds now. It is read again only where it is another file than before.
    fn fresh(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = fs::metadata(&self.path).ok().map(|metadata| Version::of(&metadata));
        if now != seen.of || seen.grants.is_err() {
            let (of, grants) = read(&self.path);
            if let (Err(error), Ok(_)) = (&grants, &seen.grants) {
                tracing::error!(%error, "no folder is granted to any page");
            }
            let is_same = matches!((&grants, &seen.grants), (Ok(new), Ok(old)) if new == old);
            seen.generation += u64::from(!is_same);
            self.known.store(seen.generation, Ordering::Release);
            (seen.of, seen.grants) = (of, grants);
        }
        seen
    }

    fn failed(&self, error: &io::Error) -> FileError {
        let why =
            format!("cannot change the granted folders in `{}`: {error}", self.path.display());
        let code = crate::error::system(error, None).code;
        FileError::new(code, why).hint("see to it that this user may write there")
    }
}

impl Version {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            length: metadata.len(),
        }
    }
}

/// Reads the file, and says which version of it that was. One that is not there grants nothing.
fn read(path: &Path) -> (Option<Version>, Result<Vec<Grant>, FileError>) {
    let unreadable = |error: &io::Error| {
        let why = format!("cannot read the granted folders in `{}`: {error}", path.display());
        Err(FileError::new(Code::System, why).hint("see to it that this user may read it"))
    };
    let mut options = OpenOptions::new();
    // Something that is no file must not make us wait.
    options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (None, Ok(Vec::new())),
        Err(error) => return (None, unreadable(&error)),
    };
    let version = file.metadata().ok().map(|metadata| Version::of(&metadata));
    let mut bytes = Vec::new();
    if let Err(error) = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes) {
        return (version, unreadable(&error));
    }
    let grants = if bytes.len() as u64 > FILE_BYTES_MAX {
        Err("it is too long".to_owned())
    } else {
        file::read(&bytes)
    };
    let grants = grants.map_err(|why| {
        let why = format!("`{}` is damaged, so no folder is granted: {why}", path.display());
        FileError::new(Code::System, why).hint("remove the file, and grant the folders again")
    });
    (version, grants)
}

/// Puts a private file in its place as a whole.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Only who has the lock writes, so what is left of another one who did is of no use.
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&draft, path)) {
        // It goes with the next change at the latest.
        _ = fs::remove_file(&draft);
        return Err(error);
    }
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
