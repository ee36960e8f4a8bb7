//! The service that owns events: it takes them in, keeps them, answers questions about them and
//! streams them.
//!
//! Start at [`Runtime`], the boundary for whoever runs it. A request goes through `link::serve`
//! (a connection), `api` (who may ask what, and the answers), `ingest` (what a sender may say) and the
//! store. What the store has committed goes through `hub` to those who listen.

pub mod budget;
pub mod config;
pub mod settings;
pub mod setup;
pub mod zone;

mod api;
mod app;
mod archive;
mod board;
mod fields;
mod home;
mod hub;
mod imports;
mod ingest;
mod inspect;
mod metrics;
mod notices;
mod prices;
mod report;
mod rows;
mod runtime;
mod spool;
mod state;
mod told;

mod audit;
mod gate;

pub use api::openapi_json;
pub use home::HomeError;
pub use inspect::{InspectError, inspect};
pub use oriel_store::Durability;
pub use prices::PriceFileError;
pub use runtime::{Ending, Runtime, StartError};
