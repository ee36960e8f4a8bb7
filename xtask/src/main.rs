//! The project's chores: `cargo xtask <chore>`.
//!
//! A chore calls the same commands a person would type, and says each one before it runs. Only this
//! file reads the environment; the chores get a [`Workspace`].

mod apart;
mod axe;
mod bench;
mod bundler;
mod check;
mod clients;
mod command;
mod compute;
mod defaults;
mod demo;
mod deny;
mod desktop;
mod fuzz;
mod generate;
mod graph;
mod map;
mod npm;
mod package;
mod packages;
mod qwen;
mod run;
mod runmat;
mod screenshots;
mod test;
mod tools;
mod tree;
mod workspace;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};

use crate::command::say;
use crate::desktop::Profile;
use crate::package::Wanted;
use crate::workspace::{Workspace, cache_folder, has_display};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the release and start it: the desktop where there is a display, else the daemon.
    Run {
        /// Start `oriel serve` and open its console in a browser, display or not.
        #[arg(long)]
        daemon: bool,
        /// Arguments for `oriel-desktop`, or for `oriel serve`.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Build the release of the desktop and of the programs beside it, and say where they are.
    Desktop,
    /// Build the release of the program that runs scripts, and say where it is.
    Compute,
    /// Make packages to install: a deb and an rpm on Linux, what the system takes elsewhere.
    Package {
        /// Also install the deb, look at it, start it, and remove it again. Takes root on Debian.
        #[arg(long = "try")]
        is_tried: bool,
        /// Make an AppImage too, which takes tools that its maker downloads.
        #[arg(long)]
        appimage: bool,
        /// Package the debug build, to see a change of the packaging sooner.
        #[arg(long)]
        debug: bool,
    },
    /// Build the release `oriel` and start a console with made-up agents at work.
    Demo {
        /// Arguments for `oriel demo`.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Build RunMat's wasm module, with which the workbench runs scripts in the page. Takes long.
    RunmatWasm {
        /// Also run scripts in it, and print how long they took and what they read and wrote.
        #[arg(long = "try")]
        is_tried: bool,
        /// Arguments for the build of the module, such as `--jobs 2`.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Take pictures of every page, for the documents.
    Screenshots,
    /// Run every test, with whatever system packages they need.
    Test {
        /// Arguments for the test runner, such as a part of a test's name.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Run everything CI runs, up to the first failure.
    Check {
        /// Run only this step; may be given more than once.
        #[arg(long, value_name = "STEP", value_parser = PossibleValuesParser::new(check::names()))]
        only: Vec<String>,
    },
    /// Write the committed files that are made from code.
    Generate {
        /// Write nothing; fail if a file is not what the code makes.
        #[arg(long)]
        check: bool,
    },
    /// Measure the release build.
    Bench {
        /// What to measure.
        #[arg(value_enum, default_value_t)]
        what: bench::What,
        /// Arguments for `oriel-bench`.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Look for request bodies that break whatever reads them.
    Fuzz {
        /// What to fuzz; all of it in turn, unless told.
        #[arg(value_enum)]
        target: Option<fuzz::Target>,
        /// How long to look, in all.
        #[arg(long, value_name = "N", default_value_t = 60)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match workspace().and_then(|workspace| perform(&arguments.chore, &workspace)) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error}"));
            for cause in error.chain().skip(1) {
                say(&format!("  because: {cause}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn perform(chore: &Chore, workspace: &Workspace) -> Result<ExitCode> {
    match chore {
        Chore::Run { daemon, arguments } => return run::run(workspace, *daemon, arguments),
        Chore::Demo { arguments } => return demo::demo(workspace, arguments),
        Chore::Bench { what, arguments } => return bench::bench(workspace, *what, arguments),
        Chore::Compute => compute::compute(workspace)?,
        Chore::Desktop => desktop::desktop(workspace)?,
        Chore::Package { is_tried, appimage, debug } => {
            let profile = if *debug { Profile::Debug } else { Profile::Release };
            let wanted = Wanted { profile, is_tried: *is_tried, appimage: *appimage };
            package::package(workspace, wanted)?;
        }
        Chore::RunmatWasm { is_tried, arguments } => {
            runmat::runmat_wasm(workspace, *is_tried, arguments)?;
        }
        Chore::Screenshots => screenshots::screenshots(workspace)?,
        Chore::Test { arguments } => test::test(workspace, arguments)?,
        Chore::Check { only } => check::check(workspace, only)?,
        Chore::Generate { check: false } => generate::write(workspace)?,
        Chore::Generate { check: true } => {
            generate::compare(workspace, &generate::programs(workspace)?)?;
        }
        Chore::Fuzz { target, seconds } => fuzz::fuzz(workspace, *target, *seconds)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn workspace() -> Result<Workspace> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let package = variable("CARGO_MANIFEST_DIR")
        .context("cargo did not say where the workspace is; start chores as `cargo xtask`")?;
    let root = Path::new(&package)
        .parent()
        .with_context(|| format!("{} has no parent folder", package.display()))?;
    Ok(Workspace {
        root: root.to_owned(),
        cache: cache_folder(
            variable("ORIEL_BUILD_CACHE").map(PathBuf::from),
            variable("XDG_CACHE_HOME").map(PathBuf::from),
            variable("HOME").map(PathBuf::from),
        ),
        has_display: has_display(
            cfg!(all(unix, not(target_os = "macos"))),
            ["DISPLAY", "WAYLAND_DISPLAY"].map(variable).each_ref().map(Option::as_deref),
        ),
        cargo: variable("CARGO").unwrap_or_else(|| "cargo".into()),
        leftovers: std::env::vars_os().map(|(name, _)| name).filter(|n| of_this_run(n)).collect(),
    })
}

/// Cargo tells a program it runs which package that program is. Handed on to the next cargo, these
/// make build scripts that watch them run again.
fn of_this_run(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}
