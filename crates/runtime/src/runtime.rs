//! The boundary: start a runtime, reach it, stop it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, UNIX_EPOCH};

use oriel_link::Link;
use oriel_link::serve::{self, Listener};
use oriel_model::{QuietLimit, QuietLimitError};
use oriel_pricing::PriceBook;
use oriel_sources::Format;
use oriel_store::{OpenError, Store, StoreOptions};
use oriel_wire::control::{DaemonPhase, HEALTH_SCHEMA, HealthFile};
use oriel_wire::time::rfc3339;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api;
use crate::app::{Address, App, Gate};
use crate::archive::Archive;
use crate::audit::{self, Audit};
use crate::config::{Access, Config, ConfigFault, Role};
use crate::gate::{self, Blocked};
use crate::home::{Home, HomeError};
use crate::hub::Hub;
use crate::imports::{self, Imports};
use crate::ingest::Branches;
use crate::metrics::Metrics;
use crate::notices::{self, Notices};
use crate::prices::{self, PriceFileError};
use crate::state::Registry;
use crate::told::Meters;

mod ticks;

/// A running runtime. Dropping it without [`Runtime::shutdown`] ends it as a crash would: what was
/// answered is on disk, what was not is not.
pub struct Runtime {
    app: Arc<App>,
    link: Link,
    base_url: String,
    tasks: JoinSet<()>,
}

/// Why a runtime is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was asked to stop.
    Stop,
    /// It was asked to start again, which whoever runs it does once it has stopped.
    Restart,
}

/// A runtime could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its data directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Its quiet limit cannot be used.
    #[error(transparent)]
    Quiet(#[from] QuietLimitError),
    /// The user's prices cannot be used.
    #[error(transparent)]
    Prices(#[from] PriceFileError),
    /// Something else listens there.
    #[error(
        "{addr} is taken by another program; stop that program, or set `listen.port` \
         (--port, ORIEL_LISTEN_PORT) to a free one"
    )]
    PortTaken {
        /// Where.
        addr: SocketAddr,
    },
    /// It cannot listen there.
    #[error("cannot listen on {place}: {source}")]
    Listen {
        /// Where.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// Anyone on the network could read everything.
    #[error(
        "{0} is not a loopback address, so `access` must be \"token\"; set it, or listen on 127.0.0.1"
    )]
    OpenToAll(SocketAddr),
}

