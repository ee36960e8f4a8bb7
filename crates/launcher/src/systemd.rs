//! The user's systemd: a unit that is written, started and taken away again.
//!
//! The text of a unit is a function of what it is to run. What is done about it are the commands
//! that a person would type, so a message can name them.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::platform;

/// A systemd that does not answer by then is given up; a stop may take as long as the unit allows.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// The most of what systemd says that is told.
const SAID_BYTES_MAX: usize = 2 * 1024;

/// What a unit runs.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// The data directory, as an absolute path.
    pub data_dir: PathBuf,
    /// What stands behind `serve`, but for the data directory.
    pub arguments: Vec<String>,
}

/// The systemd of this user.
#[derive(Debug, Clone)]
pub struct Systemd {
    folder: PathBuf,
}

/// Systemd cannot be asked, or will not do it.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// It is not on this system.
    #[error("there is no `systemctl` on this system; start the daemon without --systemd")]
    NoProgram,
    /// It does not run for this user, as in a container.
    #[error("no systemd runs for this user ({said}); start the daemon without --systemd")]
    NoSession {
        /// What it said.
        said: String,
    },
    /// A path or flag cannot stand in a unit.
    #[error("{0:?} holds a line break, which a unit cannot")]
    Text(String),
    /// The unit runs another data directory.
    #[error(
        "{} runs another data directory; remove it with `oriel daemon uninstall`, or choose a \
         --profile, which has a unit of its own",
        path.display()
    )]
    Taken {
        /// The unit's file.
        path: PathBuf,
    },
    /// The unit's file cannot be used.
    #[error("cannot use {}", path.display())]
    File {
        /// The unit's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A command failed.
    #[error(
        "`systemctl --user {command}` failed ({said}); `journalctl --user -u oriel` may say more"
    )]
    Failed {
        /// What was asked.
        command: String,
        /// What it said.
        said: String,
    },
}

/// Returns the name of the unit of a profile.
#[must_use]
pub fn unit_name(profile: Option<&str>) -> String {
    match profile {
        Some(profile) => format!("oriel-{profile}.service"),
        None => "oriel.service".to_owned(),
    }
}

impl Unit {
    /// Returns the text of the unit's file.
    ///
    /// # Errors
    /// Where something holds a line break.
    pub fn text(&self) -> Result<String, SystemdError> {
        let data_dir = self.data_dir.display().to_string();
        let launched = format!("systemd:{}", self.name);
        let mut words = vec!["serve", "--data-dir", &data_dir];
        words.extend(self.arguments.iter().map(String::as_str));
        words.extend(["--launched", &launched]);
        let mut command = quoted(&self.program.display().to_string(), false)?;
        for word in words {
            command.push(' ');
            command.push_str(&quoted(word, true)?);
        }
        Ok(format!(
            "\
# Written by `oriel daemon start --systemd`, which replaces it, and removed by
# `oriel daemon uninstall`.
[Unit]
Description=Oriel, which records what coding agents do and cost
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=1
TimeoutStopSec=15
KillMode=mixed
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"
        ))
    }
}

/// Returns a word as systemd reads it back. `$` means something everywhere but in the program.
fn quoted(word: &str, is_argument: bool) -> Result<String, SystemdError> {
    if word.contains(['\n', '\r', '\0']) {
        return Err(SystemdError::Text(word.to_owned()));
    }
    let mut text = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    if is_argument {
        text = text.replace('$', "$$");
    }
    Ok(format!("\"{text}\""))
}

