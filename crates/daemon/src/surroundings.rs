//! From the command line and the surroundings to settings: the world and the file are read here, and
//! judged in the runtime's `settings`. Everything else gets them as an argument.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use jiff::tz::TimeZone;
use oriel_runtime::config::{Clock, ConfigFault};
use oriel_runtime::settings::{
    self, ConfigFile, Flag, Folders, Given, Input, Location, Resolved, SettingsError,
};

/// What the program was started in.
#[derive(Debug)]
pub struct Surroundings {
    /// Every variable that is text.
    pub environment: BTreeMap<String, String>,
    /// The folders that paths start from.
    pub folders: Folders,
    /// The clock.
    pub clock: Clock,
    /// The program `oriel`, by a path that holds from anywhere, for the commands of hooks.
    pub program: Option<String>,
}

/// What a process was started in cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SurroundingsError {
    /// A variable of ours is no text.
    #[error("{0} is not valid UTF-8; set it anew or unset it")]
    Variable(String),
    /// The working directory is gone.
    #[error("cannot tell the working directory; change to one that is there")]
    Working(#[source] io::Error),
}

/// Settings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// They make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Their file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ConfigError {
    /// Returns whether the command line or the environment is to blame and no file.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Settings(error) if error.is_usage())
    }
}

impl Surroundings {
    /// Reads what this process was started in. Who `must_go_on` makes do with what can be read.
    ///
    /// # Errors
    /// Where a variable of ours is no text, or the working directory is gone.
    #[expect(clippy::disallowed_methods, reason = "this is where the world is read")]
    pub fn of_this_process(
        must_go_on: bool,
        program: Option<String>,
    ) -> Result<Self, SurroundingsError> {
        let mut environment = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.insert(name, value)),
                Err(_) if name.starts_with("ORIEL_") && !must_go_on => {
                    return Err(SurroundingsError::Variable(name));
                }
                Err(_) => {}
            }
        }
        let clock = Clock::new(SystemTime::now).with_zone(TimeZone::system);
        let working = match std::env::current_dir() {
            // An agent may have removed the folder that it works in, and still has something to tell.
            Err(_) if must_go_on => "/".into(),
            working => working.map_err(SurroundingsError::Working)?,
        };
        let folders = Folders { home: std::env::home_dir(), working };
        Ok(Self { environment, folders, clock, program })
    }

    /// Returns where the data directory is. Whatever is wrong with the file does not matter here.
    ///
    /// # Errors
    /// Where they make no sense.
    pub fn locate(&self, flags: &[Flag]) -> Result<Location, ConfigError> {
        Ok(settings::locate(&self.input(flags))?)
    }

    /// Reads and checks every setting. A file that cannot be used does not count, and the settings
    /// say so: a daemon that runs is found all the same, and one that starts says what is wrong.
    ///
    /// # Errors
    /// Where flags or the environment make no sense.
    pub fn resolve(&self, flags: &[Flag]) -> Result<Resolved, ConfigError> {
        let (input, fault) = match self.with_file(flags) {
            Ok(input) => match settings::resolve(&input) {
                Ok(resolved) => return Ok(self.placed(resolved)),
                Err(error) => match input.file.as_ref().and_then(|file| error.fault(file)) {
                    Some(fault) => (input, fault),
                    None => return Err(error.into()),
                },
            },
            Err(error @ ConfigError::Settings(_)) => return Err(error),
            Err(ConfigError::Read { path, source }) => {
                let problem = format!("cannot read {}: {source}", path.display());
                (self.input(flags), ConfigFault { path, line: None, problem })
            }
        };
        let mut resolved = settings::resolve(&Input { file: None, ..input })?;
        resolved.config.fault = Some(fault);
        Ok(self.placed(resolved))
    }

    /// Reads and checks every setting, and refuses a file that cannot be used.
    ///
    /// # Errors
    /// Where they make no sense, or the file cannot be read.
    pub fn check(&self, flags: &[Flag]) -> Result<Resolved, ConfigError> {
        Ok(settings::resolve(&self.with_file(flags)?)?)
    }

    fn with_file(&self, flags: &[Flag]) -> Result<Input, ConfigError> {
        let mut input = self.input(flags);
        let path = settings::locate(&input)?.config_path();
        input.file = match std::fs::read_to_string(&path) {
            Ok(text) => Some(ConfigFile { path, text }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        Ok(input)
    }

    /// Returns what settings are made from, for those who write one.
    #[must_use]
    pub fn given(&self, flags: &[Flag]) -> Given {
        Given::of(&self.input(flags))
    }

    fn input(&self, flags: &[Flag]) -> Input {
        Input {
            flags: flags.to_vec(),
            environment: self.environment.clone(),
            file: None,
            folders: self.folders.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Adds where the program is. That matters to those alone who install hooks; they say when it is not
    /// known.
    fn placed(&self, mut resolved: Resolved) -> Resolved {
        resolved.config.setup.program.clone_from(&self.program);
        resolved
    }
}
