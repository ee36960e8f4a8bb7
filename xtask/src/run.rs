//! `run`: from a clone to a running Oriel in one command.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::command::{run_in_place, say};
use crate::workspace::Workspace;
use crate::{desktop, packages};

/// What is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Windows, with a daemon in them.
    Desktop,
    /// The daemon alone, with its console in a browser.
    Daemon,
}

impl Start {
    fn choose(wants_daemon: bool, has_display: bool) -> Self {
        if has_display && !wants_daemon { Self::Desktop } else { Self::Daemon }
    }
}

pub(crate) fn run(
    workspace: &Workspace,
    wants_daemon: bool,
    arguments: &[OsString],
) -> Result<ExitCode> {
    match Start::choose(wants_daemon, workspace.has_display) {
        Start::Desktop => run_desktop(workspace, arguments),
        Start::Daemon => run_daemon(workspace, arguments),
    }
}

fn run_desktop(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    say("builds the release and starts the desktop; `cargo xtask run --daemon` starts the daemon \
         alone, with the console in a browser");
    packages::ensure_for_desktop()?;
    let programs = desktop::build(workspace, desktop::Profile::Release)?;
    let mut desktop = workspace.command_here(programs.path(desktop::DESKTOP)?);
    run_in_place(desktop.args(arguments))
}

fn run_daemon(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    say("builds the release `oriel`, then starts `oriel serve --open` here; Ctrl-C stops it");
    packages::ensure()?;
    let programs = workspace.build(&["--release", "-p", "oriel-cli"])?;
    let mut serve = workspace.command_here(programs.path("oriel")?);
    run_in_place(serve.args(["serve", "--open"]).args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktop_starts_where_it_can_be_seen_and_was_not_refused() {
        assert_eq!(Start::choose(false, true), Start::Desktop);
        assert_eq!(Start::choose(false, false), Start::Daemon);
        assert_eq!(Start::choose(true, true), Start::Daemon);
        assert_eq!(Start::choose(true, false), Start::Daemon);
    }
}
