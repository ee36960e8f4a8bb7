//! What was made of some input: the events, the notes, and the fate of every record.

use std::collections::BTreeMap;

use oriel_model::{NewEvent, Note};

/// How many bad records are named; further ones are only counted.
const BAD_MAX: usize = 100;

/// What was made of some input.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parsed {
    /// What happened, in the order in which it was told.
    pub events: Vec<NewEvent>,
    /// How sessions and agents stand.
    pub notes: Vec<Note>,
    /// What became of each record.
    pub tally: Tally,
}

/// What became of each record that was read: it made events, or it told more of one that another
/// record had made, or it was left out for a reason, or it was bad.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Records read.
    pub records: u64,
    /// Records that made events.
    pub told: u64,
    /// Records that told more of an event or a session that another record tells of.
    pub joined: u64,
    /// Records that were left out, by their kind and the reason.
    pub left_out: BTreeMap<(String, Reason), u64>,
    /// Records that could not be read.
    pub bad: u64,
    /// The first of those, each with its place.
    pub bad_records: Vec<Bad>,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Which one it was, counted from 1: the line of a file, the record of a body.
    pub nth: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// Why a record was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Another record of the same input says it, or says it better.
    SaidElsewhere,
    /// The agent keeps house with it; nothing happened.
    Housekeeping,
    /// What the agent puts before a model with every request; nobody said it.
    Scaffolding,
    /// The agent's inner workings, many and of no use to a person.
    Internals,
    /// It says nothing: no text, no usage, no change.
    Empty,
    /// It names no session that it could belong to.
    NoSession,
    /// It repeats what a session that this one continues has told.
    Inherited,
    /// It lies outside the asked dates.
    OutOfRange,
    /// A meter that no sum is made of.
    OtherMeter,
}

impl Reason {
    /// Returns the reason in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SaidElsewhere => "another record says it",
            Self::Housekeeping => "the agent keeps house with it",
            Self::Scaffolding => "sent along with every request",
            Self::Internals => "inner workings of the agent",
            Self::Empty => "it says nothing",
            Self::NoSession => "it names no session",
            Self::Inherited => "repeats the session it continues",
            Self::OutOfRange => "outside the asked dates",
            Self::OtherMeter => "a meter that nothing is summed of",
        }
    }
}

impl Tally {
    /// Counts a record that made events.
    pub(crate) fn told(&mut self) {
        self.records += 1;
        self.told += 1;
    }

    /// Counts a record that told more of what another one tells.
    pub(crate) fn joined(&mut self) {
        self.records += 1;
        self.joined += 1;
    }

    /// Counts a record that was left out.
    pub(crate) fn left_out(&mut self, kind: &str, reason: Reason) {
        self.records += 1;
        // Looked up before it is made: most are of few kinds.
        match self.left_out.iter_mut().find(|((known, why), _)| known == kind && *why == reason) {
            Some((_, count)) => *count += 1,
            None => {
                self.left_out.insert((kind.to_owned(), reason), 1);
            }
        }
    }

    /// Counts a record that could not be read.
    pub(crate) fn bad(&mut self, nth: u64, problem: impl Into<String>) {
        self.records += 1;
        self.bad += 1;
        if self.bad_records.len() < BAD_MAX {
            self.bad_records.push(Bad { nth, problem: problem.into() });
        }
    }

    /// Adds what became of other records.
    pub fn plus(&mut self, other: &Self) {
        self.records += other.records;
        self.told += other.told;
        self.joined += other.joined;
        for (key, count) in &other.left_out {
            *self.left_out.entry(key.clone()).or_default() += count;
        }
        self.bad += other.bad;
        let room = BAD_MAX.saturating_sub(self.bad_records.len());
        self.bad_records.extend(other.bad_records.iter().take(room).cloned());
    }

    /// Returns whether every record has a fate. It always does; a test of each format says so.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.records == self.told + self.joined + self.left_out.values().sum::<u64>() + self.bad
    }
}
