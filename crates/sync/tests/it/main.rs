//! What sync promises about real disks, with others who write at the same moment.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail as tests do")]

mod cost;
mod escapes;
mod race;
mod readers;
mod trouble;
mod watching;
mod world;
