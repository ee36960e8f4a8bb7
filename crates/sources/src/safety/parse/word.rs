//! Words: quotes, escapes, variables and substitutions.

use super::super::script::{Piece, Word};
use super::{DEPTH_MAX, Parser};

impl Parser {
    /// Reads one word.
    pub(super) fn word(&mut self, depth: usize) -> Word {
        let mut word = Word::default();
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | ')' => break,
                '\r' if matches!(self.peek(1), Some('\n') | None) => break,
                '<' | '>' if !(self.is_process_substitution() && word.pieces.is_empty()) => break,
                '<' | '>' => {
                    self.at += 2;
                    self.substitution(&mut word, depth, true);
                }
                '(' => {
                    if !self.inner_parenthesis(&mut word, depth) {
                        break;
                    }
                }
                '\\' => {
                    if let Some(next) = self.peek(1).filter(|&next| next != '\n') {
                        word.push(next, true);
                    }
                    self.at += 2;
                }
                '\'' => self.single_quoted(&mut word),
                '"' => {
                    self.at += 1;
                    word.pieces.push(Piece::Quoted(String::new()));
                    self.double_quoted(&mut word, depth, Some('"'));
                }
                '`' => self.backticks(&mut word, false),
                '$' => self.dollar(&mut word, depth, false),
                _ => {
                    word.push(c, false);
                    self.at += 1;
                }
            }
        }
        self.at = self.at.min(self.text.len());
        word
    }

    /// Reads a parenthesis inside a word: an array, or a pattern such as `!(a|b)`. Returns whether
    /// it was one.
    pub(super) fn inner_parenthesis(&mut self, word: &mut Word, depth: usize) -> bool {
        let Some(Piece::Live(text)) = word.pieces.last() else { return false };
        if text.ends_with('=') && word.pieces.len() == 1 {
            self.at += 1;
            if DEPTH_MAX <= depth {
                self.too_deep = true;
                self.at = self.text.len();
                return true;
            }
            word.pieces.push(Piece::Array(self.array(depth + 1)));
            return true;
        }
        if !text.ends_with(['!', '@', '+', '?', '*']) {
            return false;
        }
        let mut open = 0_usize;
        while let Some(c) = self.peek(0) {
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                '\n' => break,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                break;
            }
        }
        if let Some(Piece::Live(text)) = word.pieces.last_mut() {
            text.pop();
        }
        word.pieces.push(Piece::Any);
        true
    }

    pub(super) fn array(&mut self, depth: usize) -> Vec<Word> {
        let mut words = Vec::new();
        while let Some(c) = self.peek(0) {
            match c {
                ')' => {
                    self.at += 1;
                    break;
                }
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' => self.at += 1,
                '#' => self.comment(),
                _ => {
                    let before = self.at;
                    words.push(self.word(depth));
                    self.at = self.at.max(before + 1);
                }
            }
        }
        words
    }

    pub(super) fn single_quoted(&mut self, word: &mut Word) {
        self.at += 1;
        word.pieces.push(Piece::Quoted(String::new()));
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == '\'' {
                break;
            }
            word.push(c, true);
        }
    }

    /// Reads to the closing quote, or to the end where there is none.
    pub(super) fn double_quoted(&mut self, word: &mut Word, depth: usize, end: Option<char>) {
        while let Some(c) = self.peek(0) {
            match c {
                _ if Some(c) == end => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    match self.peek(1) {
                        Some(next @ ('$' | '`' | '"' | '\\')) => word.push(next, true),
                        Some('\n') | None => {}
                        Some(next) => {
                            word.push('\\', true);
                            word.push(next, true);
                        }
                    }
                    self.at += 2;
                }
                '`' => self.backticks(word, true),
                '$' => self.dollar(word, depth, true),
                _ => {
                    word.push(c, true);
                    self.at += 1;
                }
            }
        }
    }

    pub(super) fn backticks(&mut self, word: &mut Word, quoted: bool) {
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '`' => break,
                '\\' if matches!(self.peek(0), Some('`' | '\\' | '$')) => {
                    text.extend(self.peek(0));
                    self.at += 1;
                }
                _ => text.push(c),
            }
        }
        word.pieces.push(Piece::Backticks { text, quoted });
    }

    /// Reads what `$` begins.
    pub(super) fn dollar(&mut self, word: &mut Word, depth: usize, quoted: bool) {
        self.at += 1;
        match self.peek(0) {
            Some('(') if self.peek(1) == Some('(') && self.skip_arithmetic() => {
                word.pieces.push(Piece::Unknown);
            }
            Some('(') => {
                self.at += 1;
                self.substitution(word, depth, quoted);
            }
            Some('{') => {
                self.at += 1;
                self.braced(word, quoted);
            }
            Some('\'') if !quoted => self.escaped(word),
            Some('"') if !quoted => {}
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.name();
                word.pieces.push(Piece::Variable { name, rest: String::new(), quoted });
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.at += 1;
                let name = c.to_string();
                word.pieces.push(Piece::Variable { name, rest: String::new(), quoted });
            }
            _ => word.push('$', true),
        }
    }

    pub(super) fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek(0).filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
            self.at += 1;
        }
        name
    }

    pub(super) fn substitution(&mut self, word: &mut Word, depth: usize, quoted: bool) {
        if DEPTH_MAX <= depth {
            self.too_deep = true;
            self.at = self.text.len();
            return;
        }
        let script = self.script(depth + 1, true);
        // The parenthesis that closes it.
        self.at += 1;
        word.pieces.push(Piece::Substitution { script, quoted });
    }

    /// Reads `${name...}` behind its brace.
    pub(super) fn braced(&mut self, word: &mut Word, quoted: bool) {
        let indirect = matches!(self.peek(0), Some('!' | '#'));
        if indirect && self.peek(1) != Some('}') {
            self.at += 1;
        }
        let mut name = self.name();
        if name.is_empty() {
            name.extend(self.peek(0).filter(|c| "@*?$-#!".contains(*c)));
            self.at += name.len();
        }
        let (mut rest, mut open, mut quote) = (String::new(), 1_usize, false);
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '\\' => {
                    rest.push(c);
                    rest.extend(self.peek(0));
                    self.at += 1;
                    continue;
                }
                '\'' if !quoted => quote = !quote,
                '{' if !quote => open += 1,
                '}' if !quote => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            rest.push(c);
        }
        let variable = Piece::Variable { name, rest, quoted };
        word.pieces.push(if indirect { Piece::Unknown } else { variable });
    }

    /// Reads `$'...'`.
    pub(super) fn escaped(&mut self, word: &mut Word) {
        self.at += 1;
        word.pieces.push(Piece::Quoted(String::new()));
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '\'' => return,
                '\\' => {
                    let next = self.peek(0);
                    self.at += 1;
                    let c = match next {
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some('x') => self.number(16, 2, '\u{fffd}'),
                        Some('u') => self.number(16, 4, '\u{fffd}'),
                        Some(first @ '0'..='7') => self.number(8, 2, first),
                        Some(other) => other,
                        None => return,
                    };
                    word.push(c, true);
                }
                _ => word.push(c, true),
            }
        }
    }

    /// Reads a character that is written as a number, of which an octal one has begun already.
    pub(super) fn number(&mut self, radix: u32, digits_max: usize, first: char) -> char {
        let mut value = first.to_digit(8).filter(|_| radix == 8).unwrap_or(0);
        for _ in 0..digits_max {
            let Some(digit) = self.peek(0).and_then(|c| c.to_digit(radix)) else { break };
            value = value * radix + digit;
            self.at += 1;
        }
        char::from_u32(value).unwrap_or('\u{fffd}')
    }
}
