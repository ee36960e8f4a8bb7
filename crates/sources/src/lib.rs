//! What agents write and send, made into events.
//!
//! Each format is one module: a pure function from bytes to what they tell. Nothing here opens a
//! file, listens or reads a clock. A record that is not understood is never fatal: it is kept raw, or
//! left out for a reason that is counted.

pub mod claude;
pub mod codex;
mod copilot;
mod draft;
mod edits;
mod format;
mod formats;
pub mod gateway;
mod gemini;
mod ids;
mod loose;
mod opencode;
pub mod otlp;
mod parsed;
mod parts;
mod qwen;
pub mod safety;
mod words;

pub use copilot::Copilot;
pub use format::{Format, Homes, Reader, Shape};
pub use formats::formats;
pub use gemini::{GeminiLines, GeminiWhole};
pub use opencode::OpenCode;
pub use parsed::{Bad, Parsed, Reason, Tally};
pub use qwen::Qwen;
