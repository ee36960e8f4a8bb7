//! From the command line and the surroundings to settings: the file is read here, and judged in
//! the runtime's `settings`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use oriel_runtime::config::{Clock, ConfigFault};
use oriel_runtime::settings::{
    self, ConfigFile, Flag, Folders, Given, Input, Location, Resolved, SettingsError,
};

/// What the program was started in.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Every variable that is text.
    pub(crate) environment: BTreeMap<String, String>,
    /// The folders that paths start from.
    pub(crate) folders: Folders,
    /// The clock.
    pub(crate) clock: Clock,
}

/// Settings cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

impl ConfigError {
    /// Returns whether the command line or the environment is to blame and no file.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Settings(error) if error.is_usage())
    }
}

impl Surroundings {
    /// Returns where the data directory is. Whatever is wrong with the file does not matter here.
    pub(crate) fn locate(&self, flags: &[Flag]) -> Result<Location, ConfigError> {
        Ok(settings::locate(&self.input(flags))?)
    }

    /// Reads and checks every setting. A file that cannot be used does not count, and the settings
    /// say so: a daemon that runs is found all the same, and one that starts says what is wrong.
    pub(crate) fn resolve(&self, flags: &[Flag]) -> Result<Resolved, ConfigError> {
        let (input, fault) = match self.with_file(flags) {
            Ok(input) => match settings::resolve(&input) {
                Ok(resolved) => return Ok(placed(resolved)),
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
        Ok(placed(resolved))
    }

    /// Reads and checks every setting, and refuses a file that cannot be used.
    pub(crate) fn check(&self, flags: &[Flag]) -> Result<Resolved, ConfigError> {
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
    pub(crate) fn given(&self, flags: &[Flag]) -> Given {
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
}

/// Adds where the program is. That matters to those alone who install hooks; they say when it is not
/// known.
fn placed(mut resolved: Resolved) -> Resolved {
    resolved.config.setup.program = crate::platform::program().ok();
    resolved
}
