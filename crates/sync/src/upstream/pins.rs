//! Which contents must stay in the store.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use oriel_wire::sync::{Digest, Entry};

use super::Engine;

impl Engine {
    /// Returns the contents that are needed and may be nowhere else.
    #[must_use]
    pub fn pinned(&self) -> BTreeSet<Digest> {
        let late = self.late.values().flat_map(|it| [&it.local, &it.upstream]);
        let waiting = self.waiting.values().flatten().map(|waiting| &waiting.proposal.new);
        let running = self.running.values().map(|running| &running.op.new);
        let mut pinned: BTreeSet<_> =
            late.chain(waiting).chain(running).filter_map(Entry::digest).collect();
        pinned.extend(self.fetching.digests());
        pinned
    }

    /// Returns whether the folder is not where it was.
    #[must_use]
    pub const fn is_root_gone(&self) -> bool {
        self.is_root_gone
    }
}
