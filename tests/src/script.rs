//! A session as a script of turns, told in each of the ways in which an agent tells of it: by hooks,
//! by its exporter and in its history. All three say the same, so however many of them arrive, and in
//! whatever order, it happened once.

mod claude;
mod codex;

use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::told;

/// When scripts begin, in Unix milliseconds: 2026-11-20 10:00 UTC.
pub const BEGIN_MS: i64 = 1_795_168_800_000;

/// A tool that a server offers. Exporters call all of these by one name.
const OF_SERVER: &str = "mcp__birds__count";

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
}

/// A way to tell of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Each step as it is done.
    Hooks,
    /// Log records.
    Export,
    /// The file that the agent leaves behind.
    History,
}

/// A session and all that happens in it.
#[derive(Debug, Clone)]
pub struct Script {
    /// Whose it is.
    pub agent: Agent,
    /// Its name: a UUID, as all agents' are.
    pub session: String,
    /// The model that answers.
    pub model: String,
    /// What happens.
    pub turns: Vec<Turn>,
}

/// What a person asks, and what comes of it.
#[derive(Debug, Clone)]
pub struct Turn {
    /// What is asked.
    pub prompt: String,
    /// The requests to the model, one after the other.
    pub requests: Vec<Asked>,
}

/// A request to the model.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Tokens that were not cached, and those that were.
    pub input: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Tokens written to the cache for five minutes, and for an hour.
    pub cache_write: [u64; 2],
    /// Tokens of the answer.
    pub output: u64,
    /// The answer's words.
    pub says: String,
    /// What the model calls.
    pub calls: Vec<Call>,
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// What it is given.
    pub input: Value,
    /// What it gives back.
    pub output: String,
    /// Whether it fails.
    pub fails: bool,
}

impl Script {
    /// Returns a session of two turns, with four requests and calls of which one fails.
    #[must_use]
    pub fn of(agent: Agent) -> Self {
        let (model, session) = match agent {
            Agent::Claude => ("claude-sonnet-4-5", "3f6b0c1e-5a52-4c5b-9a53-0d1f2c3b4a01"),
            Agent::Codex => ("gpt-5-codex", "019a8e2c-4b61-7a31-8c11-5d2e7f9a0b02"),
        };
        let asked = |nth: u64, says: &str, calls: Vec<Call>| Asked {
            input: 10 + nth,
            cache_read: 1_000 * nth,
            cache_write: match agent {
                Agent::Claude => [300 + nth, 40],
                Agent::Codex => [0, 0],
            },
            output: 50 + 7 * nth,
            says: says.to_owned(),
            calls,
        };
        let turns = vec![
            Turn {
                prompt: "count the marmots in the meadow".to_owned(),
                requests: vec![
                    asked(1, "", vec![Self::shell(agent, "ls meadow", "seven marmots", false)]),
                    asked(
                        2,
                        "",
                        vec![
                            Self::shell(agent, "ls burrow", "no such burrow", true),
                            Self::shell(agent, "wc meadow", "7 marmots", false),
                        ],
                    ),
                    asked(3, "There are seven marmots.", vec![]),
                ],
            },
            Turn {
                prompt: "and write it down".to_owned(),
                requests: vec![asked(
                    4,
                    "It is written down.",
                    vec![Self::shell(agent, "tee tally", "tally kept", false)],
                )],
            },
        ];
        let mut script =
            Self { agent, session: session.to_owned(), model: model.to_owned(), turns };
        if agent == Agent::Claude {
            let input = json!({
                "file_path": "/home/u/meadow/tally.txt", "old_string": "six",
                "new_string": "seven\nin all", "replace_all": false,
            });
            for (tool, input) in [("Edit", input), (OF_SERVER, json!({ "place": "meadow" }))] {
                let output = "done".to_owned();
                let call = Call { tool: tool.to_owned(), input, output, fails: false };
                script.turns[1].requests[0].calls.push(call);
            }
        }
        script
    }

    /// Tells a daemon of the session in one way. A history is imported from a file.
    ///
    /// # Panics
    /// Where the daemon does not take it.
    pub fn tell(&self, daemon: &Daemon, way: Way) {
        match way {
            Way::Hooks => {
                for (at_ms, body) in self.hooks() {
                    let answer = told::hook(daemon, self.hook_name(), at_ms, &body);
                    assert!(matches!(answer.status, 200 | 201), "{body}: {answer:?}");
                }
            }
            Way::Export => {
                let answer = told::export(daemon, "logs", &self.logs()).expect(200);
                assert_eq!(answer.json(), json!({}));
            }
            Way::History => {
                let path = self.write_history(daemon, "elsewhere");
                let path = path.to_str().expect("a temporary folder has a plain name");
                let arguments = ["import", "--format", self.format(), "--path", path, "--json"];
                let status = daemon.oriel(&arguments).json();
                assert_eq!((&status["phase"], &status["bad"]), (&json!("done"), &json!(0)));
            }
        }
    }

