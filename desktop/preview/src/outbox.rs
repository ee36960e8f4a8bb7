//! What waits to be told, so that no page can flood the host.
//!
//! A page may navigate, change its title and try what is denied thousands of times a second. Of where it
//! is only the latest counts, so that is what is told, a few times a second; of what was denied each is
//! told once in a while, and no more than a few in all. This file knows no clock.

use std::time::{Duration, Instant};

use crate::protocol::Telling;

/// The pause between two tellings of where a page is. What comes in between replaces what waits.
const AT_EVERY: Duration = Duration::from_millis(250);

/// The time in which one denial is told once, and at most [`DENIED_MAX`] of them.
const DENIED_EVERY: Duration = Duration::from_secs(1);

/// So many denials are told in a while. Further ones are counted and not told.
const DENIED_MAX: usize = 16;

/// Where a page is, and what was denied to it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    at: Option<Telling>,
    at_told: Option<(Instant, Telling)>,
    denied: Vec<Telling>,
    denied_since: Option<Instant>,
    untold: u64,
}

impl Outbox {
    /// Takes where the page is. Returns what is to be told now and when to look again.
    pub(crate) fn at(&mut self, now: Instant, at: Telling) -> (Option<Telling>, Option<Instant>) {
        let same = self.at_told.as_ref().is_some_and(|(_, told)| *told == at);
        self.at = (!same).then_some(at);
        self.due(now)
    }

    /// What is to be told of where the page is, and when to look again.
    pub(crate) fn due(&mut self, now: Instant) -> (Option<Telling>, Option<Instant>) {
        let next = self.at_told.as_ref().map(|(told, _)| *told + AT_EVERY);
        match (self.at.take(), next) {
            (Some(waiting), Some(next)) if now < next => {
                self.at = Some(waiting);
                (None, Some(next))
            }
            (Some(waiting), _) => {
                self.at_told = Some((now, waiting.clone()));
                (Some(waiting), None)
            }
            (None, _) => (None, None),
        }
    }

    /// Forgets what waits: the page is gone.
    pub(crate) fn clear(&mut self) {
        self.at = None;
    }

    /// Forgets where the page was: the same place, come to again, is told again.
    pub(crate) fn arrived(&mut self) {
        if let Some((_, told)) = &mut self.at_told {
            *told = Telling::Ready;
        }
    }

    /// Whether a denial is to be told.
    pub(crate) fn denied(&mut self, now: Instant, denied: &Telling) -> bool {
        if self.denied_since.is_none_or(|since| since + DENIED_EVERY <= now) {
            self.denied_since = Some(now);
            self.denied.clear();
        }
        let tell = self.denied.len() < DENIED_MAX && !self.denied.contains(denied);
        if tell {
            self.denied.push(denied.clone());
        } else {
            self.untold = self.untold.saturating_add(1);
        }
        tell
    }

    /// How many denials were not told.
    pub(crate) fn untold(&self) -> u64 {
        self.untold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_of_navigations_few_are_told_and_the_last_is_among_them() {
        let mut outbox = Outbox::default();
        let start = Instant::now();
        let mut told = Vec::new();
        for step in 0..10_000_u32 {
            let now = start + Duration::from_micros(100) * step;
            told.extend(outbox.at(now, at(step)).0);
        }
        told.extend(outbox.due(start + Duration::from_secs(2)).0);
        assert_eq!(told.len(), 5, "one at once and one for each quarter of the second");
        assert_eq!(told.last(), Some(&at(9999)));
        assert_eq!(
            outbox.due(start + Duration::from_secs(9)),
            (None, None),
            "nothing is told twice"
        );
    }

    #[test]
    fn what_waits_says_when_to_look_again() {
        let mut outbox = Outbox::default();
        let start = Instant::now();
        assert_eq!(outbox.at(start, at(1)), (Some(at(1)), None));
        assert_eq!(outbox.at(start, at(2)), (None, Some(start + AT_EVERY)));
        assert_eq!(outbox.due(start + AT_EVERY), (Some(at(2)), None));
        assert_eq!(outbox.at(start + AT_EVERY * 9, at(2)), (None, None), "where it is already");
        outbox.arrived();
        assert_eq!(outbox.at(start + AT_EVERY * 9, at(2)), (Some(at(2)), None), "come to again");
    }

    #[test]
    fn of_a_flood_of_denials_each_is_told_once_and_few_in_all() {
        let mut outbox = Outbox::default();
        let start = Instant::now();
        let told = (0..1000).filter(|step| outbox.denied(start, &denied(step % 100))).count();
        assert_eq!(told, DENIED_MAX);
        assert_eq!(outbox.untold(), 1000 - 16);
        assert!(!outbox.denied(start + DENIED_EVERY / 2, &denied(0)));
        assert!(outbox.denied(start + DENIED_EVERY, &denied(0)), "later it is told again");
    }

    fn at(step: u32) -> Telling {
        Telling::At { url: format!("https://a.example/{step}"), title: String::new() }
    }

    fn denied(step: u32) -> Telling {
        Telling::Denied { url: format!("http://127.0.0.1:{step}/"), why: "no".into() }
    }
}
