//! Native files for a page that may not touch the machine.
//!
//! A surface is granted folders. It names what is in them by paths that cannot lead out, opens files and
//! gets handles that nobody else can use. All it asks is in the form of `oriel_wire::hostfs`.

// What a page asks, and what it is answered.
mod answer;
mod error;
mod surface;

// What is open, and what the pages of a process share.
mod behind;
mod cache;
mod files;
mod handle;
mod mapped;

// What was granted, and what is in it.
mod grants;
mod path;
mod root;
mod sys;
mod trash;
mod watch;

pub use answer::Answer;
pub use error::FileError;
pub use files::{Config, Files, Limits};
pub use grants::{GRANTS_MAX, Grant, GrantId, Grants, Mark};
pub use handle::Handle;
pub use surface::{Flight, Lock, Surface};
pub use sys::Resolving;
