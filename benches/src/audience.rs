//! Clients of the event stream, which count by id what they received and what they did not.
//!
//! All of them, and the one connection that posts the events, are served by one thread.

mod listener;

use std::io::{self, Write};
use std::net::{self, SocketAddr};
use std::ops::Range;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Poll, Token};

use crate::client::get;
use crate::events::EventIds;
use crate::http::{Connection, Received};
use crate::requests::Requests;
use listener::{Listener, Tally};

/// Once everything is posted and nothing more arrives for so long, what is missing is lost.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// How much is read from a client's socket at once.
const READ_BYTES: usize = 64 * 1024;
/// Room for incoming bytes of a client that reads nothing; small, so that the server soon notices.
const STALLED_BYTES: usize = 4 * 1024;

/// Clients that listen.
pub(crate) struct Audience {
    poll: Poll,
    addr: SocketAddr,
    /// Which events count.
    ids: EventIds,
    listeners: Vec<Listener>,
    read: Vec<u8>,
}

/// What the clients have seen of the posted events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seen {
    /// From the first post until the last client had the last event, or until nothing more came.
    pub(crate) took: Duration,
    /// Events that a client never received, over all clients.
    pub(crate) lost: u64,
    /// Events that a client received again, over all clients.
    pub(crate) repeated: u64,
    /// How often a client was told that the server goes on from its store.
    pub(crate) resyncs: u64,
    /// Clients whose stream the server ended.
    pub(crate) ended: usize,
    /// Requests that were not answered 2xx.
    pub(crate) refused: u64,
}

impl Audience {
    /// Opens `count` streams and returns when each has been greeted.
    pub(crate) fn gather(addr: SocketAddr, count: usize, ids: EventIds) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listeners = Vec::with_capacity(count);
        for index in 0..count {
            let stream = net::TcpStream::connect(addr)?;
            (&stream).write_all(&get("/api/stream", addr))?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            listeners.push(Listener::new(stream));
        }
        let mut audience = Self { poll, addr, ids, listeners, read: vec![0; READ_BYTES] };
        let mut ready = mio::Events::with_capacity(1024);
        while !audience.listeners.iter().all(|listener| listener.tally.connected) {
            if !wait(&mut audience.poll, &mut ready)? {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "a stream is not greeted"));
            }
            for event in &ready {
                let listener = &mut audience.listeners[event.token().0];
                listener.receive(&mut audience.read, &ids, 0)?;
                if listener.ended {
                    return Err(io::Error::other("a stream ended before it began"));
                }
            }
        }
        Ok(audience)
    }

    /// Posts `count` events in batches, one after another, while the clients listen.
    pub(crate) fn attend(
        mut self,
        requests: &mut Requests,
        count: u64,
        batch: u64,
    ) -> io::Result<Seen> {
        let poster_token = Token(self.listeners.len());
        let mut poster = Connection::open(self.addr, self.poll.registry(), poster_token)?;
        let mut left = count;
        let mut post = |poster: &mut Connection| -> io::Result<Option<Range<u64>>> {
            if left == 0 {
                return Ok(None);
            }
            let size = batch.min(left);
            left -= size;
            let numbers = requests.write_batch(size, poster.request());
            poster.send()?;
            Ok(Some(numbers))
        };

        let begun = Instant::now();
        let first = post(&mut poster)?.map_or(0, |numbers| numbers.start);
        let (mut posting, mut refused, mut last_news) = (true, 0, begun);
        let mut ready = mio::Events::with_capacity(1024);
        while posting || self.listeners.iter().any(|one| one.waits_for(count)) {
            if !wait(&mut self.poll, &mut ready)? {
                break;
            }
            for event in &ready {
                if event.token() != poster_token {
                    let listener = &mut self.listeners[event.token().0];
                    if listener.receive(&mut self.read, &self.ids, first)? {
                        last_news = Instant::now();
                    }
                } else if posting {
                    poster.send()?;
                    match poster.receive()? {
                        Received::Waiting => {}
                        Received::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Received::Answer => {
                            refused += u64::from(!(200..300).contains(&poster.reply().status()));
                            posting = post(&mut poster)?.is_some();
                        }
                    }
                }
            }
            if !posting && last_news.elapsed() > SILENCE_MAX {
                break;
            }
        }
        Ok(self.seen(count, last_news - begun, refused))
    }

    fn seen(&self, count: u64, took: Duration, refused: u64) -> Seen {
        let sum = |of: fn(&Tally) -> u64| self.listeners.iter().map(|one| of(&one.tally)).sum();
        let received: u64 = sum(|tally| tally.received);
        Seen {
            took,
            lost: count * self.listeners.len() as u64 - received,
            repeated: sum(|tally| tally.repeated),
            resyncs: sum(|tally| tally.resyncs),
            ended: self.listeners.iter().filter(|one| one.ended).count(),
            refused,
        }
    }
}

