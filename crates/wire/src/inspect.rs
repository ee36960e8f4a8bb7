//! What Oriel would make of files, told of without storing anything.

use serde::{Deserialize, Serialize};

use crate::imports::Fate;

/// What Oriel would make of one file, or of one request that was captured in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Inspected {
    /// The file.
    pub path: String,
    /// What it is read as: a format of histories, a hook, an export; nothing where it is not read.
    pub read_as: Option<String>,
    /// What it is instead, and why nothing is taken from it.
    pub not_read: Option<String>,
    /// Events that it makes.
    pub events: u64,
    /// Notes of how sessions and agents stand.
    pub notes: u64,
    /// What became of each record.
    pub fate: Fate,
    /// Bytes of a last line that has no end yet; it is read once it is whole.
    pub unfinished_bytes: u64,
    /// Why it could not be read to its end.
    pub problem: Option<String>,
}

/// What all files of one kind came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InspectedKind {
    /// What they are read as.
    pub read_as: String,
    /// How many there are.
    pub files: u64,
    /// Events that they make.
    pub events: u64,
    /// Notes of how sessions and agents stand.
    pub notes: u64,
    /// What became of each record.
    pub fate: Fate,
}

/// What Oriel would make of all files that were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Inspection {
    /// Each file, in the order of their names.
    pub files: Vec<Inspected>,
    /// The sums of those that are read, by kind.
    pub kinds: Vec<InspectedKind>,
    /// How many files are not read, each for the reason that it names.
    pub not_read: u64,
    /// How many records could not be read, and files that could not be read to their end.
    pub bad: u64,
}
