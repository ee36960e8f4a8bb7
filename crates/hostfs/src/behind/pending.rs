//! The writes of one file that are not with the system yet.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oriel_wire::hostfs::Code;

use super::write_now;
use crate::error::FileError;
use crate::handle::Pen;

/// The longest that one write grows by those that touch it.
const EXTENT_BYTES_MAX: usize = 256 * 1024;

/// A file's queue.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Whether anything is held or on its way to the system.
    is_any: AtomicBool,
    queue: Mutex<Queue>,
    /// Held by who writes out, so that queues reach the file in order. It is taken before `queue`.
    order: Mutex<()>,
}

#[derive(Debug, Default)]
struct Queue {
    extents: Vec<Extent>,
    bytes: usize,
    /// What is counted for these writes.
    cost: u64,
    /// How long the file is once all of them are written, where that is known.
    length: Option<u64>,
    /// Whether somebody will come and write them out.
    is_due: bool,
    /// Memory of earlier writes, to be used again.
    spare: Vec<u8>,
}

/// One write, or several that touch.
#[derive(Debug)]
struct Extent {
    pen: Arc<Pen>,
    /// Where in the file; the end, where there is nothing.
    at: Option<u64>,
    bytes: Vec<u8>,
}

/// A write that was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// Where it ends in the file.
    pub(super) end: u64,
    /// How many bytes the file holds behind now.
    pub(super) queued: usize,
}

impl Pending {
    pub(crate) fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }

    /// Whether a write at the end has to wait until what is on its way has arrived, because nobody knows
    /// where the end will be.
    pub(super) fn needs_length(&self) -> bool {
        self.is_any() && self.queue().length.is_none()
    }

    /// Takes a write, if `may` agrees, who is told whether somebody will come for it anyway.
    pub(super) fn push(
        &self,
        pen: &Arc<Pen>,
        at: Option<u64>,
        bytes: &[u8],
        cost: u64,
        may: impl FnOnce(bool) -> bool,
    ) -> io::Result<Option<Taken>> {
        let mut queue = self.queue();
        let end = match (at, queue.length) {
            (Some(at), _) => at + bytes.len() as u64,
            (None, Some(length)) => length + bytes.len() as u64,
            // Another thread's write came in between, and the end is unknown again.
            (None, None) if self.is_any() => return Ok(None),
            (None, None) => {
                let length = pen.file.metadata()?.len();
                queue.length = Some(length);
                length + bytes.len() as u64
            }
        };
        if !may(queue.is_due) {
            queue.length = queue.length.filter(|_| !queue.extents.is_empty());
            return Ok(None);
        }
        queue.is_due = true;
        self.is_any.store(true, Ordering::Release);
        queue.add(pen, at, bytes);
        queue.bytes += bytes.len();
        queue.cost += cost;
        queue.length = queue.length.map(|length| length.max(end));
        Ok(Some(Taken { end, queued: queue.bytes }))
    }

    /// Says that who writes out has come, so that another write calls them again.
    pub(crate) fn has_come(&self) {
        self.queue().is_due = false;
    }

    /// Writes out all that is held now, and returns what was counted for it. What fails is kept for the
    /// handle that wrote it, and what that handle wrote after it is left out: a later write is not in
    /// the file without an earlier one.
    pub(super) fn write_out(&self) -> u64 {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let (extents, cost) = {
            let mut queue = self.queue();
            (queue.bytes, queue.length) = (0, None);
            (mem::take(&mut queue.extents), mem::take(&mut queue.cost))
        };
        let mut failed: Vec<Failure> = Vec::new();
        for extent in &extents {
            if let Some(failure) = failed.iter_mut().find(|it| Arc::ptr_eq(&it.pen, &extent.pen)) {
                failure.bytes += extent.bytes.len();
            } else if let Err(error) = write_now(&extent.pen, extent.at, &extent.bytes) {
                failed.push(Failure::new(extent, error));
            }
        }
        for failure in failed {
            failure.tell();
        }
        let mut queue = self.queue();
        if queue.extents.is_empty() {
            self.is_any.store(false, Ordering::Release);
        }
        if queue.spare.capacity() == 0 {
            let spare = extents.into_iter().map(|extent| extent.bytes);
            queue.spare = spare.max_by_key(Vec::capacity).unwrap_or_default();
            queue.spare.clear();
        }
        cost
    }

    /// How many writes there are, those that touch being one.
    #[cfg(test)]
    pub(super) fn writes(&self) -> usize {
        self.queue().extents.len()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn add(&mut self, pen: &Arc<Pen>, at: Option<u64>, bytes: &[u8]) {
        let last = self.extents.last_mut().filter(|last| Arc::ptr_eq(&last.pen, pen));
        if last.is_some_and(|last| last.grow(at, bytes)) {
            return;
        }
        // The spare memory is large, and one short write between others would waste it.
        let mut own = if self.extents.is_empty() { mem::take(&mut self.spare) } else { Vec::new() };
        own.extend_from_slice(bytes);
        self.extents.push(Extent { pen: Arc::clone(pen), at, bytes: own });
    }
}

impl Extent {
    /// Takes a write into this one where it begins in it or at its end.
    fn grow(&mut self, at: Option<u64>, bytes: &[u8]) -> bool {
        let start = match (self.at, at) {
            (None, None) => self.bytes.len(),
            (Some(own), Some(at)) if own <= at && at - own <= self.bytes.len() as u64 => {
                (at - own) as usize
            }
            _ => return false,
        };
        let end = start + bytes.len();
        if EXTENT_BYTES_MAX < end {
            return false;
        }
        let over = bytes.len().min(self.bytes.len() - start);
        self.bytes[start..start + over].copy_from_slice(&bytes[..over]);
        self.bytes.extend_from_slice(&bytes[over..]);
        true
    }
}

/// What did not reach the file, of one handle.
struct Failure {
    pen: Arc<Pen>,
    at: Option<u64>,
    bytes: usize,
    error: io::Error,
}

impl Failure {
    fn new(extent: &Extent, error: io::Error) -> Self {
        Self { pen: Arc::clone(&extent.pen), at: extent.at, bytes: extent.bytes.len(), error }
    }

    fn tell(self) {
        let Self { pen, at, bytes, error } = self;
        let place = at.map_or_else(|| "at the end".to_owned(), |at| format!("from byte {at} on"));
        pen.late.keep(FileError {
            hint: Some("once the cause is gone, write those bytes again; a write that told this was not done"),
            ..FileError::new(
                Code::LateWrite,
                format!("{bytes} bytes that were written {place} did not reach the file: {error}"),
            )
        });
    }
}
