//! What files held, kept by the hash of it: the same content is kept once, however often it returns.
//!
//! A blob is written beside its place and moved there whole, so a name stands for its content or for
//! nothing. Nothing waits for the disk: a blob that a power failure took is found out by its hash when it
//! is read, and is written again when the same content comes again.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A longer file is told of and not kept.
pub(crate) const KEPT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The blobs of one session take no more room than this on disk. What comes then is told of and not kept.
const ROOM_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// How hard is packed: most of it is source code, and an agent waits for nobody.
const LEVEL: i32 = 3;

/// The blobs of a session.
#[derive(Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
    taken: AtomicU64,
    /// Tells the files apart that are being written.
    nth: AtomicU64,
    room: u64,
}

/// A blob was not kept or not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    /// There is none of this name.
    #[error("what the file held then is not kept; only its hash {0} is known")]
    Missing(String),
    /// It is not what its name says.
    #[error("what is kept as {0} is damaged; ask for another iteration of the file")]
    Damaged(String),
    /// It is longer than what is kept.
    #[error("{0} bytes are more than is kept of one file")]
    TooLong(u64),
    /// The session has kept all that it may.
    #[error(
        "the session keeps no more of its files, for they take 1 GiB already; delete sessions to make room"
    )]
    NoRoom,
    /// The system failed.
    #[error("kept files cannot be reached: {0}")]
    Failed(#[from] io::Error),
}

impl Blobs {
    /// Opens the folder, which is made where there is none.
    ///
    /// # Errors
    /// Where it cannot be made or read.
    pub(crate) fn open(folder: &Path) -> Result<Self, BlobError> {
        Self::open_within(folder, ROOM_BYTES_MAX)
    }

    pub(super) fn open_within(folder: &Path, room: u64) -> Result<Self, BlobError> {
        make_folder(folder)?;
        let blobs = Self {
            folder: folder.to_owned(),
            taken: AtomicU64::new(0),
            nth: AtomicU64::new(0),
            room,
        };
        blobs.taken.store(blobs.tidy()?, Ordering::Relaxed);
        Ok(blobs)
    }

    /// Keeps what a file holds, and returns its hash.
    ///
    /// # Errors
    /// Where it is too long, there is no more room, or it cannot be written.
    pub(crate) fn keep(&self, content: &[u8]) -> Result<String, BlobError> {
        if content.len() as u64 > KEPT_BYTES_MAX {
            return Err(BlobError::TooLong(content.len() as u64));
        }
        let hash = hash_of(content);
        let place = self.place(&hash);
        // What is there is read once more, since only whole blobs are worth having.
        if place.exists() && self.read(&hash).is_ok() {
            return Ok(hash);
        }
        let packed = zstd::bulk::compress(content, LEVEL)?;
        let size = packed.len() as u64;
        if self.taken.load(Ordering::Relaxed).saturating_add(size) > self.room {
            return Err(BlobError::NoRoom);
        }
        let beside = self.folder.join(format!("{}.new", self.nth.fetch_add(1, Ordering::Relaxed)));
        make_folder(place.parent().unwrap_or(&self.folder))?;
        if let Err(error) = write(&beside, &packed).and_then(|()| fs::rename(&beside, &place)) {
            // It is of no use, and a later start removes it if this cannot.
            let _ = fs::remove_file(&beside);
            return Err(error.into());
        }
        self.taken.fetch_add(size, Ordering::Relaxed);
        Ok(hash)
    }

    /// Returns what is kept under a hash.
    ///
    /// # Errors
    /// Where there is nothing, or something else.
    pub(crate) fn read(&self, hash: &str) -> Result<Vec<u8>, BlobError> {
        let missing = || BlobError::Missing(hash.chars().take(64).collect());
        if !is_hash(hash) {
            return Err(missing());
        }
        let file = File::open(self.place(hash)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => error.into(),
        })?;
        let damaged = || BlobError::Damaged(hash.to_owned());
        let mut content = Vec::new();
        let unpacked = zstd::stream::read::Decoder::new(file)?;
        // One more than can be, so that what is longer is known by it.
        let read = unpacked.take(KEPT_BYTES_MAX + 1).read_to_end(&mut content);
        read.map_err(|_| damaged())?;
        let is_whole = content.len() as u64 <= KEPT_BYTES_MAX && hash_of(&content) == hash;
        if is_whole { Ok(content) } else { Err(damaged()) }
    }

    fn place(&self, hash: &str) -> PathBuf {
        self.folder.join(&hash[..2]).join(&hash[2..])
    }

    /// Removes what was left half written, and adds up the rest.
    fn tidy(&self) -> io::Result<u64> {
        let mut taken = 0_u64;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                for blob in fs::read_dir(entry.path())? {
                    taken = taken.saturating_add(blob?.metadata()?.len());
                }
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(taken)
    }
}

