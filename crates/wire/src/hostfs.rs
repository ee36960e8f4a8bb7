//! Files of the host for a sandboxed page: the one message form that every transport carries.
//!
//! A request is a head of 32 bytes and a payload; so is its answer. All numbers are little-endian.
//! What moves bytes (`read`, `write`) has nothing but bytes in its payload; what is about names has
//! JSON there. `docs/hostfs.md` tells the form byte by byte, and `golden/hostfs` has every message of it.

mod code;
mod forms;
mod head;
mod op;
mod typescript;

#[cfg(test)]
mod golden;

pub use code::Code;
pub use forms::{
    Answered, Change, ChangeKind, Changes, Create, Entries, Entry, Failed, Kind, List, Looked,
    MakeFolder, Mode, Named, Open, Opened, Part, Remove, Rename, Replace, Stat, StatMany, Use,
    Watch, Workspace, WorkspaceAccess, Workspaces, parts, read_parts, read_replace, replace,
};
pub use head::{HEAD_BYTES, Head, HeadError, MAGIC, Message, VERSION};
pub use op::{Flags, Op};
pub use typescript::typescript;

/// The longest payload of a message. A page cuts what is longer into pieces, and so does not hold up
/// others for long.
pub const PAYLOAD_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// The longest path, in bytes. It is what Linux takes.
pub const PATH_BYTES_MAX: usize = 4095;

/// The most parts that one `read_many` asks for.
pub const PARTS_MAX: usize = 1024;

/// The most names that one `stat` asks for, and the most entries that one `list` returns.
pub const NAMES_MAX: usize = 4096;
