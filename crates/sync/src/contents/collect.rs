//! Removing contents that nobody needs, beside others who keep and read.
//!
//! What was used since the last removal began stays in this one, however old its file is. It is noted before
//! it is looked for, so whoever finds a content here finds it here afterwards as well.

use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io;
use std::time::SystemTime;

use oriel_wire::sync::Digest;

use super::parts::PARTS;
use super::{Contents, locked, removed};
use crate::folder::fault_of_io;
use crate::vfs::Fault;

/// How many digests are noted as used. When there is one more, nothing is removed until two removals from
/// then.
const USED_MAX: usize = 1 << 20;

/// The contents that were used.
#[derive(Debug, Default)]
pub(super) struct Used {
    now: HashSet<Digest>,
    before: HashSet<Digest>,
    is_full: [bool; 2],
}

impl Used {
    pub(super) fn add(&mut self, digest: Digest) {
        if self.now.len() < USED_MAX {
            self.now.insert(digest);
        } else {
            self.is_full[0] = true;
        }
    }

    fn has(&self, digest: &Digest) -> bool {
        self.is_full != [false; 2] || self.now.contains(digest) || self.before.contains(digest)
    }

    fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
        self.is_full = [false, self.is_full[0]];
    }
}

/// What a removal freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freed {
    /// How many contents.
    pub contents: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl Contents {
    /// Removes what is not to be kept, was written before a moment, and was not used lately. It does a step
    /// of 256, of which step 0 begins a removal; between two removals should lie a few minutes.
    ///
    /// # Errors
    /// Where the system will not. What was removed by then is removed.
    pub fn retain(
        &self,
        step: u8,
        keep: &dyn Fn(&Digest) -> bool,
        before: SystemTime,
    ) -> Result<Freed, Fault> {
        let mut freed = Freed::default();
        if step == 0 {
            locked(&self.used).turn();
            self.retain_in(
                PARTS,
                &|digest| keep(digest) || self.parts.has(digest),
                before,
                &mut freed,
            )?;
        }
        self.retain_in(&format!("{step:02x}"), keep, before, &mut freed)?;
        Ok(freed)
    }

    fn retain_in(
        &self,
        shelf: &str,
        keep: &dyn Fn(&Digest) -> bool,
        before: SystemTime,
        freed: &mut Freed,
    ) -> Result<(), Fault> {
        for entry in fs::read_dir(self.path.join(shelf)).map_err(|error| fault_of_io(&error))? {
            let entry = entry.map_err(|error| fault_of_io(&error))?;
            // What has another name is not ours.
            let Some(digest) = digest_of_name(&entry) else { continue };
            if keep(&digest) {
                continue;
            }
            let (bytes, is_old) =
                match entry.metadata().and_then(|found| Ok((found.len(), found.modified()?))) {
                    Ok((bytes, written)) => (bytes, written < before),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(fault_of_io(&error)),
                };
            // Nobody may begin to use it between this look and its end.
            let used = locked(&self.used);
            if is_old && !used.has(&digest) {
                removed(fs::remove_file(entry.path()))?;
                self.handles.forget(&digest);
                freed.contents += 1;
                freed.bytes += bytes;
            }
        }
        Ok(())
    }

    /// Returns how many bytes all contents have, those included that are not whole.
    ///
    /// # Errors
    /// Where the system will not say.
    pub fn total_bytes(&self) -> Result<u64, Fault> {
        let shelves = (0..=u8::MAX).map(|number| self.shelf(number));
        let mut total = 0;
        for shelf in shelves.chain([self.path.join(PARTS)]) {
            for entry in fs::read_dir(shelf).map_err(|error| fault_of_io(&error))? {
                // One that went meanwhile has no bytes.
                total += entry.and_then(|entry| entry.metadata()).map_or(0, |found| found.len());
            }
        }
        Ok(total)
    }
}

fn digest_of_name(entry: &DirEntry) -> Option<Digest> {
    entry.file_name().to_str()?.parse().ok()
}
