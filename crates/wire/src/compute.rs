//! Scripts: what a session of `oriel-compute` and whoever drives it say to each other.
//!
//! Both sides write frames: the length of a JSON text in four bytes, little-endian, and the text. The
//! driver sends [`Asked`], and each request is answered once, under its id, and soon: what takes long is
//! begun by its answer and told in events. Both sides ignore fields that they do not know.

mod event;
mod frame;
mod request;
mod typescript;
mod value;

#[cfg(test)]
mod golden;

pub use event::{
    Diagnostic, EndReason, Event, FigureBrief, InputKind, Outcome, Restored, Severity, Span, Stream,
};
pub use frame::{Asked, FRAME_BYTES_MAX, FrameError, Told, frame, frame_length, read_frame};
pub use request::{
    Answer, Code, Failed, HistoryEntry, Limits, Request, Source, State, Status, Value,
};
pub use typescript::typescript;
pub use value::{Cell, Variable, cell_of};

/// The version of the protocol that these types are.
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest text of a script that is sent. What is longer is a file of the workspace.
pub const SCRIPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most text of one `output` event; what is longer comes in several.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// The most variables that are listed. What there is beyond them is counted.
pub const VARIABLES_MAX: usize = 2_000;

/// The most elements that one `value` returns.
pub const CELLS_MAX: usize = 65_536;

/// The longest preview of a variable, in bytes.
pub const PREVIEW_BYTES_MAX: usize = 256;

/// The most runs that a session remembers; the oldest goes.
pub const HISTORY_MAX: usize = 200;
