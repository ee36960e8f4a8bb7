//! The HTTP API: which requests there are, who may make them, and what is answered.
//!
//! [`routes::ROUTES`] is the one list of requests. The router, the access rules and the API's
//! description are all made from it.

mod control;
mod error;
mod events;
mod guard;
mod health;
mod openapi;
mod params;
mod reply;
mod routes;
mod sessions;
mod stats;
mod stream;

#[cfg(test)]
mod tests;

pub(crate) use error::ApiError;
pub use openapi::openapi_json;
pub(crate) use routes::router;
pub(crate) use stats::stats_frame;

use std::sync::Arc;

use axum::extract::State;

use crate::app::App;

/// What a handler is given besides the request.
type Shared = State<Arc<App>>;
