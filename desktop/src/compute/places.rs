//! Which sessions there are, and which load of the page they belong to.
//!
//! A place is taken before anything is started, so that starts at the same moment cannot pass the limit;
//! and it is gone with the page, so that what was being started then finds none to take.

use std::collections::BTreeMap;

/// A load of the page, in the order in which they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load(u64);

/// So many places, each with something in it or taken for something that is being started.
pub(super) struct Places<T> {
    places_max: usize,
    load: u64,
    is_closed: bool,
    taken: BTreeMap<String, Option<T>>,
}

/// A place was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// All are taken.
    Full,
    /// The page that asks is not there any more.
    Left,
}

impl<T> Places<T> {
    pub(super) fn new(places_max: usize) -> Self {
        Self { places_max, load: 0, is_closed: false, taken: BTreeMap::new() }
    }

    /// Returns the load of the page that is there now.
    pub(super) fn load(&self) -> Load {
        Load(self.load)
    }

    /// Takes a place for something that is about to be started.
    pub(super) fn take(&mut self, name: &str, load: Load) -> Result<(), Refused> {
        if self.is_closed || load != self.load() {
            return Err(Refused::Left);
        }
        if self.places_max <= self.taken.len() {
            return Err(Refused::Full);
        }
        self.taken.insert(name.to_owned(), None);
        Ok(())
    }

    /// Puts what was started into its place. Where that is gone it comes back.
    pub(super) fn fill(&mut self, name: &str, started: T) -> Result<(), T> {
        match self.taken.get_mut(name) {
            Some(place) => {
                *place = Some(started);
                Ok(())
            }
            None => Err(started),
        }
    }

    /// Returns what is in a place.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.taken.get(name)?.as_ref()
    }

    /// Frees a place, and returns what was in it. One that is only taken stays: whoever took it frees it.
    pub(super) fn remove(&mut self, name: &str) -> Option<T> {
        self.get(name)?;
        self.taken.remove(name)?
    }

    /// Frees a place that was taken for what is not started after all.
    pub(super) fn give_back(&mut self, name: &str) {
        if self.get(name).is_none() {
            self.taken.remove(name);
        }
    }

    /// The page is gone: returns what was in all places, which are free.
    pub(super) fn end(&mut self) -> Vec<T> {
        self.load += 1;
        std::mem::take(&mut self.taken).into_values().flatten().collect()
    }

    /// As [`Self::end`], and nothing is started any more.
    pub(super) fn close(&mut self) -> Vec<T> {
        self.is_closed = true;
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_the_same_moment_do_not_pass_the_limit() {
        let mut places = Places::new(2);
        let load = places.load();
        assert_eq!(places.take("a", load), Ok(()));
        assert_eq!(places.take("b", load), Ok(()));
        assert_eq!(places.take("c", load), Err(Refused::Full), "none of them is started yet");
        places.give_back("a");
        assert_eq!(places.take("c", load), Ok(()));
        assert_eq!(places.fill("c", 3), Ok(()));
        assert_eq!(places.take("d", load), Err(Refused::Full));
        assert_eq!((places.remove("c"), places.remove("c")), (Some(3), None));
        assert_eq!(places.take("d", load), Ok(()));
    }

    #[test]
    fn what_is_started_while_the_page_leaves_has_no_place() {
        let mut places = Places::new(2);
        let before = places.load();
        places.take("a", before).unwrap();
        places.take("b", before).unwrap();
        places.fill("b", 2).unwrap();
        assert_eq!(places.end(), [2]);
        assert_eq!(places.fill("a", 1), Err(1), "its page is gone");
        assert_eq!(places.take("c", before), Err(Refused::Left), "asked before it left");
        let now = places.load();
        places.take("a", now).unwrap();
        assert_eq!(places.remove("a"), None, "it is only taken");
        assert_eq!(places.fill("a", 1), Ok(()));
        places.give_back("a");
        assert_eq!(places.get("a"), Some(&1), "it is in use");
        assert_eq!(places.close(), [1]);
        let now = places.load();
        assert_eq!(places.take("a", now), Err(Refused::Left), "the desktop ends");
    }
}
