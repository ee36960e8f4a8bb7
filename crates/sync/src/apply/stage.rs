//! Making what is new, whole and on disk, in the operation's slot.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Digest, Entry};

use super::Work;
use crate::vfs::{Blobs, Fault, Place, Vfs};

/// How much is copied at once.
const BUFFER_BYTES: usize = 128 * 1024;

impl<V: Vfs, B: Blobs> Work<'_, V, B> {
    /// Makes what is new. It gets the slot's name once it is whole, so what is in the slot after a crash
    /// is either that, or what it traded places with.
    pub(crate) fn stage(&self) -> Result<(), Fault> {
        let part = Place::Part(self.op.id);
        match &self.op.new {
            Entry::File { digest, exec, .. } => self.stage_file(digest, *exec)?,
            Entry::Symlink { target } => self.vfs.make_link(self.op.id, target.as_str())?,
            Entry::Dir => self.vfs.make_dir(part)?,
            // Nothing else is ever pulled or proposed.
            Entry::Absent | Entry::Untracked | Entry::Problem(_) => return Err(Fault::Io),
        }
        self.vfs.rename_new(part, self.slot())
    }

    fn stage_file(&self, digest: &Digest, exec: bool) -> Result<(), Fault> {
        let mode = self.mode(exec)?;
        let mut file = self.vfs.create(self.op.id, mode)?;
        let (mut at, mut buffer) = (0, vec![0; BUFFER_BYTES]);
        loop {
            let count = self.blobs.read(digest, at, &mut buffer)?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            self.vfs.write(&mut file, bytes)?;
            at += bytes.len() as u64;
        }
        self.vfs.sync(&file)
    }

    /// A file that is replaced keeps its permissions, but for whether it may be run.
    fn mode(&self, exec: bool) -> Result<u32, Fault> {
        let now = match self.op.expected {
            Entry::File { .. } => self.vfs.lstat(self.tree())?,
            _ => None,
        };
        let mode = now.map_or(0o666, |stat| stat.mode & 0o777);
        Ok(if exec { mode | (mode & 0o444) >> 2 | 0o100 } else { mode & !0o111 })
    }
}
