//! The command line of opinions and of the key that signs them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Json;

#[derive(Debug, Subcommand)]
pub(crate) enum Opinions {
    /// Lists opinions, the newest first.
    List(OpinionsList),
    /// Shows an opinion with its revisions, and whether its record verifies.
    Show {
        /// The id of its record, or enough of its beginning.
        id: String,
        #[command(flatten)]
        form: Json,
    },
    /// Signs an opinion on a resource and keeps it.
    Compose {
        /// What kind of thing it is about, such as `session` or `url`.
        #[arg(long)]
        kind: String,
        /// Which one. Of a session, its id.
        #[arg(long, allow_hyphen_values = true)]
        id: String,
        #[command(flatten)]
        said: Said,
    },
    /// Signs a new opinion in the place of one of yours. What is not given stays as it was.
    Revise {
        /// The id of its record, or enough of its beginning.
        id: String,
        #[command(flatten)]
        said: Said,
    },
    /// Tells whether records verify, with no daemon and no data directory.
    ///
    /// A file holds one record, or one in each line. Ends with 1 when one does not verify, or there
    /// is none.
    Verify {
        /// The files. `-`, or none, is standard input.
        files: Vec<PathBuf>,
        #[command(flatten)]
        form: Json,
    },
    /// Writes all records out as they were signed, one in each line, the oldest first.
    Export {
        /// The file to write. By default it is standard output.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Which opinions to list.
#[derive(Debug, Args)]
pub(crate) struct OpinionsList {
    /// Lists only those of resources of this kind.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Lists only those of this resource.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
    /// Lists only those by this `did:key`.
    #[arg(long, value_name = "DID")]
    pub(crate) author: Option<String>,
    /// Lists only those with this in their text, their tags or their resource's name.
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    pub(crate) find: Option<String>,
    /// Lists those as well whose place a later one has taken.
    #[arg(long)]
    pub(crate) all: bool,
    /// Lists at most so many.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// What is said of a resource.
#[derive(Debug, Args)]
pub(crate) struct Said {
    /// What you say. It or a rating is needed.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) text: Option<String>,
    /// How good you find it, from 1 to 5.
    #[arg(long)]
    pub(crate) rating: Option<String>,
    /// The language of the text, such as `en`.
    #[arg(long)]
    pub(crate) lang: Option<String>,
    /// A word to find it by. May be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Shows what would be signed, and signs nothing.
    #[arg(long)]
    pub(crate) preview: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Keys {
    /// Shows the name of the key that signs for you. Ends with 1 when there is none.
    Show(Json),
    /// Makes the key. One that is there is never replaced.
    Create(Json),
}
