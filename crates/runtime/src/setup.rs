//! Setting an agent up: our hooks in its settings, put there and taken out again, by the command line
//! and by the daemon alike.
//!
//! What is the user's stays. A change is made out first, can be looked at, and is then made: with a copy
//! of what was there, at one moment, and only if nobody else changed the file in between.

mod claude;
mod codex;
mod diff;
mod file;
mod shell;

mod agents;
mod overview;
mod test_event;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub(crate) use agents::{Agents, AgentsError, Doing};
pub use claude::{EVENTS as CLAUDE_EVENTS, Found, Wanted};
pub use codex::{claude_otel, config as codex_config};
pub use file::FileError;
pub(crate) use overview::{Facts, overview};
pub(crate) use test_event::{TEST_AGENT, TEST_SESSION, body as test_body, mark as mark_test};

use file::SettingsFile;

/// A change of an agent's settings that is not made yet.
#[derive(Debug)]
pub struct Change {
    file: SettingsFile,
    /// What the file is to hold; nothing where there is to be none.
    text: Option<String>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The copy of what was there, where something was.
    pub backup: Option<PathBuf>,
    /// Whether the file is gone, since it held nothing else.
    pub is_removed: bool,
}

/// Returns what installing our hooks into Claude Code's settings would change, and nothing where they
/// are installed just so.
///
/// # Errors
/// Where the file is not one in which hooks have a place.
pub fn installing(path: &Path, wanted: &Wanted) -> Result<Option<Change>, FileError> {
    let file = SettingsFile::read(path)?;
    let before = file.settings()?;
    let mut settings = before.clone();
    claude::install(&mut settings, wanted).map_err(|problem| file.misfit(&problem))?;
    if settings == before {
        return Ok(None);
    }
    let text = Some(file.form().write(&settings));
    Ok(Some(Change { file, text }))
}

/// Returns what taking our hooks out of Claude Code's settings would change, and nothing where there
/// are none.
///
/// # Errors
/// Where the file cannot be read as settings.
pub fn uninstalling(path: &Path) -> Result<Option<Change>, FileError> {
    let file = SettingsFile::read(path)?;
    let before = file.settings()?;
    let mut settings = before.clone();
    claude::uninstall(&mut settings);
    if settings == before {
        return Ok(None);
    }
    // Where nothing else changed since, the file becomes what it was, to the byte.
    let text = match file.original(&settings) {
        Some(original) => Some(original),
        None if settings.is_empty() => None,
        None => Some(file.form().write(&settings)),
    };
    Ok(Some(Change { file, text }))
}

/// Returns which of our hooks Claude Code's settings have.
///
/// # Errors
/// Where the file cannot be read as settings.
pub fn found(path: &Path) -> Result<Found, FileError> {
    Ok(claude::found(&SettingsFile::read(path)?.settings()?))
}

/// Returns the file that a path leads to, which is the one that is read and changed.
#[must_use]
pub fn target(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

impl Change {
    /// Returns the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Returns the difference, a line each: `-` removed, `+` added, and a few lines around.
    #[must_use]
    pub fn diff(&self) -> String {
        let (before, after) = (self.file.text.as_deref(), self.text.as_deref());
        diff::lines(before.unwrap_or_default(), after.unwrap_or_default())
    }

    /// Makes the change, after copying what was there.
    ///
    /// # Errors
    /// Where the file was not changed.
    pub fn make(&self, now: SystemTime) -> Result<Made, FileError> {
        let backup = self.file.back_up(now)?;
        self.file.replace(self.text.as_deref())?;
        Ok(Made { backup, is_removed: self.text.is_none() })
    }
}
