//! The HTTP API: which requests there are, who may make them, and what is answered.
//!
//! [`routes::ROUTES`] is the one list of requests. The router, the access rules and the API's
//! description are all made from it.

mod board;
mod control;
mod error;
mod events;
mod gateway;
mod grants;
mod guard;
mod health;
mod imports;
mod modules;
mod notices;
mod openapi;
mod opinions;
mod params;
mod parts;
mod reply;
mod reports;
mod routes;
mod search;
mod sessions;
mod settings;
mod setup;
mod states;
mod stats;
mod stream;
mod sync;
mod told;
mod tools;

mod audit;
mod gate;

#[cfg(test)]
mod tests;

pub(crate) use error::ApiError;
pub(crate) use events::admit_text;
pub use openapi::openapi_json;
pub(crate) use routes::router;
pub(crate) use stats::stats_frame;
pub(crate) use told::{read_hook, unpacked};

use std::sync::Arc;

use axum::extract::State;

use crate::app::App;

/// What a handler is given besides the request.
type Shared = State<Arc<App>>;
