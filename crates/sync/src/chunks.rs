//! Large contents cut where their bytes say so.
//!
//! Bytes that are put into a file move what follows them, and not where it is cut. So after a small change
//! nearly every chunk is one that the other side has, and only the others are sent. Small contents are one
//! chunk.
#![forbid(unsafe_code)]

mod cutter;
mod index;

#[cfg(test)]
mod tests;

use oriel_wire::sync::{ChunkMark, Digest, Span};

pub use cutter::Cutter;
pub use index::{CHUNKS_MAX, ChunkIndex, Place, Plan};

/// The longest content that is one chunk.
pub const WHOLE_BYTES_MAX: usize = 256 * 1024;

/// The shortest chunk of a content that is cut, but for its last one.
pub const CHUNK_BYTES_MIN: usize = 16 * 1024;

/// How long chunks mostly are.
pub const CHUNK_BYTES_USUAL: usize = 64 * 1024;

/// The longest chunk.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// A content, cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Of the whole content.
    pub digest: Digest,
    /// How long it is.
    pub size: u64,
    /// Its chunks, in their order; none where it is empty.
    pub marks: Vec<ChunkMark>,
}

/// Cuts bytes that are all there.
#[must_use]
pub fn cut(bytes: &[u8]) -> Cut {
    let mut cutter = Cutter::new();
    cutter.update(bytes);
    cutter.finish()
}

/// Returns chunks with where each is in the content.
pub fn spans(marks: &[ChunkMark]) -> impl Iterator<Item = (ChunkMark, Span)> {
    marks.iter().scan(0, |offset, mark| {
        let span = Span { offset: *offset, length: u64::from(mark.length) };
        *offset = span.end();
        Some((*mark, span))
    })
}
