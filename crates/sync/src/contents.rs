//! Contents in files of ours, each under its digest.
//!
//! A file gets the name of its digest once it is whole, so what has the name is the content. Only after a
//! loss of power it may not be: then each is checked before it is first used. Nothing is brought to disk on
//! its own; whoever is about to rely on it calls [`Contents::secure`].

mod collect;
mod draft;
mod handles;
mod open;
mod parts;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use oriel_wire::sync::Digest;

use crate::digest::Digester;
use crate::folder::fault_of_io;
use crate::vfs::{Blobs, Fault, Have};

use collect::Used;
use handles::Handles;
use parts::Parts;

pub use collect::Freed;
pub use draft::Draft;
pub use open::ContentsError;

/// How many contents are remembered as checked. When there is one more, all of them are checked again.
const CHECKED_MAX: usize = 1 << 20;

/// How much is read at once to check a content.
const BUFFER_BYTES: usize = 128 * 1024;

/// A store of contents.
#[derive(Debug)]
pub struct Contents {
    path: PathBuf,
    /// Held open, to sync the file system it is on, and locked: there is one of us.
    folder: File,
    /// Contents that are known to be whole; nothing where all are.
    checked: Option<Mutex<HashSet<Digest>>>,
    handles: Handles,
    parts: Parts,
    drafts: draft::Numbers,
    used: Mutex<Used>,
}

impl Contents {
    /// Returns once everything that was kept before is on disk.
    ///
    /// # Errors
    /// Where the system cannot bring it there.
    pub fn secure(&self) -> Result<(), Fault> {
        crate::folder::retried(|| rustix::fs::syncfs(&self.folder))
    }

    /// Opens a content that is here, and whole.
    fn open_whole(&self, digest: &Digest) -> Result<Option<File>, Fault> {
        let path = self.path_of(digest);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| fault_of_io(&error))?,
        };
        if self.is_checked(digest) {
            return Ok(Some(file));
        }
        if digest_in(&file)?.finish() == *digest {
            self.set_checked(*digest);
            return Ok(Some(file));
        }
        // Two may find that at once.
        tracing::warn!(%digest, "a content was damaged by a loss of power, and is thrown away");
        removed(fs::remove_file(&path))?;
        Ok(None)
    }

    fn is_checked(&self, digest: &Digest) -> bool {
        self.checked.as_ref().is_none_or(|checked| locked(checked).contains(digest))
    }

    fn set_checked(&self, digest: Digest) {
        let Some(checked) = &self.checked else { return };
        let mut checked = locked(checked);
        if CHECKED_MAX <= checked.len() {
            checked.clear();
        }
        checked.insert(digest);
    }

    /// Gives a whole file the name of its digest.
    fn name(&self, from: &Path, digest: &Digest) -> Result<(), Fault> {
        fs::rename(from, self.path_of(digest)).map_err(|error| fault_of_io(&error))?;
        self.handles.forget(digest);
        self.set_checked(*digest);
        Ok(())
    }

    fn path_of(&self, digest: &Digest) -> PathBuf {
        let mut path = self.shelf(digest.0[0]);
        path.push(digest.to_string());
        path
    }

    /// Contents lie in folders by the first byte of their digests.
    fn shelf(&self, number: u8) -> PathBuf {
        self.path.join(format!("{number:02x}"))
    }

    fn set_used(&self, digest: &Digest) {
        locked(&self.used).add(*digest);
    }
}

impl Blobs for Contents {
    type Draft = Draft;

    fn have(&self, digest: &Digest) -> Result<Have, Fault> {
        self.set_used(digest);
        if self.open_whole(digest)?.is_some() {
            return Ok(Have::All);
        }
        self.part_of(digest).map(Have::Part)
    }

    fn read(&self, digest: &Digest, at: u64, buffer: &mut [u8]) -> Result<usize, Fault> {
        self.set_used(digest);
        let file = match self.handles.get(digest) {
            Some(file) => file,
            None => {
                let file = self.open_whole(digest)?.ok_or(Fault::NoBlob)?;
                self.handles.put(*digest, file)
            }
        };
        loop {
            match file.read_at(buffer, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                count => return count.map_err(|error| fault_of_io(&error)),
            }
        }
    }

    fn begin(&self) -> Result<Draft, Fault> {
        Ok(Draft::new(self.drafts.next(&self.path)))
    }

    fn add(&self, draft: &mut Draft, bytes: &[u8]) -> Result<(), Fault> {
        draft.add(bytes).map_err(|error| fault_of_io(&error))
    }

    fn keep(&self, draft: Draft, digest: Digest) -> Result<(), Fault> {
        // Noted first: from then on nothing of this digest is removed.
        self.set_used(&digest);
        if self.open_whole(&digest)?.is_some() {
            return Ok(());
        }
        let path = draft.finish().map_err(|error| fault_of_io(&error))?;
        self.name(path.path(), &digest)?;
        path.renamed();
        Ok(())
    }

    fn receive(&self, digest: &Digest, size: u64, at: u64, bytes: &[u8]) -> Result<Have, Fault> {
        self.set_used(digest);
        self.receive_part(digest, size, at, bytes)
    }
}

/// Returns the digest of what is in a file, to go on with.
fn digest_in(file: &File) -> Result<Digester, Fault> {
    let (mut digester, mut at, mut buffer) = (Digester::new(), 0, vec![0; BUFFER_BYTES]);
    loop {
        match file.read_at(&mut buffer, at) {
            Ok(0) => return Ok(digester),
            Ok(count) => {
                digester.update(buffer.get(..count).unwrap_or_default());
                at += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fault_of_io(&error)),
        }
    }
}

/// That there is nothing to remove is fine.
fn removed(removed: io::Result<()>) -> Result<(), Fault> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(|error| fault_of_io(&error)),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these guard is whole between any two lines.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
