//! A connection: what was said and has not arrived. Contents go beside the rest, and overtake it.

use std::collections::VecDeque;

use fastrand::Rng;
use oriel_wire::sync::{Entry, RelPath};

use crate::talk::{Begin, Chunk, Down, Up};

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) is_up: bool,
    pub(super) peer: u64,
    pub(super) up: VecDeque<Up>,
    pub(super) down: VecDeque<Down>,
    pub(super) up_chunks: VecDeque<Chunk>,
    pub(super) down_chunks: VecDeque<Chunk>,
    /// The last path that was on a page, and whether the pages are of a whole tree.
    paged: (Option<RelPath>, bool),
}

impl Link {
    /// Everything that was said and has not arrived is lost.
    pub(super) fn cut(&mut self) {
        *self = Self { peer: self.peer, ..Self::default() };
    }

    pub(super) fn is_empty(&self) -> bool {
        self.up.is_empty()
            && self.down.is_empty()
            && self.up_chunks.is_empty()
            && self.down_chunks.is_empty()
    }

    /// Takes what arrives next at the upstream side.
    pub(super) fn next_up(&mut self, rng: &mut Rng) -> Option<Up> {
        if !self.up_chunks.is_empty() && (self.up.is_empty() || rng.bool()) {
            return self.up_chunks.pop_front().map(Up::Chunk);
        }
        let up = self.up.pop_front()?;
        if matches!(up, Up::Propose(_)) && rng.u8(..12) == 0 {
            self.up.push_front(up.clone());
        }
        Some(up)
    }

    /// Takes what arrives next at the local side.
    pub(super) fn next_down(&mut self, rng: &mut Rng) -> Option<Down> {
        if !self.down_chunks.is_empty() && (self.down.is_empty() || rng.bool()) {
            return self.down_chunks.pop_front().map(Down::Chunk);
        }
        let down = self.down.pop_front()?;
        self.check_pages(&down);
        let is_repeatable =
            !matches!(down, Down::Welcome { .. } | Down::Page(_) | Down::PageEnd { .. });
        if is_repeatable && rng.u8(..12) == 0 {
            self.down.push_front(down.clone());
        }
        Some(down)
    }

    /// Pages are in the order that the wire asks for.
    fn check_pages(&mut self, down: &Down) {
        match down {
            Down::Welcome { begin, .. } => self.paged = (None, *begin == Begin::Snapshot),
            Down::Page(changes) => {
                let (last, is_whole) = &mut self.paged;
                for change in changes {
                    assert!(last.as_ref() < Some(&change.path), "{change:?} after {last:?}");
                    assert!(!*is_whole || change.entry != Entry::Absent, "{change:?}");
                    *last = Some(change.path.clone());
                }
            }
            _ => {}
        }
    }
}
