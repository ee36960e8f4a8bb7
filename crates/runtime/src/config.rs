//! What a runtime needs to know before it starts: one checked struct, made once.
//!
//! Nothing below this struct reads a flag, the environment, a file or a clock. `settings` makes it
//! from those; a test makes it by hand.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
pub use oriel_model::{Policy, Priority, QuietHours};
pub use oriel_sources::Homes;
use oriel_store::Durability;

pub use crate::ingest::Privacy;
use crate::settings::{ConsoleSettings, Given, SettingRow};

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
    /// What of an event is kept.
    pub privacy: Privacy,
    /// What is forgotten when.
    pub retention: RetentionConfig,
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
    /// The user's own prices; where this is nothing, `prices.toml` in the data directory if there is
    /// one.
    pub prices_file: Option<PathBuf>,
    /// What may be spent.
    pub budget: Budget,
    /// Which histories are imported, and when.
    pub imports: ImportsConfig,
    /// What a person is told of, and how.
    pub notify: NotifyConfig,
    /// Where the time comes from.
    pub clock: Clock,
    /// Whose runtime it is.
    pub role: Role,
    /// What is wrong with the configuration file, if it cannot be used and nothing of it holds.
    pub fault: Option<ConfigFault>,
    /// How long it is kept who changed what.
    pub audit: AuditConfig,
    /// How the program was started, for those who set it up. The default knows nothing.
    pub setup: SetupConfig,
}

/// Whose runtime it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// A command's that asks a question or does one thing, and ends.
    #[default]
    Command,
    /// A program's that stays, can start it again, and runs modules beside it.
    Daemon,
}

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong there, and what to do.
    pub problem: String,
}

/// How long it is kept who changed what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditConfig {
    /// The days after which an entry is removed.
    pub days: u32,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { days: 90 }
    }
}

/// How the program was started: what of that the pages for setting up show and use.
#[derive(Clone, Default)]
pub struct SetupConfig {
    /// What the settings were made from; nothing where they were made by hand.
    pub given: Option<Given>,
    /// Every setting as it was made out.
    pub rows: Vec<SettingRow>,
    /// What was given and is ignored.
    pub warnings: Vec<String>,
    /// Where the console is served, where that is known.
    pub console: Option<ConsoleSettings>,
    /// The program, by a path that holds from anywhere, for the commands of hooks.
    pub program: Option<String>,
    /// What hooks must be told so that they find this daemon.
    pub hook_flags: Vec<(String, String)>,
    /// The umask that the person's programs have, where this one has made its own stricter.
    pub umask: Option<u32>,
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
    /// With fewer bytes free on its disk, nothing is begun.
    pub free_bytes_min: u64,
}

/// What one event may carry.
#[derive(Debug, Clone)]
pub struct IngestConfig {
    /// The cap of an event's metadata, in KiB of UTF-8 JSON.
    pub payload_kib_max: u64,
}

/// What is forgotten when. Nothing is, unless told.
#[derive(Debug, Clone, Default)]
pub struct RetentionConfig {
    /// The days after which a session is forgotten whole; 0 is never.
    pub sessions_days: u32,
    /// The days after which the words of prompts, answers and tools cannot be searched for any more;
    /// 0 is never.
    pub texts_days: u32,
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

/// Which histories are imported, and when. The default one imports nothing by itself and knows of no
/// folder.
#[derive(Debug, Clone, Default)]
pub struct ImportsConfig {
    /// Where agents keep their histories.
    pub homes: Homes,
    /// Whether a daemon imports them by itself.
    pub auto: bool,
    /// How often it then looks for what is new; never where this is nothing.
    pub every: Duration,
    /// Whether it reads a history as soon as it changes.
    pub watch: bool,
    /// Whether what was imported is kept in the archive.
    pub archive: bool,
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

/// What a person is told of, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyConfig {
    /// The seconds that a turn must take for its end to be told of.
    pub turn_seconds: u32,
    /// So many failures in one session are told of; 0 is never.
    pub failures: u32,
    /// The minutes within which they must come.
    pub failure_minutes: u32,
    /// How notices reach the person.
    pub policy: Policy,
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self { turn_seconds: 60, failures: 5, failure_minutes: 5, policy: Policy::default() }
    }
}

/// What may be spent, in US dollars; 0 is no limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// In a day.
    pub daily_usd: f64,
    /// In a week, from Monday on.
    pub weekly_usd: f64,
    /// In a month.
    pub monthly_usd: f64,
    /// From how much of a limit on to warn.
    pub warn_percent: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { daily_usd: 0.0, weekly_usd: 0.0, monthly_usd: 0.0, warn_percent: 80.0 }
    }
}

/// Whose letter to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compat {
    /// Ours: a superset.
    Oriel,
    /// AgentMonitor's, to the letter.
    AgentMonitor,
}

/// A source of time that a test can hold still, and the zone that it is told in.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    zone: Arc<dyn Fn() -> TimeZone + Send + Sync>,
}

impl Clock {
    /// Makes a clock from anything that tells the time. Its zone is UTC.
    pub fn new(read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), zone: Arc::new(|| TimeZone::UTC) }
    }

    /// Takes the zone from elsewhere. It is asked only where one is needed, since finding it takes
    /// reading files.
    #[must_use]
    pub fn with_zone(self, zone: impl Fn() -> TimeZone + Send + Sync + 'static) -> Self {
        Self { zone: Arc::new(zone), ..self }
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        (self.read)()
    }

    /// Returns the zone.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        (self.zone)()
    }
}

impl std::fmt::Debug for SetupConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It says again what the rest of the settings says, and where each of them was given.
        f.write_str("SetupConfig")
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
