//! Events on disk, and the questions asked of them.
//!
//! One thread owns the only connection that writes. It commits whole groups of requests and answers
//! each only when it is on disk. Every total is kept while writing, in the same transaction, so
//! that reading one costs the rows it returns and not the events behind it.
//!
//! The face is [`Store`] alone: no SQL, no connection and no row leaves this crate, so that another
//! database can stand behind the same questions.

mod append;
mod group;
mod maintain;
mod open;
mod query;
mod readers;
mod schema;
mod store;
mod sums;
mod verify;
mod writer;

pub use append::{AppendError, Appended};
pub use maintain::{Backup, Compaction, MaintainError};
pub use open::{Durability, OpenError, StoreOptions};
pub use query::{
    CostReport, EventFilter, FilterOptions, HourCost, ModelCost, Page, PhaseFilter, ProjectCost,
    Session, SessionFilter, Stats, ToolStats, Used,
};
pub use readers::ReadError;
pub use store::{Size, Store};
pub use verify::{Check, Verification};
