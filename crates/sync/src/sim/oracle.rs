//! What must hold, judged by what people and agents did and by nothing that the engines say of
//! themselves.
//!
//! Every content that is written is unlike all others, so it can be told what became of each: it is in a
//! tree, in a conflict, or somebody who had it in front of them replaced or removed it.

use std::collections::{BTreeMap, BTreeSet};

use oriel_wire::sync::Digest;

use crate::digest_of;

#[derive(Debug, Default)]
struct Version {
    text: String,
    /// Somebody who saw it replaced or removed it.
    is_settled: bool,
    /// It was on disk under its name, so no loss of power takes it.
    is_durable: bool,
}

/// Everything that was written.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    versions: BTreeMap<Digest, Version>,
    /// When somebody on a side last put a content at a path, and last took it away.
    put: BTreeMap<(String, Digest), BTreeMap<usize, u64>>,
    taken: BTreeMap<(String, Digest), BTreeMap<usize, u64>>,
    /// Contents that only a loss of power made.
    torn: BTreeSet<Digest>,
    /// Contents that could not be brought to disk before the other side was told of them.
    unsecured: BTreeSet<Digest>,
    /// Contents that somebody replaced or chose against, perhaps before whoever wrote them was finished.
    given_up: BTreeSet<Digest>,
    time: u64,
    written: u64,
}

impl Oracle {
    /// Returns a content like no other.
    pub(crate) fn unique(&mut self, who: char, size: usize) -> Vec<u8> {
        self.written += 1;
        let mut text = format!("{who}{}:", self.written);
        while text.len() < size {
            text.push('x');
        }
        text.into_bytes()
    }

    /// Somebody has finished writing this.
    pub(crate) fn written(&mut self, data: &[u8]) {
        let version = self.versions.entry(digest_of(data)).or_default();
        version.text = String::from_utf8_lossy(data).into_owned();
        version.is_settled |= self.given_up.contains(&digest_of(data));
    }

    /// It is at a path now.
    pub(crate) fn put(&mut self, side: usize, path: &str, data: &[u8]) {
        self.time += 1;
        self.put.entry(key(path, digest_of(data))).or_default().insert(side, self.time);
    }

    /// Somebody took it away from a path. A file that holds nothing yet is like any other of its kind.
    pub(crate) fn taken(&mut self, side: usize, path: &str, data: &[u8]) {
        if !data.is_empty() {
            self.time += 1;
            self.taken.entry(key(path, digest_of(data))).or_default().insert(side, self.time);
        }
    }

    /// Somebody who had it in front of them replaced or removed it.
    ///
    /// All of it may have come to them before whoever wrote it had closed the file.
    pub(crate) fn settled(&mut self, data: &[u8]) {
        self.given_up(&digest_of(data));
    }

    /// Somebody chose this version, whether or not it was finished.
    pub(crate) fn chosen(&mut self, digest: Option<Digest>) {
        self.torn.extend(digest);
    }

    /// Somebody chose another version instead.
    pub(crate) fn given_up(&mut self, digest: &Digest) {
        self.given_up.insert(*digest);
        if let Some(version) = self.versions.get_mut(digest) {
            version.is_settled = true;
        }
    }

    pub(crate) fn durable(&mut self, data: &[u8]) {
        if let Some(version) = self.versions.get_mut(&digest_of(data)) {
            version.is_durable = true;
        }
    }

    /// It has another name, which is not on disk yet: as long as that is so, it may have none.
    pub(crate) fn renamed(&mut self, data: &[u8]) {
        if let Some(version) = self.versions.get_mut(&digest_of(data)) {
            version.is_durable = false;
        }
    }

    pub(crate) fn unsecured(&mut self, data: &[u8]) {
        self.unsecured.insert(digest_of(data));
    }

    /// The power went, and this is not in the tree any more.
    pub(crate) fn lost(&mut self, data: &[u8]) {
        let digest = digest_of(data);
        if let Some(version) = self.versions.get_mut(&digest) {
            version.is_settled |= !version.is_durable || self.unsecured.contains(&digest);
        }
    }

    pub(crate) fn torn(&mut self, data: &[u8]) {
        self.torn.insert(digest_of(data));
    }

    /// Returns what was lost: neither kept, nor settled by somebody.
    pub(crate) fn missing(&self, kept: &BTreeSet<Digest>) -> Vec<String> {
        let is_lost = |(digest, version): &(&Digest, &Version)| {
            !version.is_settled && !kept.contains(*digest)
        };
        let lost = self.versions.iter().filter(is_lost);
        lost.map(|(_, version)| version.text.clone()).collect()
    }

    /// Returns whether it is something that was written as a whole.
    pub(crate) fn is_whole(&self, digest: &Digest) -> bool {
        self.versions.contains_key(digest) || self.torn.contains(digest)
    }

    /// Returns whether a content was taken away from a path after it was last put there. Whoever takes
    /// away only what they put there themselves says nothing of what somebody else put there before, nor of
    /// what somebody put there since who never had the first one's at this path.
    pub(crate) fn is_taken(&self, path: &str, digest: Digest) -> bool {
        let key = key(path, digest);
        let (Some(taken), nothing) = (self.taken.get(&key), BTreeMap::new()) else { return false };
        let put = self.put.get(&key).unwrap_or(&nothing);
        taken.iter().any(|(side, at)| {
            let stands = |other: &usize, since: &u64| {
                let gone = taken.get(other);
                let knew = |own: &u64| own < since && gone.is_some_and(|gone| own < gone);
                let is_own = put.get(side).is_some_and(|own| !knew(own));
                let is_gone = gone.is_some_and(|gone| since < gone);
                other != side && is_own && !is_gone
            };
            put.iter().all(|(other, since)| since < at && !stands(other, since))
        })
    }
}

fn key(path: &str, digest: Digest) -> (String, Digest) {
    (path.to_owned(), digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_put_under_the_same_name_and_one_takes_away_stands() {
        let (mut oracle, one) = (Oracle::default(), digest_of(b"one"));
        oracle.put(1, "a", b"one");
        oracle.put(2, "a", b"one");
        oracle.taken(1, "a", b"one");
        assert!(!oracle.is_taken("a", one), "the second one's came by itself");

        let mut oracle = Oracle::default();
        oracle.put(1, "a", b"one");
        oracle.taken(2, "a", b"one");
        oracle.put(2, "a", b"one");
        oracle.taken(1, "a", b"one");
        assert!(oracle.is_taken("a", one), "it was the first one's, moved away and back");
    }

    #[test]
    fn what_was_replaced_by_somebody_who_saw_it_is_not_missed_once_its_author_closes_it() {
        let mut oracle = Oracle::default();
        oracle.settled(b"one");
        oracle.written(b"one");
        oracle.written(b"two");
        assert_eq!(oracle.missing(&BTreeSet::new()), ["two"]);
    }

    #[test]
    fn what_could_not_be_brought_to_disk_may_go_with_the_power_though_the_other_side_has_it() {
        let mut oracle = Oracle::default();
        oracle.written(b"one");
        oracle.durable(b"one");
        oracle.lost(b"one");
        assert_eq!(oracle.missing(&BTreeSet::new()), ["one"], "somebody brought it to disk");
        oracle.unsecured(b"one");
        oracle.lost(b"one");
        assert!(oracle.missing(&BTreeSet::new()).is_empty());
    }
}
