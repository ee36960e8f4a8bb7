//! Contents that come from the other side.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, VecDeque};

use oriel_wire::sync::{Chunk, Digest, WANTS_MAX};

use super::SpeechError;
use super::pack::unpack;
use crate::talk;

/// A content that was asked for.
#[derive(Debug)]
struct Taking {
    /// Where its next piece begins.
    at: u64,
    /// How long it is, once that was said.
    size: Option<u64>,
}

/// All contents on their way here, and how much of them may come.
#[derive(Debug)]
pub(super) struct Takings {
    window: u32,
    /// How many bytes may still come.
    open: u32,
    /// How many came and are not kept yet.
    unkept: u32,
    /// How many were kept and are not granted again yet.
    kept: u32,
    asked: BTreeMap<Digest, Taking>,
    /// What is asked for when something else has come. It is as long as what this side's engine waits for.
    held: VecDeque<(Digest, u64)>,
}

impl Takings {
    pub(super) const fn new(window: u32) -> Self {
        Self {
            window,
            open: window,
            unkept: 0,
            kept: 0,
            asked: BTreeMap::new(),
            held: VecDeque::new(),
        }
    }

    /// Goes on with what was wanted before the window was known.
    pub(super) fn keep_wants(&mut self, earlier: Self) {
        self.held = earlier.held;
    }

    /// Wants nothing any more.
    pub(super) fn forget(&mut self) {
        self.held.clear();
        self.asked.clear();
    }

    #[cfg(test)]
    pub(super) const fn open(&self) -> u32 {
        self.open
    }

    /// A content is wanted from a place on.
    pub(super) fn want(&mut self, digest: Digest, from: u64) {
        // Of what is wanted twice before it was asked for, the last word counts.
        self.held.retain(|(other, _)| *other != digest);
        self.held.push_back((digest, from));
    }

    /// Returns what is to be asked for now. A content that is on its way is asked for again once it has come.
    pub(super) fn ask(&mut self) -> Option<(Digest, u64)> {
        if WANTS_MAX <= self.asked.len() {
            return None;
        }
        let first = self.held.iter().position(|(digest, _)| !self.asked.contains_key(digest))?;
        let (digest, at) = self.held.remove(first)?;
        self.asked.insert(digest, Taking { at, size: None });
        Some((digest, at))
    }

    /// Takes a piece, which must be the next one of something that was asked for.
    pub(super) fn take(&mut self, chunk: Chunk) -> Result<talk::Chunk, SpeechError> {
        let Chunk { digest, size, offset, length, packing, bytes } = chunk;
        let taking = self.asked.get_mut(&digest).ok_or(SpeechError::Piece(digest))?;
        // Who asked for what is beyond the end is told where that is.
        let is_end = length == 0 && offset == size && size <= taking.at;
        let follows = offset == taking.at && (length != 0 || is_end);
        if !(follows || is_end) || taking.size.is_some_and(|known| known != size) {
            return Err(SpeechError::Piece(digest));
        }
        self.open = self.open.checked_sub(length).ok_or(SpeechError::Window)?;
        self.unkept += length;
        let bytes = unpack(bytes, packing, length as usize).ok_or(SpeechError::Packing(digest))?;
        (taking.at, taking.size) = (offset + u64::from(length), Some(size));
        if taking.at == size {
            self.asked.remove(&digest);
        }
        Ok(talk::Chunk { digest, size, at: offset, bytes })
    }

    /// A content does not come.
    pub(super) fn gone(&mut self, digest: Digest) -> Result<(), SpeechError> {
        self.asked.remove(&digest).map(drop).ok_or(SpeechError::Piece(digest))
    }

    /// So many bytes that came were kept or thrown away.
    pub(super) fn received(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.unkept);
        self.unkept -= bytes;
        self.kept += bytes;
    }

    /// Returns how many bytes more may come, once that is a quarter of the window.
    pub(super) fn grant(&mut self) -> Option<u32> {
        let step = quarter(self.window);
        if self.kept < step {
            return None;
        }
        self.kept -= step;
        self.open += step;
        Some(step)
    }
}

/// A quarter of the window, by which more is granted.
pub(super) const fn quarter(window: u32) -> u32 {
    if window < 4 { 1 } else { window / 4 }
}
