//! Tauri's bundler, for what cannot be made with a system's own tools: an AppImage, and the installers
//! of macOS and Windows. `desktop/tauri.conf.json` says what they are like.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::command::run;
use crate::desktop::{DESKTOP, PROGRAMS, Profile};
use crate::npm::NpmPackage;
use crate::workspace::{Programs, Workspace};

/// Makes bundles of programs that are built already. `kinds` is empty for all that the system takes.
pub(crate) fn bundle(
    workspace: &Workspace,
    programs: &Programs,
    profile: Profile,
    kinds: &[&str],
    folder: &Path,
) -> Result<()> {
    let script = package().ensure(workspace)?;
    let config = companions(programs, &workspace.host()?, &folder.join("companions"))?;
    let mut tauri = workspace.command("node");
    tauri.arg(script).args(["bundle", "--ci"]).current_dir(workspace.root.join("desktop"));
    tauri.arg("--config").arg(config.to_string());
    if profile == Profile::Debug {
        tauri.arg("--debug");
    }
    if !kinds.is_empty() {
        tauri.arg("--bundles").arg(kinds.join(","));
    }
    run(&mut tauri)
}

/// Lays the other programs where the bundler looks for them, under names that end in the system's,
/// and returns the part of its settings that names them. It stands in no file that the build of the
/// desktop reads, or that would want them before they are built.
fn companions(programs: &Programs, host: &str, folder: &Path) -> Result<Value> {
    fs::create_dir_all(folder)
        .with_context(|| format!("could not make the folder {}", folder.display()))?;
    let mut names = Vec::new();
    for (name, _) in PROGRAMS.iter().filter(|(name, _)| *name != DESKTOP) {
        let mut file = folder.join(format!("{name}-{host}"));
        if let Some(extension) = programs.path(name)?.extension() {
            file.as_mut_os_string().push(".");
            file.as_mut_os_string().push(extension);
        }
        fs::copy(programs.path(name)?, &file)
            .with_context(|| format!("could not copy {name} to {}", file.display()))?;
        names.push(folder.join(name));
    }
    Ok(json!({ "bundle": { "externalBin": names } }))
}

fn package() -> NpmPackage {
    NpmPackage {
        name: "@tauri-apps/cli",
        version: "2.12.3",
        lock: include_str!("../tauri-cli.lock.json").to_owned(),
        file: "tauri.js",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npm::assert_locked;

    #[test]
    fn the_bundler_is_named_by_version_and_digest_for_every_system() {
        assert_locked(&package());
        for system in ["darwin-arm64", "darwin-x64", "win32-x64-msvc", "linux-x64-gnu"] {
            assert!(package().lock.contains(&format!("cli-{system}\": {{")), "{system}");
        }
    }
}
