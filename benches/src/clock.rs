//! What time it is: told once by `main`, and counted on from there.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// A clock that was set when the program started.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    set_to: SystemTime,
    set_at: Instant,
}

impl Clock {
    /// Sets the clock.
    #[must_use]
    pub fn set_to(now: SystemTime) -> Self {
        Self { set_to: now, set_at: Instant::now() }
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.set_to + self.set_at.elapsed()
    }

    /// A number that no other start of this program has had.
    #[must_use]
    pub fn tag(&self) -> u64 {
        let since = self.set_to.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or_default()
    }
}

/// Writes a time as `2026-03-01T12:00:00Z`.
pub(crate) fn seconds_text(at: SystemTime) -> String {
    Timestamp::try_from(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes the day of a time as `2026-03-01T`, ready for a time of day to follow.
pub(crate) fn day_text(at: SystemTime) -> String {
    Timestamp::try_from(at).unwrap_or_default().strftime("%Y-%m-%dT").to_string()
}

/// Waits while there is nothing to wait for but time: a server shall be idle, or is not ready yet.
#[expect(clippy::disallowed_methods, reason = "idleness is a span of time and has no condition")]
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}
