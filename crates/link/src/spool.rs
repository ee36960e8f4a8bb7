//! Where events wait while no daemon takes them: one private file for each, in the data directory.
//!
//! A file is written under another name and then renamed, so a reader sees all of it or nothing, and
//! writers need no lock. Its name begins with its time, so the order of names is the order of events.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

/// The most bytes that wait; what comes after is refused, since what is older came first.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The most events that wait.
const FILES_MAX: usize = 100_000;

/// A longer file is none of ours: the longest body, with every character of it escaped.
const FILE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// What waits: a body as an agent gave it, and when that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spooled {
    /// Whose body it is, as in `/api/hooks/<agent>`; `events` for a body of `/api/events`.
    pub agent: String,
    /// When it was told, in milliseconds since 1970.
    pub at: u64,
    /// The name by which it is known to be the same, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The body.
    pub body: String,
}

/// The spool of a data directory.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    bytes_max: u64,
    files_max: usize,
}

/// What waits, and the file that holds it until it is removed.
#[derive(Debug)]
pub struct Entry {
    /// What waits.
    pub spooled: Spooled,
    path: PathBuf,
}

/// The spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Too much waits already.
    #[error(
        "{folder} is full with {files} events of {bytes} bytes; start the daemon with \
         `oriel serve`, which takes them"
    )]
    Full {
        /// The spool.
        folder: PathBuf,
        /// How many events wait.
        files: usize,
        /// How many bytes they have.
        bytes: u64,
    },
    /// A file or folder of it cannot be used.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Spool {
    /// Returns the spool of a data directory. Nothing is made before something waits.
    #[must_use]
    pub fn at(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("spool"), bytes_max: BYTES_MAX, files_max: FILES_MAX }
    }

    /// Keeps something until it is taken.
    ///
    /// # Errors
    /// Where too much waits, or the disk does not take it.
    pub fn put(&self, spooled: &Spooled) -> Result<(), SpoolError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        make_private(&self.folder).map_err(|source| fail(&self.folder, source))?;
        let text = serde_json::to_vec(spooled).unwrap_or_default();
        let bytes = text.len() as u64;
        let waiting = self.names()?;
        let used: u64 = waiting.iter().map(|name| bytes_in(name)).sum();
        if self.files_max <= waiting.len() || self.bytes_max < used.saturating_add(bytes) {
            let folder = self.folder.clone();
            return Err(SpoolError::Full { folder, files: waiting.len(), bytes: used });
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // The length is in the name, so that adding up takes no look at the files.
        let name = format!("{:014}-{}-{number}.{bytes}.json", spooled.at, std::process::id());
        let (fresh, path) = (self.folder.join(format!(".{name}.new")), self.folder.join(name));
        let written = write_private(&fresh, &text).and_then(|()| fs::rename(&fresh, &path));
        written.map_err(|source| {
            // A half-written file is never read, and is not to lie about either.
            _ = fs::remove_file(&fresh);
            fail(&path, source)
        })
    }

    /// Returns how many events wait.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn len(&self) -> Result<usize, SpoolError> {
        Ok(self.names()?.len())
    }

    /// Returns whether nothing waits.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn is_empty(&self) -> Result<bool, SpoolError> {
        Ok(self.names()?.is_empty())
    }

    /// Returns the oldest events, at most so many. They wait until each is removed. A file that
    /// holds no event is put aside in `bad`, with the reason beside it, and is not counted.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn take(&self, limit: usize) -> Result<Vec<Entry>, SpoolError> {
        let mut entries = Vec::new();
        for name in self.names()? {
            if limit <= entries.len() {
                break;
            }
            let path = self.folder.join(&name);
            match read(&path) {
                Ok(spooled) => entries.push(Entry { spooled, path }),
                Err(Unread::Gone) => {}
                Err(Unread::Later(source)) => return Err(fail(&path, source)),
                Err(Unread::Bad(reason)) => self.put_aside(&name, &reason)?,
            }
        }
        Ok(entries)
    }

    /// Puts an event aside that cannot be stored, with the reason beside it.
    ///
    /// # Errors
    /// Where it cannot be moved.
    pub fn reject(&self, entry: Entry, reason: &str) -> Result<(), SpoolError> {
        let Entry { path, .. } = entry;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.put_aside(&name, reason)
    }

    /// Returns the names of what waits, in order.
    fn names(&self) -> Result<Vec<String>, SpoolError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|source| fail(&self.folder, source))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| fail(&self.folder, source))?.file_name();
            if let Ok(name) = name.into_string()
                && name.ends_with(".json")
                && !name.starts_with('.')
            {
                names.push(name);
            }
        }
        names.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        Ok(names)
    }

    fn put_aside(&self, name: &str, reason: &str) -> Result<(), SpoolError> {
        let bad = self.folder.join("bad");
        make_private(&bad).map_err(|source| fail(&bad, source))?;
        let (from, to) = (self.folder.join(name), bad.join(name));
        fs::rename(&from, &to).map_err(|source| fail(&from, source))?;
        let said = bad.join(format!("{name}.reason"));
        write_private(&said, format!("{reason}\n").as_bytes()).or_else(|source| {
            // The same file was put aside before.
            if source.kind() == io::ErrorKind::AlreadyExists {
                Ok(())
            } else {
                Err(fail(&said, source))
            }
        })
    }
}

