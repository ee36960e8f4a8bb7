//! What can be read, and within how many milliseconds it is to be answered.

use std::time::{Duration, SystemTime};

use crate::clock::seconds_text;
use crate::events::{known, session_id};

/// A question to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The same on every store, also where the target names a time or an id.
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) milliseconds_max: Option<u32>,
}

/// Every question, for a store with this many events at this time.
pub(crate) fn endpoints(events: u64, now: SystemTime) -> Vec<Endpoint> {
    let hour_ago = seconds_text(now - Duration::from_secs(3_600));
    let session = session_id(7);
    let agent = known::AGENT;
    let mut all = vec![
        plain("health", "/api/health"),
        quick("stats", "/api/stats"),
        plain("stats?agent_type", &format!("/api/stats?agent_type={agent}")),
        plain("stats?since=1h", &format!("/api/stats?since={hour_ago}")),
        quick("stats/tools", "/api/stats/tools"),
        quick("stats/cost", "/api/stats/cost"),
        plain("stats/usage-monitor", "/api/stats/usage-monitor"),
        quick("sessions?limit=50", "/api/sessions?limit=50"),
        plain("sessions?limit=50&status=active", "/api/sessions?limit=50&status=active"),
        plain("sessions/:id", &format!("/api/sessions/{session}")),
        plain("sessions/:id/transcript", &format!("/api/sessions/{session}/transcript")),
        plain("events?limit=50", "/api/events?limit=50"),
    ];
    let filters = [
        ("agent_type", agent),
        ("event_type", known::EVENT_TYPE),
        ("tool_name", known::TOOL),
        ("session_id", &session),
        ("branch", known::BRANCH),
        ("model", known::MODEL),
        ("source", known::SOURCE),
    ];
    all.extend(filters.map(|(field, value)| {
        plain(&format!("events?{field}"), &format!("/api/events?limit=50&{field}={value}"))
    }));
    let combined = format!(
        "/api/events?limit=50&agent_type={agent}&event_type={}&branch={}&since={hour_ago}",
        known::EVENT_TYPE,
        known::BRANCH,
    );
    all.extend([
        plain("events?agent_type&event_type&branch&since", &combined),
        plain("events?after=N&limit=100", &format!("/api/events?after={}&limit=100", events / 2)),
        plain("filter-options", "/api/filter-options"),
        plain("metrics", "/metrics"),
    ]);
    all.extend(pages(&session, now));
    all
}

/// What the operator's pages ask, each to be answered within 8 ms.
fn pages(session: &str, now: SystemTime) -> Vec<Endpoint> {
    let day_ago = seconds_text(now - Duration::from_secs(86_400));
    let mut pages = vec![
        ("board", "/api/board".to_owned()),
        ("board?limit=200", "/api/board?limit=200".to_owned()),
        ("sessions/:id/turns", format!("/api/sessions/{session}/turns")),
        ("sessions/:id/files", format!("/api/sessions/{session}/files")),
        ("stats/tools/detail", "/api/stats/tools/detail".to_owned()),
        ("stats/tools/detail?since=1d", format!("/api/stats/tools/detail?since={day_ago}")),
        ("sessions/table?q", "/api/sessions/table?q=ma".to_owned()),
        ("sessions/table?phase", "/api/sessions/table?phase=active&sort=cost".to_owned()),
        ("events?text", "/api/events?limit=50&text=test".to_owned()),
        ("events?status&text", "/api/events?limit=50&status=error&text=a*".to_owned()),
    ];
    for (name, sort) in [
        ("sessions/table", "last"),
        ("sessions/table?sort=cost", "cost"),
        ("sessions/table?sort=tokens", "tokens"),
        ("sessions/table?sort=started", "started"),
    ] {
        pages.push((name, format!("/api/sessions/table?sort={sort}")));
    }
    let paged = |(name, target): (&str, String)| Endpoint {
        milliseconds_max: Some(8),
        ..plain(name, &target)
    };
    pages.into_iter().map(paged).collect()
}

fn plain(name: &str, target: &str) -> Endpoint {
    Endpoint { name: name.to_owned(), target: target.to_owned(), milliseconds_max: None }
}

/// One of the statistics that are to be answered within 2 ms on a store of any size.
fn quick(name: &str, target: &str) -> Endpoint {
    Endpoint { milliseconds_max: Some(2), ..plain(name, target) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_the_same_for_every_store() {
        let small = endpoints(10, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        let large = endpoints(1_000, SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000));
        let names = |all: &[Endpoint]| all.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&small), names(&large));
        assert_eq!(names(&small).iter().collect::<BTreeSet<_>>().len(), small.len());
        for Endpoint { target, .. } in small {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/?&=-_.:*".contains(&byte);
            assert!(target.bytes().all(allowed), "{target} needs escaping");
        }
    }
}
