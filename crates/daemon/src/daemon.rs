//! The services of a daemon, in the order in which each stands on the one before.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use oriel_console::{Config as ConsoleConfig, Console, GatewayReach, Reach};
use oriel_gateway::Gateway;
use oriel_launcher::service::Service;
use oriel_launcher::{Keeper, Launch, Modules, ModulesConfig, modules};
use oriel_link::Link;
use oriel_runtime::config::Role;
use oriel_runtime::settings::{Origin, Resolved, SettingRow};
use oriel_runtime::{Ending, Runtime};
use oriel_wire::control::DaemonPhase;

use crate::gateway::{self, GatewayError};
use crate::pages;
#[cfg(feature = "local-sync")]
use crate::sync;
use crate::words::rfc3339;

/// A runtime with what stands beside it. Dropping it without [`Daemon::shutdown`] ends it as a crash
/// would.
pub struct Daemon {
    runtime: Runtime,
    modules: Option<Arc<Modules>>,
    gateway: Option<(Gateway, SocketAddr)>,
    #[cfg(feature = "local-sync")]
    syncs: Option<Arc<oriel_sync::Syncs>>,
    console: Option<Console>,
    console_addr: Option<SocketAddr>,
}

/// How a daemon's console is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// Over its port, where the settings want it.
    Served,
    /// In this process; and over its port too, where somebody set one or asked for it.
    Inside,
}