impl Systemd {
    /// Knows the systemd whose units are in a folder, `~/.config/systemd/user` for one.
    #[must_use]
    pub fn with_units_in(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns where the file of a unit is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a unit and has systemd run it, now and whenever the user logs in.
    ///
    /// # Errors
    /// Where there is no systemd for this user, the unit runs something else, or systemd fails.
    pub async fn start(&self, unit: &Unit) -> Result<(), SystemdError> {
        let text = unit.text()?;
        self.answers().await?;
        self.write(unit, &text)?;
        self.run(&["daemon-reload"]).await?;
        self.run(&["enable", "--now", &unit.name]).await
    }

    /// Has systemd stop a unit until it is next started.
    ///
    /// # Errors
    /// Where systemd fails.
    pub async fn stop(&self, name: &str) -> Result<(), SystemdError> {
        self.run(&["stop", name]).await
    }

    /// Has systemd stop a unit and start it again.
    ///
    /// # Errors
    /// Where systemd fails.
    pub async fn restart(&self, name: &str) -> Result<(), SystemdError> {
        self.run(&["restart", name]).await
    }

    /// Stops a unit and removes it. Returns whether there was one.
    ///
    /// # Errors
    /// Where systemd fails, or the unit cannot be removed.
    pub async fn uninstall(&self, name: &str) -> Result<bool, SystemdError> {
        let path = self.path(name);
        if std::fs::symlink_metadata(&path).is_err() {
            return Ok(false);
        }
        self.answers().await?;
        self.run(&["disable", "--now", name]).await?;
        std::fs::remove_file(&path).map_err(|source| SystemdError::File { path, source })?;
        self.run(&["daemon-reload"]).await?;
        Ok(true)
    }

    fn write(&self, unit: &Unit, text: &str) -> Result<(), SystemdError> {
        let path = self.path(&unit.name);
        let fail = |source| SystemdError::File { path: path.clone(), source };
        let ours = quoted(&unit.data_dir.display().to_string(), true)?;
        match std::fs::read_to_string(&path) {
            Ok(known) if !known.contains(&format!("\"--data-dir\" {ours} ")) => {
                return Err(SystemdError::Taken { path });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fail(error)),
        }
        std::fs::create_dir_all(&self.folder).map_err(fail)?;
        platform::replace_private(&path, text.as_bytes()).map_err(fail)
    }

    /// Makes sure that a systemd runs for this user before anything is changed.
    async fn answers(&self) -> Result<(), SystemdError> {
        match self.run(&["show-environment"]).await {
            Err(SystemdError::Failed { said, .. }) => Err(SystemdError::NoSession { said }),
            other => other,
        }
    }

    async fn run(&self, arguments: &[&str]) -> Result<(), SystemdError> {
        let failed = |said: String| SystemdError::Failed { command: arguments.join(" "), said };
        let mut command = tokio::process::Command::new("systemctl");
        command.arg("--user").args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let output = match tokio::time::timeout(ANSWER_WITHIN, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SystemdError::NoProgram);
            }
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => {
                return Err(failed(format!("no answer within {} s", ANSWER_WITHIN.as_secs())));
            }
        };
        if output.status.success() {
            return Ok(());
        }
        let said = &output.stderr[..output.stderr.len().min(SAID_BYTES_MAX)];
        let said = String::from_utf8_lossy(said).trim().replace('\n', "; ");
        Err(failed(if said.is_empty() { output.status.to_string() } else { said }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_runs_what_was_asked_and_is_tried_again() {
        let expected = r#"# Written by `oriel daemon start --systemd`, which replaces it, and removed by
# `oriel daemon uninstall`.
[Unit]
Description=Oriel, which records what coding agents do and cost
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
ExecStart="/opt/oriel $1/bin/oriel" "serve" "--data-dir" "/home/ada/50%% \"x\"" "--set" "listen.port=$$1" "--launched" "systemd:oriel-work.service"
Restart=on-failure
RestartSec=1
TimeoutStopSec=15
KillMode=mixed
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"#;
        assert_eq!(unit("/home/ada/50% \"x\"").text().unwrap(), expected);
        assert!(matches!(unit("/home/a\nExecStart=x").text(), Err(SystemdError::Text(_))));
    }

    #[test]
    fn a_unit_of_another_data_directory_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let systemd = Systemd::with_units_in(folder.path().join("systemd/user"));
        for (data_dir, fits) in [("/a", true), ("/a", true), ("/a b", false), ("/", false)] {
            let unit = unit(data_dir);
            let written = systemd.write(&unit, &unit.text().unwrap());
            assert_eq!(written.is_ok(), fits, "{data_dir}: {written:?}");
        }
        let kept = std::fs::read_to_string(systemd.path("oriel-work.service")).unwrap();
        assert_eq!(kept, unit("/a").text().unwrap());
    }

    #[test]
    fn a_profile_has_a_unit_of_its_own() {
        assert_eq!(unit_name(None), "oriel.service");
        assert_eq!(unit_name(Some("work")), "oriel-work.service");
    }

    fn unit(data_dir: &str) -> Unit {
        Unit {
            name: unit_name(Some("work")),
            program: "/opt/oriel $1/bin/oriel".into(),
            data_dir: data_dir.into(),
            arguments: vec!["--set".to_owned(), "listen.port=$1".to_owned()],
        }
    }
}
