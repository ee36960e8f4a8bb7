//! What an event, a session and an amount of money are, and which states follow which.
//!
//! Nothing here does I/O, reads a clock or knows a file format.

mod event;
mod facet;
mod learn;
mod metadata;
mod money;
mod note;
mod notice;
mod phase;
mod told;

pub use event::{
    EventId, EventKind, EventNumber, NewEvent, Outcome, SessionId, StoredEvent, Tokens,
};
pub use facet::{Facet, Place};
pub use learn::outweighs;
pub use metadata::{Facts, Metadata};
pub use money::Money;
pub use note::{About, Note};
pub use notice::{
    BODY_CHARACTERS_MAX, Delivery, NewNotice, Notice, NoticeId, Now, Policy, Priority, QuietHours,
    Rule, Subject, TITLE_CHARACTERS_MAX, Why, deliver,
};
pub use phase::{Life, Phase, QuietLimit, QuietLimitError, Rest};
pub use told::{Amount, Key, Role, Sign, Text, Told};
