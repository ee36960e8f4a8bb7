//! What a runtime needs to know before it starts: one checked struct, made once.
//!
//! Nothing below this struct reads a flag, the environment, a file or a clock. `settings` makes it
//! from those; a test makes it by hand.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oriel_store::Durability;

/// Everything a runtime is told at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The private folder that holds the store, the token, the health file and the logs.
    pub data_dir: PathBuf,
    /// Where the runtime listens.
    pub listen: Listen,
    /// Who may read without the token.
    pub access: Access,
    /// How the store keeps events.
    pub store: StoreConfig,
    /// What one event may carry.
    pub ingest: IngestConfig,
    /// The silence after which a session is idle; after twice as long it has ended.
    pub quiet: Duration,
    /// The stream's limits and rhythm.
    pub stream: StreamConfig,
    /// The folder whose children are projects, for finding the branch of a live event.
    pub projects_dir: Option<PathBuf>,
    /// The usage windows shown for known agents.
    pub usage_limits: Vec<UsageLimit>,
    /// Whether to answer as the original program does where this one is more generous.
    pub compat: Compat,
    /// Where the time comes from.
    pub clock: Clock,
}

/// Where the runtime listens.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address to bind; anything but loopback needs [`Access::Token`].
    pub host: IpAddr,
    /// The port to bind; 0 asks the system for a free one.
    pub port: u16,
    /// A Unix socket to serve as well.
    pub socket: Option<PathBuf>,
    /// Further names under which clients may address this runtime in `Host`.
    pub hosts: Vec<String>,
}

/// Who may read `/api/*` without the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every program of this machine, and no web page.
    Loopback,
    /// Nobody.
    Token,
}

/// How the store keeps events.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// What an answered write has survived.
    pub durability: Durability,
    /// How many questions are answered at the same time.
    pub readers: usize,
    /// How many events may wait for the writer before ingest answers 503.
    pub queue_events_max: usize,
}

/// What one event may carry.
#[derive(Debug, Clone)]
pub struct IngestConfig {
    /// The cap of an event's metadata, in KiB of UTF-8 JSON.
    pub payload_kib_max: u64,
}

/// The stream's limits and rhythm.
#[derive(Debug, Clone)]
pub struct StreamConfig {
    /// How often clients get a statistics frame.
    pub stats_interval: Duration,
    /// How many clients may listen.
    pub clients_max: usize,
    /// How often a quiet connection gets a heartbeat.
    pub heartbeat: Duration,
}

/// What an agent may use within two windows of time.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageLimit {
    /// The agent type that it is about, such as `claude_code`.
    pub agent_type: String,
    /// What is counted.
    pub unit: UsageUnit,
    /// The short window.
    pub session: UsageWindow,
    /// The long window; a limit of 0 turns it off.
    pub extended: UsageWindow,
}

/// What a usage limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageUnit {
    /// Input and output tokens.
    Tokens,
    /// US dollars.
    Cost,
}

/// A limit over a stretch of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsageWindow {
    /// The length of the window.
    pub hours: u32,
    /// The amount that is called full; 0 is no limit.
    pub limit: f64,
}

/// Whose letter to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compat {
    /// Ours: a superset.
    Oriel,
    /// AgentMonitor's, to the letter.
    AgentMonitor,
}

/// A source of time that a test can hold still.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// Makes a clock from anything that tells the time.
    pub fn new(read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
