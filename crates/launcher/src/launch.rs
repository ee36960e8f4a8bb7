//! How the running daemon was started, told by itself, so that a restart is the same again.
//!
//! The daemon writes `health/launch.json` when it starts, whoever started it. What it was started
//! with is kept after its end: a later restart uses it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::platform::{self, DoubtError};

/// The value of [`Launch::schema`].
pub const LAUNCH_SCHEMA: &str = "oriel-launch.v1";

/// How a daemon was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Always [`LAUNCH_SCHEMA`].
    pub schema: String,
    /// The daemon.
    pub pid: u32,
    /// Who runs it.
    pub by: Keeper,
    /// The arguments that stand behind `serve` to give the same settings again.
    pub arguments: Vec<String>,
}

/// Who runs a daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keeper {
    /// Whoever typed `oriel serve`, or a program of theirs.
    Hand,
    /// Nobody: it was started to run by itself.
    Direct,
    /// The user's systemd, as the unit of this name.
    Systemd(String),
}

impl Keeper {
    /// Reads what the daemon is told on its command line: `direct`, or `systemd:UNIT`.
    #[must_use]
    pub fn from_word(word: Option<&str>) -> Self {
        match word.map(|word| word.split_once(':').unwrap_or((word, ""))) {
            Some(("direct", _)) => Self::Direct,
            Some(("systemd", unit)) => Self::Systemd(unit.to_owned()),
            _ => Self::Hand,
        }
    }

    /// Returns what the daemon is told on its command line.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Hand => "hand".to_owned(),
            Self::Direct => "direct".to_owned(),
            Self::Systemd(unit) => format!("systemd:{unit}"),
        }
    }
}

impl Launch {
    /// Tells how this process was started.
    #[must_use]
    pub fn of_this_process(by: Keeper, arguments: Vec<String>) -> Self {
        Self { schema: LAUNCH_SCHEMA.to_owned(), pid: std::process::id(), by, arguments }
    }

    /// Writes it for whoever comes to restart the daemon.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, data_dir: &Path) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        platform::replace_private(&path(data_dir), &text)
    }

    /// Reads how the daemon was last started. What is no such file tells nothing, as none does.
    ///
    /// # Errors
    /// Where somebody else may have written the file: its words become a command line.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, LaunchError> {
        let path = path(data_dir);
        let text = match platform::read_private(&path, data_dir) {
            Ok(text) => text,
            Err(DoubtError::Read(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(source) => return Err(LaunchError { path, source }),
        };
        let launch = serde_json::from_str(&text).ok();
        Ok(launch.filter(|launch: &Self| launch.schema == LAUNCH_SCHEMA))
    }
}

/// How the daemon was started cannot be believed.
#[derive(Debug, thiserror::Error)]
#[error("will not use {}; remove it, and give the flags anew", path.display())]
pub struct LaunchError {
    path: PathBuf,
    source: DoubtError,
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("health").join("launch.json")
}

/// Leaves the session of whoever started this process, so that their terminal's end is not ours.
pub fn detach() {
    // It fails only where this process leads a group already, and so has a session of its own.
    _ = rustix::process::setsid();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_told_again() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Launch::read(folder.path()).unwrap().is_none());
        platform::make_private_dir(&folder.path().join("health")).unwrap();
        for by in [Keeper::Hand, Keeper::Direct, Keeper::Systemd("oriel-work.service".to_owned())] {
            assert_eq!(Keeper::from_word(Some(&by.word())), by);
            let launch = Launch::of_this_process(by, vec!["--set".into(), "listen.port=0".into()]);
            launch.write(folder.path()).unwrap();
            assert_eq!(Launch::read(folder.path()).unwrap(), Some(launch));
        }
        assert_eq!(Keeper::from_word(None), Keeper::Hand);
    }

    #[test]
    fn what_others_could_have_written_becomes_no_command_line() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        platform::make_private_dir(&folder.path().join("health")).unwrap();
        std::fs::write(path(folder.path()), "{}").unwrap();
        assert!(Launch::read(folder.path()).unwrap().is_none(), "it says nothing");
        std::fs::set_permissions(path(folder.path()), std::fs::Permissions::from_mode(0o666))
            .unwrap();
        assert!(Launch::read(folder.path()).is_err());
    }
}
