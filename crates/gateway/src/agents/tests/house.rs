//! A folder with everything that agents need, and a reader of what they tell.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oriel_wire::gateway::EventBody;

use crate::agent::{Agent, AgentError, Asked, Given, News, Order, Start, StartsAgents as _};
use crate::agents::{Agents, AgentsConfig, echo};

/// How long a test waits for something that must happen.
pub(super) const SOON: Duration = Duration::from_secs(60);

pub(super) struct House {
    _folder: tempfile::TempDir,
    pub(super) data_dir: PathBuf,
    pub(super) workspace: PathBuf,
    pub(super) home: PathBuf,
    environment: BTreeMap<String, String>,
}

impl House {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let [data_dir, workspace, home] = ["data", "work", "home"].map(|name| root.join(name));
        for made in [&data_dir, &workspace, &home, &data_dir.join("gateway")] {
            std::fs::create_dir_all(made).unwrap();
        }
        let environment =
            [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", home.to_str().unwrap())]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        Self { _folder: folder, data_dir, workspace, home, environment }
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Returns the agents, with these beside those that ship.
    pub(super) fn agents(&self, catalog: &str) -> Agents {
        std::fs::write(self.data_dir.join("gateway/agents.toml"), catalog).unwrap();
        let agents = Agents::new(AgentsConfig {
            data_dir: self.data_dir.clone(),
            environment: self.environment.clone(),
            echo: echo_program(),
        });
        assert_eq!(agents.problem(), None);
        agents
    }

    /// Writes a program for the shell and returns the catalogue in which it is the agent `script`.
    pub(super) fn script(&self, lines: &str, more: &str) -> String {
        let path = self.home.join("script");
        // Another process writes it: a program that this one has open for writing cannot be started
        // while any other test is starting one.
        let write = "printf '%s' \"$1\" >\"$0\" && chmod 755 \"$0\"";
        let mut shell = std::process::Command::new("/bin/sh");
        shell.arg("-c").arg(write).arg(&path).arg(format!("#!/bin/sh\n{lines}\n"));
        assert!(shell.status().unwrap().success());
        format!("[agents.script]\ncommand = {path:?}\n{more}\n")
    }

    pub(super) async fn start(&self, agents: &Agents, name: &str) -> Result<Talk, AgentError> {
        self.resume(agents, name, None).await
    }

    pub(super) async fn resume(
        &self,
        agents: &Agents,
        name: &str,
        resume: Option<&str>,
    ) -> Result<Talk, AgentError> {
        let start = Start {
            agent_type: name.to_owned(),
            workspace: self.workspace.clone(),
            resume: resume.map(str::to_owned),
            session_id: "s1".to_owned(),
        };
        let agent = tokio::time::timeout(SOON, agents.start(start)).await.unwrap()?;
        Ok(Talk { agent })
    }

    pub(super) async fn echo(&self) -> Talk {
        let mut talk = self.start(&self.agents(""), "echo").await.unwrap();
        assert!(matches!(talk.next().await, News::Ready(_)));
        talk
    }
}

/// An agent that is spoken with.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) agent: Agent,
}

/// What an agent did for a prompt.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) events: Vec<EventBody>,
    pub(super) touched: Vec<PathBuf>,
    pub(super) end: Option<Result<String, String>>,
}

impl Turn {
    pub(super) fn text(&self) -> String {
        let texts = self.events.iter().filter_map(|event| match event {
            EventBody::TextDelta { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }
}

impl Talk {
    pub(super) async fn next(&mut self) -> News {
        let news = tokio::time::timeout(SOON, self.agent.news.recv()).await;
        news.expect("the agent tells nothing").expect("its news ended without a word")
    }

    pub(super) async fn order(&self, order: Order) {
        self.agent.orders.send(order).await.unwrap();
    }

    pub(super) async fn prompt(&self, text: &str) {
        self.order(Order::Prompt(text.to_owned())).await;
    }

    /// Gives work, and answers what is asked.
    pub(super) async fn turn(
        &mut self,
        text: &str,
        answer: impl Fn(&Asked) -> Option<Given>,
    ) -> Turn {
        self.prompt(text).await;
        let mut turn = Turn::default();
        loop {
            match self.next().await {
                News::Happened(event) => turn.events.push(event),
                News::Touched(path) => turn.touched.push(path),
                News::Asked(asked) => {
                    if let Some(given) = answer(&asked) {
                        asked.answer.send(given).unwrap();
                    }
                }
                News::PromptEnded(end) => {
                    turn.end = Some(end);
                    return turn;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits for the agent's end, and returns why.
    pub(super) async fn ended(&mut self) -> String {
        loop {
            if let News::Ended(why) = self.next().await {
                let after = tokio::time::timeout(SOON, self.agent.news.recv()).await.unwrap();
                assert!(after.is_none(), "nothing follows the end: {after:?}");
                return why;
            }
        }
    }
}

pub(super) fn nothing(asked: &Asked) -> Option<Given> {
    panic!("it asks {asked:?}")
}

/// Waits until something holds.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

pub(super) fn is_alive(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}

/// What tells the program of these tests that it is to be the echo agent.
const BE_ECHO: &str = "be-the-echo-agent";

/// Returns the command that runs the echo agent: this program, as one of its tests. What it writes
/// before it is the agent is no message and passed over.
fn echo_program() -> Vec<OsString> {
    let test = "agents::tests::house::this_program_is_the_echo_agent_where_it_is_told";
    let words = ["--nocapture", "--exact", test, BE_ECHO];
    let program = std::env::current_exe().unwrap().into_os_string();
    std::iter::once(program).chain(words.map(OsString::from)).collect()
}

#[tokio::test]
async fn this_program_is_the_echo_agent_where_it_is_told() {
    if std::env::args().any(|argument| argument == BE_ECHO) {
        let clock = Arc::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let code = echo::run_as_program(clock).await.unwrap();
        std::process::exit(i32::from(code));
    }
}
