//! Lines of standard input, read as they are asked for by a thread of their own.

use std::io::BufRead as _;

use tokio::sync::mpsc;

/// The longest line that is read. What is longer ends the input.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Lines of standard input.
pub(super) struct Lines {
    wanted: std::sync::mpsc::Sender<()>,
    lines: mpsc::Receiver<String>,
    is_wanted: bool,
}

impl Lines {
    /// Reads nothing yet: a script that asks nothing takes nothing from the pipe.
    pub(super) fn new() -> Self {
        let (wanted, wants) = std::sync::mpsc::channel();
        let (tell, lines) = mpsc::channel(1);
        std::thread::spawn(move || {
            let mut stdin = std::io::stdin().lock();
            while wants.recv().is_ok() {
                let mut bytes = Vec::new();
                let mut limited = std::io::Read::take(&mut stdin, LINE_BYTES_MAX);
                match limited.read_until(b'\n', &mut bytes) {
                    Ok(came) if came > 0 => {}
                    _ => return,
                }
                let line = String::from_utf8_lossy(&bytes);
                let line = line.trim_end_matches(['\n', '\r']).to_owned();
                if tell.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { wanted, lines, is_wanted: false }
    }

    /// Returns the next line; nothing at the end. Given up while it waits, the line is there the next
    /// time.
    pub(super) async fn next(&mut self) -> Option<String> {
        if !self.is_wanted {
            // At the end the thread is gone, and there is no line to come.
            self.is_wanted = self.wanted.send(()).is_ok();
        }
        let line = self.lines.recv().await;
        self.is_wanted = false;
        line
    }
}
