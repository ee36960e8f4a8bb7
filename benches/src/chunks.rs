//! The chunked transfer coding, undone for a body that arrives in pieces.

use std::io;

use crate::response::malformed;

/// Takes the chunk sizes out of a body that arrives in pieces.
#[derive(Debug, Default)]
pub(crate) struct Dechunker {
    state: Chunk,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    /// No digit of a size seen yet.
    #[default]
    Start,
    Size(usize),
    /// Behind the digits of a size, up to the end of the line.
    Extension(usize),
    Content(usize),
    /// The line end behind a chunk's content.
    Gap,
    /// The lines behind the last chunk; true at the start of a line.
    Trailer(bool),
    Done,
}

impl Dechunker {
    /// Appends to `out` what `bytes` carries of the body.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        while let Some((&byte, rest)) = bytes.split_first() {
            self.state = match self.state {
                Chunk::Content(left) => {
                    let (content, rest) = bytes.split_at(left.min(bytes.len()));
                    out.extend_from_slice(content);
                    bytes = rest;
                    self.state = match left - content.len() {
                        0 => Chunk::Gap,
                        left => Chunk::Content(left),
                    };
                    continue;
                }
                Chunk::Start => Chunk::Size(hex_digit(byte)?),
                Chunk::Size(size) => match byte {
                    b'\n' => Chunk::after_size(size),
                    b'\r' | b';' | b' ' | b'\t' => Chunk::Extension(size),
                    digit if size <= usize::MAX >> 8 => Chunk::Size(size * 16 + hex_digit(digit)?),
                    _ => return Err(malformed("a chunk is too large")),
                },
                Chunk::Extension(size) if byte == b'\n' => Chunk::after_size(size),
                Chunk::Gap if byte == b'\n' => Chunk::Start,
                Chunk::Gap if byte != b'\r' => return Err(malformed("a chunk does not end")),
                Chunk::Trailer(line_start) => match byte {
                    b'\n' if line_start => Chunk::Done,
                    b'\n' => Chunk::Trailer(true),
                    b'\r' => Chunk::Trailer(line_start),
                    _ => Chunk::Trailer(false),
                },
                Chunk::Done => return Err(malformed("bytes follow the last chunk")),
                same @ (Chunk::Extension(_) | Chunk::Gap) => same,
            };
            bytes = rest;
        }
        Ok(())
    }

    /// Whether the last chunk has been seen.
    pub(crate) fn is_done(&self) -> bool {
        self.state == Chunk::Done
    }
}

impl Chunk {
    fn after_size(size: usize) -> Self {
        if size == 0 { Self::Trailer(true) } else { Self::Content(size) }
    }
}

fn hex_digit(byte: u8) -> io::Result<usize> {
    let digit = char::from(byte).to_digit(16);
    digit.map(|digit| digit as usize).ok_or_else(|| malformed("a chunk's size is no number"))
}
