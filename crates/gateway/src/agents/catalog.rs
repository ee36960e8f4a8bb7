//! The agents that there are: those of the file that ships, changed by the file of the person.
//!
//! The person's file is laid over ours key by key, so that it says only what is different. One that
//! cannot be used stops nothing: ours hold, and the person is told what is wrong with theirs.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The agents that we know.
const SHIPPED: &str = include_str!("../../agents.toml");

/// A person's file that is longer is not read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The agent that is built in. A file cannot name another command for it.
pub(super) const ECHO: &str = "echo";

/// Whether an agent is kept from what is not its work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Confine {
    /// It changes its workspace and its own files, and nothing else, where that can be had.
    #[default]
    Workspace,
    /// It may do what the person may.
    Off,
}

/// Which file says that there is an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The one that ships.
    Shipped,
    /// The one that ships, changed by the person's.
    Changed,
    /// The person's.
    Yours,
}

/// An agent as a file has it: what it does not say is as it was.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    label: Option<String>,
    command: Option<String>,
    also: Option<Vec<String>>,
    args: Option<Vec<String>>,
    env: Option<BTreeMap<String, String>>,
    env_pass: Option<Vec<String>>,
    monitor: Option<String>,
    writes: Option<Vec<String>>,
    memory_mib: Option<u64>,
    confine: Option<Confine>,
    hint: Option<String>,
    enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    agents: BTreeMap<String, Entry>,
}

/// An agent that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// What people call it.
    pub(crate) label: String,
    /// The program: a name that is looked for on the PATH, or an absolute path.
    pub(crate) command: String,
    /// Other names of the same program.
    pub(crate) also: Vec<String>,
    pub(crate) args: Vec<String>,
    /// Variables that it gets.
    pub(crate) env: BTreeMap<String, String>,
    /// Variables of the person's that it gets beside the usual ones. A `*` at the end means any.
    pub(crate) env_pass: Vec<String>,
    /// The name under which the monitor knows it.
    pub(crate) monitor: Option<String>,
    /// What it may write beside its workspace. A `/` at the end means a folder, which is made.
    pub(crate) writes: Vec<String>,
    /// How much memory each of its processes may take for what it writes to.
    pub(crate) memory_mib: Option<u64>,
    pub(crate) confine: Confine,
    /// How to get it.
    pub(crate) hint: String,
    pub(crate) source: Source,
}

/// The agents that there are, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    pub(crate) agents: BTreeMap<String, Known>,
    /// What is wrong with the person's file.
    pub(crate) problem: Option<String>,
}

/// A file of agents cannot be used.
#[derive(Debug, thiserror::Error)]
enum CatalogError {
    #[error("cannot read {path}: {source}; make it readable or remove it")]
    Read { path: String, source: io::Error },
    #[error("{path} is longer than 1 MiB; it is not a list of agents")]
    TooLong { path: String },
    #[error("{path} cannot be used: {problem}")]
    Parse { path: String, problem: String },
    #[error(
        "{path}: agent {name:?} has no `command`; name the program that speaks the Agent Client Protocol"
    )]
    NoCommand { path: String, name: String },
    #[error(
        "{path}: {name:?} is no name for an agent; use up to 64 small letters, digits, - and _"
    )]
    Name { path: String, name: String },
    #[error("{path}: agent \"echo\" is built in; only `enabled` and `label` can be changed")]
    Echo { path: String },
    #[error(
        "{path}: agent {name:?} may not set {variable}; what begins with ORIEL_ is the gateway's own"
    )]
    Variable { path: String, name: String, variable: String },
}

impl Catalog {
    /// Reads the agents that ship and lays the person's file over them.
    pub(crate) fn load(users: &Path) -> Self {
        let shipped = match parse(SHIPPED, "agents.toml")
            .and_then(|file| overlay(&BTreeMap::new(), file, "agents.toml", Source::Shipped))
        {
            Ok(agents) => agents,
            // A test holds that it can be read.
            Err(error) => {
                return Self { agents: BTreeMap::new(), problem: Some(error.to_string()) };
            }
        };
        match read(users).and_then(|text| {
            let Some(text) = text else { return Ok(None) };
            let path = users.display().to_string();
            overlay(&shipped, parse(&text, &path)?, &path, Source::Yours).map(Some)
        }) {
            Ok(Some(agents)) => Self { agents, problem: None },
            Ok(None) => Self { agents: shipped, problem: None },
            Err(error) => Self { agents: shipped, problem: Some(error.to_string()) },
        }
    }
}

/// Returns where a person's own agents are named.
pub(super) fn users_file(data_dir: &Path) -> PathBuf {
    data_dir.join("gateway").join("agents.toml")
}

