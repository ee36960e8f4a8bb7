//! The questions asked of a store. Each is answered from sums kept while writing, or from an index
//! in the order of its answer, so that none grows with the events behind it.

mod costs;
mod entries;
mod events;
mod files;
mod following;
mod heads;
mod heard;
mod merge;
mod options;
mod provenance;
mod sessions;
mod spans;
mod stats;
mod table;
mod tools;
mod turns;
mod usage;

pub use costs::{CostReport, HourCost, ModelCost, ProjectCost};
pub use entries::{Entries, EntriesQuery, Entry, EntryText, Part};
pub use events::{EventFilter, Page};
pub(crate) use events::{Plan, list, read_events};
pub(crate) use events::{each_event, each_numbered_event, read_event, session_events};
pub use files::{EditedFile, FilePage};
pub use following::Followed;
pub use heads::{Head, Heads, HeadsQuery};
pub use heard::{Heard, HeardHistory, HeardSource};
pub use options::FilterOptions;
pub use provenance::{Provenance, Telling};
pub use sessions::{PhaseFilter, Session, SessionFilter};
pub use stats::{Stats, ToolStats, Used};
pub use table::{TableCursor, TableFilter, TablePage, TableQuery, TableRow, TableSort};
pub use tools::{CallSums, SpanOfCalls, ToolDetail, ToolsDetail, ToolsQuery};
pub use turns::{Turn, TurnPage};
pub use usage::{UsageFilter, UsageRow};

use rusqlite::Connection;

/// Returns the Unix seconds that a text means to SQLite, or nothing where it means none.
pub(crate) fn seconds_of(connection: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached("SELECT unixepoch(?1)")?.query_row([text], |row| row.get(0))
}

/// Returns the Unix milliseconds that a text means to SQLite, or nothing where it means none.
pub(crate) fn millis_of(connection: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT CAST(round(unixepoch(?1, 'subsec') * 1000) AS INTEGER)")?
        .query_row([text], |row| row.get(0))
}

/// Returns a word, or nothing where the column holds the word for nothing.
pub(crate) fn told(word: String) -> Option<String> {
    if word.is_empty() { None } else { Some(word) }
}
