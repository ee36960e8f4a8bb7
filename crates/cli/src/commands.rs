//! One file for each command.

mod agent;
mod archive;
mod ask;
mod chat;
mod completions;
mod compute;
mod config;
mod console;
mod costs;
mod daemon;
mod demo;
mod doctor;
mod export;
mod files;
mod gateway;
mod hook;
mod hooks;
mod import;
mod inspect;
mod keys;
mod limits;
mod man;
mod mcp;
mod modules;
mod notices;
mod open;
mod openapi;
mod opinions;
mod report;
mod search;
mod seed;
mod serve;
mod sessions;
mod show;
mod status;
mod stop;
mod store;
mod sync;
mod tail;
mod waiting;

mod audit;

use oriel_launcher::Keeper;
use oriel_runtime::config::Config;
use oriel_runtime::zone::{self, Edge, ZoneError};
use oriel_wire::time::rfc3339;
use serde::de::DeserializeOwned;

use crate::Exit;
use crate::address::Address;
use crate::args::{Args, Command};
use crate::output::Output;
use crate::service::Service;
use oriel_daemon::Surroundings;

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
            let color = global.color(&surroundings.environment);
            let how = Keeper::from_word(serve.launched.as_deref());
            serve::run(&flags, how, color, serve.open, surroundings, output)
        }
        Command::Status(form) => status::run(form, &flags, surroundings, output),
        Command::Doctor(form) => doctor::run(form, &flags, surroundings, output),
        Command::Config(config) => config::run(&config, &flags, surroundings, output),
        Command::Store(store) => store::run(store, &flags, surroundings, output),
        Command::Import(import) => import::run(&import, &flags, surroundings, output),
        Command::Archive(archive) => archive::run(archive, &flags, surroundings, output),
        Command::Search(search) => search::run(&search, &flags, surroundings, output),
        Command::Mcp => mcp::run(&flags, surroundings, output),
        Command::Inspect(inspect) => inspect::run(&inspect, output),
        Command::Notices(notices) => notices::run(&notices, &flags, surroundings, output),
        Command::Waiting(form) => waiting::run(form, &flags, surroundings, output),
        Command::Limits(form) => limits::run(form, &flags, surroundings, output),
        Command::Open(open) => open::run(&open, &flags, surroundings, output),
        Command::Gateway(command) => {
            let color = global.color(&surroundings.environment);
            gateway::run(&command, &flags, color, surroundings, output)
        }
        Command::Compute(command) => compute::run(&command, surroundings, output),
        Command::Agent(agent) => agent::run(&agent, surroundings),
        Command::Stop => stop::run(&flags, surroundings, output),
        Command::Seed(seed) => seed::run(seed, &flags, surroundings, output),
        Command::Demo(demo) => {
            demo::run(&demo, global.color(&surroundings.environment), surroundings, output)
        }
        Command::Report(report) => report::run(&report, &flags, surroundings, output),
        Command::Sessions(sessions) => sessions::run(&sessions, &flags, surroundings, output),
        Command::Show(show) => show::run(&show, &flags, surroundings, output),
        Command::Tail(tail) => tail::run(&tail, &flags, surroundings, output),
        Command::Export(export) => export::run(&export, &flags, surroundings, output),
        Command::Costs(costs) => costs::run(costs, &flags, surroundings, output),
        Command::Hook(hook) => Ok(hook::run(&hook, &flags, surroundings, output)),
        Command::Hooks(command) => hooks::run(&command, &global, surroundings, output),
        Command::Console(console) => {
            let flags = [flags, console.flags()].concat();
            console::run(&flags, global.color(&surroundings.environment), surroundings, output)
        }
        Command::Daemon(command) => daemon::run(command, &flags, surroundings, output),
        Command::Modules(command) => modules::run(command, &flags, surroundings, output),
        Command::Ask(ask) => ask::run(&ask, &flags, surroundings, output),
        Command::Chat(chat) => chat::run(&chat, &flags, surroundings, output),
        Command::Openapi => openapi::run(output),
        Command::Completions { shell } => completions::run(shell, output),
        Command::Man { dir } => man::run(dir.as_deref(), output),
        Command::Audit(audit) => audit::run(&audit, &flags, surroundings, output),
        Command::Files(files) => files::run(&files, &flags, surroundings, output),
        Command::Sync(command) => sync::run(&command, &flags, surroundings, output),
        Command::Opinions(opinions) => opinions::run(&opinions, &flags, surroundings, output),
        Command::Keys(keys) => keys::run(keys, &flags, surroundings, output),
    }
}

/// Returns the moment that someone wrote, in the form in which it is sent.
fn moment(
    text: Option<&String>,
    zone: &jiff::tz::TimeZone,
    edge: Edge,
) -> Result<Option<String>, ZoneError> {
    text.map(|text| Ok(rfc3339(zone::moment(text, zone, edge)?))).transpose()
}

/// Asks a question of the daemon that runs, else of a runtime in this process.
async fn ask<T: DeserializeOwned>(config: Config, address: &Address) -> anyhow::Result<T> {
    let service = Service::reach(config).await?;
    let answer = service.get(address.as_str()).await;
    service.close().await;
    Ok(answer?)
}

/// Waits for something on this thread alone: a command that asks a few questions needs no more.
fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
