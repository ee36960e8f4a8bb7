//! `oriel openapi`: the description of the HTTP API.

use crate::Exit;
use crate::output::Output;

/// Prints the description.
pub(super) fn run(output: &mut Output<'_>) -> anyhow::Result<Exit> {
    output.print(&(oriel_runtime::openapi_json() + "\n"))?;
    Ok(Exit::Done)
}
