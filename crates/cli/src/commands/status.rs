//! `oriel status`: whether a daemon runs, and how it is.

use std::path::Path;

use oriel_runtime::settings::Flag;
use oriel_wire::control::{DaemonPhase, DaemonStatus};
use serde_json::{Value, json};

use crate::Exit;
use crate::args::Json;
use crate::daemon::{self, Reached};
use crate::output::{Output, Paint, Style};
use crate::table::{self, Cell};
use crate::text;
use oriel_daemon::Surroundings;

/// Looks for the daemon and tells what was found.
pub(super) fn run(
    form: Json,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let data_dir = surroundings.locate(flags)?.data_dir;
    let reached = super::wait(async { Ok(daemon::find(&data_dir).await?) })?;
    if form.json {
        output.json(&as_json(&reached, &data_dir))?;
    } else {
        output.print(&as_text(&reached, &data_dir, output.paint()))?;
    }
    Ok(match reached {
        Reached::Live(_) => Exit::Done,
        Reached::Stale { .. } | Reached::Absent => Exit::NotRunning,
    })
}

pub(super) fn as_json(reached: &Reached, data_dir: &Path) -> Value {
    let data_dir = data_dir.display().to_string();
    match reached {
        Reached::Live(live) => {
            json!({ "state": "live", "dataDir": data_dir, "status": live.status })
        }
        Reached::Stale { health, reason } => {
            json!({ "state": "stale", "dataDir": data_dir, "reason": reason, "health": health })
        }
        Reached::Absent => json!({ "state": "absent", "dataDir": data_dir }),
    }
}

pub(super) fn as_text(reached: &Reached, data_dir: &Path, paint: Paint) -> String {
    let place = text::clean(&data_dir.display().to_string());
    match reached {
        Reached::Live(live) => live_text(&live.status, paint),
        Reached::Stale { health, reason } => format!(
            "{} for {place}\nIts health file of {} no longer holds: {}. `oriel serve` starts a new one.\n",
            paint.apply(Style::Doubtful, "no daemon answers"),
            text::clean(&health.updated_at),
            text::clean(reason),
        ),
        Reached::Absent => format!(
            "{} for {place}\nStart one with `oriel serve`.\n",
            paint.apply(Style::Doubtful, "no daemon runs"),
        ),
    }
}

fn live_text(status: &DaemonStatus, paint: Paint) -> String {
    let (phase, style) = match status.phase {
        DaemonPhase::Ready => ("ready", Style::Good),
        DaemonPhase::Starting => ("starting", Style::Doubtful),
        DaemonPhase::Draining => ("stopping", Style::Doubtful),
        DaemonPhase::LocalReadinessGate => ("blocked; `oriel doctor` says why", Style::Bad),
    };
    let listens = [
        status.addr.as_ref().map(|addr| format!("http://{addr}")),
        status.socket.as_ref().map(|socket| format!("unix:{socket}")),
    ];
    let (store, stream) = (&status.store, &status.stream);
    let rows = [
        ("version", format!("{}, process {}", status.version, status.pid)),
        ("listens on", listens.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        ("runs for", format!("{}, since {}", text::span(status.uptime_seconds), status.started_at)),
        ("data", status.data_dir.clone()),
        (
            "reading",
            match status.access.as_str() {
                "token" => "needs the token".to_owned(),
                _ => "open to programs of this machine".to_owned(),
            },
        ),
        (
            "store",
            format!(
                "{} in {}, {} and {} not yet merged",
                text::counted(store.events, "event", "events"),
                text::counted(store.sessions, "session", "sessions"),
                text::bytes(store.size_bytes),
                text::bytes(store.wal_bytes),
            ),
        ),
        (
            "queue",
            format!(
                "{} of {}, durability {}",
                store.queue_depth, store.queue_max, store.durability
            ),
        ),
        ("stream", format!("{} of {} clients", stream.clients, stream.clients_max)),
    ];
    let rows = rows.map(|(name, value)| [Cell::new(Style::Faint, name), Cell::plain(value)]);
    format!(
        "{}\n{}",
        paint.apply(style, &format!("the daemon is {phase}")),
        table::render(&rows, paint)
    )
}

#[cfg(test)]
mod tests {
    use oriel_wire::control::{StoreStatus, StreamStatus};

    use super::*;

    #[test]
    fn a_live_daemon_tells_how_it_is() {
        let expected = "\
the daemon is ready
version     0.1.0, process 42
listens on  http://127.0.0.1:3142, unix:/run/oriel.sock
runs for    1 h 1 min, since 2026-03-01T10:00:00Z
data        /home/ada/.local/share/oriel
reading     open to programs of this machine
store       12,345 events in 1 session, 4.2 MiB and 0 bytes not yet merged
queue       7 of 65536, durability full
stream      2 of 50 clients
";
        assert_eq!(live_text(&status(), Paint::new(false)), expected);
    }

    #[test]
    fn what_a_daemon_says_cannot_steer_the_terminal() {
        let odd = DaemonStatus { version: "\x1b[2J9".to_owned(), ..status() };
        assert!(!live_text(&odd, Paint::new(false)).contains('\x1b'));
    }

    fn status() -> DaemonStatus {
        DaemonStatus {
            pid: 42,
            version: "0.1.0".to_owned(),
            phase: DaemonPhase::Ready,
            started_at: "2026-03-01T10:00:00Z".to_owned(),
            uptime_seconds: 3_661,
            addr: Some("127.0.0.1:3142".to_owned()),
            socket: Some("/run/oriel.sock".to_owned()),
            data_dir: "/home/ada/.local/share/oriel".to_owned(),
            access: "loopback".to_owned(),
            store: StoreStatus {
                path: "/home/ada/.local/share/oriel/oriel.db".to_owned(),
                durability: "full".to_owned(),
                schema_version: 1,
                events: 12_345,
                last_event: 12_345,
                sessions: 1,
                size_bytes: 4_400_000,
                wal_bytes: 0,
                queue_depth: 7,
                queue_max: 65_536,
            },
            stream: StreamStatus { clients: 2, clients_max: 50 },
        }
    }
}
