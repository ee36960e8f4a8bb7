//! What a history is to those who read it. A format is added by one module with these two traits.

use std::path::{Path, PathBuf};

use crate::parsed::Parsed;

/// Where agents keep their histories on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Homes {
    /// The user's home folder.
    pub home: PathBuf,
    /// What `CLAUDE_CONFIG_DIR` names, if anything; several, parted by commas, are allowed.
    pub claude: Vec<PathBuf>,
    /// What `CODEX_HOME` names, if anything.
    pub codex: Option<PathBuf>,
    /// The folder of the user's program data: `XDG_DATA_HOME`, else `~/.local/share`.
    pub data: PathBuf,
}

/// How a history is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Lines are appended, and one that is read never changes.
    Lines,
    /// The file is written anew; it is given to the reader as one line.
    Whole,
    /// A SQLite file. The first column of what this statement answers is given as lines.
    Table {
        /// The statement.
        sql: &'static str,
    },
}

/// A kind of history that some agent writes.
pub trait Format: Send + Sync {
    /// Its name, such as `claude-code`.
    fn name(&self) -> &'static str;

    /// The folders below which its files lie.
    fn folders(&self, homes: &Homes) -> Vec<PathBuf>;

    /// Returns whether a file below such a folder is one of its histories.
    fn claims(&self, below_folder: &Path) -> bool;

    /// How its files are read.
    fn shape(&self) -> Shape;

    /// Returns a reader for a file, which goes on where `state` was taken.
    fn reader(&self, file: &Path, state: Option<&str>) -> Box<dyn Reader>;
}

/// Reads one history, line by line.
pub trait Reader: Send {
    /// Takes the next line, without its end. Blank lines are not given.
    fn line(&mut self, line: &[u8], out: &mut Parsed);

    /// Tells what was held back, since nothing more comes for now.
    fn pause(&mut self, out: &mut Parsed);

    /// Returns all that must be known to go on after the last line, as JSON of a few KiB at most.
    /// Only asked for after [`Reader::pause`].
    fn state(&self) -> String;
}
