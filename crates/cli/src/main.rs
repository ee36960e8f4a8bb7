//! The program `oriel`: it runs the daemon, and asks and steers one that runs.
//!
//! Only this file reads the environment and the clock; everything else gets them as an argument.

mod args;
mod commands;
mod config;
mod daemon;
mod logs;
mod output;
mod platform;
mod progress;
mod service;
mod table;
#[cfg(test)]
mod testing;
mod text;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::Parser as _;
use oriel_runtime::config::Clock;
use oriel_runtime::settings::Folders;

use args::Args;
use config::{ConfigError, Surroundings};
use output::{Output, OutputError, Paint};

/// How the program ends; scripts rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked is done, or true.
    Done = 0,
    /// It failed, or is false.
    Failed = 1,
    /// It was asked wrongly.
    Usage = 2,
    /// No daemon runs.
    NotRunning = 3,
}

fn main() -> ExitCode {
    let args = Args::parse();
    ExitCode::from(run(args).unwrap_or_else(|error| report(&error)) as u8)
}

fn run(args: Args) -> anyhow::Result<Exit> {
    let surroundings = surroundings()?;
    let stdout = std::io::stdout();
    let color = args.global.color(&surroundings.environment);
    let mut output = Output::new(stdout.lock(), Paint::new(color.holds_for(stdout.is_terminal())));
    commands::run(args, &surroundings, &mut output)
}

#[expect(clippy::disallowed_methods, reason = "this is where the world is read")]
fn surroundings() -> anyhow::Result<Surroundings> {
    let mut environment = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(environment.insert(name, value)),
            Err(_) if name.starts_with("ORIEL_") => anyhow::bail!("{name} is not valid UTF-8"),
            Err(_) => {}
        }
    }
    let working = std::env::current_dir().context("cannot tell the working directory")?;
    let folders = Folders { home: std::env::home_dir(), working };
    Ok(Surroundings { environment, folders, clock: Clock::new(SystemTime::now) })
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
    let usage = error.downcast_ref().is_some_and(ConfigError::is_usage);
    if usage { Exit::Usage } else { Exit::Failed }
}

/// Returns an error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_said_once() {
        let error = anyhow::anyhow!("no such file").context("cannot read x: no such file");
        let error = error.context("cannot start");
        assert_eq!(chain(error.as_ref()), "cannot start: cannot read x: no such file");
    }
}
