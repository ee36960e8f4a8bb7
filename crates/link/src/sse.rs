//! Server-sent events as our own services send them: what follows `data:` until an empty line is an event,
//! and everything else is passed over.

/// The longest event. Whoever sends a longer one is not heard any further.
const EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What has come of a stream of events, wherever it was cut into pieces.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    data: String,
    has_data: bool,
}

/// An event is longer than is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {EVENT_BYTES_MAX} bytes; ask anew how things are")]
pub struct LongEvent;

impl Events {
    /// Takes the next piece, and returns the events that it ends.
    ///
    /// # Errors
    /// Where an event is too long. Nothing more can be read of the stream then.
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<String>, LongEvent> {
        let mut events = Vec::new();
        let mut rest = piece;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..at])?;
            rest = &rest[at + 1..];
            let line = std::mem::take(&mut self.line);
            events.extend(self.on_line(&String::from_utf8_lossy(&line)));
        }
        self.keep(rest)?;
        Ok(events)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), LongEvent> {
        if EVENT_BYTES_MAX < self.data.len() + self.line.len() + bytes.len() {
            return Err(LongEvent);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn on_line(&mut self, line: &str) -> Option<String> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return std::mem::take(&mut self.has_data).then_some(data);
        }
        if let Some(data) = line.strip_prefix("data:") {
            if self.has_data {
                self.data.push('\n');
            }
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            self.has_data = true;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut() {
        let stream = "data: {\"a\":1}\n\n: a comment\n\nid: 7\ndata:b\r\ndata: ü\r\n\r\ndata: rest";
        let wanted = ["{\"a\":1}", "b\nü"];
        for cut in 0..=stream.len() {
            let (first, second) = stream.as_bytes().split_at(cut);
            let mut events = Events::default();
            let mut found = events.take(first).unwrap();
            found.extend(events.take(second).unwrap());
            assert_eq!(found, wanted, "cut at {cut}");
        }
    }

    #[test]
    fn what_never_ends_is_not_kept() {
        for piece in [&b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"[..], b"xxxxxxxxxxxxxxxx"]
        {
            let mut events = Events::default();
            let piece = piece.repeat(20_000);
            assert!((0..100).any(|_| events.take(&piece) == Err(LongEvent)));
        }
    }
}
