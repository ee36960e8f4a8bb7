//! `oriel sync`: a session's workspace and a folder, kept equal.

use crate::Exit;
use crate::args::Sync;
use crate::output::Output;

/// Does what was asked.
pub(super) fn run(command: &Sync, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    match command {
        Sync::Types => {
            output.print(&oriel_wire::sync::typescript())?;
            Ok(Exit::Done)
        }
    }
}
