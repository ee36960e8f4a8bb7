//! What a console is told of the settings.

use std::sync::Arc;

use jiff::Timestamp;
use oriel_console::{Clock, Config, GatewayReach, Reach};
use oriel_runtime::config::{self, Access};
use oriel_runtime::settings::ConsoleSettings;

/// Returns what a console is told, but for the way to the runtime.
#[must_use]
pub fn config(runtime: &config::Config, settings: ConsoleSettings) -> Config {
    let clock = Arc::new(runtime.clock.clone());
    let zone = Arc::clone(&clock);
    Config {
        data_dir: runtime.data_dir.clone(),
        runtime: Reach::HealthFile,
        gateway: GatewayReach::Bind,
        host: settings.host,
        hosts: runtime.listen.hosts.clone(),
        reading_needs_session: settings.allow_remote || runtime.access == Access::Token,
        clock: Clock::new(
            move || Timestamp::try_from(clock.now()).unwrap_or(Timestamp::UNIX_EPOCH),
            move || zone.zone(),
        ),
    }
}