impl Entry {
    /// Removes it, once it is stored. To remove it twice changes nothing.
    ///
    /// # Errors
    /// Where the file cannot be removed.
    pub fn remove(self) -> Result<(), SpoolError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|source| fail(&self.path, source)),
        }
    }
}

/// Why a file was not read.
enum Unread {
    /// Somebody else took it.
    Gone,
    /// The system does not give it now.
    Later(io::Error),
    /// It holds no event.
    Bad(String),
}

fn read(path: &Path) -> Result<Spooled, Unread> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unread::Gone),
        metadata => metadata.map_err(Unread::Later)?,
    };
    if !metadata.is_file() {
        return Err(Unread::Bad("it is no plain file".to_owned()));
    }
    if FILE_BYTES_MAX < metadata.len() {
        return Err(Unread::Bad(format!("it has {} bytes", metadata.len())));
    }
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(Unread::Later)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(Unread::Later)?;
    serde_json::from_slice(&text)
        .map_err(|error| Unread::Bad(format!("it holds no event: {error}")))
}

/// The time, the process and the number in a name: numbers, since later ones have more digits.
fn order(name: &str) -> (u64, u64, u64, &str) {
    let mut numbers = name.split(['-', '.']).map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next(), name)
}

/// The length that a name tells; one without is none of ours and is counted as nothing.
fn bytes_in(name: &str) -> u64 {
    name.rsplit('.').nth(1).and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

fn make_private(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text)
}

fn fail(path: &Path, source: io::Error) -> SpoolError {
    SpoolError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken_in_order_and_stays_until_it_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::at(&home.path().join("data"));
        assert!(spool.take(9).unwrap().is_empty(), "nothing is made for a look");
        assert!(!home.path().join("data").exists());
        for at in [1_700_000_000_300, 5, 1_700_000_000_100] {
            spool.put(&event(at, "é\n\"\0")).unwrap();
        }
        for _ in 0..12 {
            spool.put(&event(1_700_000_000_400, "x")).unwrap();
        }
        let times = |limit| -> Vec<u64> {
            spool.take(limit).unwrap().iter().map(|entry| entry.spooled.at).collect()
        };
        assert_eq!(times(3), [5, 1_700_000_000_100, 1_700_000_000_300]);
        assert_eq!(times(3).len(), 3, "they are still there");
        let first = spool.take(1).unwrap().remove(0);
        assert_eq!(first.spooled, event(5, "é\n\"\0"));
        first.remove().unwrap();
        assert_eq!((spool.len().unwrap(), spool.is_empty().unwrap()), (14, false));
        let numbers: Vec<_> = spool.names().unwrap().iter().map(|name| order(name).2).collect();
        assert!(numbers[2..].is_sorted(), "what comes in one moment stays in order: {numbers:?}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_what_waits() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::at(&home.path().join("data"));
        spool.put(&event(1, "x")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let file = spool.take(1).unwrap().remove(0).path;
        assert_eq!((mode(&home.path().join("data")), mode(&spool.folder)), (0o700, 0o700));
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn what_is_half_written_is_not_seen_and_what_is_no_event_is_put_aside() {
        let home = tempfile::tempdir().unwrap();
        let spool = Spool::at(home.path());
        spool.put(&event(2, "x")).unwrap();
        let write = |name: &str, text: &str| fs::write(spool.folder.join(name), text).unwrap();
        write(".00000000000001-1-1.9.json.new", "{\"agent\":");
        write("00000000000001-1-1.9.json", "{\"agent\":");
        write("garbage.json", "\0\0");
        write("notes.txt", "none of ours");
        fs::create_dir(spool.folder.join("folder.json")).unwrap();
        let taken = spool.take(9).unwrap();
        assert_eq!(taken.len(), 1);
        let bad = spool.folder.join("bad");
        for name in ["00000000000001-1-1.9.json", "garbage.json", "folder.json"] {
            assert!(bad.join(name).exists(), "{name}");
            let reason = fs::read_to_string(bad.join(format!("{name}.reason"))).unwrap();
            assert!(reason.starts_with("it "), "{reason}");
        }
        assert!(spool.folder.join(".00000000000001-1-1.9.json.new").exists());
        spool.reject(spool.take(1).unwrap().remove(0), "it names no session").unwrap();
        assert!(spool.is_empty().unwrap());
    }

    #[test]
    fn a_full_spool_refuses_the_new_and_keeps_the_old() {
        let home = tempfile::tempdir().unwrap();
        let few = Spool { files_max: 2, ..Spool::at(home.path()) };
        few.put(&event(1, "a")).unwrap();
        few.put(&event(2, "b")).unwrap();
        let error = few.put(&event(3, "c")).unwrap_err().to_string();
        assert!(error.contains("full with 2 events") && error.contains("oriel serve"), "{error}");
        assert_eq!(few.take(9).unwrap()[0].spooled.at, 1);

        let small = Spool { bytes_max: 300, ..Spool::at(home.path()) };
        assert!(small.put(&event(4, &"x".repeat(250))).is_err());
        small.put(&event(5, "x")).unwrap();
    }

    fn event(at: u64, body: &str) -> Spooled {
        Spooled { agent: "claude-code".to_owned(), at, id: None, body: body.to_owned() }
    }
}
