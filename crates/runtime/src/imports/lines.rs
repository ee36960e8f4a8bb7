//! Lines of any file in memory that does not grow with the file.
//!
//! What agents leave behind after a crash is read too: a line without its end, padding with zeros,
//! a byte order mark, a line of absurd length.

use std::io::{self, Read};

/// How much is read at a time, and so the memory that usual lines take.
const BUFFER_BYTES: usize = 256 * 1024;

/// A longer line is left out.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Splits what it reads into lines.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// What of the buffer is not given out.
    start: usize,
    end: usize,
    /// How much of that is known to hold no line end.
    searched: usize,
    /// Where in the input `start` is.
    offset: u64,
    /// How many bytes of the line that is left out were skipped.
    skipped: u64,
    line_bytes_max: usize,
    at_end: bool,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A line without its end.
    Line(&'a [u8]),
    /// A line was too long, and is left out.
    TooLong(u64),
    /// What follows the last line end; more of it may be written later.
    Rest(&'a [u8]),
}

impl<R: Read> Lines<R> {
    /// Begins where the input stands, which is this far into the file.
    pub(super) fn new(input: R, offset: u64) -> Self {
        Self::with_longest(input, offset, LINE_BYTES_MAX)
    }

    fn with_longest(input: R, offset: u64, line_bytes_max: usize) -> Self {
        Self {
            input,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            searched: 0,
            offset,
            skipped: 0,
            line_bytes_max,
            at_end: false,
        }
    }

    /// Returns where in the file the next line begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns how far the file was read, with the rest after the last line end.
    pub(super) fn end(&self) -> u64 {
        self.offset + (self.end - self.start) as u64
    }

    /// Returns what comes next. After the rest there is nothing, which is an empty rest.
    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        loop {
            let unread = &self.buffer[self.start + self.searched..self.end];
            if let Some(at) = memchr::memchr(b'\n', unread) {
                let line = self.start..self.start + self.searched + at;
                self.take(line.len() + 1);
                let skipped = std::mem::take(&mut self.skipped);
                return Ok(if 0 < skipped {
                    Next::TooLong(skipped + line.len() as u64)
                } else {
                    Next::Line(plain(&self.buffer[line]))
                });
            }
            self.searched = self.end - self.start;
            if self.at_end {
                let skipped = std::mem::take(&mut self.skipped);
                if 0 < skipped {
                    let rest = self.end - self.start;
                    self.take(rest);
                    return Ok(Next::TooLong(skipped + rest as u64));
                }
                return Ok(Next::Rest(plain(&self.buffer[self.start..self.end])));
            }
            self.fill()?;
        }
    }

    fn take(&mut self, bytes: usize) {
        self.start += bytes;
        self.searched = 0;
        self.offset += bytes as u64;
    }

    fn fill(&mut self) -> io::Result<()> {
        let held = self.end - self.start;
        if self.line_bytes_max < held || 0 < self.skipped {
            self.skipped += held as u64;
            self.take(held);
        }
        let held = self.end - self.start;
        if 0 < self.start {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, held);
        }
        if held == self.buffer.len() {
            self.buffer.resize(2 * held, 0);
        } else if held < BUFFER_BYTES / 2 && BUFFER_BYTES < self.buffer.len() {
            // A long line is over, and so is the room that it took.
            self.buffer.truncate(BUFFER_BYTES);
            self.buffer.shrink_to_fit();
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(more) => self.end += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

/// Returns a line without what does not belong to it.
pub(super) fn plain(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let is_padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let Some(first) = line.iter().position(|byte| !is_padding(byte)) else { return &[] };
    let last = line.iter().rposition(|byte| !is_padding(byte)).unwrap_or(first);
    &line[first..=last]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_come_without_what_does_not_belong_to_them() {
        let text = b"\xef\xbb\xbfone\r\n\n  \0\0\ntwo\0\0\nthr\xffee\nhalf";
        let (lines, rest, offset) = read(text, 1000);
        assert_eq!(lines, [&b"one"[..], b"", b"", b"two", b"thr\xffee"]);
        assert_eq!(rest, b"half");
        assert_eq!(offset, text.len() as u64 - 4, "the half line is read again later");
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out_and_those_around_it_are_not() {
        let long = vec![b'x'; 3 * BUFFER_BYTES];
        let text = [b"a\n", &long[..], b"\nb\n"].concat();
        let mut lines = Lines::with_longest(&text[..], 0, BUFFER_BYTES);
        assert_eq!(lines.next().unwrap(), Next::Line(b"a"));
        assert_eq!(lines.next().unwrap(), Next::TooLong(long.len() as u64));
        assert_eq!(lines.next().unwrap(), Next::Line(b"b"));
        assert_eq!(lines.next().unwrap(), Next::Rest(b""));
        assert_eq!(lines.offset(), text.len() as u64);
        assert_eq!(lines.buffer.len(), BUFFER_BYTES, "its room is given back");
    }

    proptest! {
        #[test]
        fn lines_are_those_of_a_plain_split(
            parts in prop::collection::vec("[a-z]{0,9}", 0..20), chunk in 1_usize..40,
        ) {
            let text = parts.join("\n");
            let (lines, rest, _) = read(text.as_bytes(), chunk);
            let mut all = lines;
            all.push(rest);
            let expected: Vec<_> = text.split('\n').map(|line| line.as_bytes().to_vec()).collect();
            prop_assert_eq!(all, expected);
        }
    }

    fn read(text: &[u8], chunk: usize) -> (Vec<Vec<u8>>, Vec<u8>, u64) {
        let mut lines = Lines::new(InChunks(text, chunk), 0);
        let mut found = Vec::new();
        loop {
            match lines.next().unwrap() {
                Next::Line(line) => found.push(line.to_vec()),
                Next::TooLong(_) => panic!("no line is"),
                Next::Rest(rest) => {
                    let rest = rest.to_vec();
                    return (found, rest, lines.offset());
                }
            }
        }
    }

    /// Gives a few bytes at a time.
    struct InChunks<'a>(&'a [u8], usize);

    impl Read for InChunks<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }
}
