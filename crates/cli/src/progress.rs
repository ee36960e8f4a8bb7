//! A line on a terminal that shows that something goes on, gone as soon as it is done.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(1);

/// Waits for work and meanwhile says on a terminal's standard error what takes so long.
pub(crate) async fn show<T>(doing: &str, work: impl Future<Output = T>) -> T {
    let mut stderr = std::io::stderr();
    if !stderr.is_terminal() {
        return work.await;
    }
    let start = Instant::now();
    let mut work = std::pin::pin!(work);
    let mut shown = false;
    loop {
        match tokio::time::timeout(EVERY, &mut work).await {
            Ok(done) => {
                if shown {
                    // With standard error closed nobody watches.
                    let _ = stderr.write_all(b"\r\x1b[K");
                }
                return done;
            }
            Err(_) => {
                shown = true;
                let _ = write!(stderr, "\r\x1b[K{doing} … {} s", start.elapsed().as_secs());
                let _ = stderr.flush();
            }
        }
    }
}
