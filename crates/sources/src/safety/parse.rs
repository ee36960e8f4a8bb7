//! Reading a shell script, leniently: whatever bash would refuse is read as well as it can be.
//!
//! One pass over the characters. It calls itself for `$(...)` only, and only so deep.

mod row;
mod word;

use row::{Nest, Row};

use super::script::{Item, Piece, Redirect, Script, Word};

/// Substitutions within substitutions that are read; nobody writes as many.
const DEPTH_MAX: usize = 40;

/// The longest `((...))` that is recognised, so that a row of parentheses is not read again and again.
const ARITHMETIC_CHARS_MAX: usize = 500;

/// A script that was read.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) script: Script,
    /// The here-documents, in the order in which they were announced.
    pub(super) documents: Vec<Document>,
    /// Whether there was more nesting than is read.
    pub(super) too_deep: bool,
}

/// The text of a here-document.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) text: String,
    /// Whether nothing in it is expanded.
    pub(super) literal: bool,
}

/// Reads a script.
pub(super) fn script(text: &str) -> Parsed {
    let mut parser = Parser::new(text);
    let script = parser.script(0, false);
    Parsed { script, documents: parser.documents, too_deep: parser.too_deep }
}

/// Reads text in which only `$`, backticks and backslashes mean something, such as the lines of a
/// here-document.
pub(super) fn text(text: &str) -> (Word, Parsed) {
    let mut parser = Parser::new(text);
    let mut word = Word::default();
    parser.double_quoted(&mut word, 0, None);
    let (documents, too_deep) = (parser.documents, parser.too_deep);
    (word, Parsed { script: Script::default(), documents, too_deep })
}

struct Parser {
    text: Vec<char>,
    at: usize,
    documents: Vec<Document>,
    /// Documents whose lines begin at the next line: number, delimiter, whether tabs are dropped.
    awaited: Vec<(usize, String, bool)>,
    too_deep: bool,
}

impl Parser {
    fn new(text: &str) -> Self {
        Self {
            text: text.chars().collect(),
            at: 0,
            documents: Vec::new(),
            awaited: Vec::new(),
            too_deep: false,
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    /// Reads commands to the end of the text, or to the `)` that closes them.
    fn script(&mut self, depth: usize, closes: bool) -> Script {
        let mut row = Row::default();
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '#' => self.comment(),
                '\n' => {
                    self.at += 1;
                    row.end(false);
                    self.documents();
                }
                ';' => {
                    self.at += 1;
                    row.end(false);
                }
                '&' if !matches!(self.peek(1), Some('>' | '&')) => {
                    self.at += 1;
                    row.command.goes_on = true;
                    row.end(false);
                }
                '&' if self.peek(1) == Some('&') => {
                    self.at += 2;
                    row.end(false);
                }
                '|' => {
                    let or = self.peek(1) == Some('|');
                    self.at += if or || self.peek(1) == Some('&') { 2 } else { 1 };
                    row.command.goes_on |= !or;
                    row.end(!or);
                }
                '(' => self.parenthesis(&mut row),
                ')' if closes && !row.is_open() => break,
                ')' => {
                    self.at += 1;
                    row.close();
                }
                '<' | '>' | '&' if !self.is_process_substitution() => {
                    self.redirect(&mut row, depth);
                }
                '0'..='9' if self.is_numbered_redirect() => self.redirect(&mut row, depth),
                _ => {
                    let before = self.at;
                    let word = self.word(depth);
                    // Whatever cannot be read is stepped over.
                    self.at = self.at.max(before + 1);
                    self.take(word, &mut row, depth);
                }
            }
        }
        row.end(false);
        Script { items: row.items }
    }

    /// Puts a word where it belongs: a keyword, an assignment, or a word of the command.
    fn take(&mut self, word: Word, row: &mut Row, depth: usize) {
        if !row.command.words.is_empty() {
            row.command.words.push(word);
            return;
        }
        let word = match assignment(word) {
            Ok(assignment) => {
                row.command.assignments.push(assignment);
                return;
            }
            Err(word) => word,
        };
        if !row.command.assignments.is_empty() {
            row.command.words.push(word);
            return;
        }
        match word.bare() {
            Some(
                "if" | "then" | "elif" | "else" | "fi" | "do" | "done" | "while" | "until" | "!"
                | "coproc",
            ) => {}
            Some("{") => {
                let function = std::mem::take(&mut row.function);
                row.nest(Nest::Brace(function));
            }
            Some("}") => row.close_brace(),
            Some("for" | "select") => self.for_loop(row, depth),
            Some("case") => {
                // What is looked at and `in` come before the first pattern.
                self.blanks();
                _ = self.word(depth);
                self.blanks();
                _ = self.word(depth);
                row.nest(Nest::Case);
            }
            Some("esac") => row.close_case(),
            Some("function") => {
                self.blanks();
                let name = self.word(depth).bare().unwrap_or_default().to_owned();
                self.blanks();
                if self.starts("()") {
                    self.at += 2;
                }
                row.begin_function(name);
            }
            _ => row.command.words.push(word),
        }
    }

