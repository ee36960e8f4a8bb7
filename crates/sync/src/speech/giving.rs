//! Contents that go to the other side.
#![forbid(unsafe_code)]

use std::collections::{BTreeSet, VecDeque};

use oriel_wire::sync::{CHUNK_BYTES_MAX, Chunk, Digest, Gone, Packing, WANTS_MAX};

use super::SpeechError;
use super::pack::pack;
use crate::vfs::{Blobs, Fault};

/// What of a content is sent next.
#[derive(Debug)]
struct Giving {
    digest: Digest,
    at: u64,
    /// How long it is, once that is known.
    size: Option<u64>,
    /// Its pieces became shorter by packing so far.
    packs: bool,
}

/// All contents on their way out, and how much of them there is room for.
#[derive(Debug)]
pub(super) struct Givings {
    packs: bool,
    window: u32,
    /// How many bytes the other side has room for.
    credit: u32,
    /// What it asked for and did not get whole.
    promised: BTreeSet<Digest>,
    /// One piece of each in turn: a short content is not behind a long one.
    turns: VecDeque<Giving>,
}

/// What is said next of a content.
#[derive(Debug)]
pub(super) enum Given {
    Piece(Chunk),
    Gone(Gone),
}

impl Givings {
    pub(super) const fn new(window: u32, packs: bool) -> Self {
        Self { packs, window, credit: window, promised: BTreeSet::new(), turns: VecDeque::new() }
    }

    #[cfg(test)]
    pub(super) const fn credit(&self) -> u32 {
        self.credit
    }

    /// The other side wants a content.
    pub(super) fn promise(&mut self, digest: Digest) -> Result<(), SpeechError> {
        if WANTS_MAX <= self.promised.len() || !self.promised.insert(digest) {
            return Err(SpeechError::Wants);
        }
        Ok(())
    }

    /// Sends a content from here on. What was not asked for, or is on its way, is not sent.
    pub(super) fn give(&mut self, digest: Digest, from: u64) {
        let is_new = !self.turns.iter().any(|giving| giving.digest == digest);
        if is_new && self.promised.contains(&digest) {
            self.turns.push_back(Giving { digest, at: from, size: None, packs: self.packs });
        }
    }

    /// A content is not sent any further. Returns whether somebody waits for it.
    pub(super) fn stop(&mut self, digest: &Digest) -> bool {
        self.turns.retain(|giving| giving.digest != *digest);
        self.promised.remove(digest)
    }

    pub(super) fn grant(&mut self, bytes: u32) -> Result<(), SpeechError> {
        let credit = self.credit.checked_add(bytes).filter(|credit| *credit <= self.window);
        self.credit = credit.ok_or(SpeechError::Window)?;
        Ok(())
    }

    /// Returns the next piece, if there is room for it.
    pub(super) fn next(&mut self, contents: &impl Blobs) -> Option<Given> {
        let mut giving = self.turns.pop_front()?;
        match giving.piece(contents, self.credit, self.window) {
            Ok(None) => {
                self.turns.push_front(giving);
                None
            }
            Ok(Some(chunk)) => {
                self.credit -= chunk.length;
                if giving.at < chunk.size {
                    self.turns.push_back(giving);
                } else {
                    self.promised.remove(&giving.digest);
                }
                Some(Given::Piece(chunk))
            }
            // Whatever is wrong with it here, it cannot be had from here.
            Err(_) => {
                self.promised.remove(&giving.digest);
                Some(Given::Gone(Gone { digest: giving.digest }))
            }
        }
    }
}

/// The longest piece. With pieces of a quarter of the window at most there is always room for one, once all
/// that was sent is kept.
pub(super) fn piece_bytes_max(window: u32) -> u32 {
    let chunk = u32::try_from(CHUNK_BYTES_MAX).unwrap_or(u32::MAX);
    super::taking::quarter(window).min(chunk)
}

impl Giving {
    /// Reads the next piece; nothing where there is no room for it.
    fn piece(
        &mut self,
        contents: &impl Blobs,
        credit: u32,
        window: u32,
    ) -> Result<Option<Chunk>, Fault> {
        let size = match self.size {
            Some(size) => size,
            None => *self.size.insert(contents.size(&self.digest)?),
        };
        let offset = self.at.min(size);
        let rest = u32::try_from(size - offset).unwrap_or(u32::MAX);
        let length = rest.min(piece_bytes_max(window));
        if credit < length {
            return Ok(None);
        }
        let mut bytes = vec![0; length as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            let at = offset + filled as u64;
            match contents.read(&self.digest, at, &mut bytes[filled..])? {
                // It is shorter than it was.
                0 => return Err(Fault::NoBlob),
                count => filled += count,
            }
        }
        self.at = offset + u64::from(length);
        let mut packing = Packing::Plain;
        if self.packs {
            match pack(&bytes) {
                Some(packed) => (packing, bytes) = (Packing::Zstd, packed),
                None => self.packs = false,
            }
        }
        Ok(Some(Chunk { digest: self.digest, size, offset, length, packing, bytes }))
    }
}
