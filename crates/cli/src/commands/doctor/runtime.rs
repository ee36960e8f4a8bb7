//! Checks of the daemon and of its store.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::SystemTime;

use oriel_runtime::config::Config;
use oriel_wire::control::{Blocker, DaemonPhase, DaemonStatus, Readiness, VerifyReport};
use oriel_wire::imports::ImportOverview;
use serde_json::{Value, json};

use super::check::Check;
use crate::daemon::{FindError, Reached};
use crate::service::Service;
use crate::text;

/// How a daemon leaves its gate.
const RESTART: &str = "restart the daemon (on the same page, with POST /control/restart, or `oriel \
                       stop` and `oriel serve`)";

/// Where to look when an error does not say more.
const LOGS: &str = "look into `logs` in the data directory";

type Found<'a> = Result<&'a Reached, &'a FindError>;

/// A larger store is not read through by the way.
const VERIFY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A last event that is this far ahead was stamped by a clock that went wrong.
const CLOCK_SECONDS_MAX: i64 = 60;

/// Checks that the health file tells the truth.
pub(super) fn daemon(found: Found<'_>) -> Check {
    const NAME: &str = "daemon";
    match found {
        Ok(Reached::Live(live)) => {
            let status = &live.status;
            let phase = status.phase.as_str();
            Check::ok(
                NAME,
                format!("process {} of version {} is {phase}", status.pid, status.version),
            )
        }
        Ok(Reached::Stale { reason, .. }) => Check::warn(
            NAME,
            format!("a health file is left over: {reason}"),
            "`oriel serve` replaces it",
        ),
        Ok(Reached::Absent) => Check::ok(NAME, "none runs; `oriel serve` starts one"),
        Err(error) => Check::fail(NAME, crate::chain(error), "put it right, then look again"),
    }
}

/// Checks that whoever has locked the data directory is the daemon that answers.
pub(super) fn lock(data_dir: &Path, found: Found<'_>) -> Check {
    const NAME: &str = "lock";
    let path = data_dir.join("lock");
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Check::ok(NAME, "nobody has the data directory");
        }
        Err(error) => {
            return Check::fail(NAME, format!("{}: {error}", path.display()), "look at its folder");
        }
    };
    match (file.try_lock_shared(), found) {
        (Ok(()), Ok(Reached::Live(_))) => Check::fail(
            NAME,
            format!(
                "a daemon runs, but {} is not locked, so a second one could start",
                path.display()
            ),
            "stop the daemon and start it again",
        ),
        (Ok(()), _) => Check::ok(NAME, "nobody has the data directory"),
        (Err(TryLockError::WouldBlock), Ok(Reached::Live(_))) => {
            Check::ok(NAME, "the daemon has the data directory")
        }
        (Err(TryLockError::WouldBlock), _) => {
            let mut owner = String::new();
            // An owner that cannot be read is still an owner.
            _ = file.read_to_string(&mut owner);
            Check::fail(
                NAME,
                format!("a process that does not answer has the data directory: {}", owner.trim()),
                "wait for it to end, or end it",
            )
        }
        (Err(TryLockError::Error(error)), _) => {
            Check::fail(NAME, format!("{}: {error}", path.display()), "look at its file system")
        }
    }
}

/// Checks that the port is ours or free.
pub(super) fn port(config: &Config, found: Found<'_>) -> Check {
    const NAME: &str = "port";
    let addr = SocketAddr::new(config.listen.host, config.listen.port);
    if let Ok(Reached::Live(live)) = found {
        let here = live.status.addr.as_deref().unwrap_or("no TCP address");
        return Check::ok(NAME, format!("the daemon listens on {here}"));
    }
    match TcpListener::bind(addr) {
        Ok(_) => Check::ok(NAME, format!("{addr} is free")),
        Err(error) => Check::fail(
            NAME,
            format!("cannot listen on {addr}: {error}"),
            "end the program that does, or set listen.port",
        ),
    }
}

/// Checks that nothing blocks the runtime, and that its store is sound and not of the future.
pub(super) async fn store(config: Config, found: Found<'_>) -> Vec<Check> {
    const NAME: &str = "store";
    let live = matches!(found, Ok(Reached::Live(_)));
    if !live && !config.data_dir.join("oriel.db").exists() {
        return vec![Check::ok(NAME, "there is none yet; `oriel serve` makes it")];
    }
    let now = config.clock.now();
    let service = match Service::reach(config).await {
        Ok(service) => service,
        Err(error) => {
            return vec![Check::fail(
                NAME,
                crate::chain(&error),
                "put it right, or restore a backup",
            )];
        }
    };
    let mut checks = blockers(&service).await;
    if checks.is_empty() {
        checks = vec![sound(&service).await, clock(&service, now).await, histories(&service).await];
    }
    service.close().await;
    checks
}

