//! `bench`: measurements of the release build, since those of any other say nothing.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::command::{run_in_place, say};
use crate::packages;
use crate::workspace::Workspace;

/// What `oriel-bench` can measure.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum What {
    Ingest,
    Read,
    Stream,
    Start,
    Console,
    Gateway,
    Desktop,
    Hostfs,
    Files,
    Sync,
    #[default]
    All,
}

pub(crate) fn bench(
    workspace: &Workspace,
    wanted: What,
    arguments: &[OsString],
) -> Result<ExitCode> {
    if matches!(wanted, What::Desktop) {
        return desktop(workspace);
    }
    if matches!(wanted, What::Files) {
        return files(workspace);
    }
    if matches!(wanted, What::Hostfs) {
        return hostfs(workspace, arguments);
    }
    let what = wanted.to_possible_value().context("every measurement has a name")?;
    say(&format!("builds the release `oriel` and measures it: {}", what.get_name()));
    // Built together, the two would share features, and the program measured would not be the one
    // that people run.
    if matches!(wanted, What::Console) {
        packages::ensure_for_browser()?;
    }
    if matches!(wanted, What::Sync) {
        packages::ensure_for_sync_bench()?;
    }
    let oriel = workspace.build(&["--release", "-p", "oriel-cli"])?;
    let bench = workspace.build(&["--release", "-p", "oriel-bench"])?;
    let mut bench = workspace.command_here(bench.path("oriel-bench")?);
    bench.arg(what.get_name()).arg("--oriel").arg(oriel.path("oriel")?).args(arguments);
    run_in_place(&mut bench)
}

/// Measures files of the host beside plain calls of the system. It is an example of its crate, so that
/// nothing else is built for it.
fn hostfs(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    say("builds the release files engine and measures it beside plain calls of the system");
    let example = ["--release", "-p", "oriel-hostfs", "--example", "hostfs_bench"];
    let mut bench = workspace.command_here(workspace.build(&example)?.path("hostfs_bench")?);
    run_in_place(bench.args(arguments))
}

/// Measures what files cost the workbench's page, beside plain calls of the system and a page that has them
/// by the usual ways.
fn files(workspace: &Workspace) -> Result<ExitCode> {
    say(
        "builds the release desktop and a peer, and measures files in their pages beside plain calls of the \
         system",
    );
    packages::ensure_for_tests()?;
    let more = &["-p", "oriel-tests", "-p", "oriel-peer"];
    let programs = crate::desktop::build_with(workspace, crate::desktop::Profile::Release, more)?;
    let mut figures = workspace.command_here(programs.path("files-figures")?);
    figures
        .arg(programs.path("oriel-peer")?)
        .env("ORIEL_TEST_BIN", programs.path("oriel")?)
        .env("ORIEL_TEST_DESKTOP", programs.path(crate::desktop::DESKTOP)?);
    run_in_place(&mut figures)
}

/// Measures the desktop beside a bare window of the same engine.
fn desktop(workspace: &Workspace) -> Result<ExitCode> {
    say("builds the release desktop and a bare window, and measures them by turns");
    packages::ensure_for_tests()?;
    let of_bare = ["--release", "--bins", "--example", "bare"];
    let packages = crate::desktop::PROGRAMS.iter().flat_map(|(_, package)| ["-p", package]);
    // In one go, so that both windows are made of the same.
    let programs = workspace.build(&of_bare.into_iter().chain(packages).collect::<Vec<_>>())?;
    let tests = workspace.build(&["--release", "-p", "oriel-tests", "--bins"])?;
    let mut figures = workspace.command_here(tests.path("desktop-figures")?);
    figures
        .arg(programs.path("bare")?)
        .env("ORIEL_TEST_BIN", programs.path("oriel")?)
        .env("ORIEL_TEST_DESKTOP", programs.path(crate::desktop::DESKTOP)?);
    run_in_place(&mut figures)
}
