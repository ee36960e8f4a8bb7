//! Two file trees kept equal: what both sides say to each other, and what a person asks of it.
//!
//! The sides speak over a WebSocket of their own, in binary frames. Commands and what they answer are JSON.

mod digest;
mod entry;
mod path;
mod target;
mod windows;

pub use digest::{Digest, DigestError};
pub use entry::{Entry, Problem};
pub use path::{Name, PathError, RelPath};
pub use path::{OWN_FOLDER, PART_BYTES_MAX, PATH_BYTES_MAX, same_somewhere};
pub use target::{LinkTarget, TargetError};
pub use windows::NameProblem;