/// Returns what blocks the runtime, a failed check each.
async fn blockers(service: &Service) -> Vec<Check> {
    const NAME: &str = "readiness";
    let readiness: Readiness = match service.get("/control/readiness").await {
        Ok(readiness) => readiness,
        Err(error) => return vec![Check::fail(NAME, crate::chain(&error), LOGS)],
    };
    let is_daemon = service.is_daemon();
    if is_daemon && readiness.blockers.is_empty() {
        return match readiness.phase {
            DaemonPhase::LocalReadinessGate => vec![Check::fail(
                NAME,
                "everything that blocked is mended, and the daemon has not been restarted",
                RESTART,
            )],
            _ => Vec::new(),
        };
    }
    let check = |blocker: &Blocker| {
        let finding = format!("{}: {}", blocker.label, blocker.reason);
        Check::fail(NAME, finding, advice(blocker, is_daemon))
    };
    readiness.blockers.iter().map(check).collect()
}

/// Returns what to do next about a blocker, as the gate itself offers it.
fn advice(blocker: &Blocker, is_daemon: bool) -> String {
    let offered: Vec<&str> = blocker
        .actions
        .iter()
        .map(String::as_str)
        .filter(|action| *action != "inspect" && *action != "restart")
        .collect();
    let then = if is_daemon { RESTART } else { "start the daemon again" };
    if offered.is_empty() {
        return format!("put it right, then {then}");
    }
    let start = if is_daemon { "" } else { "start the daemon; " };
    format!(
        "{start}on the console's page /readiness or with POST /control/readiness/{}/ACTION choose {}; \
         then {then}",
        blocker.id,
        offered.join(" or "),
    )
}

async fn sound(service: &Service) -> Check {
    const NAME: &str = "store";
    let status: DaemonStatus = match service.get("/control/status").await {
        Ok(status) => status,
        Err(error) => return Check::fail(NAME, crate::chain(&error), LOGS),
    };
    let store = status.store;
    let size = format!(
        "{} in {}, {}",
        text::counted(store.events, "event", "events"),
        text::counted(store.sessions, "session", "sessions"),
        text::bytes(store.size_bytes),
    );
    if VERIFY_BYTES_MAX < store.size_bytes {
        return Check::ok(NAME, format!("{size}; `oriel store verify` reads it through"));
    }
    match service.post::<VerifyReport>("/control/store/verify", &json!({})).await {
        Ok(report) if report.ok => Check::ok(NAME, format!("{size}, read through and sound")),
        Ok(report) => {
            let problems = report.checks.iter().map(|check| check.problems.len()).sum::<usize>();
            Check::fail(
                NAME,
                format!("{size}, with {problems} problems"),
                "`oriel store verify` names them; copy the store with `oriel store backup` first",
            )
        }
        Err(error) => Check::fail(NAME, crate::chain(&error), LOGS),
    }
}

async fn clock(service: &Service, now: SystemTime) -> Check {
    const NAME: &str = "clock";
    let page: Value = match service.get("/api/events?limit=1").await {
        Ok(page) => page,
        Err(error) => return Check::warn(NAME, crate::chain(&error), LOGS),
    };
    let Some(last) = page["events"][0]["created_at"].as_str() else {
        return Check::ok(NAME, "no event to compare it with");
    };
    judge_clock(last, now)
}

/// Checks that no history is about to be deleted for good.
async fn histories(service: &Service) -> Check {
    const NAME: &str = "histories";
    let known: ImportOverview = match service.get("/control/imports").await {
        Ok(known) => known,
        Err(error) => return Check::warn(NAME, crate::chain(&error), LOGS),
    };
    let files = text::counted(known.files.cast_signed(), "file was", "files were");
    match (known.deleted_soon, known.deleted_after_days) {
        (soon @ 1.., Some(days)) => Check::warn(
            NAME,
            format!(
                "Claude Code deletes its histories after {days} days; within a week that is {} of \
                 which the archive has no copy",
                text::counted(soon.cast_signed(), "file", "files"),
            ),
            "set archive.enabled, or raise cleanupPeriodDays in Claude Code's settings.json",
        ),
        _ => Check::ok(NAME, format!("{files} imported; none is deleted within a week uncopied")),
    }
}

/// Judges the clock by the last event, whose time is `YYYY-MM-DD HH:MM:SS` in UTC.
fn judge_clock(last: &str, now: SystemTime) -> Check {
    const NAME: &str = "clock";
    let last = last
        .parse::<jiff::civil::DateTime>()
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
    let now = jiff::Timestamp::try_from(now);
    let (Ok(last), Ok(now)) = (last, now) else {
        return Check::warn(
            NAME,
            "its time cannot be compared with the last event's",
            "look at it",
        );
    };
    let ahead = last.timestamp().as_second() - now.as_second();
    if CLOCK_SECONDS_MAX < ahead {
        let ahead = text::span(ahead.unsigned_abs());
        Check::fail(NAME, format!("it is {ahead} behind the last event"), "set the clock right")
    } else {
        Check::ok(NAME, "it is not behind the last event")
    }
}
