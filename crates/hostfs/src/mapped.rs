//! Files that are read often, in short pieces, are kept mapped: such a read is then a copy and no call of
//! the system.
//!
//! A mapping shows what is written to the file, by whom ever, as soon as it is written. It does not
//! show where a file ends now. So a read beyond the mapping goes to the system, and one that
//! ends in a zero byte, as pages do that were cut in their middle, looks at the length.

mod region;

use std::fs::File;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use oriel_wire::hostfs::Code;

use crate::error::{FileError, system};
use crate::files::Node;
use region::Region;

/// The longest read that goes by a mapping. For longer ones the system's own copy is as fast, and faster
/// where pages are touched for the first time.
pub(crate) const MAPPED_READ_BYTES_MAX: usize = 16 * 1024;

/// How many short reads of a file it takes until it is mapped, and until a file that grew is mapped
/// anew. A file that is read once in one piece, or a few times, is not worth a mapping.
const READS_BEFORE_MAPPED: u32 = 16;

/// How many looks in a row find that nobody has a file open before its mapping goes.
const IDLE_LOOKS_MAX: u32 = 5;

/// The files that are mapped.
#[derive(Debug)]
pub(crate) struct MappedFiles {
    bytes_max: u64,
    bytes: AtomicU64,
    /// Counts mappings, so that each can say when it was last of use.
    now: AtomicU64,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    node: Arc<Node>,
    idle_looks: u32,
}

/// What a file has of this.
#[derive(Debug, Default)]
pub(crate) struct Mapping {
    /// Held while bytes are copied, so that the memory stays.
    region: RwLock<Option<Region>>,
    used_at: AtomicU64,
    short_reads: AtomicU32,
}

impl MappedFiles {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let (bytes, now) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { bytes_max, bytes, now, entries: Mutex::default() }
    }

    /// How much is mapped.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Reads all of it by the file's mapping, or returns that the system has to be asked.
    pub(crate) fn read(
        &self,
        node: &Arc<Node>,
        file: &File,
        offset: u64,
        into: &mut [u8],
    ) -> Result<bool, FileError> {
        if into.is_empty() || MAPPED_READ_BYTES_MAX < into.len() {
            return Ok(false);
        }
        let Some(is_whole) = node.mapping.copy(offset, into) else {
            if READS_BEFORE_MAPPED <= node.mapping.short_reads.fetch_add(1, Ordering::Relaxed) {
                self.map(node, file);
            }
            return Ok(false);
        };
        let now = self.now.load(Ordering::Relaxed);
        if node.mapping.used_at.load(Ordering::Relaxed) != now {
            node.mapping.used_at.store(now, Ordering::Relaxed);
        }
        if is_whole && into.last() != Some(&0) {
            return Ok(true);
        }
        let length = file.metadata().map_err(|error| system(&error, None))?.len();
        let end = offset + into.len() as u64;
        if length < end {
            self.forget(node);
            return Err(cut_short(length, end));
        }
        if !is_whole {
            // The file has grown again since, or the disk fails, of which the system will tell.
            self.forget(node);
        }
        Ok(is_whole)
    }

    /// Maps a file that is read often, if it fits, and makes room for it.
    fn map(&self, node: &Arc<Node>, file: &File) {
        node.mapping.short_reads.store(0, Ordering::Relaxed);
        let mut entries = self.entries();
        let Ok(length) = file.metadata().map(|stat| stat.len()) else { return };
        if length == 0 || self.bytes_max < length || node.mapping.length() == Some(length) {
            return;
        }
        self.remove(&mut entries, node);
        while self.bytes_max < self.bytes() + length {
            if !self.remove_oldest(&mut entries) {
                return;
            }
        }
        let Ok(size) = usize::try_from(length) else { return };
        // A file that cannot be mapped is read all the same.
        let mut region = Region::map(file, size).ok().flatten();
        if region.is_none() && self.remove_oldest(&mut entries) {
            region = Region::map(file, size).ok().flatten();
        }
        if region.is_none() {
            return;
        }
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        node.mapping.used_at.store(now, Ordering::Relaxed);
        node.mapping.put(region);
        self.bytes.fetch_add(length, Ordering::Relaxed);
        entries.push(Entry { node: Arc::clone(node), idle_looks: 0 });
    }

    /// Ends the mapping of a file that is about to be cut, or was.
    pub(crate) fn forget(&self, node: &Arc<Node>) {
        if node.mapping.length().is_some() {
            self.remove(&mut self.entries(), node);
        }
    }

    /// Ends mappings of files that nobody has had open for some looks, so that what was removed from a
    /// disk does not take its space for long. Returns whether any are left.
    pub(crate) fn look(&self) -> bool {
        let mut entries = self.entries();
        let mut at = 0;
        while at < entries.len() {
            let entry = &mut entries[at];
            let is_idle = Arc::strong_count(&entry.node) == 1;
            entry.idle_looks = if is_idle { entry.idle_looks + 1 } else { 0 };
            if IDLE_LOOKS_MAX <= entry.idle_looks {
                self.end(&entries.swap_remove(at));
            } else {
                at += 1;
            }
        }
        !entries.is_empty()
    }

    fn remove(&self, entries: &mut Vec<Entry>, node: &Arc<Node>) {
        if let Some(at) = entries.iter().position(|entry| Arc::ptr_eq(&entry.node, node)) {
            self.end(&entries.swap_remove(at));
        }
    }

    fn remove_oldest(&self, entries: &mut Vec<Entry>) -> bool {
        let used_at = |entry: &Entry| entry.node.mapping.used_at.load(Ordering::Relaxed);
        let oldest = entries.iter().enumerate().min_by_key(|(_, entry)| used_at(entry));
        let oldest = oldest.map(|(at, _)| at);
        oldest.map(|at| self.end(&entries.swap_remove(at))).is_some()
    }

    fn end(&self, entry: &Entry) {
        if let Some(length) = entry.node.mapping.put(None) {
            self.bytes.fetch_sub(length, Ordering::Relaxed);
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mapping {
    /// Copies bytes, and returns whether they are the file's; or nothing, where they are not mapped.
    fn copy(&self, offset: u64, into: &mut [u8]) -> Option<bool> {
        let region = self.region.read().unwrap_or_else(PoisonError::into_inner);
        let region = region.as_ref()?;
        let offset = usize::try_from(offset).ok()?;
        let end = offset.checked_add(into.len())?;
        (end <= region.length()).then(|| region.copy(offset, into))
    }

    fn length(&self) -> Option<u64> {
        let region = self.region.read().unwrap_or_else(PoisonError::into_inner);
        region.as_ref().map(|region| region.length() as u64)
    }

    /// Puts another mapping in the place of one, and returns how long that was.
    fn put(&self, region: Option<Region>) -> Option<u64> {
        let mut place = self.region.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, region).map(|earlier| earlier.length() as u64)
    }
}

fn cut_short(length: u64, end: u64) -> FileError {
    FileError {
        hint: Some("ask for its length and read again"),
        ..FileError::new(
            Code::CutShort,
            format!("the file was cut to {length} bytes while bytes up to {end} were read"),
        )
    }
}
