//! What all measurements share: the program, how often and how durably, and where stores are made.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::clock::Clock;
use crate::events::{Events, Style};
use crate::load::{Load, LoadError, Until};
use crate::requests::Requests;
use crate::server::{Launch, Server, ServerError};

/// The setting `store.durability` under measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// An answered event is on disk.
    Full,
    /// An answered event outlives the process, not always the machine.
    Normal,
}

/// How to measure.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The program `oriel`, as an absolute path.
    pub oriel: PathBuf,
    /// How often each figure is measured.
    pub runs: usize,
    /// With which durabilities.
    pub durabilities: Vec<Durability>,
    /// The folder in which stores are made.
    pub stores: PathBuf,
    /// Further environment of the server.
    pub env: Vec<(String, String)>,
    /// What time it is.
    pub clock: Clock,
}

/// A measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The server failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The load could not be put on it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Something else failed while measuring.
    #[error("cannot {action}")]
    Io {
        /// What was being done.
        action: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A store did not take the events it was to be filled with.
    #[error("only {acknowledged} of {events} events were acknowledged: {refused}")]
    NotFilled {
        /// How many were sent.
        events: u64,
        /// How many were acknowledged.
        acknowledged: u64,
        /// What the others were answered.
        refused: String,
    },
}

impl Durability {
    /// The word for it in settings and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
        }
    }

    /// The targets are set for full durability; another is shown without.
    pub(crate) fn target<T>(self, target: T) -> Option<T> {
        (self == Self::Full).then_some(target)
    }
}

/// A server with the folder that is its home.
#[derive(Debug)]
pub(crate) struct Running {
    // In this order they are dropped: first the process, then its files.
    pub(crate) server: Server,
    _home: TempDir,
}

impl Bench {
    /// The runs, each with every durability; every other run in reverse order, so that whatever
    /// changes on the machine meanwhile favours none.
    pub(crate) fn rounds(&self) -> impl Iterator<Item = (usize, Durability)> + use<'_> {
        (0..self.runs).flat_map(|run| {
            let mut order = self.durabilities.clone();
            if run % 2 == 1 {
                order.reverse();
            }
            order.into_iter().map(move |durability| (run, durability))
        })
    }

    /// Makes the home of a server that has no store yet.
    pub(crate) fn home(&self) -> Result<TempDir, BenchError> {
        tempfile::Builder::new()
            .prefix("oriel-bench-")
            .tempdir_in(&self.stores)
            .map_err(|source| failed(format!("make a folder in {}", self.stores.display()), source))
    }

    /// Starts a server on the store in this home.
    pub(crate) fn start(
        &self,
        home: &Path,
        durability: Durability,
        more: &[(&str, String)],
    ) -> Result<Server, BenchError> {
        let mut env = vec![
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("ORIEL_STORE_DURABILITY".to_owned(), durability.name().to_owned()),
        ];
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        env.extend(self.env.iter().cloned());
        let data_dir = home.join("data");
        Ok(Server::start(Launch { oriel: &self.oriel, home, data_dir: &data_dir, env: &env })?)
    }

    /// Starts a server on a new store.
    pub(crate) fn start_fresh(
        &self,
        durability: Durability,
        more: &[(&str, String)],
    ) -> Result<Running, BenchError> {
        let home = self.home()?;
        let server = self.start(home.path(), durability, more)?;
        Ok(Running { server, _home: home })
    }

    /// Makes requests for a new server.
    pub(crate) fn requests(&self, server: &Server, sessions: u64, scatter: bool) -> Requests {
        let scatter_before = scatter.then(|| self.clock.now());
        let style = Style { tag: self.clock.tag(), sessions, scatter_before };
        Requests::new(Events::new(style), &server.addr().to_string())
    }
}

impl Running {
    /// Stops the server and removes its files.
    pub(crate) fn stop(self) -> Result<Duration, BenchError> {
        Ok(self.server.stop()?)
    }
}

/// What a store is filled with before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Filling {
    /// How many events.
    pub events: u64,
    /// Over how many sessions.
    pub sessions: u64,
    /// Whether their times spread over the last 30 days.
    pub scatter: bool,
}

/// Fills a store and makes sure that every event is in it.
pub(crate) fn fill(bench: &Bench, server: &Server, filling: Filling) -> Result<(), BenchError> {
    let load = Load {
        addr: server.addr(),
        connections: 4,
        batch: 200,
        warm_up: Duration::ZERO,
        until: Until::Events(filling.events),
    };
    let mut requests = bench.requests(server, filling.sessions, filling.scatter);
    let outcome = load.run(&mut requests, &mut |_| Ok(()))?;
    if outcome.acknowledged == filling.events {
        return Ok(());
    }
    Err(BenchError::NotFilled {
        events: filling.events,
        acknowledged: outcome.acknowledged,
        refused: outcome.troubles.to_string(),
    })
}

/// Names what was being done when something failed.
pub(crate) fn failed(action: impl Into<String>, source: io::Error) -> BenchError {
    BenchError::Io { action: action.into(), source }
}
