//! Waiting for what others do, which ends when it has come about, when it takes too long, and when somebody
//! has the whole measurement stopped.
//!
//! A signal ends nothing by itself: the next wait fails, so that every process and folder is cleared away as
//! after any failure.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::bench::{BenchError, failed};
use crate::clock::pause;

/// Whether somebody asked to stop. Signals are of the process, and so is this.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// How long a pause is at most before it is looked whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// From now on takes the signals that ask a program to end.
pub(super) fn hear() -> Result<(), BenchError> {
    let cannot = |source| failed("listen for signals", source);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(cannot)?;
    let (mut interrupt, mut end) = {
        let _inside = runtime.enter();
        let of = |kind| signal(kind).map_err(cannot);
        (of(SignalKind::interrupt())?, of(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = end.recv() => {}
            }
        });
        STOPPED.store(true, Ordering::Relaxed);
    });
    Ok(())
}

/// Fails once somebody asked to stop.
pub(super) fn go_on() -> Result<(), BenchError> {
    if STOPPED.load(Ordering::Relaxed) {
        return Err(failed(
            "go on",
            io::Error::new(io::ErrorKind::Interrupted, "stopped by a signal"),
        ));
    }
    Ok(())
}

/// Waits until there is an answer.
pub(super) fn until<T>(
    what: &str,
    patience: Duration,
    every: Duration,
    mut look: impl FnMut() -> Result<Option<T>, BenchError>,
) -> Result<T, BenchError> {
    let began = Instant::now();
    loop {
        go_on()?;
        if let Some(found) = look()? {
            return Ok(found);
        }
        if patience < began.elapsed() {
            let late = format!("it did not come about in {} s", patience.as_secs());
            return Err(failed(format!("wait for {what}"), io::Error::other(late)));
        }
        pause(every);
    }
}

/// Lets time go by.
pub(super) fn rest(span: Duration) -> Result<(), BenchError> {
    let began = Instant::now();
    while let Some(left) = span.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        go_on()?;
        pause(left.min(LOOK_EVERY));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_come_about_is_named() {
        let never = until("snow", Duration::ZERO, Duration::ZERO, || Ok(None::<()>));
        assert_eq!(never.unwrap_err().to_string(), "cannot wait for snow");
        let mut looks = 0;
        let third = until("it", Duration::from_secs(9), Duration::ZERO, || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(third.unwrap(), 3);
    }
}
