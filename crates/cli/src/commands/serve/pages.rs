//! The console that the daemon serves beside its API.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use oriel_console::{Clock, Config, Console, Reach, StartError};
use oriel_link::Link;
use oriel_runtime::config::{self, Access};
use oriel_runtime::settings::ConsoleSettings;

/// Returns what a console is told, but for the way to the runtime.
pub(crate) fn config(runtime: &config::Config, settings: ConsoleSettings) -> Config {
    let clock = Arc::new(runtime.clock.clone());
    let zone = Arc::clone(&clock);
    Config {
        data_dir: runtime.data_dir.clone(),
        runtime: Reach::HealthFile,
        host: settings.host,
        hosts: runtime.listen.hosts.clone(),
        reading_needs_session: settings.allow_remote || runtime.access == Access::Token,
        clock: Clock::new(
            move || Timestamp::try_from(clock.now()).unwrap_or(Timestamp::UNIX_EPOCH),
            move || zone.zone(),
        ),
    }
}

/// Starts it, if it is wanted.
pub(crate) async fn start(
    config: Config,
    settings: ConsoleSettings,
    runtime: Link,
) -> Result<Option<(Console, SocketAddr)>, StartError> {
    if !settings.enabled {
        return Ok(None);
    }
    let mut console = Console::new(Config { runtime: Reach::Link(runtime), ..config });
    let addr = console.listen(SocketAddr::new(settings.host, settings.port)).await?;
    Ok(Some((console, addr)))
}
