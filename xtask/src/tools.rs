//! Cargo's subcommands that a chore needs and cargo does not bring.
//!
//! One version of each is used, since another may read the same files differently. It is looked for
//! on the `PATH`, then in the build cache, and built into the build cache when it is in neither.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::command::{run, say};
use crate::workspace::Workspace;

/// A subcommand of cargo in the one version that is used.
pub(crate) struct Tool {
    pub(crate) subcommand: &'static str,
    pub(crate) version: &'static str,
    /// How long it takes to install.
    pub(crate) minutes: &'static str,
}

impl Tool {
    /// Returns a command that runs the tool in the workspace's root; installs it where it is not.
    pub(crate) fn command(&self, workspace: &Workspace) -> Result<Command> {
        if self.is_it(&mut workspace.cargo(&[self.subcommand])) {
            return Ok(workspace.cargo(&[self.subcommand]));
        }
        let tools = tools_folder(workspace);
        let program = tools.join("bin").join(self.package());
        if !self.is_it(&mut workspace.command(&program)) {
            self.install(workspace, &tools)?;
            ensure!(
                self.is_it(&mut workspace.command(&program)),
                "{} is not {} {}, though it was just installed; remove it and try again",
                program.display(),
                self.package(),
                self.version
            );
        }
        Ok(workspace.command(program))
    }

    fn install(&self, workspace: &Workspace, tools: &Path) -> Result<()> {
        let (package, version) = (self.package(), self.version);
        say(&format!(
            "installs {package} {version} into {}, once; it takes {} minutes",
            tools.display(),
            self.minutes
        ));
        let mut install = workspace.cargo(&["install", &package, "--version", version]);
        install.args(["--locked", "--force", "--root"]).arg(tools);
        // A tool's build output has no place among the project's.
        install.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
        run(&mut install)
    }

    fn is_it(&self, program: &mut Command) -> bool {
        // A program that cannot be started, or cannot say its version, is not the one looked for.
        program.arg("--version").output().is_ok_and(|answer| {
            let expected = format!("{} {}", self.package(), self.version);
            answer.status.success() && answer.stdout.trim_ascii() == expected.as_bytes()
        })
    }

    fn package(&self) -> String {
        format!("cargo-{}", self.subcommand)
    }
}

/// The build cache, or where there is none the clone itself, which then has to do it again.
pub(crate) fn tools_folder(workspace: &Workspace) -> PathBuf {
    let kept = workspace.cache.as_ref().map(|cache| cache.join("tools"));
    kept.filter(|folder| fs::create_dir_all(folder).is_ok())
        .unwrap_or_else(|| workspace.root.join("target").join("tools"))
}
