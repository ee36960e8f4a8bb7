//! `oriel chat`: talking to agents in the terminal.

use std::io::IsTerminal as _;

use anyhow::{Context as _, ensure};
use oriel_runtime::settings::Flag;

use crate::args::Chat;
use crate::output::Output;
use crate::{Exit, chat, gateway};
use oriel_daemon::Surroundings;

/// Runs the terminal client until it is left.
pub(super) fn run(
    asked: &Chat,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &Output<'_>,
) -> anyhow::Result<Exit> {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    ensure!(is_terminal, "`oriel chat` needs a terminal; in a script use `oriel ask`");
    let data_dir = surroundings.locate(flags)?.data_dir;
    let working = surroundings.folders.working.to_str();
    let working = working.context("the folder's path is not valid UTF-8")?.to_owned();
    // No two programs that talk at the same time name their turns alike.
    let turn_prefix = format!("chat-{:016x}", fastrand::u64(..));
    let model = chat::Model::new(working, asked.session.clone(), turn_prefix);
    super::wait(async {
        let (client, events) = match gateway::reach(&asked.at, &data_dir).await {
            Ok(reached) => reached,
            Err(error) => return Ok(super::ask::not_reached(&error)),
        };
        let left = chat::run(&client, events, model, output.paint().is_on()).await;
        client.close().await;
        left.map(|()| Exit::Done)
    })
}