/// Connects a client that is greeted and then never reads.
pub(crate) fn stall(addr: SocketAddr) -> io::Result<net::TcpStream> {
    use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};

    let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::STREAM, None)?;
    // Set before connecting, or the window that was promised is larger.
    sockopt::set_socket_recv_buffer_size(&socket, STALLED_BYTES)?;
    connect(&socket, &addr)?;
    let mut stream = net::TcpStream::from(socket);
    stream.write_all(&get("/api/stream", addr))?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    // Looking at the greeting leaves it where it is.
    stream.peek(&mut [0])?;
    Ok(stream)
}

/// Waits for something to happen; false if nothing does for long.
fn wait(poll: &mut Poll, ready: &mut mio::Events) -> io::Result<bool> {
    loop {
        match poll.poll(ready, Some(SILENCE_MAX)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(|()| !ready.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Events, Style};
    use crate::fake::{Fake, Manners};

    #[test]
    fn every_client_receives_every_event() {
        let fake = Fake::start();
        let seen = attend(&fake, 5, 210, 50);
        assert_eq!(seen, Seen { took: seen.took, ..NOTHING });
        assert!(Duration::ZERO < seen.took);
    }

    #[test]
    fn what_is_lost_or_repeated_is_counted_by_id() {
        let fake = Fake::start_with(Manners {
            unstreamed_every: Some(10),
            streamed_twice_every: Some(25),
            end_streams_after_batches: Some(4),
            ..Manners::default()
        });
        // Of 200 events, 20 are kept back, and of the rest 4 come twice: numbers 25, 75, 125 and 175.
        let seen = attend(&fake, 3, 200, 50);
        let expected = Seen {
            took: seen.took,
            lost: 3 * 20,
            repeated: 3 * 4,
            resyncs: 3 * 4,
            ended: 3,
            ..NOTHING
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_refused_batch_is_lost_and_told() {
        let fake = Fake::start_with(Manners {
            refuse_every: Some(2),
            end_streams_after_batches: Some(1),
            ..Manners::default()
        });
        let seen = attend(&fake, 2, 20, 10);
        assert_eq!(
            seen,
            Seen { took: seen.took, lost: 20, resyncs: 2, ended: 2, refused: 1, ..NOTHING }
        );
    }

    #[test]
    fn a_client_that_never_reads_is_connected_before_the_others_measure() {
        let fake = Fake::start();
        let stalled = stall(fake.addr()).unwrap();
        assert_eq!(fake.streams(), 1);
        drop(stalled);
    }

    const NOTHING: Seen =
        Seen { took: Duration::ZERO, lost: 0, repeated: 0, resyncs: 0, ended: 0, refused: 0 };

    fn attend(fake: &Fake, clients: usize, events: u64, batch: u64) -> Seen {
        let style = Style { tag: 9, sessions: 10, scatter_before: None };
        let mut requests = Requests::new(Events::new(style), "127.0.0.1:1");
        let audience = Audience::gather(fake.addr(), clients, requests.ids()).unwrap();
        audience.attend(&mut requests, events, batch).unwrap()
    }
}