/// A daemon could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its runtime could not.
    #[error(transparent)]
    Runtime(#[from] oriel_runtime::StartError),
    /// Its gateway could not.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// Its console could not.
    #[error(transparent)]
    Console(#[from] oriel_console::StartError),
}

impl Daemon {
    /// Starts everything, or nothing.
    ///
    /// # Errors
    /// Where the runtime, the gateway or the console cannot start.
    pub async fn start(
        resolved: Resolved,
        by: Keeper,
        environment: BTreeMap<String, String>,
        pages: Pages,
    ) -> Result<Self, StartError> {
        let Resolved { mut config, console: settings, gateway: talking, rows, .. } = resolved;
        config.role = Role::Daemon;
        let data_dir = config.data_dir.clone();
        let clock = config.clock.clone();
        let is_asked_for = rows.iter().any(|row| {
            matches!(row.key, "console.port" | "console.enabled")
                && !matches!(row.origin, Origin::Default)
        });
        let listens = settings.enabled && (pages == Pages::Served || is_asked_for);
        let console = pages::config(&config, settings);
        let kept = config.clone();
        let runtime = Runtime::start(config).await?;
        if let Err(error) = Launch::of_this_process(by, arguments(&rows)).write(&data_dir) {
            tracing::warn!(
                "cannot tell how the daemon was started, so it cannot be restarted: {error}"
            );
        }
        // In the gate nothing runs that the operator may be about to deny.
        let modules = (runtime.phase() == DaemonPhase::Ready).then(|| {
            let config = ModulesConfig {
                data_dir: data_dir.clone(),
                environment: environment.clone(),
                pace: modules::Pace::default(),
            };
            Arc::new(Modules::start(config))
        });
        let now = Arc::new(move || rfc3339(clock.now()));
        let service = Service { data_dir: data_dir.clone(), modules: modules.clone(), now };
        runtime.stand_beside(Link::InProcess(service.router()));
        let mut daemon = Self {
            runtime,
            modules,
            gateway: None,
            #[cfg(feature = "local-sync")]
            syncs: None,
            console: None,
            console_addr: None,
        };
        #[cfg(feature = "local-sync")]
        let home = environment.get("HOME").map(Into::into);
        if talking.enabled && daemon.runtime.phase() == DaemonPhase::Ready {
            let link = daemon.runtime.link();
            let config = gateway::config(&kept, &talking, settings, environment, link);
            match gateway::start(config, &talking).await {
                Ok(started) => daemon.gateway = started,
                Err(error) => {
                    daemon.shutdown().await;
                    return Err(error.into());
                }
            }
        }
        #[cfg(feature = "local-sync")]
        if daemon.runtime.phase() == DaemonPhase::Ready {
            let gateway = daemon.gateway.as_ref().map(|(gateway, _)| gateway);
            let syncs = sync::open(&kept, gateway, talking.enabled, home).await;
            daemon.runtime.sync_through(Link::InProcess(syncs.router()));
            daemon.syncs = Some(syncs);
        }
        if listens || pages == Pages::Inside {
            let runtime = Reach::Link(daemon.runtime.link());
            let gateway = match &daemon.gateway {
                Some((gateway, _)) => GatewayReach::Link {
                    link: gateway.link(),
                    token: gateway.token().path().to_owned(),
                },
                None if talking.enabled => GatewayReach::Bind,
                None => GatewayReach::None,
            };
            let config = ConsoleConfig { runtime, gateway, ..console };
            let mut console = Console::new(config);
            if listens {
                let addr = SocketAddr::new(settings.host, settings.port);
                match console.listen(addr).await {
                    Ok(addr) => daemon.console_addr = Some(addr),
                    Err(error) => {
                        daemon.shutdown().await;
                        return Err(error.into());
                    }
                }
            }
            daemon.console = Some(console);
        }
        Ok(daemon)
    }

    /// Returns the runtime.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Returns the console, if it has one.
    #[must_use]
    pub fn console(&self) -> Option<&Console> {
        self.console.as_ref()
    }

    /// Returns where the console listens, if it does.
    #[must_use]
    pub fn console_addr(&self) -> Option<SocketAddr> {
        self.console_addr
    }

    /// Returns where the gateway listens, if the daemon has one.
    #[must_use]
    pub fn gateway_addr(&self) -> Option<SocketAddr> {
        self.gateway.as_ref().map(|(_, addr)| *addr)
    }

    /// Waits until something asks the daemon to stop, or to start again.
    pub async fn stopped(&self) -> Ending {
        self.runtime.stopped().await
    }

    /// Stops the services, those first that others are asked through. What was accepted is on disk, and
    /// addresses and the data directory are free when this returns.
    pub async fn shutdown(self) {
        if let Some(console) = self.console {
            console.shutdown().await;
        }
        #[cfg(feature = "local-sync")]
        if let Some(syncs) = &self.syncs {
            syncs.shutdown().await;
        }
        if let Some((gateway, _)) = self.gateway {
            gateway.shutdown().await;
        }
        if let Some(modules) = &self.modules {
            modules.shutdown().await;
        }
        self.runtime.shutdown().await;
    }
}

/// Returns the command line that gives the settings again which were given by flags. Paths are
/// absolute in it, so that it means the same from everywhere.
#[must_use]
pub fn arguments(rows: &[SettingRow]) -> Vec<String> {
    let given = rows.iter().filter(|row| {
        matches!(row.origin, Origin::Flag(_)) && !matches!(row.key, "data_dir" | "profile")
    });
    given.flat_map(|row| ["--set".to_owned(), format!("{}={}", row.key, row.value)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use oriel_runtime::config::Clock;
    use oriel_runtime::settings::{Flag, Folders};

    use crate::Surroundings;

    #[test]
    fn flags_are_given_again_as_they_were_understood() {
        let flag = |key: &str, value: &str| Flag {
            name: "--set".to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let flags = [
            flag("data_dir", "/data"),
            flag("listen.port", " 5 "),
            flag("listen.socket", "a socket"),
            flag("listen.hosts", "a.example, b.example"),
            flag("access", "token"),
        ];
        let surroundings = surroundings();
        let rows = surroundings.resolve(&flags).unwrap().rows;
        let again = arguments(&rows);
        assert!(again.contains(&"listen.socket=/a socket".to_owned()), "{again:?}");
        assert!(!again.iter().any(|word| word.contains("data_dir")), "{again:?}");
        let given: Vec<Flag> = std::iter::once(flag("data_dir", "/data"))
            .chain(again.iter().filter_map(|word| word.split_once('=')).map(|(k, v)| flag(k, v)))
            .collect();
        let values = |rows: &[SettingRow]| -> Vec<String> {
            rows.iter().map(|row| format!("{}={}", row.key, row.value)).collect()
        };
        assert_eq!(values(&surroundings.resolve(&given).unwrap().rows), values(&rows));
    }

    #[tokio::test]
    async fn a_daemon_starts_again_while_somebody_still_holds_a_link_to_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data").display().to_string();
        let flags =
            [("data_dir", data_dir.as_str()), ("listen.port", "0"), ("import.auto", "false")];
        let flags = flags.map(|(key, value)| Flag {
            name: "--set".to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
        });
        let start = || {
            let resolved = surroundings().resolve(&flags).unwrap();
            Daemon::start(resolved, Keeper::Hand, BTreeMap::new(), Pages::Inside)
        };
        let first = start().await.unwrap();
        assert!(first.console_addr().is_none(), "nobody asked for a port");
        let held = (first.runtime().link(), first.console().unwrap().link());
        first.shutdown().await;
        start().await.unwrap().shutdown().await;
        drop(held);
    }

    fn surroundings() -> Surroundings {
        Surroundings {
            environment: BTreeMap::new(),
            folders: Folders { home: Some("/home/ada".into()), working: "/".into() },
            clock: Clock::new(|| std::time::UNIX_EPOCH),
            program: None,
        }
    }
}
