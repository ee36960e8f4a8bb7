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
    /// It was on disk, so no loss of power takes it.
    is_durable: bool,
}

/// Everything that was written.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    versions: BTreeMap<Digest, Version>,
    /// When somebody last put a content at a path, and last took it away.
    put: BTreeMap<(String, Digest), u64>,
    taken: BTreeMap<(String, Digest), u64>,
    /// Contents that only a loss of power made.
    torn: BTreeSet<Digest>,
    /// Contents against which somebody chose, perhaps before whoever wrote them was finished.
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
    pub(crate) fn put(&mut self, path: &str, data: &[u8]) {
        self.time += 1;
        self.put.insert((path.to_owned(), digest_of(data)), self.time);
    }

    /// Somebody took it away from a path.
    pub(crate) fn taken(&mut self, path: &str, data: &[u8]) {
        self.time += 1;
        self.taken.insert((path.to_owned(), digest_of(data)), self.time);
    }

    /// Somebody who had it in front of them replaced or removed it.
    pub(crate) fn settled(&mut self, data: &[u8]) {
        if let Some(version) = self.versions.get_mut(&digest_of(data)) {
            version.is_settled = true;
        }
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

    /// The power went, and this is not in the tree any more.
    pub(crate) fn lost(&mut self, data: &[u8]) {
        if let Some(version) = self.versions.get_mut(&digest_of(data)) {
            version.is_settled |= !version.is_durable;
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

    /// Returns whether a content was taken away from a path after it was last put there.
    pub(crate) fn is_taken(&self, path: &str, digest: Digest) -> bool {
        let key = (path.to_owned(), digest);
        let put = self.put.get(&key);
        self.taken.get(&key).is_some_and(|taken| put.is_none_or(|put| put < taken))
    }
}
