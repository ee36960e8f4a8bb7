//! Server-sent events, cut out of a body that arrives in pieces.
//!
//! A frame ends at a blank line, as the stream of `oriel serve` writes it: `\n\n`.

use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::Finder;

/// Bytes of a stream that are not yet a whole frame.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Where the decoded body is appended.
    pub(crate) bytes: Vec<u8>,
    /// Up to here no frame ends.
    searched: usize,
}

/// What one frame says, as far as a count of events needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Connected,
    /// An event; its `event_id` where it has one.
    Event(Option<&'a [u8]>),
    /// The server goes on from its store.
    Resync,
    /// Statistics, heartbeats and the like.
    Other,
}

impl Frames {
    /// Hands over every whole frame and keeps the rest.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(Frame<'_>)) {
        let mut start = 0;
        let mut from = self.searched;
        while let Some(at) = memchr(b'\n', &self.bytes[from..]) {
            let end = from + at;
            // The line end that closes the frame's last line is followed by that of the blank line.
            match self.bytes.get(end + 1) {
                Some(b'\n') => {
                    each(Frame::read(&self.bytes[start..end]));
                    start = end + 2;
                    from = start;
                }
                Some(_) => from = end + 1,
                None => break,
            }
        }
        let rest = start..self.bytes.len();
        // The first half of a blank line may be the last byte there is.
        self.searched = rest.len().saturating_sub(1);
        self.bytes.copy_within(rest.clone(), 0);
        self.bytes.truncate(rest.len());
    }
}

impl<'a> Frame<'a> {
    /// Reads the `data:` line of a frame. The type is the first key of the data, and `event_id` one of
    /// the first of an event, so neither search goes far.
    fn read(frame: &'a [u8]) -> Self {
        let Some(data) = data_line(frame) else { return Self::Other };
        let Some(rest) = data.strip_prefix(br#"{"type":""#) else { return Self::Other };
        if rest.starts_with(br#"event""#) {
            Self::Event(event_id(rest))
        } else if rest.starts_with(br#"connected""#) {
            Self::Connected
        } else if rest.starts_with(br#"resync""#) {
            Self::Resync
        } else {
            Self::Other
        }
    }
}

/// The frame from its first `data:` on.
fn data_line(mut frame: &[u8]) -> Option<&[u8]> {
    loop {
        if let Some(data) = frame.strip_prefix(b"data:") {
            return Some(data.trim_ascii_start());
        }
        frame = &frame[memchr(b'\n', frame)? + 1..];
    }
}

fn event_id(data: &[u8]) -> Option<&[u8]> {
    const KEY: &str = r#""event_id":""#;
    static FINDER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(KEY));
    let start = FINDER.find(data)? + KEY.len();
    let length = memchr(b'"', &data[start..])?;
    Some(&data[start..start + length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunks::Dechunker;

    const STREAM: &str = concat!(
        "data: {\"type\":\"connected\",\"timestamp\":\"2026-03-01T00:00:00.000Z\"}\n\n",
        ": heartbeat\n\n",
        "id: 7\ndata: {\"type\":\"event\",\"payload\":{\"id\":7,\"event_id\":\"abc\",\"x\":1}}\n\n",
        "data: {\"type\":\"event\",\"payload\":{\"id\":8,\"event_id\":null}}\n\n",
        "data: {\"type\":\"resync\",\"after\":8}\n\n",
        "data: {\"type\":\"stats\",\"payload\":{\"total_events\":8}}\n\n",
    );

    #[test]
    fn frames_are_the_same_however_the_stream_is_split() {
        for step in 1..=STREAM.len() {
            let mut frames = Frames::default();
            let mut seen = Vec::new();
            for piece in STREAM.as_bytes().chunks(step) {
                frames.bytes.extend_from_slice(piece);
                frames.drain(|frame| seen.push(name(frame)));
            }
            assert_eq!(seen, NAMES, "in pieces of {step}");
            assert!(frames.bytes.is_empty());
        }
    }

    #[test]
    fn chunks_may_cut_frames_anywhere_and_pieces_may_cut_chunks() {
        for chunk in [1, 2, 3, 50, 1000] {
            let mut wire = Vec::new();
            for part in STREAM.as_bytes().chunks(chunk) {
                wire.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                wire.extend_from_slice(part);
                wire.extend_from_slice(b"\r\n");
            }
            for step in 1..=64 {
                let (mut dechunker, mut frames) = (Dechunker::default(), Frames::default());
                let mut seen = Vec::new();
                for piece in wire.chunks(step) {
                    dechunker.feed(piece, &mut frames.bytes).unwrap();
                    frames.drain(|frame| seen.push(name(frame)));
                }
                assert_eq!(seen, NAMES, "chunks of {chunk}, pieces of {step}");
            }
        }
    }

    const NAMES: [&str; 6] =
        ["connected", "other", "event abc", "event without id", "resync", "other"];

    fn name(frame: Frame<'_>) -> String {
        match frame {
            Frame::Connected => "connected".to_owned(),
            Frame::Event(Some(id)) => format!("event {}", String::from_utf8_lossy(id)),
            Frame::Event(None) => "event without id".to_owned(),
            Frame::Resync => "resync".to_owned(),
            Frame::Other => "other".to_owned(),
        }
    }
}
