//! The files of a session's workspace: what a client may see of them, and what becomes of them while an
//! agent works.
//!
//! A workspace is a folder that a person granted. Everything here goes through one handle on that folder,
//! so no path and no link leads out of it, whoever wrote them.

mod before;
mod blobs;
mod change;
mod error;
mod look;
mod part;
mod path;
mod scan;
mod tracker;
mod watch;
mod workspace;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use {blobs::KEPT_BYTES_MAX, change::Change, workspace::HASHED_BYTES_MAX};

pub(crate) use blobs::Blobs;
pub(crate) use change::{Found, Iteration, Touch};
pub(crate) use error::FileError;
pub(crate) use part::{PART_BYTES_MAX, Part};
pub(crate) use path::WorkspacePath;
pub(crate) use tracker::Tracker;
pub(crate) use watch::Watch;
pub(crate) use workspace::{LISTED_MAX, Workspace};
