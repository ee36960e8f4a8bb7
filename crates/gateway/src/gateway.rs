//! The gateway as programs embed it: opened over a data directory, asked through a router, stopped.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use oriel_link::Link;
use oriel_link::serve::{Listener, Peer, serve};
use oriel_sync::Workspaces;
use oriel_wire::gateway::PROTOCOL_VERSION;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;

use crate::agent::StartsAgents;
use crate::agents::{Agents, AgentsConfig};
use crate::config::Config;
use crate::connection;
use crate::folders::{FolderError, Folders, replace_private};
use crate::handshake::{self, Denied};
use crate::hub::Hub;
use crate::monitor::{Kept, Monitor, Pace};
use crate::rate::Failures;
use crate::recovery;
use crate::session::Command;
use crate::store::{Store, StoreError};
use crate::token::Token;

/// With this code connections are closed when the gateway stops.
const CLOSE_GOING_AWAY: u16 = 1001;

/// A gateway that stops waits so long for its sessions beyond what a turn is given to stop, and as long
/// for its connections.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(7);

/// The gateway. Dropped without being shut down, it ends as in a crash.
pub struct Gateway {
    house: Arc<House>,
    server: Option<Server>,
    monitor: Option<Monitor>,
}

struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What every connection is let into.
pub(crate) struct House {
    pub(crate) hub: Arc<Hub>,
    pub(crate) token: Token,
    pub(crate) is_dev: bool,
    pub(crate) failures: Mutex<Failures>,
    hosts: Vec<String>,
    origins: Vec<String>,
    /// Where the gateway listens, whose own name requests may use.
    bound: RwLock<IpAddr>,
    places: Arc<Semaphore>,
    connected: AtomicUsize,
}

/// The gateway could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What it keeps cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot listen there.
    #[error("the gateway cannot listen on {addr}: {source}; free the port or choose another one")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// It listens already.
    #[error("the gateway listens already; open another one for another address")]
    Listening,
}

impl Gateway {
    /// Opens the gateway of a data directory, and ends what a crash left open.
    ///
    /// # Errors
    /// Where another gateway has the directory, or the gateway cannot read or write there.
    pub async fn open(config: Config) -> Result<Self, StartError> {
        let agents = agents(&config);
        Self::open_with(config, agents).await
    }

    pub(crate) async fn open_with(
        config: Config,
        agents: Arc<dyn StartsAgents>,
    ) -> Result<Self, StartError> {
        let data_dir = config.data_dir.clone();
        let opened = tokio::task::spawn_blocking(move || -> Result<_, StartError> {
            let folders = Folders::make(&data_dir)?;
            let lock = folders.lock()?;
            let token = Token::take(&folders.token())?;
            let store = Store::open(&folders, lock)?;
            Ok((folders, token, store))
        });
        let (folders, token, store) = opened.await.map_err(|_| StoreError::Closed)??;
        let clock = config.clock.clone();
        let now = Arc::new(move || u64::try_from(clock.unix_ms()).unwrap_or_default());
        let workspaces = Workspaces::new(folders.sync(), now, config.umask);
        let hub = Hub::new(config.clock, config.limits, agents, folders, store, workspaces);
        let hub = Arc::new(hub);
        recovery::recover(&hub).await?;
        let house = House {
            token,
            is_dev: config.is_dev,
            failures: Mutex::default(),
            hosts: config.hosts,
            origins: config.origins,
            bound: RwLock::new(Ipv4Addr::LOCALHOST.into()),
            places: Arc::new(Semaphore::new(hub.limits.connections)),
            connected: AtomicUsize::new(0),
            hub,
        };
        let feed = || Arc::new(Kept(Arc::clone(&house.hub)));
        let monitor = config.monitor.map(|link| Monitor::start(link, feed(), Pace::default()));
        Ok(Self { house: Arc::new(house), server: None, monitor })
    }

