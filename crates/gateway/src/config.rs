//! What a gateway is told when it is opened. It reads no clock, no environment and no file for it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oriel_link::Link;

/// What a gateway is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Oriel's data directory. The gateway lives in `gateway` beneath it.
    pub data_dir: PathBuf,
    /// The time.
    pub clock: Clock,
    /// The runtime that hears of what happens in sessions, if one does.
    pub monitor: Option<Link>,
    /// The command line that runs the agent `echo`.
    pub echo: Vec<OsString>,
    /// The environment, of which agents are given a part.
    pub environment: BTreeMap<String, String>,
    /// The origins of web pages that may connect, such as the console's own.
    pub origins: Vec<String>,
    /// The names under which the gateway may be addressed, beside those of the machine's loopback.
    pub hosts: Vec<String>,
    /// Whether whoever connects is let in without a token. Host and origin are looked at all the same.
    pub is_dev: bool,
    /// The umask of a plain program of this person, where this process has another: what comes into a
    /// workspace by sync is made with it.
    pub umask: Option<u32>,
    /// How much is too much.
    pub limits: Limits,
}

/// How much is too much. What never has to differ stands where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A turn that takes longer is ended with `TurnTimedOut`.
    pub turn_max: Duration,
    /// An agent that had nothing to do for so long is ended. The next turn starts one again.
    pub idle_agent: Duration,
    /// An agent that cannot be given work after so long is ended.
    pub start_within: Duration,
    /// An agent that was asked to stop and has not done so after this is ended.
    pub stop_within: Duration,
    /// How many may be connected at once. One more is answered with 503.
    pub connections: usize,
    /// How many sessions are kept. One more is refused until another is deleted.
    pub sessions: usize,
    /// How many bytes of events wait for a connection. With more it is closed with 4408.
    pub queued_bytes: usize,
    /// A connection that has not said who it is by then is closed with 4401.
    pub authenticate_within: Duration,
    /// How often connections hear a heartbeat.
    pub heartbeat: Duration,
    /// A session that nobody joined and in which nothing happens is put out of memory after this.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turn_max: Duration::from_secs(2 * 60 * 60),
            idle_agent: Duration::from_secs(30 * 60),
            start_within: Duration::from_secs(2 * 60),
            stop_within: Duration::from_secs(5),
            connections: 512,
            sessions: 10_000,
            queued_bytes: 8 * 1024 * 1024,
            authenticate_within: Duration::from_secs(10),
            heartbeat: Duration::from_millis(oriel_wire::gateway::HEARTBEAT_MS),
            linger: Duration::from_secs(10),
        }
    }
}

/// A source of time that a test can hold still.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Clock {
    /// Makes a clock from anything that tells the time.
    pub fn new(read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read) }
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        (self.read)()
    }

    /// Returns the time in Unix milliseconds. Before 1970 there is none.
    pub(crate) fn unix_ms(&self) -> i64 {
        let since = self.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}