impl Runtime {
    /// Starts a runtime that listens.
    ///
    /// # Errors
    /// Where it cannot use its folder, its store or its address.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let addr = SocketAddr::new(config.listen.host, config.listen.port);
        if !addr.ip().is_loopback() && config.access != Access::Token {
            return Err(StartError::OpenToAll(addr));
        }
        let home = Home::take(&config.data_dir)?;
        let tcp = TcpListener::bind(addr).await.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortTaken { addr },
            _ => StartError::Listen { place: addr.to_string(), source },
        })?;
        let local = tcp
            .local_addr()
            .map_err(|source| StartError::Listen { place: addr.to_string(), source })?;
        let socket = config.listen.socket.clone();
        let mut listeners = vec![Listener::Tcp(tcp)];
        if let Some(path) = &socket {
            listeners.push(unix(path)?);
        }
        let mut runtime = Self::with_home(config, home).await?;
        runtime.base_url = format!("http://{local}");
        _ = runtime.app.address.set(Address { tcp: Some(local), socket });
        let Link::InProcess(router) = &runtime.link else { unreachable!("made so above") };
        for listener in listeners {
            let serve = serve::serve(listener, router.clone(), runtime.app.stopping());
            runtime.tasks.spawn(serve);
        }
        runtime.app.tell()?;
        runtime.app.imports.begin_by_itself();
        tracing::info!(addr = %local, phase = runtime.phase().as_str(), "the runtime listens");
        Ok(runtime)
    }

    /// Starts a runtime that is reached through [`Runtime::link`] alone.
    ///
    /// # Errors
    /// Where it cannot use its folder or its store.
    pub async fn open(config: Config) -> Result<Self, StartError> {
        let home = Home::take(&config.data_dir)?;
        Self::with_home(config, home).await
    }

    async fn with_home(config: Config, home: Home) -> Result<Self, StartError> {
        Self::with_formats(config, home, oriel_sources::formats()).await
    }

    /// Starts with the histories that it can read as an argument, for tests.
    pub(crate) async fn with_formats(
        mut config: Config,
        home: Home,
        formats: Vec<Box<dyn Format>>,
    ) -> Result<Self, StartError> {
        let quiet = QuietLimit::from_seconds(config.quiet.as_secs())?;
        let prices = match prices::load(config.prices_file.as_deref(), &config.data_dir) {
            Ok(prices) => prices,
            Err(error) if config.role == Role::Daemon => {
                config.fault.get_or_insert_with(|| fault_of(&error));
                PriceBook::builtin()
            }
            Err(error) => return Err(error.into()),
        };
        let started = Instant::now();
        let metrics = Metrics::new();
        let hub = Arc::new(Hub::new(config.stream.clients_max, metrics.resyncs.clone()));
        let notices = Arc::new(Notices::new(metrics.notices_passed_over.clone()));
        let gate = open_gate(&config, &home, &hub, &notices).await?;
        let phase = match &gate {
            Gate::Open(_) => DaemonPhase::Ready,
            Gate::Blocked(_) => DaemonPhase::LocalReadinessGate,
        };
        let mut app = App {
            branches: config.projects_dir.clone().map(Branches::below),
            gate,
            audit: Arc::new(Audit::in_folder(
                home.folder().join("audit"),
                config.audit,
                config.clock.clone(),
            )),
            hub,
            quiet,
            prices,
            metrics,
            meters: Meters::default(),
            imports: Imports::new(formats),
            archive: Archive::below(home.folder()),
            notices,
            registry: Registry::default(),
            home,
            started,
            started_at: 0,
            phase: watch::Sender::new(phase),
            stop: watch::Sender::new(false),
            again: AtomicBool::new(false),
            launcher: OnceLock::new(),
            sync: OnceLock::new(),
            address: OnceLock::new(),
            changing_hooks: tokio::sync::Mutex::default(),
            config,
        };
        app.started_at = app.now();
        let app = Arc::new(app);
        let link = Link::InProcess(api::router(&app));
        let mut tasks = JoinSet::new();
        tasks.spawn(ticks::run(Arc::clone(&app)));
        if matches!(app.gate, Gate::Open(_)) {
            tasks.spawn(crate::spool::run(Arc::clone(&app)));
        }
        tasks.spawn(imports::run(Arc::clone(&app)));
        tasks.spawn(notices::run(Arc::clone(&app)));
        tasks.spawn(audit::run(Arc::clone(&app)));
        Ok(Self { app, link, base_url: "http://localhost".to_owned(), tasks })
    }

    /// Returns the address of the runtime's services, `http://127.0.0.1:3142` for one.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the address that it listens on, with the real port where 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.app.address.get().and_then(|address| address.tcp)
    }

    /// Returns where the runtime stands.
    #[must_use]
    pub fn phase(&self) -> DaemonPhase {
        *self.app.phase.borrow()
    }

    /// Returns the way to reach it without a socket.
    #[must_use]
    pub fn link(&self) -> Link {
        self.link.clone()
    }

    /// Returns the token that its control API asks for by now; it can be made anew.
    #[must_use]
    pub fn authtok(&self) -> String {
        self.app.home.authtok()
    }

    /// Returns what its requests share.
    #[cfg(test)]
    pub(crate) fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// Puts a launcher beside it, which is asked for what is said of modules. A second one is none.
    pub fn stand_beside(&self, launcher: Link) {
        _ = self.app.launcher.set(launcher);
    }

    /// Has what keeps folders equal stand beside it, which is asked for what is said of sync. A second
    /// one is none.
    pub fn sync_through(&self, sync: Link) {
        _ = self.app.sync.set(sync);
    }

    /// Waits until something asks the runtime to stop, or to start again.
    pub async fn stopped(&self) -> Ending {
        self.app.stopping().await;
        if self.app.again.load(Ordering::SeqCst) { Ending::Restart } else { Ending::Stop }
    }

    /// Stops: open streams end, requests under way are answered, what was accepted is on disk, and
    /// the address and the data directory are free when this returns.
    pub async fn shutdown(mut self) {
        self.app.phase.send_replace(DaemonPhase::Draining);
        if self.local_addr().is_some()
            && let Err(error) = self.app.tell()
        {
            tracing::warn!(%error, "the health file does not say that the runtime stops");
        }
        self.app.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the runtime failed");
            }
        }
        if let Gate::Open(store) = &self.app.gate {
            store.close().await;
        }
        if let Some(address) = self.app.address.get() {
            self.app.home.fall_silent();
            if let Some(socket) = &address.socket {
                // Whoever starts next removes it too.
                _ = std::fs::remove_file(socket);
            }
        }
        self.app.home.let_go();
        tracing::info!("the runtime has stopped");
    }
}