    /// Returns the service: `/ws`, `/sync/{session}` and `/health`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/ws", get(connect))
            .route("/sync/{session}", get(crate::sync::connect))
            .route("/health", get(health))
            .with_state(Arc::clone(&self.house))
    }

    /// Returns the way to it within this process.
    #[must_use]
    pub fn link(&self) -> Link {
        Link::InProcess(self.router())
    }

    /// Returns what a client must know.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.house.token
    }

    /// Returns what all parts of the gateway share.
    #[cfg(test)]
    pub(crate) fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.house.hub)
    }

    /// Listens on an address, and tells others in a file which one that is.
    ///
    /// # Errors
    /// Where it is not free, or the file cannot be written.
    pub async fn listen(&mut self, addr: SocketAddr) -> Result<SocketAddr, StartError> {
        if self.server.is_some() {
            return Err(StartError::Listening);
        }
        let fail = |source| StartError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(fail)?;
        let bound = listener.local_addr().map_err(fail)?;
        *self.house.bound.write().unwrap_or_else(PoisonError::into_inner) = bound.ip();
        replace_private(&self.house.hub.folders.bind(), format!("{bound}\n").as_bytes())?;
        let (stop, stopped) = oneshot::channel();
        let router = self.router();
        let dropped = self.house.hub.dropped.clone();
        let task = tokio::spawn(async move {
            let stopping = async {
                // One that is dropped stops as well.
                _ = stopped.await;
            };
            let serving = serve(Listener::Tcp(listener), router, stopping);
            _ = dropped.run_until_cancelled(serving).await;
        });
        self.server = Some(Server { stop, task });
        tracing::info!(%bound, "the gateway listens");
        Ok(bound)
    }

    /// Stops: no new turns, a moment for those that run, everything on disk, every connection closed.
    pub async fn shutdown(mut self) {
        let hub = Arc::clone(&self.house.hub);
        hub.stop();
        let mut waiting = vec![];
        for id in hub.owned() {
            let (stopped, ended) = oneshot::channel();
            hub.command_if_owned(&id, Command::Stop(stopped)).await;
            waiting.push(ended);
        }
        // A turn is given its time to stop, and so is its agent after it.
        let by = tokio::time::Instant::now() + hub.limits.stop_within * 2 + PATIENCE;
        for ended in waiting {
            // A session that is put out of memory meanwhile has nobody to say so, and is on disk.
            if tokio::time::timeout_at(by, ended).await.is_err() {
                tracing::warn!(
                    "a session did not stop in time; it is brought in order at the next start"
                );
            }
        }
        hub.workspaces.shutdown().await;
        hub.close_connections(CLOSE_GOING_AWAY, "the gateway stops");
        let all = u32::try_from(hub.limits.connections).unwrap_or(u32::MAX);
        let closed = self.house.places.acquire_many(all);
        if tokio::time::timeout(PATIENCE, closed).await.is_err() {
            tracing::info!("connections that did not end in time were cut off");
        }
        if let Some(Server { stop, task }) = self.server.take() {
            // The server may have ended already.
            _ = stop.send(());
            _ = task.await;
            if let Err(error) = std::fs::remove_file(hub.folders.bind()) {
                tracing::debug!(%error, "the file that says where the gateway listens is still there");
            }
        }
        if let Some(monitor) = self.monitor.take() {
            monitor.stop().await;
        }
        hub.store.close().await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.house.hub.dropped.cancel();
        self.house.hub.store.close_soon();
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("token", &self.house.token).finish_non_exhaustive()
    }
}

/// Returns what starts agents.
fn agents(config: &Config) -> Arc<dyn StartsAgents> {
    let Config { data_dir, environment, echo, .. } = config.clone();
    Arc::new(Agents::new(AgentsConfig { data_dir, environment, echo }))
}

impl House {
    pub(crate) fn check(&self, request: &Request) -> Result<(), Denied> {
        let bound = *self.bound.read().unwrap_or_else(PoisonError::into_inner);
        handshake::check_place(request.headers(), bound, &self.hosts, &self.origins)
    }

    /// Takes a place for a connection, if there is one.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Denied> {
        let full = "too many are connected; close a connection and try again";
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Denied::new(StatusCode::SERVICE_UNAVAILABLE, full))
    }
}

/// Lets a client in, if it may and is one.
async fn connect(State(house): State<Arc<House>>, request: Request) -> Response<Body> {
    match let_in(&house, request) {
        Ok(answer) => answer,
        Err(denied) => denied.answer(),
    }
}

fn let_in(house: &Arc<House>, request: Request) -> Result<Response<Body>, Denied> {
    house.check(&request)?;
    let accept = handshake::accept_key(request.method(), request.headers())?;
    let stops = "the gateway stops; connect again once it runs again";
    if house.hub.is_stopping() {
        return Err(Denied::new(StatusCode::SERVICE_UNAVAILABLE, stops));
    }
    let place = house.place()?;
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let upgrade = hyper::upgrade::on(request);
    let guest = Arc::clone(house);
    house.hub.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                guest.connected.fetch_add(1, Ordering::Relaxed);
                connection::converse(Arc::clone(&guest), upgraded, peer).await;
                guest.connected.fetch_sub(1, Ordering::Relaxed);
            }
            Err(error) => tracing::debug!(%error, "a connection did not become a WebSocket"),
        }
        drop(place);
    });
    Ok(handshake::upgraded(accept))
}

/// Says that the gateway is there.
async fn health(State(house): State<Arc<House>>, request: Request) -> Response<Body> {
    if let Err(denied) = house.check(&request) {
        return denied.answer();
    }
    let body = json!({
        "status": if house.hub.is_stopping() { "stopping" } else { "ok" },
        "protocolVersion": PROTOCOL_VERSION,
        "connections": house.connected.load(Ordering::Relaxed),
        "sessions": house.hub.list(true).len(),
    });
    axum::response::IntoResponse::into_response(axum::Json(body))
}
