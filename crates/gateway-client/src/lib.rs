//! The gateway's client: one connection that comes back.
//!
//! [`GatewayClient::connect`] returns two halves: a client, which asks, and an [`EventStream`], which
//! tells what happens. A task in the background owns the socket. When the link breaks it comes back by
//! itself and joins every session again after the last event that it handed on, so that a reader sees
//! each durable event once and in order. What is asked while the link is down fails at once, and what
//! was asked when it broke fails as [`ClientError::Interrupted`]: nothing is asked twice, since a turn
//! that is sent twice runs twice.
//!
//! Whoever joined a session reads the stream: when that is full, the socket is not read on, and
//! answers wait too.

mod options;

mod error;
mod incoming;

mod backoff;
mod greeting;
mod inbox;
mod pending;
mod rejoin;
mod socket;

mod driver;

mod client;
mod stream;

pub use client::{Files, GatewayClient, History, PastEvents};
pub use error::{ClientError, ConnectError};
pub use incoming::Incoming;
pub use options::ClientOptions;
pub use stream::EventStream;
