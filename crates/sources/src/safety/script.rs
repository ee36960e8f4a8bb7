//! What a shell script is made of, as far as it matters for what it would do.
//!
//! The order of things is kept and most of the nesting is not: the body of an `if` or a loop is
//! taken to run, so its commands simply stand in the row.

/// A script, or the inside of a substitution.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) items: Vec<Item>,
}

/// One thing in a script.
#[derive(Debug)]
pub(super) enum Item {
    /// A simple command.
    Command(Command),
    /// `(`: what follows changes nothing outside of it.
    Open,
    /// `)`, the end of what [`Item::Open`] began.
    Close,
    /// `for name in words`.
    For { name: String, words: Vec<Word> },
    /// `name() {`.
    FunctionStart(String),
    /// The end of the function that began last.
    FunctionEnd,
}

/// A simple command.
#[derive(Debug, Default)]
pub(super) struct Command {
    pub(super) assignments: Vec<(String, Word)>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
    /// Whether it reads what the command before it writes.
    pub(super) piped: bool,
    /// Whether the next command reads what it writes, or it runs beside the next.
    pub(super) goes_on: bool,
}

/// Where input comes from or output goes.
#[derive(Debug)]
pub(super) enum Redirect {
    /// Output goes to a file.
    To(Word),
    /// Input comes from a file.
    From(Word),
    /// Input is this text, which holds expansions.
    Text(Word),
    /// Input is a here-document, by its number in [`Parsed::documents`](super::parse::Parsed).
    Document(usize),
}

/// One word as written: its pieces in order.
#[derive(Debug, Default)]
pub(super) struct Word {
    pub(super) pieces: Vec<Piece>,
}

/// A piece of a word.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text that stands for itself.
    Quoted(String),
    /// Text in which `*`, `?`, `{` and `~` mean something.
    Live(String),
    /// A variable, with what follows its name within the braces.
    Variable { name: String, rest: String, quoted: bool },
    /// `$(...)`, `<(...)`.
    Substitution { script: Script, quoted: bool },
    /// What stands between backticks, not yet read.
    Backticks { text: String, quoted: bool },
    /// The elements of an array.
    Array(Vec<Word>),
    /// Something that nobody can tell without running it.
    Unknown,
    /// A pattern that stands for any names.
    Any,
}

impl Word {
    /// Returns the word if it is plain text without quotes or expansions, as keywords are.
    pub(super) fn bare(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Live(text)] => Some(text),
            _ => None,
        }
    }

    /// Adds text, to the piece before it where that is of the same kind.
    pub(super) fn push(&mut self, c: char, quoted: bool) {
        match (self.pieces.last_mut(), quoted) {
            (Some(Piece::Quoted(text)), true) | (Some(Piece::Live(text)), false) => text.push(c),
            (_, true) => self.pieces.push(Piece::Quoted(c.to_string())),
            (_, false) => self.pieces.push(Piece::Live(c.to_string())),
        }
    }
}
