//! What every request shares.

use std::sync::Arc;

use axum::extract::State;
use tokio::sync::{Semaphore, watch};

use crate::ask::Runtime;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::sessions::Sessions;

/// One console, shared by all of its requests.
pub(crate) struct App {
    pub(crate) config: Config,
    /// The runtime that knows everything.
    pub(crate) runtime: Runtime,
    /// The gateway, whose sessions one can talk to.
    pub(crate) gateway: Gateway,
    /// Who may change something.
    pub(crate) sessions: Sessions,
    /// Taken by each page that listens to what sync tells.
    pub(crate) sync_watches: Semaphore,
    /// Becomes true when the console stops.
    pub(crate) stop: watch::Sender<bool>,
}

/// What a page is given besides the request.
pub(crate) type Shared = State<Arc<App>>;
