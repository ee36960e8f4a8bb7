//! The agents that can have hooks, as the daemon sees them: by the folders it was told of, and never by
//! its own environment.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use oriel_wire::setup::{HookChanged, HookHow, HookSetup};

use super::{CLAUDE_EVENTS, Change, FileError, Found, Wanted, claude_otel, codex, codex_config};
use super::{found, installing, target, uninstalling};
use crate::config::{Homes, SetupConfig};

/// The most lines of a difference that are told; a person reads no more.
const DIFF_LINES_MAX: usize = 2000;

const CLAUDE: &str = "claude_code";
const CODEX: &str = "codex";

/// The agents of this machine.
pub(crate) struct Agents {
    /// Claude Code's folder, where any is known.
    claude: Option<PathBuf>,
    /// Codex's folder, where any is known.
    codex: Option<PathBuf>,
    /// The program that hooks run, where that is known.
    program: Option<String>,
    flags: Vec<(String, String)>,
    /// The daemon's address.
    url: String,
}

/// Hooks were not installed or uninstalled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentsError {
    #[error("no agent {0:?} can have hooks; there are {CLAUDE} and {CODEX}")]
    Unknown(String),
    #[error(
        "the hooks of Codex are put into {place} by hand; GET /control/hooks tells what to put there"
    )]
    ByHand { place: String },
    #[error("no home folder is known, so it is not known where the settings of Claude Code are")]
    NoHome,
    #[error("it is not known where the program is; use `oriel hooks install claude-code`")]
    NoProgram,
    #[error("{}", with_cause(.0))]
    File(#[from] FileError),
}

/// What is to be done with hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Install { statusline: bool },
    Uninstall,
}

impl Agents {
    pub(crate) fn of(homes: &Homes, setup: &SetupConfig, url: String) -> Self {
        let home = Some(&homes.home).filter(|home| home.is_absolute());
        let below = |name| home.map(|home| home.join(name));
        Self {
            claude: homes.claude.first().cloned().or_else(|| below(".claude")),
            codex: homes.codex.clone().or_else(|| below(".codex")),
            program: setup.program.clone(),
            flags: setup.hook_flags.clone(),
            url,
        }
    }

    /// Returns how the hooks of every agent stand.
    pub(crate) fn all(&self) -> Vec<HookSetup> {
        vec![self.claude(), self.codex()]
    }

    /// Installs or uninstalls the hooks of an agent, by its type or by the name of its command.
    pub(crate) fn change(
        &self,
        agent: &str,
        doing: Doing,
        now: SystemTime,
    ) -> Result<HookChanged, AgentsError> {
        match agent.replace('-', "_").as_str() {
            CLAUDE => {}
            CODEX => {
                let place = self.codex_config().map(|path| path.display().to_string());
                let place = place.unwrap_or_else(|| "its config.toml".to_owned());
                return Err(AgentsError::ByHand { place });
            }
            _ => return Err(AgentsError::Unknown(agent.to_owned())),
        }
        let path = self.claude_settings().ok_or(AgentsError::NoHome)?;
        let change = match doing {
            Doing::Uninstall => uninstalling(&path)?,
            Doing::Install { statusline } => {
                let program = self.program.clone().ok_or(AgentsError::NoProgram)?;
                let statusline = statusline || found(&path)?.statusline;
                installing(&path, &Wanted { program, flags: self.flags.clone(), statusline })?
            }
        };
        let made = change.as_ref().map(|change| change.make(now)).transpose()?;
        let backup = made.and_then(|made| made.backup);
        Ok(HookChanged {
            changed: change.is_some(),
            backup: backup.map(|path| path.display().to_string()),
            diff: change.as_ref().map(diff).unwrap_or_default(),
            agent: self.claude(),
        })
    }

    fn claude_settings(&self) -> Option<PathBuf> {
        self.claude.as_ref().map(|folder| folder.join("settings.json"))
    }

    fn codex_config(&self) -> Option<PathBuf> {
        self.codex.as_ref().map(|folder| folder.join("config.toml"))
    }

    fn claude(&self) -> HookSetup {
        let path = self.claude_settings();
        let setup = HookSetup {
            agent_type: CLAUDE.to_owned(),
            label: "Claude Code".to_owned(),
            settings_path: path.as_deref().map(|path| target(path).display().to_string()),
            found: self.claude.as_deref().is_some_and(Path::is_dir),
            can_install: path.is_some() && self.program.is_some(),
            installed: "none".to_owned(),
            how: vec![HookHow {
                title: "Let Claude Code send its telemetry as well".to_owned(),
                place: "the environment in which claude is started".to_owned(),
                text: claude_otel(&self.url),
            }],
            ..HookSetup::default()
        };
        let Some(path) = path else { return setup };
        match self.claude_stands(&path) {
            Ok(Stands { installed, detail, statusline, diff }) => HookSetup {
                installed: installed.to_owned(),
                statusline: Some(statusline.to_owned()),
                detail,
                diff,
                ..setup
            },
            Err(error) => {
                HookSetup { can_install: false, problem: Some(with_cause(&error)), ..setup }
            }
        }
    }

