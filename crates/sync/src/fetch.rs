//! Contents that are on their way from the other side.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

use oriel_wire::sync::{Digest, RelPath};

use crate::vfs::Have;

/// How often a content is asked for again that came as something else.
const TRIES: u32 = 3;

/// What is to be done about a content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// See how much of it is here.
    Ask,
    /// Ask the other side for it, from a place on.
    Want(u64),
    /// It is here, and these wait for it.
    Here(BTreeSet<RelPath>),
    /// It does not come, and these wait for it.
    Lost(BTreeSet<RelPath>),
    /// Nothing.
    Wait,
}

#[derive(Debug, Default)]
struct Fetch {
    waiting: BTreeSet<RelPath>,
    /// How much there was when that was last told; nothing, before the other side was asked.
    have: Option<u64>,
    tries: u32,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Fetches(BTreeMap<Digest, Fetch>);

impl Fetches {
    /// A path waits for a content.
    pub(crate) fn wait(&mut self, digest: Digest, path: &RelPath) -> Next {
        let is_new = !self.0.contains_key(&digest);
        self.0.entry(digest).or_default().waiting.insert(path.clone());
        if is_new { Next::Ask } else { Next::Wait }
    }

    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.0.contains_key(digest)
    }

    /// Returns the paths that wait for one.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.0.values().flat_map(|fetch| &fetch.waiting)
    }

    /// Returns all of them.
    pub(crate) fn digests(&self) -> impl Iterator<Item = Digest> {
        self.0.keys().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The connection is gone. Those who wait ask again.
    pub(crate) fn clear(&mut self) -> BTreeSet<RelPath> {
        let waiting = std::mem::take(&mut self.0).into_values();
        waiting.flat_map(|fetch| fetch.waiting).collect()
    }

    /// Nobody can be asked for a content.
    pub(crate) fn forget(&mut self, digest: &Digest) {
        self.0.remove(digest);
    }

    /// So much of a content is here; nothing where that cannot be told.
    pub(crate) fn have(&mut self, digest: &Digest, have: Option<Have>) -> Next {
        let Some(fetch) = self.0.get_mut(digest) else { return Next::Wait };
        match have {
            Some(Have::Part(now)) => {
                let before = fetch.have.replace(now);
                if before.is_some_and(|before| before <= now) {
                    return Next::Wait;
                }
                // It is asked for at first, and when what came was thrown away.
                fetch.tries += 1;
                if fetch.tries <= TRIES { Next::Want(now) } else { self.lose(digest) }
            }
            Some(Have::All) => {
                let fetch = self.0.remove(digest);
                Next::Here(fetch.map(|fetch| fetch.waiting).unwrap_or_default())
            }
            None => self.lose(digest),
        }
    }

    fn lose(&mut self, digest: &Digest) -> Next {
        let fetch = self.0.remove(digest);
        Next::Lost(fetch.map(|fetch| fetch.waiting).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_asked_for_once_and_again_when_it_was_spoilt() {
        let (digest, path) = (Digest([1; 32]), RelPath::parse("a").unwrap());
        let mut fetches = Fetches::default();
        assert_eq!(fetches.wait(digest, &path), Next::Ask);
        assert_eq!(fetches.wait(digest, &RelPath::parse("b").unwrap()), Next::Wait);
        assert_eq!(fetches.have(&digest, Some(Have::Part(5))), Next::Want(5));
        assert_eq!(fetches.have(&digest, Some(Have::Part(9))), Next::Wait);
        assert_eq!(fetches.have(&digest, Some(Have::Part(0))), Next::Want(0));
        let Next::Here(waiting) = fetches.have(&digest, Some(Have::All)) else { panic!() };
        assert_eq!(waiting.len(), 2);
        assert!(!fetches.has(&digest));
    }

    #[test]
    fn a_content_that_never_comes_whole_is_given_up() {
        let (digest, path) = (Digest([1; 32]), RelPath::parse("a").unwrap());
        let mut fetches = Fetches::default();
        fetches.wait(digest, &path);
        for _ in 0..TRIES {
            assert_eq!(fetches.have(&digest, Some(Have::Part(0))), Next::Want(0));
            fetches.have(&digest, Some(Have::Part(7)));
        }
        assert_eq!(fetches.have(&digest, Some(Have::Part(0))), Next::Lost([path].into()));
    }
}
