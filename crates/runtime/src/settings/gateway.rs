//! Where the gateway listens, and how long it is patient.

use std::net::IpAddr;
use std::time::Duration;

use super::Values;

/// Where the gateway listens, whom it hears, and how long it is patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewaySettings {
    /// Whether the daemon has one at all.
    pub enabled: bool,
    /// The address to bind; anything but loopback needs `allow_remote`.
    pub host: IpAddr,
    /// The port to bind; 0 asks the system for a free one.
    pub port: u16,
    /// Whether other machines may reach it, behind a proxy that speaks TLS.
    pub allow_remote: bool,
    /// Further host names under which clients may address it.
    pub hosts: Vec<String>,
    /// Further origins whose pages may open a socket to it.
    pub origins: Vec<String>,
    /// After so long without work an agent is ended. Its session goes on with the next turn.
    pub idle: Duration,
    /// A turn may take so long.
    pub turn: Duration,
}

impl Values {
    pub(super) fn gateway(&self) -> GatewaySettings {
        let minutes = |key| Duration::from_secs(self.whole::<u64>(key) * 60);
        GatewaySettings {
            enabled: self.word("gateway.enabled") == "true",
            host: self.address("gateway.host"),
            port: self.whole("gateway.port"),
            allow_remote: self.word("gateway.allow_remote") == "true",
            hosts: self.names("gateway.hosts"),
            origins: self.names("gateway.origins"),
            idle: minutes("gateway.idle_minutes"),
            turn: minutes("gateway.turn_minutes"),
        }
    }
}
