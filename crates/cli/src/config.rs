//! From the command line and the surroundings to settings: the file is read here, and judged in
//! the runtime's `settings`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use oriel_runtime::config::Clock;
use oriel_runtime::settings::{
    self, ConfigFile, Flag, Folders, Input, Location, Resolved, SettingsError,
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
    /// Returns whether the command line is to blame and nothing that lasts.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Settings(error) if error.is_usage())
    }
}

impl Surroundings {
    /// Returns where the data directory is. Whatever is wrong with the file does not matter here.
    pub(crate) fn locate(&self, flags: &[Flag]) -> Result<Location, ConfigError> {
        Ok(settings::locate(&self.input(flags))?)
    }

    /// Reads and checks every setting.
    pub(crate) fn resolve(&self, flags: &[Flag]) -> Result<Resolved, ConfigError> {
        let mut input = self.input(flags);
        let path = settings::locate(&input)?.config_path();
        input.file = match std::fs::read_to_string(&path) {
            Ok(text) => Some(ConfigFile { path, text }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        Ok(settings::resolve(&input)?)
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
