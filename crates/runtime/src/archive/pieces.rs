//! Pieces on disk: compressed, named by their bytes, readable by their owner alone.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::home::{create_private_dir, private};

/// What agents write shrinks to a tenth with this, at the speed of a disk.
const LEVEL: i32 = 3;

/// The folder of the pieces.
pub(super) struct Pieces {
    folder: PathBuf,
}

impl Pieces {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Writes a piece, if it is not there, and returns its name. It is on disk then.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<String> {
        let hash = hash(bytes);
        let path = self.path(&hash);
        if path.exists() {
            return Ok(hash);
        }
        create_private_dir(&self.folder)?;
        let folder = self.folder.join(&hash[..2]);
        create_private_dir(&folder)?;
        let packed = zstd::stream::encode_all(bytes, LEVEL)?;
        // Whoever looks sees no piece or a whole one.
        let fresh = path.with_extension("new");
        let mut file = private().create(true).truncate(true).open(&fresh)?;
        file.write_all(&packed)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        #[cfg(unix)]
        File::open(&folder)?.sync_all()?;
        Ok(hash)
    }

    /// Reads a piece of so many bytes, and makes sure that it is what its name says.
    pub(super) fn read(&self, name: &str, bytes: u64) -> io::Result<Vec<u8>> {
        let file = File::open(self.path(name))?;
        let mut piece = Vec::new();
        zstd::stream::read::Decoder::new(file)?.take(bytes + 1).read_to_end(&mut piece)?;
        if hash(&piece) == name {
            Ok(piece)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its bytes are not those that were kept",
            ))
        }
    }

    /// Returns what a piece takes on the disk.
    pub(super) fn stored_bytes(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).map_or(0, |file| file.len())
    }

    /// Removes a piece that nothing is made of any more.
    pub(super) fn remove(&self, name: &str) {
        if let Err(error) = fs::remove_file(self.path(name)) {
            tracing::debug!(%error, "a piece of the archive was not removed");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        let (first, _) = name.split_at_checked(2).unwrap_or((name, ""));
        self.folder.join(first).join(format!("{name}.zst"))
    }
}

/// Returns the name of a piece.
pub(super) fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut name, byte| {
        _ = write!(name, "{byte:02x}");
        name
    })
}
