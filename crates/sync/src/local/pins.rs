//! Which contents must stay in the store.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::{Effect, Engine};
use crate::journal::Pause;

/// What both last agreed on is kept of files up to this length, so that texts can be merged. Longer ones
/// are no texts that anybody merges.
const BASE_BYTES_MAX: u64 = 1024 * 1024;

impl Engine {
    /// Returns the contents that are needed and may be nowhere else.
    #[must_use]
    pub fn pinned(&self) -> BTreeSet<Digest> {
        let conflicts = self.conflicts.values();
        let versions = conflicts.flat_map(|it| [&it.base, &it.local, &it.upstream]);
        let proposed = self.pairs.values().filter_map(|pair| pair.proposed.as_ref());
        let running = self.running.values().map(|running| &running.op.new);
        let bases = self.pairs.values().map(|pair| &pair.agreed).filter(|entry| is_base(entry));
        let all = versions.chain(proposed.map(|it| &it.new)).chain(running).chain(bases);
        let mut pinned: BTreeSet<_> = all.filter_map(Entry::digest).collect();
        pinned.extend(self.pairs.values().filter_map(|pair| pair.ready));
        pinned.extend(self.fetching.digests());
        pinned
    }

    /// Returns how many bytes of content are still to come or to go, at most.
    pub(super) fn bytes_pending(&self) -> u64 {
        let size = |entry: &Entry| match entry {
            Entry::File { size, .. } => *size,
            _ => 0,
        };
        let proposed = self.proposed.values().filter_map(|path| {
            let pair = self.pairs.get(path)?;
            pair.proposed.as_ref().map(|proposed| size(&proposed.new))
        });
        let coming = self.fetching.paths().map(|path| size(self.there(path)));
        proposed.chain(coming).fold(0, u64::saturating_add)
    }

    /// Returns all that is here, as far as is known.
    pub fn all_here(&self) -> impl Iterator<Item = (&RelPath, &Entry)> {
        self.disk.all()
    }

    /// Returns whether nothing is under way and all is known.
    #[must_use]
    pub fn is_still(&self) -> bool {
        let is_pending = !self.running.is_empty() || !self.proposed.is_empty();
        self.remote.is_live() && self.disk.is_known() && !is_pending && self.fetching.len() == 0
    }

    /// From the next connection on the whole upstream tree is to be told, and not what changed since. What
    /// was told before was not all, or not right.
    pub fn distrust(&mut self) {
        self.is_untrusted = true;
    }

    /// Has the whole upstream tree told anew.
    pub fn hear_anew(&mut self, now_ms: u64) -> Vec<Effect> {
        self.distrust();
        self.disconnected();
        self.effects.push(Effect::Reconnect);
        self.go_on(now_ms)
    }

    /// Returns whether all is known that is upstream.
    #[must_use]
    pub fn has_heard_all(&self) -> bool {
        self.remote.is_live() && !self.is_untrusted
    }

    /// Returns why nothing is done, if nothing is.
    #[must_use]
    pub fn paused(&self) -> Option<Pause> {
        self.head.pause
    }
}

fn is_base(entry: &Entry) -> bool {
    matches!(entry, Entry::File { size, .. } if *size <= BASE_BYTES_MAX)
}
