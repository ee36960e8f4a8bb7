//! What has been committed goes to everyone who listens, once written and in order.
//!
//! The hub keeps one ring of recent frames for all listeners together, and each listener keeps its
//! place in it. So a listener that stalls costs nothing, and one that falls behind the ring's end
//! reads on from the store, where everything is.

mod listener;

pub(crate) use listener::Listener;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use oriel_model::{EventNumber, StoredEvent};
use oriel_store::{Committed, EventFilter};
use oriel_wire::{Frame, json};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::watch;

use crate::rows::event_row;

/// The ring forgets its oldest frames beyond this many.
const RING_FRAMES_MAX: usize = 16_384;

/// The ring forgets its oldest frames beyond about this many bytes.
const RING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a frame is estimated to take beyond its event's metadata.
const FRAME_BYTES: usize = 700;

/// Where committed events meet those who listen.
pub(crate) struct Hub {
    ring: Mutex<Ring>,
    /// The place after the newest frame. Listeners wait for it to change.
    end: watch::Sender<u64>,
    /// The number of the last committed event. Long polls wait for it to change.
    last_event: watch::Sender<EventNumber>,
    listeners_max: usize,
    /// Counts listeners that fell behind the ring.
    resyncs: Counter,
}

#[derive(Default)]
struct Ring {
    entries: VecDeque<Entry>,
    /// The place after the newest entry.
    end: u64,
    bytes: usize,
    /// Every event after this one is in the ring.
    floor: EventNumber,
    last_event: EventNumber,
    listeners: usize,
}

#[derive(Clone)]
enum Entry {
    Event(Arc<EventEntry>),
    /// An event that was there has learnt something.
    Amended(Arc<EventEntry>),
    /// Something that is not about one event, as it goes out.
    Note(Bytes),
}

struct EventEntry {
    stored: StoredEvent,
    frame: OnceLock<Bytes>,
}

impl EventEntry {
    fn new(stored: StoredEvent) -> Arc<Self> {
        Arc::new(Self { stored, frame: OnceLock::new() })
    }
}

/// More listen than may.
#[derive(Debug)]
pub(crate) struct TooMany {
    pub max: usize,
}

impl Hub {
    /// Begins with no event.
    pub(crate) fn new(listeners_max: usize, resyncs: Counter) -> Self {
        Self {
            ring: Mutex::default(),
            end: watch::Sender::default(),
            last_event: watch::Sender::default(),
            listeners_max,
            resyncs,
        }
    }

    /// Learns the last event of a store that was just opened.
    pub(crate) fn begin_after(&self, last: EventNumber) {
        let mut ring = self.ring();
        ring.last_event = last;
        ring.clear(last);
        drop(ring);
        self.last_event.send_replace(last);
    }

    /// Takes what has just been committed, in order. Never waits.
    pub(crate) fn publish(&self, committed: Committed) {
        let mut ring = self.ring();
        let last = committed.stored.last().map_or(ring.last_event, |stored| stored.number);
        ring.last_event = last;
        if ring.listeners == 0 {
            ring.clear(last);
        } else {
            for stored in committed.stored {
                ring.push(Entry::Event(EventEntry::new(stored)));
            }
            for stored in committed.amended {
                ring.push(Entry::Amended(EventEntry::new(stored)));
            }
        }
        let end = ring.end;
        drop(ring);
        self.end.send_replace(end);
        self.last_event.send_replace(last);
    }

    /// Sends a frame that is not about one event to everyone who listens now.
    pub(crate) fn note(&self, frame: &Frame<'_>) {
        let mut ring = self.ring();
        if ring.listeners > 0 {
            ring.push(Entry::Note(data_frame(frame)));
        }
        let end = ring.end;
        drop(ring);
        self.end.send_replace(end);
    }

    /// Returns how many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.ring().listeners
    }

    /// Returns how many may listen.
    pub(crate) const fn listeners_max(&self) -> usize {
        self.listeners_max
    }

    /// Returns the number of the last committed event, and a way to wait for the next.
    pub(crate) fn last_event(&self) -> watch::Receiver<EventNumber> {
        self.last_event.subscribe()
    }

    /// Returns a listener, from the events after `after` on or from now on.
    pub(crate) fn listen(
        self: &Arc<Self>,
        filter: EventFilter,
        after: Option<EventNumber>,
    ) -> Result<Listener, TooMany> {
        let mut ring = self.ring();
        if ring.listeners >= self.listeners_max {
            return Err(TooMany { max: self.listeners_max });
        }
        if ring.listeners == 0 {
            let last = ring.last_event;
            ring.clear(last);
        }
        ring.listeners += 1;
        let (place, last) = (ring.end, ring.last_event);
        drop(ring);
        Ok(Listener::new(Arc::clone(self), filter, place, last, after))
    }

    fn leave(&self) {
        let mut ring = self.ring();
        ring.listeners -= 1;
        if ring.listeners == 0 {
            let last = ring.last_event;
            ring.clear(last);
        }
    }

    /// Returns up to `most` entries from a place on, or nothing where that place is forgotten.
    fn read(&self, place: u64, most: usize) -> Option<Vec<Entry>> {
        let ring = self.ring();
        let first = ring.end - ring.entries.len() as u64;
        let skip = usize::try_from(place.checked_sub(first)?).ok()?;
        Some(ring.entries.iter().skip(skip).take(most).cloned().collect())
    }

    /// Returns the place behind this event, if all that came after it is in the ring.
    fn place_after(&self, event: EventNumber) -> Option<u64> {
        let ring = self.ring();
        if event < ring.floor {
            return None;
        }
        let first = ring.end - ring.entries.len() as u64;
        let passed = ring.entries.iter().rposition(
            |entry| matches!(entry, Entry::Event(entry) if entry.stored.number <= event),
        );
        Some(passed.map_or(first, |passed| first + passed as u64 + 1))
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.end += 1;
        self.entries.push_back(entry);
        while self.entries.len() > RING_FRAMES_MAX || self.bytes > RING_BYTES_MAX {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes();
            if let Entry::Event(entry) = oldest {
                self.floor = entry.stored.number;
            }
        }
    }

    fn clear(&mut self, last: EventNumber) {
        self.entries = VecDeque::new();
        self.bytes = 0;
        self.floor = last;
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        match self {
            // The event and its frame.
            Self::Event(entry) | Self::Amended(entry) => {
                FRAME_BYTES + 2 * entry.stored.event.metadata.text().len()
            }
            Self::Note(frame) => frame.len(),
        }
    }
}

impl EventEntry {
    /// Returns the frame of the event, which the first listener to ask writes for all.
    fn frame(&self) -> &Bytes {
        self.frame.get_or_init(|| event_frame(&self.stored))
    }

    /// Returns the frame that says how the event is now.
    fn amended_frame(&self) -> &Bytes {
        self.frame.get_or_init(|| data_frame(&Frame::Amended { payload: event_row(&self.stored) }))
    }
}

/// Writes the frame of an event.
fn event_frame(stored: &StoredEvent) -> Bytes {
    let mut text = format!("id: {}\ndata: ", stored.number.0).into_bytes();
    json::append(&mut text, &Frame::Event { payload: event_row(stored) });
    text.extend_from_slice(b"\n\n");
    text.into()
}

/// Writes a frame that has no number.
fn data_frame(frame: &Frame<'_>) -> Bytes {
    let mut text = b"data: ".to_vec();
    json::append(&mut text, frame);
    text.extend_from_slice(b"\n\n");
    text.into()
}
