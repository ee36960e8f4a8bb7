//! A row of commands while it is read: what is open, and where the next command belongs.

use super::super::script::{Command, Item};

/// Braces, parentheses and `case` within each other that are kept apart.
const NESTS_MAX: usize = 200;

/// What was opened and is closed by `)` or `esac`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nest {
    Parenthesis,
    Case,
    /// A `{` and whether it is the body of a function.
    Brace(bool),
    /// A `(` that is the body of a function.
    FunctionParenthesis,
}

/// A row of commands that is being read.
#[derive(Default)]
pub(super) struct Row {
    pub(super) items: Vec<Item>,
    pub(super) command: Command,
    pub(super) nests: Vec<Nest>,
    /// Whether the next brace or parenthesis begins the body of a function.
    pub(super) function: bool,
    /// Whether the next command reads from the one before.
    pub(super) piped: bool,
}

impl Row {
    /// Ends the command that is being read.
    pub(super) fn end(&mut self, pipe: bool) {
        let mut command = std::mem::take(&mut self.command);
        let is_nothing = command.words.is_empty()
            && command.assignments.is_empty()
            && command.redirects.is_empty();
        if is_nothing {
            self.piped |= pipe;
            return;
        }
        command.piped = std::mem::replace(&mut self.piped, pipe);
        self.items.push(Item::Command(command));
    }

    pub(super) fn is_open(&self) -> bool {
        self.nests.iter().any(|nest| !matches!(nest, Nest::Brace(_)))
    }

    pub(super) fn open(&mut self) {
        self.end(false);
        self.items.push(Item::Open);
        let function = std::mem::take(&mut self.function);
        self.nest(if function { Nest::FunctionParenthesis } else { Nest::Parenthesis });
    }

    pub(super) fn nest(&mut self, nest: Nest) {
        if self.nests.len() < NESTS_MAX {
            self.nests.push(nest);
        }
    }

    /// Takes a `)`: the end of a subshell, or of a pattern.
    pub(super) fn close(&mut self) {
        let before = self.items.len();
        self.end(false);
        let last = self.nests.iter().rposition(|nest| !matches!(nest, Nest::Brace(_)));
        match last.map(|index| self.nests[index]) {
            Some(Nest::Parenthesis) => self.items.push(Item::Close),
            Some(Nest::FunctionParenthesis) => {
                self.items.extend([Item::Close, Item::FunctionEnd]);
            }
            // The pattern before it was read as a command, which it is not. What came before that is.
            Some(_) => {
                self.items.truncate(before);
                return;
            }
            None => return,
        }
        if let Some(index) = last {
            self.nests.truncate(index);
        }
    }

    pub(super) fn close_brace(&mut self) {
        if let Some(Nest::Brace(function)) = self.nests.last().copied() {
            self.nests.pop();
            if function {
                self.items.push(Item::FunctionEnd);
            }
        }
    }

    pub(super) fn close_case(&mut self) {
        if self.nests.last() == Some(&Nest::Case) {
            self.nests.pop();
        }
    }

    pub(super) fn begin_function(&mut self, name: String) {
        self.items.push(Item::FunctionStart(name));
        self.function = true;
    }
}
