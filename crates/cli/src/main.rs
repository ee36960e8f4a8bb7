//! The program `oriel`: it runs the daemon, and asks and steers one that runs.
//!
//! What it was started in is read once, as `Surroundings`; everything else gets it as an argument.

mod address;
mod args;
mod chat;
mod commands;
mod csv;
mod events;
mod gateway;
mod output;
mod platform;
mod progress;
mod query;
mod service;
mod table;
#[cfg(test)]
mod testing;
mod text;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
pub(crate) use oriel_daemon::chain;
use oriel_daemon::{ConfigError, Surroundings};
use oriel_launcher::daemon;
use oriel_runtime::zone::ZoneError;

use args::Args;
use output::{Output, OutputError, Paint};

/// How the program ends; scripts rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked is done, or true.
    Done,
    /// It failed, or is false.
    Failed,
    /// It was asked wrongly.
    Usage,
    /// No daemon runs.
    NotRunning,
    /// It was interrupted from the terminal, and stopped what it had begun.
    Interrupted,
    /// It was an agent, which ends as it sees fit.
    Agent(u8),
}

impl Exit {
    /// Returns its number.
    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotRunning => 3,
            Self::Interrupted => 130,
            Self::Agent(code) => code,
        }
    }
}

fn main() -> ExitCode {
    // An agent takes 2, which is how a wrong command line ends, for a veto.
    let is_hook = arguments().get(1).is_some_and(|word| word == "hook");
    let exit = match Args::try_parse_from(args::with_words(arguments())) {
        Ok(args) => run(args, is_hook).unwrap_or_else(|error| {
            let exit = report(&error);
            if is_hook { Exit::Done } else { exit }
        }),
        Err(error) if is_hook => {
            // With the output closed there is nobody to tell.
            _ = error.print();
            Exit::Done
        }
        Err(error) => error.exit(),
    };
    ExitCode::from(exit.code())
}

fn run(args: Args, is_hook: bool) -> anyhow::Result<Exit> {
    let surroundings = Surroundings::of_this_process(is_hook, platform::program().ok())?;
    let stdout = std::io::stdout();
    let color = args.global.color(&surroundings.environment);
    let mut output = Output::new(stdout.lock(), Paint::new(color.holds_for(stdout.is_terminal())));
    commands::run(args, &surroundings, &mut output)
}

fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// Says what went wrong, in one line, and returns how to end.
fn report(error: &anyhow::Error) -> Exit {
    if matches!(error.downcast_ref(), Some(OutputError::Closed)) {
        // Whoever read has read enough: `oriel config | head -1` worked.
        return Exit::Done;
    }
    let line = format!("oriel: {}\n", text::clean(&chain(error.as_ref())));
    // With standard error closed there is nobody left to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
    let usage = error.downcast_ref().is_some_and(ConfigError::is_usage) || error.is::<ZoneError>();
    if usage { Exit::Usage } else { Exit::Failed }
}
