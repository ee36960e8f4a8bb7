//! One file for each command.

mod completions;
mod config;
mod doctor;
mod man;
mod openapi;
mod seed;
mod serve;
mod status;
mod stop;
mod store;

use crate::Exit;
use crate::args::{Args, Command};
use crate::config::Surroundings;
use crate::output::Output;

/// Does what was asked.
pub(crate) fn run(
    args: Args,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let Args { global, command } = args;
    let flags = global.flags();
    match command {
        Command::Serve(serve) => {
            let flags = [flags, serve.flags()].concat();
            serve::run(&flags, global.color(&surroundings.environment), surroundings, output)
        }
        Command::Status(form) => status::run(form, &flags, surroundings, output),
        Command::Doctor(form) => doctor::run(form, &flags, surroundings, output),
        Command::Config(config) => config::run(&config, &flags, surroundings, output),
        Command::Store(store) => store::run(store, &flags, surroundings, output),
        Command::Stop => stop::run(&flags, surroundings, output),
        Command::Seed(seed) => seed::run(seed, &flags, surroundings, output),
        Command::Openapi => openapi::run(output),
        Command::Completions { shell } => completions::run(shell, output),
        Command::Man { dir } => man::run(dir.as_deref(), output),
    }
}

/// Waits for something on this thread alone: a command that asks a few questions needs no more.
fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
