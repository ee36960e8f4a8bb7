//! What can be wrong with settings, said so that it can be put right.

use std::net::IpAddr;
use std::path::PathBuf;

use super::{ConfigFile, Origin};
use crate::config::ConfigFault;

/// A setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A flag names no setting.
    #[error("there is no setting {key:?} to give with {name}{hint}; `oriel config` lists them all")]
    UnknownFlag {
        /// The flag as typed.
        name: String,
        /// The key that is no setting.
        key: String,
        /// The nearest key, as a question, or nothing.
        hint: String,
    },
    /// The file names no setting.
    #[error("there is no setting {key:?}, found in {}{hint}; `oriel config` lists them all", path.display())]
    UnknownInFile {
        /// The key that is no setting.
        key: String,
        /// The file.
        path: PathBuf,
        /// The nearest key, as a question, or nothing.
        hint: String,
    },
    /// The file sets what it takes to find the file.
    #[error("{key} cannot be set in {}, since it says where that file is; use {flag} or {variable}", path.display())]
    NotInFile {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The flag to use.
        flag: String,
        /// The variable to use.
        variable: String,
    },
    /// The file is no TOML.
    #[error("cannot read {} as TOML, line {line}: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A value is none that the setting may have.
    #[error("{key} cannot be {value} (from {origin}); it must be {allowed}")]
    Value {
        /// The setting.
        key: &'static str,
        /// The value as given.
        value: String,
        /// Where it was given.
        origin: Origin,
        /// What it may be.
        allowed: String,
    },
    /// Other machines could read everything.
    #[error(
        "listen.host cannot be {host} (from {origin}) while access is \"loopback\", since other machines could read everything; set access = \"token\" or a loopback address"
    )]
    OpenHost {
        /// The address.
        host: IpAddr,
        /// Where it was given.
        origin: Origin,
    },
    /// Two flags name two data directories.
    #[error(
        "a profile is a folder beside the default one, so --profile and --data-dir exclude each other; leave one out"
    )]
    TwoFolders,
    /// There is no place for a default data directory.
    #[error("no home folder is known to keep data in; set --data-dir or ORIEL_DATA_DIR")]
    NoHome,
}

impl SettingsError {
    /// Returns the setting that it is about, where it is about one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::UnknownFlag { key, .. } | Self::UnknownInFile { key, .. } => Some(key),
            Self::NotInFile { key, .. } | Self::Value { key, .. } => Some(key),
            Self::OpenHost { .. } => Some("listen.host"),
            Self::Syntax { .. } | Self::TwoFolders | Self::NoHome => None,
        }
    }

    /// Returns whether the command line or the environment is to blame and no file.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::UnknownFlag { .. } | Self::TwoFolders => true,
            Self::Value { origin, .. } | Self::OpenHost { origin, .. } => {
                matches!(origin, Origin::Flag(_) | Origin::Env(_))
            }
            _ => false,
        }
    }

    /// Returns what is wrong with the file, if it is to blame.
    #[must_use]
    pub fn fault(&self, file: &ConfigFile) -> Option<ConfigFault> {
        let line = match self {
            Self::Syntax { line, .. } => Some(*line),
            Self::UnknownInFile { key, .. } => super::file::line_of(&file.text, key),
            Self::NotInFile { key, .. } => super::file::line_of(&file.text, key),
            Self::Value { key, origin: Origin::File(_), .. } => {
                super::file::line_of(&file.text, key)
            }
            Self::OpenHost { origin: Origin::File(_), .. } => {
                super::file::line_of(&file.text, "listen.host")
            }
            _ => return None,
        };
        Some(ConfigFault { path: file.path.clone(), line, problem: self.to_string() })
    }
}

/// Returns a question after the nearest of `known`, or nothing when none is near.
pub(super) fn hint<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    const NEAR: f64 = 0.82;
    let score = |candidate: &str| {
        let last = candidate.rsplit('.').next().unwrap_or(candidate);
        let whole = strsim::jaro_winkler(given, candidate);
        whole.max(strsim::normalized_damerau_levenshtein(given, last))
    };
    known
        .map(|candidate| (score(candidate), candidate))
        .filter(|&(score, _)| NEAR <= score)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(String::new(), |(_, nearest)| format!(" (did you mean {nearest}?)"))
}
