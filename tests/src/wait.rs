//! Waiting for a condition, with one deadline for everything: generous, since the machine that runs
//! the tests may be busy with other things.

use std::time::{Duration, Instant};

/// What has not come about by then will not.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Looks again and again until there is something, and returns it.
///
/// # Panics
/// Where nothing has come about in time, with what was waited for.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    match in_time(look) {
        Some(found) => found,
        None => panic!("waited {} s for {what}", PATIENCE.as_secs()),
    }
}

/// Looks again and again until there is something; nothing where it has not come about in time.
pub(crate) fn in_time<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if PATIENCE <= started.elapsed() {
            return None;
        }
        pause();
    }
}

/// Rests for a moment between two looks that cost more than a look at a file does.
pub(crate) fn rest() {
    for _ in 0..25 {
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "the pause between two looks at the condition")]
fn pause() {
    std::thread::sleep(LOOK_EVERY);
}
