//! `oriel man`: the manual pages, made from the same words as the help.

use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::Exit;
use crate::args::Args;
use crate::output::Output;
use crate::text;

/// Prints the first page, or writes all of them to a folder.
pub(super) fn run(dir: Option<&Path>, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Args::command()).render(&mut page)?;
        output.print(&String::from_utf8(page)?)?;
        return Ok(Exit::Done);
    };
    let cannot = || format!("cannot write manual pages to {}", dir.display());
    std::fs::create_dir_all(dir).with_context(cannot)?;
    clap_mangen::generate_to(Args::command(), dir).with_context(cannot)?;
    let place = text::clean(&dir.display().to_string());
    output.print(&format!("wrote the manual pages to {place}\n"))?;
    Ok(Exit::Done)
}
