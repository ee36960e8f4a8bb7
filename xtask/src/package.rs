//! `package`: what people install.
//!
//! On Linux one tree of files becomes a deb and an rpm, with the tools that make these: they know which
//! package each library is in, need nothing from elsewhere, and leave every name to us. What they cannot
//! make is left to [`crate::bundler`].

mod deb;
mod notices;
mod rpm;
mod tree;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{output, say};
use crate::desktop::Profile;
use crate::graph::list;
use crate::workspace::{Programs, Workspace};
use crate::{bundler, desktop, packages};

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) profile: Profile,
    pub(crate) is_tried: bool,
    pub(crate) appimage: bool,
}

/// What every package says of itself.
pub(crate) struct About {
    /// The version as packages order it: what comes before a release is marked by a tilde.
    version: String,
    /// The time of the last commit, so that the same commit makes the same package.
    seconds: String,
    /// That time as a day.
    day: String,
    /// That time as letters are dated.
    dated: String,
    /// Whether it is packed tightly, which takes minutes for the large programs of a debug build.
    is_packed: bool,
}

/// Who answers for the packages that this project makes. The address is none, on purpose.
const MAINTAINER: &str = "The Oriel contributors <contributors@oriel.invalid>";

const SUMMARY: &str = "see what your coding agents do and what they cost";

const DESCRIPTION: &str = "\
Oriel records what every coding agent on this machine does and costs, keeps it
in one private file, and answers questions about it at once. It reads the
histories of Claude Code, Codex, Gemini CLI, Qwen Code, OpenCode and Copilot
CLI, and listens to hooks and OpenTelemetry exporters.

The desktop shows the console in a window, with the daemon in its own process.
The program oriel runs the daemon alone, and asks it from the command line.
Nothing leaves the machine.";

pub(crate) fn package(workspace: &Workspace, wanted: Wanted) -> Result<()> {
    let folder = target_folder(workspace)?.join("package");
    if !cfg!(target_os = "linux") {
        say("builds the release and makes the bundles that this system takes");
        let programs = desktop::build(workspace, wanted.profile)?;
        return bundler::bundle(workspace, &programs, wanted.profile, &[], &folder);
    }
    if wanted.is_tried {
        trial::may_begin()?;
    }
    say(&format!("builds the programs and makes a deb and an rpm in {}", folder.display()));
    packages::ensure_for_packaging()?;
    let programs = desktop::build(workspace, wanted.profile)?;
    let about = about(workspace, wanted.profile)?;
    let mut made = Vec::new();
    for form in [tree::Form::Deb, tree::Form::Rpm] {
        let tree = tree::lay(workspace, &programs, &about, form, &folder)?;
        made.push(match form {
            tree::Form::Deb => deb::make(workspace, &tree, &about, &folder)?,
            tree::Form::Rpm => rpm::make(workspace, &tree, &about, &folder)?,
        });
    }
    report(&made)?;
    if wanted.appimage {
        appimage(workspace, &programs, wanted.profile, &folder)?;
    }
    if wanted.is_tried {
        trial::try_out(workspace, &made[0], &made[1])?;
    }
    Ok(())
}

fn report(made: &[PathBuf]) -> Result<()> {
    for path in made {
        let bytes =
            path.metadata().with_context(|| format!("there is no {}", path.display()))?.len();
        say(&format!("made {} ({})", path.display(), megabytes(bytes)));
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

fn appimage(
    workspace: &Workspace,
    programs: &Programs,
    profile: Profile,
    folder: &Path,
) -> Result<()> {
    bundler::bundle(workspace, programs, profile, &["appimage"], folder).context(
        "no AppImage was made: Tauri's bundler downloads linuxdeploy and AppImage's runtime for it, \
         so it takes a connection to where these are published; the deb and the rpm are made and whole",
    )
}

fn target_folder(workspace: &Workspace) -> Result<PathBuf> {
    let metadata = workspace.metadata()?;
    let folder = metadata["target_directory"].as_str();
    Ok(folder.context("cargo did not say where it builds")?.into())
}

fn about(workspace: &Workspace, profile: Profile) -> Result<About> {
    let metadata = workspace.metadata()?;
    let date = |format: &str| -> Result<String> {
        let mut git = workspace.command("git");
        let text = output(git.args(["-c", "safe.directory=*", "log", "-1", format]))
            .context("packages are dated by the last commit, so they are made from a clone")?;
        Ok(text.trim().to_owned())
    };
    Ok(About {
        version: version(&metadata)?,
        seconds: date("--format=%ct")?,
        day: date("--format=%cs")?,
        dated: date("--format=%cD")?,
        is_packed: profile == Profile::Release,
    })
}

fn version(metadata: &Value) -> Result<String> {
    let package = list(&metadata["packages"]).find(|package| package["name"] == "oriel-cli");
    let Some(version) = package.and_then(|package| package["version"].as_str()) else {
        bail!("cargo knows no package oriel-cli, whose version the packages have");
    };
    Ok(version.replace('-', "~"))
}

/// Makes an empty folder, whatever was there.
fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("could not remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_before_a_release_sorts_before_it() {
        let metadata =
            |version| json!({ "packages": [{ "name": "oriel-cli", "version": version }] });
        assert_eq!(version(&metadata("1.2.3")).unwrap(), "1.2.3");
        assert_eq!(version(&metadata("1.2.3-rc.1")).unwrap(), "1.2.3~rc.1");
        assert!(version(&json!({})).is_err());
    }

    #[test]
    fn sizes_are_told_in_megabytes() {
        assert_eq!(megabytes(12_345_678), "12.3 MB");
        assert_eq!(megabytes(99_999), "0.0 MB");
    }
}
