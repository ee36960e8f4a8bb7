//! `demo`: from a clone to a live console with made-up agents at work, in one command.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::command::{run_in_place, say};
use crate::packages;
use crate::workspace::Workspace;

pub(crate) fn demo(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    say(
        "builds the release `oriel`, then starts `oriel demo`; Ctrl-C stops it and removes its data",
    );
    packages::ensure()?;
    let programs = workspace.build(&["--release", "-p", "oriel-cli"])?;
    let mut demo = workspace.command_here(programs.path("oriel")?);
    run_in_place(demo.arg("demo").args(arguments))
}