/// Returns the hash of what a file holds, as it is told.
pub(super) fn hash_of(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_is_kept_once() {
        let (folder, blobs) = blobs();
        let hash = blobs.keep(b"hello").unwrap();
        assert_eq!(hash, hash_of(b"hello"));
        let taken = blobs.taken.load(Ordering::Relaxed);
        assert_eq!(blobs.keep(b"hello").unwrap(), hash);
        assert_eq!(blobs.taken.load(Ordering::Relaxed), taken);
        assert_eq!(blobs.read(&hash).unwrap(), b"hello");
        let empty = blobs.keep(b"").unwrap();
        assert_eq!(blobs.read(&empty).unwrap(), b"");
        let again = Blobs::open(folder.path()).unwrap();
        assert_eq!(again.taken.load(Ordering::Relaxed), blobs.taken.load(Ordering::Relaxed));
    }

    #[test]
    fn what_is_not_there_or_damaged_is_told_and_is_kept_anew() {
        let (_folder, blobs) = blobs();
        let hash = blobs.keep(b"hello hello hello").unwrap();
        for bad in ["", "..", "/etc/passwd", &"a".repeat(64), &"é".repeat(32), &hash.to_uppercase()]
        {
            assert!(matches!(blobs.read(bad), Err(BlobError::Missing(_))), "{bad}");
        }
        let other = zstd::bulk::compress(b"bye", 1).unwrap();
        for damage in [&b""[..], b"no frame", &other] {
            fs::write(blobs.place(&hash), damage).unwrap();
            assert!(matches!(blobs.read(&hash), Err(BlobError::Damaged(_))), "{damage:?}");
        }
        blobs.keep(b"hello hello hello").unwrap();
        assert_eq!(blobs.read(&hash).unwrap(), b"hello hello hello");
    }

    #[test]
    fn what_is_too_much_is_refused_and_bombs_do_not_go_off() {
        let (folder, blobs) = blobs();
        let long = vec![0; KEPT_BYTES_MAX as usize + 1];
        assert!(matches!(blobs.keep(&long), Err(BlobError::TooLong(_))));
        let hash = hash_of(&long);
        make_folder(blobs.place(&hash).parent().unwrap()).unwrap();
        fs::write(blobs.place(&hash), zstd::bulk::compress(&long, 1).unwrap()).unwrap();
        let bomb = zstd::bulk::compress(&vec![0; 4 * KEPT_BYTES_MAX as usize], 1).unwrap();
        fs::write(blobs.place(&hash), bomb).unwrap();
        assert!(matches!(blobs.read(&hash), Err(BlobError::Damaged(_))));

        let small = Blobs::open_within(&folder.path().join("small"), 15).unwrap();
        small.keep(b"a").unwrap();
        assert!(matches!(small.keep(b"b"), Err(BlobError::NoRoom)));
        assert!(small.keep(b"a").is_ok(), "it is there");
    }

    #[test]
    fn what_was_left_half_written_is_removed() {
        let (folder, blobs) = blobs();
        drop(blobs);
        fs::write(folder.path().join("0.new"), b"half").unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        assert!(!folder.path().join("0.new").exists());
        blobs.keep(b"a").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, _) = blobs();
        let blobs = Blobs::open(&folder.path().join("own")).unwrap();
        let hash = blobs.keep(b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&blobs.folder), 0o700);
        assert_eq!(mode(blobs.place(&hash).parent().unwrap()), 0o700);
        assert_eq!(mode(&blobs.place(&hash)), 0o600);
    }

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        (folder, blobs)
    }
}
