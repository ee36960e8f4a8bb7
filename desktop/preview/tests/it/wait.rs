//! Waiting for a condition, with one deadline for everything.

use std::time::{Duration, Instant};

/// What has not come about by then will not. The machine may be busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something, and returns it.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited {} s for {what}", PATIENCE.as_secs());
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "the pause between two looks at the condition")]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