    /// Writes the history below a folder of the home, and returns where it is.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn write_history(&self, daemon: &Daemon, below: &str) -> std::path::PathBuf {
        let path = daemon.home().path(below).join(self.history_name());
        let folder = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(folder).expect("the home is ours");
        std::fs::write(&path, self.history()).expect("the home is ours");
        path
    }

    /// Returns the folder of the home where the agent keeps its histories.
    #[must_use]
    pub fn histories(&self) -> &'static str {
        match self.agent {
            Agent::Claude => ".claude/projects",
            Agent::Codex => ".codex/sessions",
        }
    }

    /// Returns the format of its history.
    #[must_use]
    pub fn format(&self) -> &'static str {
        match self.agent {
            Agent::Claude => "claude-code",
            Agent::Codex => "codex",
        }
    }

    /// Returns what its hooks are given, with the moments at which they run.
    #[must_use]
    pub fn hooks(&self) -> Vec<(i64, Value)> {
        match self.agent {
            Agent::Claude => claude::hooks(self),
            Agent::Codex => codex::hooks(self),
        }
    }

    /// Returns what its exporter sends.
    #[must_use]
    pub fn logs(&self) -> Value {
        match self.agent {
            Agent::Claude => claude::logs(self),
            Agent::Codex => codex::logs(self),
        }
    }

    /// Returns its history.
    #[must_use]
    pub fn history(&self) -> String {
        let lines = match self.agent {
            Agent::Claude => claude::history(self),
            Agent::Codex => codex::history(self),
        };
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Returns the requests, turn after turn.
    pub fn requests(&self) -> impl Iterator<Item = &Asked> {
        self.turns.iter().flat_map(|turn| &turn.requests)
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.requests().map(|asked| asked.calls.len()).sum()
    }

    fn hook_name(&self) -> &'static str {
        match self.agent {
            Agent::Claude => "claude-code",
            Agent::Codex => "codex",
        }
    }

    fn history_name(&self) -> String {
        match self.agent {
            Agent::Claude => format!("-home-u-meadow/{}.jsonl", self.session),
            Agent::Codex => {
                format!("2026/11/20/rollout-2026-11-20T10-00-00-{}.jsonl", self.session)
            }
        }
    }

    fn shell(agent: Agent, command: &str, output: &str, fails: bool) -> Call {
        let (tool, input) = match agent {
            Agent::Claude => ("Bash", json!({ "command": command, "description": "look" })),
            Agent::Codex => ("exec_command", json!({ "cmd": command })),
        };
        Call { tool: tool.to_owned(), input, output: output.to_owned(), fails }
    }
}

impl Asked {
    /// Returns what it costs by Claude Code's own word, which is what the price list says.
    #[must_use]
    pub fn claude_cost_usd(&self) -> f64 {
        // Hundredths of a millionth of a dollar for a token, so that no digit is lost.
        let parts = [
            (self.input, 300),
            (self.output, 1_500),
            (self.cache_read, 30),
            (self.cache_write[0], 375),
            (self.cache_write[1], 600),
        ];
        let sum: u64 = parts.iter().map(|(tokens, price)| tokens * price).sum();
        sum as f64 / 1e8
    }
}

/// Where something happens in a script: the turn, the request in it, the call of that.
#[derive(Debug, Clone, Copy)]
struct Place(usize, usize, usize);

impl Place {
    /// Returns when it happens.
    fn at_ms(self) -> i64 {
        let Self(turn, request, call) = self;
        BEGIN_MS + (turn * 60_000 + request * 5_000 + call * 1_000) as i64
    }

    /// Returns that moment as histories write it.
    fn at(self) -> String {
        let seconds = (self.at_ms() - BEGIN_MS) / 1_000;
        format!("2026-11-20T10:{:02}:{:02}.000Z", seconds / 60, seconds % 60)
    }

    /// Returns a name for it.
    fn name(self, prefix: &str, session: &str) -> String {
        let Self(turn, request, call) = self;
        format!("{prefix}{}{turn}{request}{call}", &session[session.len() - 4..])
    }
}
