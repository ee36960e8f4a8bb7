//! Standard output, where a reader that goes away is no error, and color only where it is wanted.

use std::io::{self, Write};

use serde::Serialize;

/// Where answers go.
pub(crate) struct Output<'a> {
    writer: Box<dyn Write + 'a>,
    paint: Paint,
}

/// An answer cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// The reader went away.
    #[error("standard output is closed")]
    Closed,
    #[error("cannot write to standard output")]
    Write(#[source] io::Error),
}

impl<'a> Output<'a> {
    /// Makes an output that paints or does not.
    pub(crate) fn new(writer: impl Write + 'a, paint: Paint) -> Self {
        Self { writer: Box::new(writer), paint }
    }

    /// Returns how to paint what is printed here.
    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    /// Prints text as it is and makes sure that it arrives.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), OutputError> {
        let written = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => OutputError::Closed,
            _ => OutputError::Write(error),
        })
    }

    /// Prints a value as JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), OutputError> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| OutputError::Write(io::Error::other(error)))?;
        self.print(&(text + "\n"))
    }

    /// Prints a value as JSON on one line.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<(), OutputError> {
        let text = serde_json::to_string(value)
            .map_err(|error| OutputError::Write(io::Error::other(error)))?;
        self.print(&(text + "\n"))
    }
}

/// Whether to write in color.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

/// What a piece of text is, which decides its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Faint,
    Good,
    Doubtful,
    Bad,
}

impl Paint {
    /// Makes a paint that is on or off.
    pub(crate) fn new(on: bool) -> Self {
        Self { on }
    }

    /// Returns whether it paints.
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    /// Returns text in the color of a style.
    pub(crate) fn apply(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Doubtful => "33",
            Style::Bad => "31",
        };
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_told_from_a_fault() {
        for (kind, closed) in [(io::ErrorKind::BrokenPipe, true), (io::ErrorKind::Other, false)] {
            let mut output = Output::new(Failing(kind), Paint::new(false));
            let error = output.print("hello").unwrap_err();
            assert_eq!(matches!(error, OutputError::Closed), closed, "{kind}");
        }
    }

    #[test]
    fn without_color_text_stays_as_it_is() {
        assert_eq!(Paint::new(false).apply(Style::Bad, "no"), "no");
        assert_eq!(Paint::new(true).apply(Style::Bad, "no"), "\x1b[31mno\x1b[0m");
    }

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