fn read(path: &Path) -> Result<Option<String>, CatalogError> {
    let told = |source| CatalogError::Read { path: path.display().to_string(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(told)?;
    if FILE_BYTES_MAX < text.len() as u64 {
        return Err(CatalogError::TooLong { path: path.display().to_string() });
    }
    Ok(Some(text))
}

fn parse(text: &str, path: &str) -> Result<File, CatalogError> {
    toml::from_str(text).map_err(|error| CatalogError::Parse {
        path: path.to_owned(),
        problem: error.to_string().trim_end().to_owned(),
    })
}

fn overlay(
    under: &BTreeMap<String, Known>,
    file: File,
    path: &str,
    source: Source,
) -> Result<BTreeMap<String, Known>, CatalogError> {
    let mut agents = under.clone();
    for (name, entry) in file.agents {
        check(&name, &entry, path, source)?;
        if entry.enabled == Some(false) {
            agents.remove(&name);
            continue;
        }
        let known = match agents.remove(&name) {
            Some(known) => Known { source: Source::Changed, ..known },
            None => blank(&name, entry.command.clone(), path, source)?,
        };
        agents.insert(name, entry.over(known));
    }
    Ok(agents)
}

fn check(name: &str, entry: &Entry, path: &str, source: Source) -> Result<(), CatalogError> {
    let is_plain = |it: u8| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    if name.is_empty() || 64 < name.len() || !name.bytes().all(is_plain) {
        return Err(CatalogError::Name { path: path.to_owned(), name: name.to_owned() });
    }
    if name == ECHO && source == Source::Yours {
        let Entry { label: _, enabled: _, command, args, env, confine, .. } = entry;
        if command.is_some() || args.is_some() || env.is_some() || confine.is_some() {
            return Err(CatalogError::Echo { path: path.to_owned() });
        }
    }
    let set = entry.env.iter().flatten().map(|(variable, _)| variable);
    let ours = set.chain(entry.env_pass.iter().flatten()).find(|it| it.starts_with("ORIEL_"));
    match ours {
        Some(variable) => Err(CatalogError::Variable {
            path: path.to_owned(),
            name: name.to_owned(),
            variable: variable.clone(),
        }),
        None => Ok(()),
    }
}

fn blank(
    name: &str,
    command: Option<String>,
    path: &str,
    source: Source,
) -> Result<Known, CatalogError> {
    let told = || CatalogError::NoCommand { path: path.to_owned(), name: name.to_owned() };
    // The built-in agent's command is the gateway's own, which only the program knows.
    let command = if name == ECHO { String::new() } else { command.ok_or_else(told)? };
    Ok(Known {
        label: name.to_owned(),
        command,
        also: Vec::new(),
        args: Vec::new(),
        env: BTreeMap::new(),
        env_pass: Vec::new(),
        monitor: None,
        writes: Vec::new(),
        memory_mib: None,
        confine: Confine::default(),
        hint: String::new(),
        source,
    })
}

impl Entry {
    fn over(self, known: Known) -> Known {
        // Another program has no other names until they are given.
        let also = if self.command.is_some() { Vec::new() } else { known.also };
        Known {
            label: self.label.unwrap_or(known.label),
            command: self.command.unwrap_or(known.command),
            also: self.also.unwrap_or(also),
            args: self.args.unwrap_or(known.args),
            env: self.env.unwrap_or(known.env),
            env_pass: self.env_pass.unwrap_or(known.env_pass),
            monitor: self.monitor.or(known.monitor),
            writes: self.writes.unwrap_or(known.writes),
            memory_mib: self.memory_mib.or(known.memory_mib).filter(|&mib| mib != 0),
            confine: self.confine.unwrap_or(known.confine),
            hint: self.hint.unwrap_or(known.hint),
            source: known.source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_can_be_read_and_says_how_to_get_each_agent() {
        let catalog = Catalog::load(Path::new("/nowhere/agents.toml"));
        assert_eq!(catalog.problem, None);
        assert!(catalog.agents.contains_key(ECHO));
        for (name, known) in &catalog.agents {
            assert!(name == ECHO || !known.command.is_empty(), "{name}");
            assert!(name == ECHO || !known.hint.is_empty(), "{name}");
            assert_eq!(known.source, Source::Shipped, "{name}");
        }
    }

    #[test]
    fn a_person_adds_changes_and_removes_agents() {
        let catalog = load(
            r#"
            [agents.mine]
            command = "/opt/mine"
            args = ["--acp"]
            [agents.claude]
            label = "My Claude"
            confine = "off"
            [agents.gemini]
            enabled = false
            "#,
        );
        assert_eq!(catalog.problem, None);
        let mine = &catalog.agents["mine"];
        assert_eq!((mine.command.as_str(), mine.source), ("/opt/mine", Source::Yours));
        assert_eq!(mine.confine, Confine::Workspace);
        let claude = &catalog.agents["claude"];
        assert_eq!((claude.label.as_str(), claude.source), ("My Claude", Source::Changed));
        assert_eq!(claude.command, "claude-agent-acp", "what it does not say is as it was");
        assert_eq!(claude.confine, Confine::Off);
        assert!(!catalog.agents.contains_key("gemini"));
    }

    #[test]
    fn a_broken_file_of_a_person_changes_nothing_and_is_told() {
        for (text, said) in [
            ("[agents.claude]\ncomand = \"x\"\n", "comand"),
            ("[agents.mine]\nlabel = \"x\"\n", "no `command`"),
            ("[agents.\"A b\"]\ncommand = \"x\"\n", "no name for an agent"),
            ("[agents.echo]\ncommand = \"sh\"\n", "built in"),
            ("[agents.claude]\nenv = { ORIEL_TOKEN = \"x\" }\n", "ORIEL_TOKEN"),
            ("[agents.claude]\nenv_pass = [\"ORIEL_*\"]\n", "ORIEL_*"),
            ("[agents.claude]\nconfine = \"some\"\n", "some"),
            ("not toml", "agents.toml"),
        ] {
            let catalog = load(text);
            let problem = catalog.problem.unwrap();
            assert!(problem.contains(said) && problem.contains("agents.toml"), "{problem}");
            assert_eq!(catalog.agents["claude"].source, Source::Shipped);
        }
    }

    fn load(text: &str) -> Catalog {
        let folder = tempfile::tempdir().unwrap();
        let path = users_file(folder.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        Catalog::load(&path)
    }
}
