//! The end of what a program said, for whoever is told that it ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much of the end is kept. What was said before is forgotten.
const TAIL_BYTES_MAX: usize = 8 * 1024;

/// The end of what a program said.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    pub(super) fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = &bytes[bytes.len().saturating_sub(TAIL_BYTES_MAX)..];
        let over = (kept.len() + bytes.len()).saturating_sub(TAIL_BYTES_MAX);
        kept.drain(..over);
        kept.extend(bytes);
    }

    /// Reads a program's output until it ends.
    pub(super) async fn fill(self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; TAIL_BYTES_MAX];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            self.add(&buffer[..count]);
        }
    }

    /// Returns it as lines of plain text.
    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        plain(&String::from_utf8_lossy(&bytes)).trim().to_owned()
    }
}

/// Returns a text without what would steer a terminal.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            skip_sequence(&mut letters);
        } else if letter == '\n' || letter == '\t' || !letter.is_control() {
            plain.push(letter);
        }
    }
    plain
}

/// Skips what follows an escape: `[`, parameters and a final letter, `]` up to a bell, or one letter.
fn skip_sequence(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match letters.next() {
        Some('[') => while letters.next().is_some_and(|it| !('@'..='~').contains(&it)) {},
        Some(']') => while letters.next().is_some_and(|it| it != '\u{7}' && it != '\u{1b}') {},
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let tail = Tail::default();
        tail.add(&[b'a'; 100_000]);
        tail.add(b"the end");
        let text = tail.text();
        assert!(text.len() == TAIL_BYTES_MAX && text.ends_with("athe end"), "{}", text.len());
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        let told = "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}a\u{8}b\r\nc\td\u{1b}";
        assert_eq!(plain(told), "red ab\nc\td");
    }
}
