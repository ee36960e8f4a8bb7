//! Sync.

use clap::Subcommand;

/// What to tell of sync.
#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Prints the types of its commands in TypeScript.
    Types,
}
