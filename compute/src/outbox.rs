//! What waits to be written to the driver.
//!
//! A script that prints faster than the driver reads waits here: what it prints is put together while
//! there is room, and then the script stands still until the driver has read. So a flood costs the script's
//! time and no memory.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oriel_wire::compute::{Answer, Event, OUTPUT_BYTES_MAX, Stream, Told, frame};

/// How much output may wait. A script that prints more stands still.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// How many messages may wait. A driver that asks and never reads is heard no more until it does.
const TOLD_MAX: usize = 1024;

/// How often a script that stands still looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(10);

/// What waits to be written to the driver, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    told: VecDeque<Told>,
    output_bytes: usize,
    is_writing: bool,
    is_gone: bool,
}

impl Outbox {
    /// Answers a request.
    pub(crate) fn answer(&self, id: u64, answer: Answer) {
        self.push(Told::Answer { id, answer });
    }

    /// Tells an event.
    pub(crate) fn tell(&self, event: Event) {
        self.push(Told::Event { event });
    }

    /// Tells what a script printed. Waits while too much does, unless the script is to stop.
    pub(crate) fn print(&self, output: Output<'_>, is_stopping: impl Fn() -> bool) {
        let mut waiting = self.lock();
        while waiting.output_bytes >= WAITING_BYTES_MAX && !waiting.is_gone {
            if is_stopping() {
                return;
            }
            waiting = self.wait(waiting);
        }
        let Output { run, number, stream, text } = output;
        waiting.output_bytes += text.len();
        if let Some(Told::Event { event: Event::Output { stream: last, text: kept, .. } }) =
            waiting.told.back_mut()
            && *last == stream
            && stream != Stream::Clear
            && kept.len() + text.len() <= OUTPUT_BYTES_MAX
        {
            kept.push_str(text);
        } else {
            *number += 1;
            let event = Event::Output { run, number: *number, stream, text: text.to_owned() };
            waiting.told.push_back(Told::Event { event });
        }
        drop(waiting);
        self.changed.notify_all();
    }

    /// Writes what waits, until nobody reads it any more. It is a thread's whole work.
    pub(crate) fn write(&self, mut out: impl Write) {
        loop {
            let mut waiting = self.lock();
            while waiting.told.is_empty() {
                waiting.is_writing = false;
                self.changed.notify_all();
                let woken = self.changed.wait(waiting);
                waiting = woken.unwrap_or_else(PoisonError::into_inner);
            }
            let Some(told) = waiting.told.pop_front() else { continue };
            waiting.is_writing = true;
            if let Told::Event { event: Event::Output { text, .. } } = &told {
                waiting.output_bytes -= text.len();
            }
            drop(waiting);
            self.changed.notify_all();
            // What is too long for a frame is cut where it is made; the rest cannot fail.
            let Ok(bytes) = frame(&told) else { continue };
            if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
                let mut waiting = self.lock();
                waiting.is_gone = true;
                waiting.told.clear();
                self.changed.notify_all();
                return;
            }
        }
    }

    /// Returns when everything was written or nobody reads, or when it takes too long.
    pub(crate) fn drain(&self, at_most: Duration) {
        let waiting = self.lock();
        let busy = |waiting: &mut Waiting| {
            !waiting.is_gone && (waiting.is_writing || !waiting.told.is_empty())
        };
        drop(self.changed.wait_timeout_while(waiting, at_most, busy));
    }

    fn push(&self, told: Told) {
        let mut waiting = self.lock();
        while waiting.told.len() >= TOLD_MAX && !waiting.is_gone {
            waiting = self.wait(waiting);
        }
        if !waiting.is_gone {
            waiting.told.push_back(told);
        }
        drop(waiting);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, waiting: MutexGuard<'a, Waiting>) -> MutexGuard<'a, Waiting> {
        let woken = self.changed.wait_timeout(waiting, LOOK);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Something that a script printed.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    /// Which run.
    pub(crate) run: u64,
    /// The number of the run's last output event.
    pub(crate) number: &'a mut u64,
    /// Where to.
    pub(crate) stream: Stream,
    /// What.
    pub(crate) text: &'a str,
}
