//! What the whole-system tests share: the real program in a folder of its own, and a client small
//! enough to send what no good client would.
//!
//! A test fails by panicking, so everything here panics with what was expected and what came. Every
//! wait is for a condition and has the one deadline of [`wait`].

#![expect(clippy::panic, reason = "a harness fails in the test that uses it")]

// The program and where it runs.
mod family;
mod home;
mod program;

// The daemon, and how to talk to it.
mod alone;
mod daemon;
mod http;
mod stream;

// The console, asked as a browser asks it, and a real browser.
pub mod browser;
pub mod console;
pub mod demo;
pub mod page;

// The desktop, on a display of its own, and who watches what it does.
pub mod desktop;
pub mod front;
pub mod probe;

// The gateway, asked as a client asks it, and folders that are kept equal with what is in it.
pub mod gateway;
pub mod sync;

// Scripts, from the outside.
pub mod scripts;

// What tests say and ask again and again.
pub mod events;
pub mod history;
pub mod model;
pub mod protobuf;
pub mod reads;
pub mod script;
pub mod told;
pub mod wait;

pub use alone::Alone;
pub use console::Console;
pub use daemon::{Daemon, Launch, Stopped, kill};
pub use home::Home;
pub use http::{Answer, Connection, Request};
pub use program::Finished;
pub use rustix::process::Signal;
pub use stream::{Frame, Stream};
