//! Load and measurements for a running `oriel serve`.
//!
//! The client shares its cores with the server, so it is built to cost little: requests are copied
//! from templates and patched in place, one thread serves every connection, and of an answer only
//! the status line, the length and the first number of the body are read.
//!
//! `ingest`, `read`, `stream`, `start`, `console`, `gateway` and `sync` each make a measurement and put it into a `report`; `load`
//! is the load alone, for whoever needs a busy server.

// The measurements.
pub mod console;
pub mod gateway;
pub mod ingest;
pub mod read;
pub mod start;
pub mod stream;
pub mod sync;

// What they share: how to measure, the server under test, and what comes out.
pub mod bench;
pub mod clock;
mod endpoints;
mod latency;
pub mod machine;
mod proc;
pub mod report;
pub mod server;

// Sending: what, in which requests, and how fast.
pub mod events;
pub mod load;
pub mod requests;

// Listening to the event stream.
mod audience;
mod frames;

// HTTP, as little of it as is needed.
mod chunks;
mod client;
mod http;
mod response;

#[cfg(test)]
mod fake;
