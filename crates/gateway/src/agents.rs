//! Real agents: programs of this machine that speak the Agent Client Protocol over their standard input
//! and output.
//!
//! `catalog` knows which there are, `confine` keeps them from harm, `process` starts and ends them, and
//! `driver` speaks with them. What they say becomes events in `telling`, which decides nothing else.

mod asks;
mod catalog;
mod confine;
mod driver;
pub mod echo;
mod environment;
mod greeting;
mod lines;
mod process;
mod requests;
mod tail;
mod telling;
mod terminals;
mod texts;
mod usage;
mod work;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use self::catalog::{Catalog, Confine, ECHO, Known};
use self::confine::{Ability, Cage, Plan};
use self::driver::{GREETED_WITHIN, Role};
use self::process::Spawner;
use crate::agent::{Agent, AgentError, Start, StartsAgents};

pub use self::catalog::Source;

/// What agents are started with.
#[derive(Debug, Clone)]
pub struct AgentsConfig {
    /// Oriel's own folder, which no confined agent sees.
    pub data_dir: PathBuf,
    /// The environment of the gateway.
    pub environment: BTreeMap<String, String>,
    /// The command that runs the echo agent. Without one there is none.
    pub echo: Vec<OsString>,
}

/// The agents of this machine.
#[derive(Debug, Clone)]
pub struct Agents(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: AgentsConfig,
    catalog: Catalog,
    ability: OnceCell<Ability>,
    spawner: OnceCell<Spawner>,
}

/// An agent as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The command that it is.
    pub command: String,
    /// Where its program lies, if it is installed.
    pub found: Option<PathBuf>,
    /// How to get it.
    pub hint: String,
    /// Which file names it.
    pub source: Source,
    /// Whether it is to be confined to its workspace.
    pub is_confined: bool,
}

impl Agents {
    /// Reads the catalogue. One of the person's that cannot be used changes nothing, and
    /// [`Agents::problem`] tells what is wrong with it.
    #[must_use]
    pub fn new(config: AgentsConfig) -> Self {
        let catalog = Catalog::load(&catalog::users_file(&config.data_dir));
        if let Some(problem) = &catalog.problem {
            tracing::warn!(problem, "only the agents that ship are known");
        }
        let (ability, spawner) = (OnceCell::new(), OnceCell::new());
        Self(Arc::new(Inner { config, catalog, ability, spawner }))
    }

    /// Returns every agent there is, by name.
    #[must_use]
    pub fn list(&self) -> Vec<AgentRow> {
        let rows = self.0.catalog.agents.iter().map(|(name, known)| AgentRow {
            name: name.clone(),
            label: known.label.clone(),
            command: self.0.command_line(name, known),
            found: self.0.find(name, known),
            hint: known.hint.clone(),
            source: known.source,
            is_confined: known.confine == Confine::Workspace,
        });
        rows.collect()
    }

    /// Returns what is wrong with the person's own list of agents.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.0.catalog.problem.as_deref()
    }

    /// Finds out what confines agents on this machine, by trying.
    ///
    /// # Errors
    /// Where nothing does: why, for people.
    pub async fn confinement(&self) -> Result<String, String> {
        match self.0.ability().await {
            Ability::Bubblewrap(program) => Ok(format!("bubblewrap ({})", program.display())),
            Ability::Nothing(reason) => Err(reason.clone()),
        }
    }
}

impl StartsAgents for Agents {
    fn start(&self, start: Start) -> BoxFuture<'static, Result<Agent, AgentError>> {
        let inner = Arc::clone(&self.0);
        async move { inner.start(start).await }.boxed()
    }

    fn knows(&self, agent_type: &str) -> bool {
        self.0.catalog.agents.contains_key(agent_type)
    }

    fn names(&self) -> Vec<String> {
        self.0.catalog.agents.keys().cloned().collect()
    }

    fn monitor_name(&self, agent_type: &str) -> Option<String> {
        self.0.catalog.agents.get(agent_type)?.monitor.clone()
    }
}

impl Inner {
    async fn start(&self, start: Start) -> Result<Agent, AgentError> {
        let Some(known) = self.catalog.agents.get(&start.agent_type) else {
            let names: Vec<&str> = self.catalog.agents.keys().map(String::as_str).collect();
            let names = names.join(", ");
            return Err(AgentError(format!(
                "there is no agent {:?}; choose one of {names}",
                start.agent_type
            )));
        };
        let label = &known.label;
        let Some(program) = self.find(&start.agent_type, known) else {
            let (command, hint) = (&known.command, &known.hint);
            let told = format!("cannot start {label}: `{command}` is not installed; {hint}");
            return Err(AgentError(told));
        };
        let told = |error: std::io::Error| AgentError(format!("cannot start {label}: {error}"));
        let plan = Plan {
            known,
            program: &program,
            ability: self.ability().await,
            environment: environment::of(known, &self.config.environment),
            data_dir: &self.config.data_dir,
            workspace: &start.workspace,
        };
        let cage = Cage::new(plan).map_err(told)?;
        let spawner = self.spawner.get_or_try_init(async || Spawner::new()).await.map_err(told)?;
        let mut command = cage.command(&program, &self.arguments(&start.agent_type, known));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = spawner.spawn(command).await.map_err(told)?;
        let role = Role {
            label: label.clone(),
            hint: known.hint.clone(),
            resume: start.resume,
            greeted_within: GREETED_WITHIN,
        };
        tracing::info!(session = start.session_id, agent = start.agent_type, "an agent starts");
        driver::start(program, role, cage, spawner.clone()).await
    }

    async fn ability(&self) -> &Ability {
        self.ability.get_or_init(|| Ability::probe(&self.config.environment)).await
    }

    fn find(&self, name: &str, known: &Known) -> Option<PathBuf> {
        if name == ECHO {
            let program = self.config.echo.first()?.to_str()?;
            return environment::find(program, &self.config.environment);
        }
        let names = std::iter::once(&known.command).chain(&known.also);
        names.into_iter().find_map(|it| environment::find(it, &self.config.environment))
    }

    fn arguments(&self, name: &str, known: &Known) -> Vec<OsString> {
        if name == ECHO {
            return self.config.echo.iter().skip(1).cloned().collect();
        }
        known.args.iter().map(OsString::from).collect()
    }

    fn command_line(&self, name: &str, known: &Known) -> String {
        if name == ECHO {
            let words: Vec<_> = self.config.echo.iter().map(|it| it.to_string_lossy()).collect();
            return words.join(" ");
        }
        let words = std::iter::once(&known.command).chain(&known.args);
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}