    fn claude_stands(&self, path: &Path) -> Result<Stands, FileError> {
        let found = found(path)?;
        let flags = self.flags.clone();
        let change = match self.program.clone() {
            Some(program) => {
                installing(path, &Wanted { program, flags, statusline: found.statusline })?
            }
            None => None,
        };
        let (installed, detail) = self.judge(&found, change.is_some());
        let statusline = match (found.statusline, has_statusline(path)) {
            (true, _) => "ours",
            (false, true) => "other",
            (false, false) => "none",
        };
        let diff = change.as_ref().map(diff).unwrap_or_default();
        Ok(Stands { installed, detail, statusline, diff })
    }

    /// Says in a word, and where needed in a sentence, how hooks stand.
    fn judge(&self, found: &Found, would_change: bool) -> (&'static str, Option<String>) {
        if found.events.is_empty() {
            return ("none", None);
        }
        if let Some(detail) = self.other_program(&found.programs) {
            return ("other program", Some(detail));
        }
        if !would_change {
            return ("ours", None);
        }
        let is_missing = |event: &&&str| !found.events.iter().any(|has| has == **event);
        let missing: Vec<&str> = CLAUDE_EVENTS.iter().filter(is_missing).copied().collect();
        let detail = match missing.is_empty() {
            true => "they were installed with another address, data directory or form; install again so that they find this daemon".to_owned(),
            false => format!("missing are {}; install again to add them", missing.join(", ")),
        };
        ("older", Some(detail))
    }

    fn other_program(&self, programs: &[String]) -> Option<String> {
        let own = self.program.as_ref()?;
        let other = programs.iter().find(|program| *program != own)?;
        let what = if Path::new(other).is_file() { "run" } else { "would run" };
        let gone = if Path::new(other).is_file() { "" } else { ", which is not there" };
        Some(format!("they {what} {other}{gone}; install again so that they run {own}"))
    }

    fn codex(&self) -> HookSetup {
        let path = self.codex_config();
        let place = path.as_ref().map(|path| path.display().to_string());
        let program = self.program.as_deref().unwrap_or("oriel");
        let setup = HookSetup {
            agent_type: CODEX.to_owned(),
            label: "Codex".to_owned(),
            settings_path: place.clone(),
            found: self.codex.as_deref().is_some_and(Path::is_dir),
            installed: "none".to_owned(),
            how: vec![HookHow {
                title: "Let Codex run the hooks and send its telemetry".to_owned(),
                place: place.unwrap_or_else(|| "~/.codex/config.toml".to_owned()),
                text: codex_config(program, &self.flags, &self.url),
            }],
            ..HookSetup::default()
        };
        let read = path.as_deref().map(super::file::SettingsFile::read);
        let text = match read {
            Some(Ok(file)) => file.text.unwrap_or_default(),
            Some(Err(error)) => return HookSetup { problem: Some(with_cause(&error)), ..setup },
            None => return setup,
        };
        let Some(programs) = codex::programs(&text) else {
            let problem = "the file is no TOML; mend it first".to_owned();
            return HookSetup { problem: Some(problem), ..setup };
        };
        if programs.is_empty() {
            return setup;
        }
        match self.other_program(&programs) {
            Some(detail) => HookSetup {
                installed: "other program".to_owned(),
                detail: Some(detail.replace("install again", "change it")),
                ..setup
            },
            None => HookSetup { installed: "ours".to_owned(), ..setup },
        }
    }
}

/// How hooks stand in a file that can be read.
struct Stands {
    installed: &'static str,
    detail: Option<String>,
    statusline: &'static str,
    diff: Vec<String>,
}

fn diff(change: &Change) -> Vec<String> {
    change.diff().lines().take(DIFF_LINES_MAX).map(str::to_owned).collect()
}

fn has_statusline(path: &Path) -> bool {
    let settings = super::file::SettingsFile::read(path).and_then(|file| file.settings());
    settings.is_ok_and(|settings| settings.get("statusLine").is_some_and(|line| !line.is_null()))
}

/// Returns an error with what caused it, in one line.
fn with_cause(error: &FileError) -> String {
    match error {
        FileError::Read { source, .. } | FileError::Write { source, .. } => {
            format!("{error}: {source}")
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
