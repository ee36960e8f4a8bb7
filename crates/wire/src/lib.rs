//! Every form that crosses a process boundary.
//!
//! The types here say how a thing looks on the wire and nothing of what it means; the rules are in
//! `model`. A rule can so change without changing a protocol by accident, and the reverse.

pub mod control;
pub mod json;
pub mod time;

mod event;
mod session;
mod stats;
mod stream;

pub use event::{
    BatchReceipt, EventPage, EventRow, EventsAfter, FieldError, Invalid, Receipt, RejectedEvent,
};
pub use event::{Field, RawEvent};
pub use session::{BranchOption, FilterOptions, SessionPage, SessionRow, SessionWithEvents};
pub use session::{Transcript, TranscriptEntry};
pub use stats::{AgentUsage, CostBucket, CostReport, Counts, ModelCost, ProjectCost, Stats};
pub use stats::{ToolStats, ToolTable, UsageOfWindow};
pub use stream::{Frame, Health, Problem, SessionChange};
