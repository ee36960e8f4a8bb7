//! The bridge against a real service, however that is reached: in process, over TCP, over a Unix socket.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod house;

mod bodies;
mod downloads;
mod guard;
mod headers;
mod redirects;
mod trouble;
