//! `oriel completions`: what a shell needs to complete a command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Exit;
use crate::args::Args;
use crate::output::Output;

/// Prints a completion script.
pub(super) fn run(shell: Shell, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "oriel", &mut script);
    output.print(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
