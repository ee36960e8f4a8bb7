//! Telling the host: a thread that writes lines, so that a host that does not read stops nobody here.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use crate::program::News;
use crate::protocol::Telling;

/// So many lines wait for the host. Further ones are dropped: it has stopped reading.
const LINES_MAX: usize = 64;

/// What is not written by then, at the end, is not waited for.
const END_WAIT: Duration = Duration::from_secs(1);

/// The way to the host.
#[derive(Debug)]
pub(crate) struct Teller {
    lines: SyncSender<String>,
    ended: Receiver<()>,
}

impl Teller {
    /// Starts to write to an output. A host that is gone becomes news.
    pub(crate) fn start(
        mut out: impl Write + Send + 'static,
        news: Sender<News>,
    ) -> io::Result<Self> {
        let (lines, told) = sync_channel::<String>(LINES_MAX);
        let (end, ended) = sync_channel(1);
        thread::Builder::new().name("teller".to_owned()).spawn(move || {
            let wrote = told
                .iter()
                .try_for_each(|line| out.write_all(line.as_bytes()).and_then(|()| out.flush()));
            if wrote.is_err() {
                let _ = news.try_send(News::HostGone);
            }
            // Nobody waits where the program does not end.
            let _ = end.send(());
        })?;
        Ok(Self { lines, ended })
    }

    /// Tells the host something, or drops it where the host does not read.
    pub(crate) fn tell(&self, telling: &Telling) {
        if let Some(line) = telling.line() {
            let _ = self.lines.try_send(line);
        }
    }

    /// Tells the host the last thing, and waits a moment until it is written.
    pub(crate) fn end(self, telling: &Telling) {
        self.tell(telling);
        drop(self.lines);
        match self.ended.recv_timeout(END_WAIT) {
            Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}
