//! What an event, a session and an amount of money are, and which states follow which.
//!
//! Nothing here does I/O, reads a clock or knows a file format.

mod event;
mod facet;
mod metadata;
mod money;
mod phase;

pub use event::{
    EventId, EventKind, EventNumber, NewEvent, Outcome, SessionId, StoredEvent, Tokens,
};
pub use facet::{Facet, Place};
pub use metadata::{Facts, Metadata};
pub use money::Money;
pub use phase::{Life, Phase, QuietLimit, QuietLimitError, Rest};
