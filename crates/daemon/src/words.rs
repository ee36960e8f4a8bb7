//! Words in which every program of ours says the same.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns an error with its causes, each said once.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

/// Returns a moment as RFC 3339, to the second.
#[must_use]
pub fn rfc3339(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    oriel_wire::time::rfc3339(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot start")]
    struct Start(#[source] Read);

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read x: no such file")]
    struct Read(#[source] Missing);

    #[derive(Debug, thiserror::Error)]
    #[error("no such file")]
    struct Missing;

    #[test]
    fn every_cause_is_said_once() {
        assert_eq!(chain(&Start(Read(Missing))), "cannot start: cannot read x: no such file");
    }

    #[test]
    fn a_time_before_all_times_is_the_first() {
        assert_eq!(rfc3339(UNIX_EPOCH - std::time::Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }
}