    fn for_loop(&mut self, row: &mut Row, depth: usize) {
        self.blanks();
        if self.starts("((") {
            self.skip_arithmetic();
            return;
        }
        let name = self.word(depth).bare().unwrap_or_default().to_owned();
        self.blanks();
        let mut words = Vec::new();
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                _ => {
                    let before = self.at;
                    words.push(self.word(depth));
                    self.at = self.at.max(before + 1);
                }
            }
        }
        if words.first().and_then(Word::bare) == Some("in") {
            words.remove(0);
        }
        row.items.push(Item::For { name, words });
    }

    fn parenthesis(&mut self, row: &mut Row) {
        let is_definition = row.command.words.len() == 1
            && row.command.assignments.is_empty()
            && self.text[self.at + 1..].iter().find(|c| !matches!(c, ' ' | '\t')) == Some(&')');
        if is_definition {
            while self.peek(0) != Some(')') {
                self.at += 1;
            }
            self.at += 1;
            let command = std::mem::take(&mut row.command);
            let name = command.words.first().map(plain).unwrap_or_default();
            row.begin_function(name);
            return;
        }
        if self.starts("((") && self.skip_arithmetic() {
            return;
        }
        self.at += 1;
        row.open();
    }

    /// Steps over `((...))`, if it is closed by two parentheses; else it is two subshells.
    fn skip_arithmetic(&mut self) -> bool {
        let mut open = 0_usize;
        let end = self.text.len().min(self.at + ARITHMETIC_CHARS_MAX);
        for index in self.at..end {
            let c = self.text[index];
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                // Commands stand on lines; nobody calculates across them.
                '\n' => return false,
                _ => {}
            }
            if open == 0 {
                let whole = self.text[index - 1] == ')';
                if whole {
                    self.at = index + 1;
                }
                return whole;
            }
        }
        false
    }

    fn is_process_substitution(&self) -> bool {
        matches!(self.peek(0), Some('<' | '>')) && self.peek(1) == Some('(')
    }

    fn is_numbered_redirect(&self) -> bool {
        let digits = (0..10).take_while(|&n| self.peek(n).is_some_and(|c| c.is_ascii_digit()));
        matches!(self.peek(digits.count()), Some('<' | '>'))
    }

    fn redirect(&mut self, row: &mut Row, depth: usize) {
        while self.peek(0).is_some_and(|c| c.is_ascii_digit() || c == '&') {
            self.at += 1;
        }
        let operators = ["<<<", "<<-", "<<", "<>", "<&", "<", ">>", ">|", ">&", ">"];
        let operator = operators.into_iter().find(|text| self.starts(text)).unwrap_or(">");
        self.at += operator.len();
        self.blanks();
        if let "<<" | "<<-" = operator {
            let (delimiter, literal) = self.delimiter();
            self.awaited.push((self.documents.len(), delimiter, operator == "<<-"));
            row.command.redirects.push(Redirect::Document(self.documents.len()));
            self.documents.push(Document { text: String::new(), literal });
            return;
        }
        let word = self.word(depth);
        row.command.redirects.push(match operator {
            "<<<" => Redirect::Text(word),
            "<" | "<&" => Redirect::From(word),
            _ => Redirect::To(word),
        });
    }

    /// Reads the word that ends a here-document, and whether any of it is quoted.
    fn delimiter(&mut self) -> (String, bool) {
        let (mut text, mut literal, mut quote) = (String::new(), false, None);
        while let Some(c) = self.peek(0) {
            match (quote, c) {
                (None, '\'' | '"') => {
                    quote = Some(c);
                    literal = true;
                }
                (Some(open), _) if c == open => quote = None,
                (None, '\\') => literal = true,
                (None, ' ' | '\t' | '\r' | ';' | '&' | '|' | '<' | '>' | '(' | ')') | (_, '\n') => {
                    break;
                }
                _ => text.push(c),
            }
            self.at += 1;
        }
        (text, literal)
    }

    /// Reads the here-documents whose lines begin here.
    fn documents(&mut self) {
        for (number, delimiter, tabs) in std::mem::take(&mut self.awaited) {
            let mut lines = String::new();
            while self.at < self.text.len() {
                let rest = &self.text[self.at..];
                let end = rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
                let line: String = rest[..end].iter().collect();
                self.at += (end + 1).min(rest.len());
                let line = if tabs { line.trim_start_matches('\t') } else { &line };
                if line.trim_end_matches('\r') == delimiter {
                    break;
                }
                lines.push_str(line);
                lines.push('\n');
            }
            self.documents[number].text = lines;
        }
    }

    fn comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    fn blanks(&mut self) {
        loop {
            match self.peek(0) {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.peek(1) == Some('\n') => self.at += 2,
                _ => return,
            }
        }
    }
}

/// Splits `name=value`, where the name is one that a variable can have, or gives the word back.
fn assignment(mut word: Word) -> Result<(String, Word), Word> {
    let Some(Piece::Live(text)) = word.pieces.first_mut() else { return Err(word) };
    let Some((name, value)) = text.split_once('=') else { return Err(word) };
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !begins || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(word);
    }
    let (name, value) = (name.to_owned(), value.to_owned());
    *text = value;
    Ok((name, word))
}

/// Returns the text of a word that is known without running anything.
fn plain(word: &Word) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Live(text) | Piece::Quoted(text) => text.clone(),
        _ => String::new(),
    };
    word.pieces.iter().map(text).collect()
}
