//! Events sent as fast as they are answered, over any number of connections, by one thread.
//!
//! Each connection carries one request at a time. An event counts as acknowledged only once its 2xx
//! has been read, and nothing is ever sent twice.

mod running;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use mio::Poll;

use crate::latency::Latency;
use crate::requests::Requests;
use running::Running;

/// If nothing at all is answered for so long, the load is given up.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What to send.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The server.
    pub addr: SocketAddr,
    /// How many requests are under way at the same time.
    pub connections: usize,
    /// How many events a request carries; one is posted by itself.
    pub batch: u64,
    /// Answers of this first while are not measured.
    pub warm_up: Duration,
    /// When to stop.
    pub until: Until,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// So long after the warm-up.
    Elapsed(Duration),
    /// When so many events have been sent.
    Events(u64),
}

/// What became of what was sent.
#[derive(Debug)]
pub struct Outcome {
    /// Events acknowledged, those of the warm-up included.
    pub acknowledged: u64,
    /// Events acknowledged in the measured time.
    pub measured: u64,
    /// How long was measured.
    pub elapsed: Duration,
    /// What was not acknowledged.
    pub troubles: Troubles,
    pub(crate) latency: Latency,
}

/// Requests that were not answered as they should.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Troubles {
    /// How many requests were refused, by status.
    pub refused: BTreeMap<u16, u64>,
    /// How many were answered 2xx without taking every event.
    pub incomplete: u64,
    /// How many connections were lost.
    pub lost_connections: u64,
    /// How many events had been sent on them and not been answered.
    pub unanswered: u64,
}

/// The load could not be put on the server.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No connection.
    #[error("cannot connect to {addr}; is the server running?")]
    Connect {
        /// The server.
        addr: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The server does not answer.
    #[error("the server has not answered for {} s", SILENCE_MAX.as_secs())]
    Silent,
    /// The operating system does not tell what arrives.
    #[error("cannot wait for answers")]
    Wait(#[source] io::Error),
    /// What was acknowledged could not be noted.
    #[error("cannot note what was acknowledged")]
    Note(#[source] io::Error),
}

/// Is told the numbers of the events of each acknowledged request.
pub type Acknowledge<'a> = &'a mut dyn FnMut(Range<u64>) -> io::Result<()>;

impl Load {
    /// Sends, and returns when the last answer has been read.
    pub fn run(
        &self,
        requests: &mut Requests,
        acknowledge: Acknowledge<'_>,
    ) -> Result<Outcome, LoadError> {
        let mut poll = Poll::new().map_err(LoadError::Wait)?;
        let mut running = Running::start(self, &poll, requests, acknowledge)?;
        let mut ready = mio::Events::with_capacity(self.connections.clamp(16, 1024));
        while running.is_under_way() {
            match poll.poll(&mut ready, Some(SILENCE_MAX)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.map_err(LoadError::Wait)?,
            }
            if ready.is_empty() {
                return Err(LoadError::Silent);
            }
            for event in &ready {
                running.serve(event.token(), poll.registry())?;
            }
        }
        Ok(running.outcome())
    }
}

impl Outcome {
    /// Events acknowledged in a second.
    #[must_use]
    pub fn events_per_second(&self) -> f64 {
        self.measured as f64 / self.elapsed.as_secs_f64()
    }
}

impl Troubles {
    /// Whether everything was answered as it should.
    #[must_use]
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Troubles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (status, count) in &self.refused {
            write!(out, "{count} requests refused with {status}, ")?;
        }
        let Self { incomplete, lost_connections, unanswered, .. } = self;
        write!(
            out,
            "{incomplete} requests taken in part, {lost_connections} connections lost with \
             {unanswered} events unanswered"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::events::{Events, Style};
    use crate::fake::{Fake, Manners};

    #[test]
    fn every_event_is_sent_once_and_acknowledged_once() {
        for (connections, batch, count) in [(1, 1, 50), (16, 1, 500), (4, 50, 1_010), (8, 500, 3)] {
            let fake = Fake::start();
            let (outcome, acknowledged) = run(&fake, connections, batch, Until::Events(count));
            assert!(outcome.troubles.are_none(), "{}", outcome.troubles);
            assert_eq!((outcome.acknowledged, outcome.measured), (count, count));
            assert_eq!(
                acknowledged,
                fake.stored(),
                "{connections} connections, batches of {batch}"
            );
            assert_eq!(acknowledged.len() as u64, count);
            assert!(outcome.events_per_second() > 0.0);
        }
    }

    #[test]
    fn a_refused_event_is_not_acknowledged() {
        let fake = Fake::start_with(Manners { refuse_every: Some(3), ..Manners::default() });
        let (outcome, acknowledged) = run(&fake, 2, 1, Until::Events(90));
        assert_eq!(outcome.troubles.refused, BTreeMap::from([(503, 30)]));
        assert_eq!((outcome.acknowledged, acknowledged), (60, fake.stored()));
    }

    #[test]
    fn a_batch_taken_in_part_is_not_acknowledged() {
        let fake = Fake::start_with(Manners { drop_last_of_batch: true, ..Manners::default() });
        let (outcome, acknowledged) = run(&fake, 1, 10, Until::Events(30));
        assert_eq!((outcome.troubles.incomplete, outcome.acknowledged), (3, 0));
        assert!(acknowledged.is_empty());
    }

    #[test]
    fn what_a_lost_connection_carried_is_not_acknowledged() {
        let fake = Fake::start_with(Manners { hang_up_every: Some(10), ..Manners::default() });
        let (outcome, acknowledged) = run(&fake, 1, 1, Until::Events(60));
        assert_eq!((outcome.troubles.lost_connections, outcome.troubles.unanswered), (6, 6));
        assert_eq!(outcome.acknowledged, 54);
        assert!(acknowledged.is_subset(&fake.stored()), "the server stored what it did not answer");
    }

    #[test]
    fn a_span_ends_the_load() {
        let fake = Fake::start();
        let span = Duration::from_millis(20);
        let (outcome, acknowledged) = run(&fake, 2, 1, Until::Elapsed(span));
        assert_eq!(acknowledged, fake.stored(), "the last answers are waited for");
        assert!(outcome.elapsed <= span && outcome.measured <= outcome.acknowledged);
    }

    #[test]
    fn the_warm_up_is_acknowledged_but_not_measured() {
        let fake = Fake::start();
        let load = Load {
            addr: fake.addr(),
            connections: 2,
            batch: 1,
            warm_up: Duration::from_secs(3_600),
            until: Until::Events(10),
        };
        let outcome = load.run(&mut requests(), &mut |_| Ok(())).unwrap();
        assert_eq!((outcome.acknowledged, outcome.measured), (10, 0));
    }

    fn run(
        fake: &Fake,
        connections: usize,
        batch: u64,
        until: Until,
    ) -> (Outcome, BTreeSet<String>) {
        let mut requests = requests();
        let ids = requests.ids();
        let mut acknowledged = BTreeSet::new();
        let load = Load { addr: fake.addr(), connections, batch, warm_up: Duration::ZERO, until };
        let outcome = load.run(&mut requests, &mut |numbers| {
            for number in numbers {
                assert!(acknowledged.insert(ids.text(number)), "{number} came twice");
            }
            Ok(())
        });
        (outcome.unwrap(), acknowledged)
    }

    fn requests() -> Requests {
        let style = Style { tag: 3, sessions: 10, scatter_before: None };
        Requests::new(Events::new(style), "127.0.0.1:1")
    }
}
