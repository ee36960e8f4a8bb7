//! The gateway of a daemon: what it is told of the settings, and how it is started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};

use oriel_gateway::{AgentsConfig, Clock, Config, FolderError, Gateway, Limits, StartError};
use oriel_link::Link;
use oriel_runtime::config;
use oriel_runtime::settings::{ConsoleSettings, GatewaySettings};

/// A gateway could not be started.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The gateway says why.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Anyone on the network who knows the token could run programs here.
    #[error(
        "{0} is not a loopback address; set `gateway.allow_remote` if a proxy that speaks TLS is in \
         front of it, or listen on 127.0.0.1"
    )]
    OpenToAll(IpAddr),
}

/// Opens a gateway and has it listen. One whose data directory another process has is left to that.
///
/// # Errors
/// Where it cannot be opened or cannot listen.
pub async fn start(
    config: Config,
    settings: &GatewaySettings,
) -> Result<Option<(Gateway, SocketAddr)>, GatewayError> {
    if !settings.allow_remote && !settings.host.to_canonical().is_loopback() {
        return Err(GatewayError::OpenToAll(settings.host));
    }
    let mut gateway = match Gateway::open(config).await {
        Err(error @ StartError::Folder(FolderError::InUse { .. })) => {
            tracing::warn!("{error}; this daemon leaves sessions with agents to it");
            return Ok(None);
        }
        opened => opened?,
    };
    match gateway.listen(SocketAddr::new(settings.host, settings.port)).await {
        Ok(addr) => Ok(Some((gateway, addr))),
        Err(error) => {
            gateway.shutdown().await;
            Err(error.into())
        }
    }
}

/// Returns what a gateway is told of the settings. `monitor` is the way to the runtime that hears of its
/// sessions.
#[must_use]
pub fn config(
    runtime: &config::Config,
    settings: &GatewaySettings,
    console: ConsoleSettings,
    environment: BTreeMap<String, String>,
    monitor: Link,
) -> Config {
    let clock = runtime.clock.clone();
    let AgentsConfig { data_dir, environment, echo } = agents(runtime, environment);
    Config {
        data_dir,
        clock: Clock::new(move || clock.now()),
        monitor: Some(monitor),
        echo,
        environment,
        origins: origins(settings, console),
        hosts: settings.hosts.clone(),
        is_dev: false,
        umask: runtime.setup.umask,
        limits: Limits { idle_agent: settings.idle, turn_max: settings.turn, ..Limits::default() },
    }
}

/// Returns what the list of agents is told of the settings.
#[must_use]
pub fn agents(runtime: &config::Config, environment: BTreeMap<String, String>) -> AgentsConfig {
    let echo = runtime.setup.program.as_deref().map(|program| [program, "agent", "echo"]);
    let echo = echo.map(|words| words.map(OsString::from).into()).unwrap_or_default();
    AgentsConfig { data_dir: runtime.data_dir.clone(), environment, echo }
}

/// The console's own pages may open a socket, where the console has a port that is known, and those that
/// somebody named.
fn origins(settings: &GatewaySettings, console: ConsoleSettings) -> Vec<String> {
    let own = ["127.0.0.1", "localhost", "[::1]"].into_iter().filter(|_| console.port != 0);
    let own = own.map(|host| format!("http://{host}:{}", console.port));
    own.chain(settings.origins.iter().cloned()).collect()
}