impl App {
    /// Writes the health file as of now.
    fn tell(&self) -> Result<(), HomeError> {
        let address = self.address.get().cloned().unwrap_or_default();
        self.home.tell(&HealthFile {
            schema: HEALTH_SCHEMA.to_owned(),
            pid: std::process::id(),
            started_at: rfc3339(self.started_at),
            updated_at: rfc3339(self.now()),
            phase: *self.phase.borrow(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            addr: address.tcp.map(|addr| addr.to_string()),
            socket: address.socket.map(|path| path.display().to_string()),
        })
    }
}

/// Opens the store, or says what must be mended before it can be.
async fn open_gate(
    config: &Config,
    home: &Home,
    hub: &Arc<Hub>,
    notices: &Arc<Notices>,
) -> Result<Gate, StartError> {
    let blockers = gate::find(config, home, &stamp(config));
    if !blockers.is_empty() {
        return Ok(Gate::Blocked(Blocked::by(blockers)));
    }
    let options = StoreOptions {
        durability: config.store.durability,
        readers: config.store.readers,
        queue_events_max: config.store.queue_events_max,
    };
    let path = home.store();
    let (to_hub, to_notices) = (Arc::clone(hub), Arc::clone(notices));
    let committed = move |events| {
        to_notices.tell(&events);
        to_hub.publish(events);
    };
    // The gate has made the copy that is due.
    let store = Store::open_copied(&path, options, committed)?;
    match store.last_event().await {
        Ok(last) => hub.begin_after(last),
        Err(error) => tracing::error!(%error, "the last event is not known"),
    }
    Ok(Gate::Open(store))
}

fn stamp(config: &Config) -> String {
    let since = config.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gate::stamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Returns what is wrong with the user's prices, as a fault of the settings.
fn fault_of(error: &PriceFileError) -> ConfigFault {
    let problem = error.to_string();
    match error {
        PriceFileError::Read { path, .. } => {
            ConfigFault { path: path.clone(), line: None, problem }
        }
        PriceFileError::Table { path, line, .. } => {
            ConfigFault { path: path.clone(), line: Some(*line), problem }
        }
    }
}

#[cfg(unix)]
fn unix(path: &Path) -> Result<Listener, StartError> {
    use std::os::unix::fs::PermissionsExt;
    let fail = |source| StartError::Listen { place: path.display().to_string(), source };
    // The lock of the data directory says that no daemon of ours listens there.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let listener = tokio::net::UnixListener::bind(path).map_err(fail)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
    Ok(Listener::Unix(listener))
}

#[cfg(not(unix))]
fn unix(path: &Path) -> Result<Listener, StartError> {
    let source = std::io::Error::from(std::io::ErrorKind::Unsupported);
    Err(StartError::Listen { place: path.display().to_string(), source })
}
