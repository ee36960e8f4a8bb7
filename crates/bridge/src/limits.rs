//! How much and how long, in one place.

use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// The limits of a bridge. Each says what happens when it is reached.
#[derive(Debug, Clone)]
pub struct Limits {
    /// A longer request body is refused with 413; one that turns out longer is cut off.
    pub request_bytes_max: u64,
    /// An answer that says it is longer is refused; one that turns out longer breaks off.
    pub answer_bytes_max: u64,
    /// A request body up to this length is kept while it is sent, so that a redirect can have it sent
    /// again. A longer one streams, and such a redirect is an error.
    pub replay_bytes_max: u64,
    /// So much of a page is read before it is answered, so that a service that breaks off early gives a
    /// page that says so. What comes after streams.
    pub gather_bytes_max: u64,
    /// So many requests are under way at once. One more is refused with 503 and may be tried again.
    pub requests_max: usize,
    /// No connection by then: the service is away.
    pub connect_within: Duration,
    /// No answer begun by then, counted from when the service last took a piece of the request: the
    /// service hangs.
    pub header_within: Duration,
    /// The same for what is below `/live/`, which the console holds for 25 s while nothing happens.
    pub live_header_within: Duration,
    /// A body of which nothing comes for so long has broken off.
    pub quiet_within: Duration,
    /// A body that has not ended by then is endless, and breaks off. A file that is saved may take longer.
    pub body_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes_max: 256 * MIB,
            answer_bytes_max: 1024 * MIB,
            replay_bytes_max: 8 * MIB,
            gather_bytes_max: MIB,
            requests_max: 256,
            connect_within: Duration::from_secs(2),
            header_within: Duration::from_secs(30),
            // A page itself gives up after 40 s.
            live_header_within: Duration::from_secs(45),
            quiet_within: Duration::from_secs(30),
            body_within: Duration::from_secs(600),
        }
    }
}
