//! The records of an export, as both encodings are read into them.

use super::attributes::{Any, Attributes};
use crate::parsed::Tally;

/// How many records of one body are read. Agents send a few thousand at most; what comes after
/// these is counted as bad.
const RECORDS_MAX: usize = 65_536;

/// How many attributes of a resource are read, and how many bytes of each. They are told once and
/// kept with each event, so a large one would be kept many times.
const RESOURCE_ATTRIBUTES_MAX: usize = 256;
const RESOURCE_TEXT_BYTES_MAX: usize = 256;

/// The longest name of a metric that is read, in UTF-16 units; each of its data points keeps it.
pub(super) const METRIC_UNITS_MAX: usize = 120;

/// What one program exported at once. A record that could not be read is the problem with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group<T> {
    pub resource: Attributes,
    pub records: Vec<Result<T, String>>,
    /// How many records were too many to be read.
    pub skipped: u64,
}

/// How many more records of a body are read.
pub(super) struct Room(usize);

impl Room {
    pub(super) fn new() -> Self {
        Self(RECORDS_MAX)
    }
}

impl<T> Group<T> {
    pub(super) fn new(mut resource: Attributes) -> Self {
        resource.0.truncate(RESOURCE_ATTRIBUTES_MAX);
        for (_, value) in &mut resource.0 {
            match value {
                Any::Text(text) => text.truncate(text.floor_char_boundary(RESOURCE_TEXT_BYTES_MAX)),
                Any::List(_) | Any::Fields(_) => *value = Any::Empty,
                Any::Empty | Any::Flag(_) | Any::Int(_) | Any::Double(_) => {}
            }
        }
        Self { resource, records: Vec::new(), skipped: 0 }
    }

    pub(super) fn add(&mut self, room: &mut Room, record: Result<T, String>) {
        match room.0.checked_sub(1) {
            Some(rest) => {
                room.0 = rest;
                self.records.push(record);
            }
            None => self.skipped += 1,
        }
    }

    /// Counts the records that were too many.
    pub(super) fn count_skipped(&self, tally: &mut Tally) {
        for _ in 0..self.skipped {
            tally.bad(tally.records + 1, "too many records in one export");
        }
    }
}

/// A log record.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct LogRecord {
    /// When it happened, in Unix nanoseconds; 0 where that is not told.
    pub time: u64,
    /// When it was collected, in Unix nanoseconds; 0 where that is not told.
    pub observed: u64,
    pub severity: String,
    pub event_name: String,
    pub body: Any,
    pub attributes: Attributes,
}

/// A span.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Span {
    /// The names of its trace and of itself, in hexadecimal digits.
    pub trace_id: String,
    pub span_id: String,
    pub name: String,
    /// When it began and ended, in Unix nanoseconds.
    pub start: u64,
    pub end: u64,
    pub failed: bool,
    pub message: String,
    pub attributes: Attributes,
    pub events: Vec<SpanEvent>,
}

/// What happened within a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct SpanEvent {
    pub name: String,
    pub attributes: Attributes,
}

/// A data point of a metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Point {
    pub metric: String,
    pub shape: Shape,
    /// Whether it tells the whole since the start, and not what came since the last export.
    pub cumulative: bool,
    /// Since when it counts and when it was read, in Unix nanoseconds.
    pub start: u64,
    pub time: u64,
    pub value: f64,
    pub attributes: Attributes,
}

/// What a data point is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shape {
    /// One number.
    #[default]
    Number,
    /// The sum of what a distribution saw.
    Distribution,
}

/// Returns Unix nanoseconds in milliseconds, where there are any.
pub(super) fn millis(nanos: u64) -> Option<i64> {
    if nanos == 0 { None } else { i64::try_from(nanos / 1_000_000).ok() }
}
