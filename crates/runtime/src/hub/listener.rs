//! One who listens: a place in the ring, or in the store while behind it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use oriel_model::EventNumber;
use oriel_store::{EventFilter, Followed, ReadError, Store};
use oriel_wire::Frame;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::watch;

use super::{Entry, Hub, data_frame, event_frame};

/// How many entries are looked at for one chunk.
const CHUNK_ENTRIES: usize = 256;

/// A chunk is sent once it has this many bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// How many events are read from the store at a time.
const STORE_EVENTS: usize = 256;

/// Someone who listens. Dropping it is leaving.
pub(crate) struct Listener {
    hub: Arc<Hub>,
    filter: EventFilter,
    end: watch::Receiver<u64>,
    place: Place,
    /// The last event that was sent or passed over.
    passed: EventNumber,
    /// Counts how often this happened to anyone.
    resyncs: Counter,
    /// Frames of entries that were taken from the ring and did not fit into a chunk.
    held: std::vec::IntoIter<Entry>,
}

enum Place {
    /// In the ring: the place of the next entry.
    Ring(u64),
    /// Behind the ring: in the store, after `passed`.
    Store,
}

impl Listener {
    pub(super) fn new(
        hub: Arc<Hub>,
        filter: EventFilter,
        place: u64,
        last: EventNumber,
        after: Option<EventNumber>,
    ) -> Self {
        let end = hub.end.subscribe();
        let resyncs = hub.resyncs.clone();
        let behind = after.filter(|&after| after < last);
        Self {
            hub,
            filter,
            end,
            place: if behind.is_some() { Place::Store } else { Place::Ring(place) },
            passed: behind.unwrap_or(last),
            resyncs,
            held: Vec::new().into_iter(),
        }
    }

    /// Waits for what comes next, and returns it as it goes out: one or more whole frames. What was
    /// not returned because the wait was given up comes with the next call.
    ///
    /// # Errors
    /// Where what was missed cannot be read from the store.
    pub(crate) async fn next(&mut self, store: &Store) -> Result<Bytes, ReadError> {
        loop {
            let chunk = match self.place {
                Place::Ring(place) => self.read_ring(place),
                Place::Store => self.read_store(store).await?,
            };
            match chunk {
                Some(chunk) if !chunk.is_empty() => return Ok(chunk),
                // Everything was passed over, or the place changed.
                Some(_) => {}
                None => {
                    // The hub holds the sender for as long as this listener holds the hub.
                    _ = self.end.changed().await;
                }
            }
        }
    }

    /// Returns the next frames of the ring, or nothing where there are none yet.
    fn read_ring(&mut self, place: u64) -> Option<Bytes> {
        self.end.borrow_and_update();
        if self.held.as_slice().is_empty() {
            match self.hub.read(place, CHUNK_ENTRIES) {
                Some(entries) if entries.is_empty() => return None,
                Some(entries) => {
                    self.place = Place::Ring(place + entries.len() as u64);
                    self.held = entries.into_iter();
                }
                None => {
                    self.place = Place::Store;
                    self.resyncs.inc();
                    return Some(data_frame(&Frame::Resync { after: self.passed.0 }));
                }
            }
        }
        let mut chunk = BytesMut::new();
        while chunk.len() < CHUNK_BYTES {
            match self.held.next() {
                None => break,
                Some(Entry::Note(frame)) => chunk.extend_from_slice(&frame),
                Some(Entry::Amended(entry)) => {
                    if self.filter.matches(&entry.stored.event) {
                        chunk.extend_from_slice(entry.amended_frame());
                    }
                }
                Some(Entry::Event(entry)) => {
                    self.passed = entry.stored.number;
                    if self.filter.matches(&entry.stored.event) {
                        chunk.extend_from_slice(entry.frame());
                    }
                }
            }
        }
        Some(chunk.freeze())
    }

    /// Returns the next frames of the store, and goes over to the ring where that has the rest.
    async fn read_store(&mut self, store: &Store) -> Result<Option<Bytes>, ReadError> {
        if let Some(place) = self.hub.place_after(self.passed) {
            self.place = Place::Ring(place);
            return Ok(Some(Bytes::new()));
        }
        // Read before the events are: what is committed in between is read again, not missed.
        let last = *self.hub.last_event.borrow();
        let Followed { events, reached } =
            store.follow(self.passed, self.filter.clone(), STORE_EVENTS).await?;
        let mut chunk = BytesMut::new();
        for stored in &events {
            chunk.extend_from_slice(&event_frame(stored));
        }
        let seen = events.last().map_or(self.passed, |stored| stored.number);
        // Where it was looked to the end, all up to `last` were looked at.
        self.passed = reached.unwrap_or(seen.max(last));
        Ok(Some(chunk.freeze()))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.hub.leave();
    }
}

#[cfg(test)]
mod tests;
