//! Events on disk, and the questions asked of them.
//!
//! One thread owns the only connection that writes. It commits whole groups of requests and answers
//! each only when it is on disk. Every total is kept while writing, in the same transaction, so
//! that reading one costs the rows it returns and not the events behind it.
//!
//! The face is [`Store`] alone: no SQL, no connection and no row leaves this crate, so that another
//! database can stand behind the same questions.

mod append;
mod before;
mod foreign;
mod group;
mod imports;
mod maintain;
mod notes;
mod notices;
mod open;
mod query;
mod readers;
mod records;
mod reprice;
mod retention;
mod schema;
mod search;
mod store;
mod sums;
mod times;
mod verify;
mod writer;

pub use append::{AppendError, Appended, Ready};
pub use before::{RestoreError, Standing, StoreCopy, copies, copy_closed, finish_restore};
pub use before::{free_name, has_records, restore, standing};
pub use foreign::{ForeignError, rows_of};
pub use group::Usage;
pub use imports::{ArchivedChunk, FileSeen, ImportCounts, ImportedFile};
pub use maintain::{Backup, Compaction, MaintainError};
pub use notices::{NoticeCounts, NoticeFilter, NoticePage, Posted};
pub use open::{Durability, OpenError, StoreOptions};
pub use query::{
    CallSums, CostReport, EditedFile, EventFilter, FilePage, FilterOptions, Followed, Head, Heads,
    HeadsQuery, HourCost, ModelCost, Page, PhaseFilter, ProjectCost, Provenance, Session,
    SessionFilter, SpanOfCalls, Stats, TableCursor, TableFilter, TablePage, TableQuery, TableRow,
    TableSort, Telling, ToolDetail, ToolStats, ToolsDetail, ToolsQuery, Turn, TurnPage,
    UsageFilter, UsageRow, Used,
};
pub use query::{Entries, EntriesQuery, Entry, EntryText, Part};
pub use query::{Heard, HeardHistory, HeardSource};
pub use readers::ReadError;
pub use records::{NewRecord, RecordFilter, RecordPage, Recorded, StoredRecord};
pub use reprice::{Repriced, Repricing};
pub use retention::Forgotten;
pub use search::{Found, Fragment, Hit, SearchCursor, SearchFilter, SearchQuery, Sought};
pub use store::{Committed, Size, Store};
pub use verify::{Check, Verification};
