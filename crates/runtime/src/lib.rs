//! The service that owns events: it takes them in, keeps them, answers questions about them and
//! streams them.
//!
//! Start at [`Runtime`], the boundary for whoever runs it. A request goes through `serve` (a
//! connection), `api` (who may ask what, and the answers), `ingest` (what a sender may say) and the
//! store. What the store has committed goes through `hub` to those who listen.

pub mod config;
pub mod settings;

mod api;
mod app;
mod home;
mod hub;
mod ingest;
mod metrics;
mod rows;
mod runtime;
mod serve;

pub use api::openapi_json;
pub use home::HomeError;
pub use oriel_store::Durability;
pub use runtime::{Runtime, StartError};
