//! `run`: from a clone to a running Oriel in one command.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::command::{run_in_place, say};
use crate::packages;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    say("builds the release `oriel`, then starts `oriel serve --open` here; Ctrl-C stops it");
    packages::ensure()?;
    let programs = workspace.build(&["--release", "-p", "oriel-cli"])?;
    let mut serve = workspace.command_here(programs.path("oriel")?);
    run_in_place(serve.args(["serve", "--open"]).args(arguments))
}
