//! The real program, driven over its input and output as the desktop and the command line do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod driver;
mod ends;
mod escapes;
mod files;
mod runs;
mod variables;
