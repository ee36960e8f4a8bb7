//! Cuts a content as it comes, and takes its digest on the way.

use fastcdc::v2020::{Normalization, cut, select_masks};
use oriel_wire::sync::ChunkMark;

use super::{CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNK_BYTES_USUAL, Cut, WHOLE_BYTES_MAX};
use crate::digest::{Digester, digest_of};

/// Cuts a content that comes in pieces. Where the pieces end makes no difference.
///
/// It keeps no more than the longest chunk, and the piece that came last.
#[derive(Debug, Clone)]
pub struct Cutter {
    masks: (u64, u64),
    digester: Digester,
    size: u64,
    /// What is not cut yet.
    rest: Vec<u8>,
    marks: Vec<ChunkMark>,
}

impl Default for Cutter {
    fn default() -> Self {
        Self::new()
    }
}

impl Cutter {
    /// Begins with no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            masks: select_masks(CHUNK_BYTES_USUAL, Normalization::Level1),
            digester: Digester::new(),
            size: 0,
            rest: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.digester.update(bytes);
        self.size += bytes.len() as u64;
        let mut bytes = bytes;
        while !bytes.is_empty() {
            if self.rest.is_empty() {
                let used = self.cut_off(bytes);
                self.rest.extend_from_slice(&bytes[used..]);
                return;
            }
            // What is left is cut with some of what follows it; then the rest of the piece is cut where it is.
            let (first, others) = bytes.split_at(bytes.len().min(CHUNK_BYTES_MAX));
            let left = self.rest.len();
            let mut joined = std::mem::take(&mut self.rest);
            joined.extend_from_slice(first);
            let used = self.cut_off(&joined);
            if left <= used {
                bytes = &bytes[used - left..];
            } else {
                joined.drain(..used);
                self.rest = joined;
                bytes = others;
            }
        }
    }

    /// Returns the content as it is cut.
    #[must_use]
    pub fn finish(mut self) -> Cut {
        let rest = std::mem::take(&mut self.rest);
        if self.marks.is_empty() && rest.len() <= WHOLE_BYTES_MAX {
            self.push(&rest);
        } else {
            let mut rest = rest.as_slice();
            while !rest.is_empty() {
                let (chunk, others) = rest.split_at(self.length(rest));
                self.push(chunk);
                rest = others;
            }
        }
        Cut { digest: self.digester.finish(), size: self.size, marks: self.marks }
    }

    /// Cuts as long as what follows makes no difference, and returns how many bytes that took.
    fn cut_off(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        while CHUNK_BYTES_MAX < bytes.len() - used {
            let length = self.length(&bytes[used..]);
            self.push(&bytes[used..used + length]);
            used += length;
        }
        used
    }

    /// Returns how long the chunk is that these bytes begin with.
    fn length(&self, bytes: &[u8]) -> usize {
        let bytes = &bytes[..bytes.len().min(CHUNK_BYTES_MAX)];
        let (strict, loose) = self.masks;
        let (min, usual, max) = (CHUNK_BYTES_MIN, CHUNK_BYTES_USUAL, CHUNK_BYTES_MAX);
        let (_, length) = cut(bytes, min, usual, max, strict, loose, strict << 1, loose << 1);
        // An empty chunk would never end.
        length.clamp(1, bytes.len())
    }

    fn push(&mut self, chunk: &[u8]) {
        if chunk.is_empty() {
            return;
        }
        let length = u32::try_from(chunk.len()).expect("a chunk is shorter than 256 KiB");
        self.marks.push(ChunkMark { digest: digest_of(chunk), length });
    }
}
