//! What a console needs to know before it starts.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use oriel_link::Link;

/// Everything a console is told at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory, whose token the runtime asks for.
    pub data_dir: PathBuf,
    /// How the runtime is reached.
    pub runtime: Reach,
    /// How the gateway is reached.
    pub gateway: GatewayReach,
    /// The address that it is served at, for the check of `Host`.
    pub host: IpAddr,
    /// Further names under which a browser may address it.
    pub hosts: Vec<String>,
    /// Whether reading takes a session too, and not only what changes something.
    pub reading_needs_session: bool,
    /// Where the time comes from.
    pub clock: Clock,
}

/// How the runtime is reached.
#[derive(Debug, Clone)]
pub enum Reach {
    /// In one way, from start to end.
    Link(Link),
    /// In the way that the health file of the data directory names, looked up at each request, so that
    /// a runtime which was started again is found.
    HealthFile,
}

/// How the gateway is reached.
#[derive(Debug, Clone)]
pub enum GatewayReach {
    /// In one way, from start to end. The token is in this file, which is read for each connection.
    Link {
        /// The way.
        link: Link,
        /// The file with the token.
        token: PathBuf,
    },
    /// At the address that `gateway/bind` of the data directory names, with the token beside it. Both are
    /// looked up for each connection, so that a gateway which was started again is found.
    Bind,
    /// There is none.
    None,
}

/// A source of time that a test can hold still, and the zone that people read it in.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    zone: Arc<dyn Fn() -> TimeZone + Send + Sync>,
}

impl Clock {
    /// Makes a clock.
    pub fn new(
        read: impl Fn() -> Timestamp + Send + Sync + 'static,
        zone: impl Fn() -> TimeZone + Send + Sync + 'static,
    ) -> Self {
        Self { read: Arc::new(read), zone: Arc::new(zone) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.read)()
    }

    pub(crate) fn zone(&self) -> TimeZone {
        (self.zone)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
