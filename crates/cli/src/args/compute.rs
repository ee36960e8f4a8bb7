//! Scripts.

use std::path::PathBuf;

use clap::Subcommand;

/// What to do with scripts.
#[derive(Debug, Subcommand)]
pub(crate) enum Compute {
    /// Runs a script of the MATLAB language.
    ///
    /// It reaches files in its workspace and nothing else: no other files, no network, no programs. Ends
    /// with 0 when the script came to its end, 1 when it failed or took more than it may, and 130 when it
    /// was interrupted: Ctrl-C asks it to stop, and twice ends it by force.
    Run(ComputeRun),
    /// Reads lines and runs them, one after the other, with the same variables.
    ///
    /// `:help` tells what else it does. It works in a pipe as well, and then ends with 1 when the last
    /// line failed.
    Repl(ComputeWhere),
    /// Prints the protocol's types in TypeScript.
    Types,
}

/// A script and how to run it.
#[derive(Debug, clap::Args)]
pub(crate) struct ComputeRun {
    /// The script, a file in the workspace; `-` reads it from standard input.
    #[arg(value_name = "SCRIPT")]
    pub(crate) script: PathBuf,
    #[command(flatten)]
    pub(crate) place: ComputeWhere,
    /// Prints each event as JSON on a line of its own.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where scripts run, and what they may use.
#[derive(Debug, clap::Args)]
pub(crate) struct ComputeWhere {
    /// The folder that scripts may use; without it, the working directory, or the script's own folder
    /// where that lies elsewhere.
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Lets scripts read in it only.
    #[arg(long)]
    pub(crate) read_only: bool,
    /// How many seconds a run may take.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) time_limit: Option<u64>,
    /// How much memory it may use, such as 512M or 4G.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) memory_limit: Option<u64>,
}

/// The least memory that the program itself needs.
const MEMORY_BYTES_MIN: u64 = 256 << 20;

fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.chars().last() {
        Some('k' | 'K') => (&text[..text.len() - 1], 1 << 10),
        Some('m' | 'M') => (&text[..text.len() - 1], 1 << 20),
        Some('g' | 'G') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| "say a number, or one with K, M or G")?;
    let bytes = number.checked_mul(unit).ok_or("that is more than there is")?;
    if bytes < MEMORY_BYTES_MIN {
        return Err("the program itself needs 256M".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_said_in_bytes_or_larger() {
        assert_eq!(bytes("512M"), Ok(512 << 20));
        assert_eq!(bytes("4g"), Ok(4 << 30));
        assert_eq!(bytes("300000000"), Ok(300_000_000));
        for wrong in ["", "M", "-1G", "1T", "1M", "99999999999999G", "ä"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
