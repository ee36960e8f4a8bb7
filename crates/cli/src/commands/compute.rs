//! `oriel compute`: scripts from the command line.

mod follow;
mod lines;
mod repl;
mod script;
mod shown;
mod signals;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use oriel_daemon::Surroundings;
use oriel_launcher::compute::{PROGRAM, Session, Start, find};
use oriel_wire::compute::{Event, Limits};
use oriel_wire::hostfs::WorkspaceAccess;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::Exit;
use crate::args::{Compute, ComputeWhere};
use crate::output::Output;

/// Names the program where it does not lie beside this one or on the path.
const PROGRAM_VARIABLE: &str = "ORIEL_COMPUTE";

/// Does what was asked.
pub(super) fn run(
    command: &Compute,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    match command {
        Compute::Run(form) => script::run(form, surroundings, output),
        Compute::Repl(place) => repl::run(place, surroundings, output),
        Compute::Types => {
            output.print(&oriel_wire::compute::typescript())?;
            Ok(Exit::Done)
        }
    }
}

/// A session, what it tells, and the folder that its variables outlive a process in.
struct Started {
    session: Session,
    events: mpsc::Receiver<Event>,
    /// It is removed with this.
    _kept: TempDir,
}

/// Starts a session for a folder. It needs a runtime to run in.
fn start(
    workspace: PathBuf,
    place: &ComputeWhere,
    surroundings: &Surroundings,
) -> anyhow::Result<Started> {
    let kept = tempfile::tempdir().context("cannot make a folder for the variables")?;
    let access = if place.read_only { WorkspaceAccess::Read } else { WorkspaceAccess::ReadWrite };
    let limits = Limits {
        memory_bytes: place.memory_limit,
        run_ms: place.time_limit.map(|seconds| seconds.saturating_mul(1000)),
        output_bytes: None,
    };
    let program = program(surroundings)?;
    let kept_in = kept.path().to_owned();
    let start = Start { program, workspace, access, limits, kept: kept_in, umask: None };
    let (session, events) = Session::start(start)?;
    Ok(Started { session, events, _kept: kept })
}

fn program(surroundings: &Surroundings) -> anyhow::Result<PathBuf> {
    let variable = |name| surroundings.environment.get(name);
    let named = variable(PROGRAM_VARIABLE).map(Path::new);
    let running = surroundings.program.as_deref().map(Path::new);
    let path = variable("PATH").map(std::ffi::OsStr::new);
    if let Some(program) = find(named, running, path) {
        return Ok(program);
    }
    if let Some(named) = named {
        bail!("{PROGRAM_VARIABLE} names {}, which is no file", named.display());
    }
    bail!(
        "`{PROGRAM}` is not there, which runs the scripts; build it with `cargo xtask compute` and put it \
         beside `oriel` or on the path, or name it in {PROGRAM_VARIABLE}"
    )
}
