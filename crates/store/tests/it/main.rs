//! The store as its callers see it: what was answered is on disk, every question is answered from
//! exactly the events that are there, and nothing that a sender or a disk does changes that.
// What the tests call is held to the lints of tests.
#![cfg(test)]

mod answers;
mod concurrency;
mod duplicates;
mod entries;
mod failures;
mod fixture;
mod heard;
mod histories;
mod joining;
mod make;
mod notes;
mod notices;
mod opening;
mod oracle;
mod pages;
mod poison;
mod queue;
mod records;
mod reports;
mod retention;
mod search;
mod upkeep;
