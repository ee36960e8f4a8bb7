//! The command lines of sync.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Json;

/// What to do about sync.
#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Begins to keep a session's workspace and a folder equal.
    ///
    /// What changes on one side appears on the other. Where both change the same, nothing is overwritten:
    /// it is a conflict, and you are asked.
    Start(SyncStart),
    /// Ends the sync of a session. No file of the folder is removed.
    Stop(SyncStop),
    /// Tells how sync stands. Ends with 1 when a sync waits for you or cannot go on.
    Status(SyncStatus),
    /// Shows a conflict, or ends it.
    ///
    /// Without a choice it shows what each side changed.
    Resolve(SyncResolve),
    /// Lets a paused sync go on, after it asked about something such as removing many files.
    Confirm(SyncConfirm),
    /// Compares both trees whole. Ends with 1 when they differ.
    Verify(SyncVerify),
    /// Prints the types of its commands in TypeScript.
    #[command(hide = true)]
    Types,
}

/// What to keep equal.
#[derive(Debug, Args)]
pub(crate) struct SyncStart {
    /// The local folder, which has to be there.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The gateway's session, named in full or by its beginning. It need not be named where there is only
    /// one.
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Takes a folder that has something in it. What both sides have and differs is a conflict.
    #[arg(long)]
    pub(crate) allow_non_empty: bool,
    /// Takes a folder that the system cannot watch, and looks through it now and then instead.
    #[arg(long)]
    pub(crate) allow_polling: bool,
    /// Leaves out what `.gitignore` files name as well.
    #[arg(long)]
    pub(crate) gitignore: bool,
    /// Merges texts unasked that both sides changed in different places.
    #[arg(long)]
    pub(crate) merge: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// What to end.
#[derive(Debug, Args)]
pub(crate) struct SyncStop {
    /// The session, named in full or by its beginning. It need not be named where only one is synced.
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// Forgets what is remembered of it too, so that it begins anew next time.
    #[arg(long)]
    pub(crate) forget: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// What to tell of.
#[derive(Debug, Args)]
pub(crate) struct SyncStatus {
    /// The session, named in full or by its beginning. By default all are told of.
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// Goes on to tell what happens, until it is interrupted.
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// Which conflict, and how it ends.
#[derive(Debug, Args)]
pub(crate) struct SyncResolve {
    /// The path: as `oriel sync status` names it, or where it lies in the local folder.
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// The session, named in full or by its beginning. It need not be named where only one is synced.
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Has both sides take the local version, or the one from upstream.
    #[arg(long, value_name = "SIDE", conflicts_with = "merged")]
    pub(crate) keep: Option<Side>,
    /// Has both sides take the text in this file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) merged: Option<PathBuf>,
    /// Does it only while the versions are those that were shown with this word.
    #[arg(long, value_name = "WORD")]
    pub(crate) seen: Option<String>,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// A side of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// What is in the local folder.
    Local,
    /// What is in the session's workspace.
    Upstream,
}

/// What goes on.
#[derive(Debug, Args)]
pub(crate) struct SyncConfirm {
    /// The session, named in full or by its beginning. It need not be named where only one is paused.
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// Puts back what would be removed, instead of removing it.
    #[arg(long)]
    pub(crate) restore: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// What to compare.
#[derive(Debug, Args)]
pub(crate) struct SyncVerify {
    /// The session, named in full or by its beginning. It need not be named where only one is synced.
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
    #[command(flatten)]
    pub(crate) form: Json,
}
