//! Two file trees kept equal while an agent works in one and a person in the other.
//!
//! Three states are compared: what is here, what is there, and what both last agreed on. Events only
//! say where to look; what is true is read from disk. So an event that is missed, doubled or late
//! changes nothing.

// What a path is to become.
pub mod reconcile;

// Both engines, and what they want done.
pub mod local;
pub mod upstream;

// What they say to each other, as frames.
pub mod speech;
pub mod verify;

pub mod conflict;
pub mod journal;
pub mod ledger;
pub mod talk;
pub mod task;

mod crew;
mod desk;
mod disk;
mod fetch;
mod side;
mod slots;

// What touches a file system.
pub mod apply;
pub mod look;
pub mod op;
pub mod rules;
pub mod stat;
pub mod vfs;

// The real file system, and contents in files.
#[cfg(target_os = "linux")]
pub mod contents;
#[cfg(target_os = "linux")]
pub mod folder;
#[cfg(target_os = "linux")]
pub mod group;
#[cfg(target_os = "linux")]
pub mod watcher;

// Both sides as programs run them.
mod line;
mod room;
mod served;
mod syncs;

// Pure parts that whoever runs the engines uses.
pub mod chunks;
pub mod coalesce;
pub mod digest;
pub mod ignore;
pub mod merge;
pub mod merkle;

#[cfg(any(test, feature = "sim"))]
#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "it is a test, and tells of itself")]
pub mod sim;

pub use digest::digest_of;
pub use disk::Look;
pub use room::{Now, RoomError, boot_id};
pub use served::Workspaces;
pub use slots::{Kept, RecheckTimes};
pub use syncs::{Gateway, Syncs, SyncsConfig};
