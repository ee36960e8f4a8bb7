//! Contents that come in pieces. What came stays when the process ends, and goes on from there: it is read
//! once then, and after that its digest is taken as the rest comes.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use oriel_wire::sync::Digest;

use super::{Contents, digest_in, locked, removed};
use crate::digest::Digester;
use crate::folder::fault_of_io;
use crate::vfs::{Fault, Have};

pub(super) const PARTS: &str = "parts";

/// How many are held open. When there is one more, those that nobody uses at this moment are closed, and
/// are read again when they go on.
const OPEN_MAX: usize = 64;

/// Contents that are coming.
#[derive(Debug, Default)]
pub(super) struct Parts(Mutex<HashMap<Digest, Arc<Mutex<Part>>>>);

/// What came of one.
#[derive(Debug, Default)]
struct Part {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    digester: Digester,
}

impl Parts {
    /// Each has its own lock, so that one that is slow holds nobody else up.
    fn of(&self, digest: &Digest) -> Arc<Mutex<Part>> {
        let mut parts = locked(&self.0);
        if OPEN_MAX <= parts.len() && !parts.contains_key(digest) {
            parts.retain(|_, part| Arc::strong_count(part) > 1);
        }
        Arc::clone(parts.entry(*digest).or_default())
    }

    fn forget(&self, digest: &Digest) {
        locked(&self.0).remove(digest);
    }

    /// Returns whether somebody is adding to it, or may go on at any moment.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        locked(&self.0).contains_key(digest)
    }
}

impl Open {
    fn at(path: &PathBuf) -> Result<Self, Fault> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(|error| fault_of_io(&error))?;
        let bytes = file.metadata().map_err(|error| fault_of_io(&error))?.len();
        let digester = digest_in(&file)?;
        Ok(Self { file, bytes, digester })
    }

    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.bytes)?;
        self.digester.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Contents {
    /// Returns how much of a content came that is not whole.
    pub(super) fn part_of(&self, digest: &Digest) -> Result<u64, Fault> {
        match fs::metadata(self.part_path(digest)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            found => found.map(|found| found.len()).map_err(|error| fault_of_io(&error)),
        }
    }

    pub(super) fn receive_part(
        &self,
        digest: &Digest,
        size: u64,
        at: u64,
        bytes: &[u8],
    ) -> Result<Have, Fault> {
        let part = self.parts.of(digest);
        let mut part = locked(&part);
        let path = self.part_path(digest);
        // It may have been here before, or another one finished it while this one waited.
        if part.open.is_none() && self.open_whole(digest)?.is_some() {
            self.parts.forget(digest);
            return Ok(Have::All);
        }
        let mut open = match part.open.take() {
            Some(open) => open,
            None => Open::at(&path)?,
        };
        if open.bytes == at
            && let Err(error) = open.add(bytes)
        {
            // What was written of the piece is not counted. If it cannot be cut off, it is read again.
            if open.file.set_len(open.bytes).is_ok() {
                part.open = Some(open);
            }
            return Err(fault_of_io(&error));
        }
        if open.bytes < size {
            let bytes = open.bytes;
            part.open = Some(open);
            return Ok(Have::Part(bytes));
        }
        let is_right = open.bytes == size && open.digester.finish() == *digest;
        let have = if is_right {
            self.name(&path, digest)?;
            Have::All
        } else {
            removed(fs::remove_file(&path))?;
            Have::Part(0)
        };
        // Last, so that whoever comes meanwhile waits and then sees what became of it.
        self.parts.forget(digest);
        Ok(have)
    }

    fn part_path(&self, digest: &Digest) -> PathBuf {
        self.path.join(PARTS).join(digest.to_string())
    }
}
