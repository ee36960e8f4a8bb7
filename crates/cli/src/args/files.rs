//! What pages of the desktop may use of a person's files.

use std::path::PathBuf;

use clap::Subcommand;

use super::Json;

/// What to do with granted folders.
#[derive(Debug, Subcommand)]
pub(crate) enum Files {
    /// Lists the folders that pages may use. Ends with 1 when they cannot be read.
    List(Json),
    /// Lets a page use a folder, to read what is in it or to write it as well.
    ///
    /// The home folder as a whole is never granted. Keys and files with passwords are kept from pages in
    /// every folder, and files whose names begin with a dot are not written.
    Grant(FilesGrant),
    /// Takes a folder back. Pages lose it at once.
    Revoke {
        /// The name of the grant, or the folder.
        grant: String,
        #[command(flatten)]
        form: Json,
    },
    /// Prints the types of the message form in TypeScript.
    Types,
}

/// Who may use which folder.
#[derive(Debug, clap::Args)]
pub(crate) struct FilesGrant {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The page it is for.
    #[arg(long, value_name = "PAGE", default_value = "workbench")]
    pub(crate) page: String,
    /// Lets the page write, make and remove files there as well.
    #[arg(long)]
    pub(crate) write: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}
