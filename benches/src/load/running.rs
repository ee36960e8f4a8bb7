//! A load under way: what each connection waits for, and what has been counted so far.

use std::ops::Range;
use std::time::Instant;

use mio::{Poll, Registry, Token};

use super::{Acknowledge, Load, LoadError, Outcome, Troubles, Until};
use crate::http::{Connection, Received};
use crate::latency::Latency;
use crate::requests::Requests;

/// How often a connection that the server ended is opened again.
const REOPENED_MAX: u32 = 8;

/// A load under way.
pub(super) struct Running<'a> {
    load: &'a Load,
    requests: &'a mut Requests,
    acknowledge: Acknowledge<'a>,
    lanes: Vec<Lane>,
    /// How many lanes wait for an answer.
    under_way: usize,
    /// How many events are still to be sent, if their number decides.
    left: Option<u64>,
    measure_from: Instant,
    measure_until: Option<Instant>,
    last_answer: Instant,
    acknowledged: u64,
    measured: u64,
    latency: Latency,
    troubles: Troubles,
}

/// A connection and what it waits for.
struct Lane {
    connection: Connection,
    sent: Range<u64>,
    sent_at: Instant,
    reopened: u32,
    /// Has nothing more to do.
    idle: bool,
}

impl<'a> Running<'a> {
    pub(super) fn start(
        load: &'a Load,
        poll: &Poll,
        requests: &'a mut Requests,
        acknowledge: Acknowledge<'a>,
    ) -> Result<Self, LoadError> {
        let mut lanes = Vec::with_capacity(load.connections);
        for index in 0..load.connections {
            let connection = Connection::open(load.addr, poll.registry(), Token(index))
                .map_err(|source| LoadError::Connect { addr: load.addr, source })?;
            let sent_at = Instant::now();
            lanes.push(Lane { connection, sent: 0..0, sent_at, reopened: 0, idle: false });
        }
        let now = Instant::now();
        let measure_from = now + load.warm_up;
        let (left, measure_until) = match load.until {
            Until::Elapsed(span) => (None, Some(measure_from + span)),
            Until::Events(count) => (Some(count), None),
        };
        let mut running = Self {
            load,
            requests,
            acknowledge,
            lanes,
            under_way: load.connections,
            left,
            measure_from,
            measure_until,
            last_answer: now,
            acknowledged: 0,
            measured: 0,
            latency: Latency::new(),
            troubles: Troubles::default(),
        };
        for index in 0..running.lanes.len() {
            running.send_next(index, now, poll.registry())?;
        }
        Ok(running)
    }

    /// Whether any answer is still waited for.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way > 0
    }

    /// Does what can be done on a connection of which the system told something.
    pub(super) fn serve(
        &mut self,
        Token(index): Token,
        registry: &Registry,
    ) -> Result<(), LoadError> {
        let lane = &mut self.lanes[index];
        if lane.idle {
            return Ok(());
        }
        let received = lane.connection.send().and_then(|()| lane.connection.receive());
        match received {
            Ok(Received::Waiting) => Ok(()),
            Ok(Received::Answer) => {
                let now = Instant::now();
                self.note_answer(index, now)?;
                self.send_next(index, now, registry)
            }
            Ok(Received::Closed) | Err(_) => self.reopen(index, registry),
        }
    }

    /// Takes account of a complete answer.
    fn note_answer(&mut self, index: usize, now: Instant) -> Result<(), LoadError> {
        let lane = &self.lanes[index];
        let reply = lane.connection.reply();
        let count = lane.sent.end - lane.sent.start;
        self.last_answer = now;
        if !(200..300).contains(&reply.status()) {
            *self.troubles.refused.entry(reply.status()).or_default() += 1;
            return Ok(());
        }
        if events_taken(reply.body()) != Some(count) {
            self.troubles.incomplete += 1;
            return Ok(());
        }
        self.acknowledged += count;
        if self.measure_from <= now && self.measure_until.is_none_or(|until| now <= until) {
            self.measured += count;
            self.latency.record(now - lane.sent_at);
        }
        (self.acknowledge)(lane.sent.clone()).map_err(LoadError::Note)
    }

    /// Sends the next request, or retires the lane when there is nothing more to send.
    fn send_next(
        &mut self,
        index: usize,
        now: Instant,
        registry: &Registry,
    ) -> Result<(), LoadError> {
        let count = self.left.map_or(self.load.batch, |left| left.min(self.load.batch));
        if count == 0 || self.measure_until.is_some_and(|until| until <= now) {
            self.retire(index);
            return Ok(());
        }
        self.left = self.left.map(|left| left - count);
        let lane = &mut self.lanes[index];
        let request = lane.connection.request();
        lane.sent = match self.load.batch {
            1 => self.requests.write_single(request),
            _ => self.requests.write_batch(count, request),
        };
        lane.sent_at = now;
        match lane.connection.send() {
            Ok(()) => Ok(()),
            Err(_) => self.reopen(index, registry),
        }
    }

    /// Replaces a connection that was lost. What it carried may be stored or not, and is not sent
    /// again, for the caller is to know exactly what was acknowledged.
    fn reopen(&mut self, index: usize, registry: &Registry) -> Result<(), LoadError> {
        let lane = &mut self.lanes[index];
        self.troubles.lost_connections += 1;
        self.troubles.unanswered += lane.sent.end - lane.sent.start;
        lane.sent = 0..0;
        lane.reopened += 1;
        if lane.reopened > REOPENED_MAX {
            self.retire(index);
            return Ok(());
        }
        match Connection::open(self.load.addr, registry, Token(index)) {
            Ok(connection) => {
                lane.connection = connection;
                self.send_next(index, Instant::now(), registry)
            }
            // The server is gone. What was acknowledged until then is the outcome.
            Err(_) => {
                self.retire(index);
                Ok(())
            }
        }
    }

    fn retire(&mut self, index: usize) {
        self.lanes[index].idle = true;
        self.under_way -= 1;
    }

    pub(super) fn outcome(self) -> Outcome {
        let end = self.measure_until.map_or(self.last_answer, |until| until.min(self.last_answer));
        Outcome {
            acknowledged: self.acknowledged,
            measured: self.measured,
            elapsed: end.saturating_duration_since(self.measure_from),
            troubles: self.troubles,
            latency: self.latency,
        }
    }
}

/// How many events a receipt says are stored now: `{"received":n,"ids":[…],"duplicates":d`.
fn events_taken(receipt: &[u8]) -> Option<u64> {
    let digits = receipt.strip_prefix(br#"{"received":"#)?;
    let length = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..length]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_says_how_many_events_were_taken() {
        assert_eq!(events_taken(br#"{"received":50,"ids":[1],"duplicates":0}"#), Some(50));
        assert_eq!(events_taken(br#"{"received":0,"ids":[],"duplicates":1}"#), Some(0));
        for other in [&b"{}"[..], b"", br#"{"received":"#, br#"{"received":,"#] {
            assert_eq!(events_taken(other), None);
        }
    }
}
