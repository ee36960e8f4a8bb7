//! Short writes are answered at once and reach the file soon after, in the order in which they came.
//!
//! Each file has its own queue. A write that touches the last one in it, on the same handle, grows that one;
//! otherwise it stands behind it. So the file never holds a later write without an earlier one. Whoever
//! reads the file, or wants anything of it but to write, empties the queue first.

mod pending;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use oriel_wire::hostfs::Mode;

use crate::error::{FileError, system};
use crate::files::{Keeper, Node};
use crate::handle::{Opened, Pen};

pub(crate) use pending::Pending;

/// The longest write that is held behind. A longer one gains nothing by it.
pub(crate) const SHORT_BYTES_MAX: usize = 64 * 1024;

/// How many bytes one file holds behind before who writes next hands them over itself, so that one who
/// writes a lot is held up by the disk and by nothing else.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// What a held write costs besides its bytes, so that many of one byte are bounded as well.
const EXTENT_COST_BYTES: u64 = 64;

/// All that is held behind.
#[derive(Debug)]
pub(crate) struct Behind {
    bytes: AtomicU64,
    bytes_max: u64,
    is_stopped: AtomicBool,
}

impl Behind {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes: AtomicU64::new(0), bytes_max, is_stopped: AtomicBool::new(false) }
    }

    /// How much is held.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// From now on, nothing is held any more.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    /// Writes, now or soon, and returns where in the file what was written ends.
    pub(crate) fn write(
        &self,
        keeper: &Keeper,
        opened: &Opened,
        offset: u64,
        bytes: &[u8],
    ) -> Result<u64, FileError> {
        let at = (opened.mode != Mode::Append).then_some(offset);
        if bytes.len() <= SHORT_BYTES_MAX
            && let Some(end) = self.hold(keeper, opened, at, bytes)?
        {
            return Ok(end);
        }
        self.flush(&opened.node);
        // A later write is not in the file without an earlier one.
        opened.pen.late.tell()?;
        let failed = |error| system(&error, None);
        write_now(&opened.pen, at, bytes).map_err(failed)?;
        match at {
            Some(at) => Ok(at + bytes.len() as u64),
            None => opened.pen.file.metadata().map(|stat| stat.len()).map_err(failed),
        }
    }

    /// Puts a write into its file's queue, and returns where it will end; or nothing, where it cannot
    /// be held: somebody uses a descriptor of the file, too much is held already, or this is the end.
    fn hold(
        &self,
        keeper: &Keeper,
        opened: &Opened,
        at: Option<u64>,
        bytes: &[u8],
    ) -> Result<Option<u64>, FileError> {
        let node = &opened.node;
        // Who appends is told where, so the length must be known once all before it is written.
        if at.is_none() && node.pending.needs_length() {
            self.flush(node);
            opened.pen.late.tell()?;
        }
        let cost = bytes.len() as u64 + EXTENT_COST_BYTES;
        if self.bytes_max < self.bytes.fetch_add(cost, Ordering::Relaxed) + cost {
            self.bytes.fetch_sub(cost, Ordering::Relaxed);
            return Ok(None);
        }
        let held = node.pending.push(&opened.pen, at, bytes, cost, |is_due| {
            let is_held =
                node.directs.load(Ordering::SeqCst) == 0 && !self.is_stopped.load(Ordering::SeqCst);
            is_held && (is_due || keeper.call(node))
        });
        let held = held.map_err(|error| system(&error, None));
        let Ok(Some(held)) = held else {
            self.bytes.fetch_sub(cost, Ordering::Relaxed);
            return held.map(|_| None);
        };
        if FILE_BYTES_MAX <= held.queued {
            self.flush(node);
        }
        Ok(Some(held.end))
    }

    /// Hands to the system all that was held for a file when this was called.
    pub(crate) fn flush(&self, node: &Node) {
        if node.pending.is_any() {
            self.flush_whatever_is(node);
        }
    }

    /// As [`Self::flush`], and waits for who is about to hold something. From then on whoever wants to
    /// hold something sees what was said before this was called.
    pub(crate) fn flush_whatever_is(&self, node: &Node) {
        let freed = node.pending.write_out();
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
    }
}

/// Writes all of it, at a place or at the end.
fn write_now(pen: &Pen, at: Option<u64>, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;
    match at {
        Some(at) => pen.file.write_all_at(bytes, at),
        None => (&pen.file).write_all(bytes),
    }
}

/// A file that writes are held for, as the one who writes them out has it.
pub(crate) type Due = Arc<Node>;
