//! The client against a gateway that follows a script: whatever the link does, a reader sees each durable
//! event once and in order, and whoever asks hears what became of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod connecting;
mod events;
mod reconnecting;
mod script;
