//! Every form that crosses a process boundary.
//!
//! The types here say how a thing looks on the wire and nothing of what it means; the rules are in
//! `model`. A rule can so change without changing a protocol by accident, and the reverse.

pub mod compute;
pub mod control;
pub mod gateway;
pub mod grants;
pub mod hostfs;
pub mod imports;
pub mod inspect;
pub mod json;
pub mod module;
pub mod settings;
pub mod setup;
pub mod sync;
pub mod time;

pub mod audit;
mod board;
pub mod readiness;

mod event;
mod notice;
mod opinion;
mod report;
mod search;
mod session;
mod state;
mod stats;
mod stream;
mod table;
mod tools;
mod typescript;

pub use event::{
    BatchReceipt, EventPage, EventRow, EventsAfter, FieldError, Invalid, Receipt, RejectedEvent,
};
pub use event::{Field, RawEvent};
pub use notice::{
    NoticeDelivery, NoticeList, NoticeRow, NoticeSubject, NoticeTally, SnoozeRequest,
};
pub use opinion::{KeyStatus, OpinionConflict, OpinionDetail, OpinionForm, OpinionList};
pub use opinion::{OpinionPreview, OpinionRow, Verification};
pub use report::BlockLimit;
pub use report::{Block, BudgetState, Budgets, EventWithTellings, ModelPrice, ModelUsage, Pace};
pub use report::{PriceBand, PriceList, PricePeriod, PriceRates, ProvenancePart, ProvenanceReport};
pub use report::{
    RecalculateReport, RecalculateRequest, Report, ReportRow, SourcePart, TellingRow,
};
pub use report::{UnpricedModel, UsageSums};
pub use search::{SearchHit, SearchPage, SnippetPart};
pub use session::{BranchOption, FilterOptions, SessionPage, SessionRow, SessionWithEvents};
pub use session::{EntryText, SessionEntries, SessionEntry};
pub use session::{Transcript, TranscriptEntry};
pub use state::WaitingSessions;
pub use state::{ContextUse, Doing, Limit, Limits, ParentSession, SessionState, SubAgent, Waiting};
pub use stats::{AgentUsage, CostBucket, CostReport, Counts, ModelCost, ProjectCost, Stats};
pub use stats::{ToolStats, ToolTable, UsageOfWindow};
pub use stream::{Frame, Health, Problem, SessionChange};

pub use board::{Board, Card, CardTotals, EventBrief};
pub use table::{SessionFile, SessionFiles, SessionTable, SessionTableRow, TurnPage, TurnRow};
pub use tools::{AgentToolCalls, ToolCall, ToolCalls, ToolDetail, ToolsDetail, ToolsSpan};
