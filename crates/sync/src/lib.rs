//! Two file trees kept equal while an agent works in one and a person in the other.
//!
//! Three states are compared: what is here, what is there, and what both last agreed on. Events only
//! say where to look; what is true is read from disk. So an event that is missed, doubled or late
//! changes nothing.

pub mod chunks;
pub mod coalesce;
pub mod digest;
pub mod ignore;
pub mod merge;
pub mod merkle;

pub mod apply;
pub mod conflict;
mod disk;
mod fetch;
pub mod journal;
pub mod local;
pub mod look;
pub mod op;
pub mod reconcile;
pub mod rules;
mod slots;

#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod stat;
pub mod talk;
pub mod task;
pub mod upstream;
pub mod vfs;

pub use digest::digest_of;
pub use disk::Look;
pub use slots::{Kept, RecheckTimes};
