//! Modules: the operator's signed programs, kept running while the daemon runs.
//!
//! One task owns what is known of them and receives messages; programs, checks and delays tell it
//! what became of them. A module is started only as it was signed, which is looked at before each
//! start. Whoever holds [`Modules`] asks and never locks.

mod folder;
mod keeper;
mod leftover;
mod life;
mod process;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use oriel_link::Link;
use oriel_wire::module::ModuleView;
use tokio::sync::{mpsc, oneshot};

use crate::daemon::listener;
use crate::logfile;
pub use folder::{InstallError, install, remove};
pub use leftover::running;
pub use life::{Pace, QUICK_DEATHS_MAX};
pub use process::log_path;

/// More requests than this wait for a place; nothing is lost, whoever asks waits.
const WAITING_MAX: usize = 64;

/// How many lines of a module's log are shown with it.
const TAIL_LINES: usize = 20;

/// What modules are kept with.
#[derive(Debug, Clone)]
pub struct ModulesConfig {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The environment of the daemon, of which modules see little.
    pub environment: BTreeMap<String, String>,
    /// How fast they are started, restarted and ended.
    pub pace: Pace,
}

/// The modules of a data directory. The last handle that is dropped ends them.
#[derive(Debug, Clone)]
pub struct Modules {
    asks: mpsc::Sender<Ask>,
    config: ModulesConfig,
}

/// How to reach a module that runs.
#[derive(Clone)]
pub struct Reach {
    /// The way to it.
    pub link: Link,
    /// What it knows us by: the value of [`TOKEN_HEADER`] in every request.
    pub token: String,
}

/// The header by which a module knows that a request comes from the console.
pub const TOKEN_HEADER: &str = oriel_wire::module::MODULE_TOKEN_HEADER;

/// Nothing can be done about a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModulesError {
    /// There is none of this name.
    #[error("no module {0:?} is installed; `oriel modules list` tells which are")]
    Unknown(String),
    /// Somebody else runs it.
    #[error("module {0} runs at an address of its own; start and stop it there")]
    Elsewhere(String),
    /// The daemon ends.
    #[error("the daemon is stopping, and its modules with it")]
    Stopping,
}

/// A request, and where its answer goes.
#[derive(Debug)]
enum Ask {
    List(oneshot::Sender<Vec<ModuleView>>),
    Reach(String, oneshot::Sender<Option<Reach>>),
    Restart(String, oneshot::Sender<Result<(), ModulesError>>),
    Stop(String, oneshot::Sender<Result<(), ModulesError>>),
    Shutdown(oneshot::Sender<()>),
}

impl Modules {
    /// Ends what outlived an earlier daemon, and starts every module that is signed. It returns at
    /// once; [`Self::list`] tells how far they are.
    #[must_use]
    pub fn start(config: ModulesConfig) -> Self {
        let (asks, asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(keeper::run(config.clone(), asked));
        Self { asks, config }
    }

    /// Returns every installed module, and how it does.
    pub async fn list(&self) -> Vec<ModuleView> {
        let views = self.ask(Ask::List).await.unwrap_or_default();
        let data_dir = self.config.data_dir.clone();
        let with_logs = move || {
            let with_log = |view: ModuleView| {
                let log_tail = logfile::tail(&log_path(&data_dir, &view.id), 0, TAIL_LINES);
                ModuleView { log_tail, ..view }
            };
            views.into_iter().map(with_log).collect()
        };
        // A reader that failed has nothing to show.
        tokio::task::spawn_blocking(with_logs).await.unwrap_or_default()
    }

    /// Returns the way to a module that runs and is the operator's own.
    pub async fn reach(&self, id: &str) -> Option<Reach> {
        let reach = self.ask(|answer| Ask::Reach(id.to_owned(), answer)).await.flatten()?;
        // Whoever took the port since must not be shown the token.
        listener::belongs_to_owner(&reach.link, &self.config.data_dir).is_ok().then_some(reach)
    }

    /// Has a module started anew as it is now on disk, also one that was installed, signed, stopped
    /// or given up since.
    ///
    /// # Errors
    /// Where there is none, somebody else runs it, or the daemon ends.
    pub async fn restart(&self, id: &str) -> Result<(), ModulesError> {
        let asked = self.ask(|answer| Ask::Restart(id.to_owned(), answer)).await;
        asked.unwrap_or(Err(ModulesError::Stopping))
    }

    /// Has a module ended until it is restarted.
    ///
    /// # Errors
    /// Where there is none, somebody else runs it, or the daemon ends.
    pub async fn stop(&self, id: &str) -> Result<(), ModulesError> {
        let asked = self.ask(|answer| Ask::Stop(id.to_owned(), answer)).await;
        asked.unwrap_or(Err(ModulesError::Stopping))
    }

    /// Ends all modules, and returns when the last is gone.
    pub async fn shutdown(&self) {
        // Where nobody takes the request, all have ended already.
        _ = self.ask(Ask::Shutdown).await;
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(ask(answer)).await.ok()?;
        answered.await.ok()
    }
}

/// Shows where and never the token.
impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("link", &self.link).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
