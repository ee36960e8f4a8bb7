//! Looks after the script that runs: it stops when it is told to and when it takes too long.

use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use oriel_wire::compute::Outcome;

use crate::known::Known;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// How long a script that took too long has to stop. Then the process ends.
const GRACE: Duration = Duration::from_secs(2);

/// The process ends with this where a script took too long and did not stop.
pub(crate) const TIME_LIMIT_CODE: i32 = 3;

/// Looks after scripts for good. It is a thread's whole work.
pub(crate) fn watch(known: &Arc<Known>) {
    let limit = known.limits.run_ms.map(Duration::from_millis);
    loop {
        let Some(standing) = known.watch(LOOK) else { continue };
        // The time that a person takes to answer is the person's.
        if let Some(limit) = limit
            && standing.ran > limit
            && standing.question.is_none()
        {
            known.stop(Outcome::TimeLimit);
            if standing.ran > limit + GRACE {
                end(limit);
            }
        }
        known.insist();
    }
}

#[expect(clippy::print_stderr, reason = "its last words, which whoever started it passes on")]
fn end(limit: Duration) -> ! {
    eprintln!(
        "the script took longer than {} ms and did not stop when asked to",
        limit.as_millis()
    );
    exit(TIME_LIMIT_CODE)
}
