//! `oriel doctor`: everything that a daemon needs, checked one by one, with what to do about it.

mod check;
mod folder;
mod machine;
mod runtime;

use std::path::Path;

use oriel_runtime::config::Role;
use oriel_runtime::settings::Flag;
use serde_json::json;

use crate::Exit;
use crate::args::Json;
use crate::daemon;
use crate::output::{Output, Paint};
use crate::table;
use check::{Check, Verdict};
use oriel_daemon::Surroundings;

/// Checks everything and tells what was found.
pub(super) fn run(
    form: Json,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let location = surroundings.locate(flags)?;
    let checks = super::wait(examine(&location.data_dir, flags, surroundings))?;
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    if form.json {
        output.json(&json!({ "ok": !failed, "checks": checks }))?;
    } else {
        output.print(&as_text(&checks, output.paint()))?;
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

async fn examine(
    data_dir: &Path,
    flags: &[Flag],
    surroundings: &Surroundings,
) -> anyhow::Result<Vec<Check>> {
    let resolved = surroundings.check(flags);
    let mut checks = vec![
        folder::config(resolved.as_ref(), data_dir),
        folder::data_dir(data_dir),
        folder::token(data_dir),
    ];
    let found = daemon::find(data_dir).await;
    checks.push(runtime::daemon(found.as_ref()));
    let lock = runtime::lock(data_dir, found.as_ref());
    // Without the lock, or a daemon that has it, nobody can look into the store.
    let can_look = found.is_ok() && lock.verdict != Verdict::Fail;
    checks.push(lock);
    // What the file says wrongly is told of above, and the daemon goes on without the file.
    let mut room_bytes_min = machine::ROOM_BYTES_FAIL;
    if let Ok(resolved) = surroundings.resolve(flags) {
        let mut config = resolved.config;
        room_bytes_min = config.store.free_bytes_min;
        config.role = Role::Daemon;
        checks.push(runtime::port(&config, found.as_ref()));
        checks.push(machine::open_files(config.stream.clients_max));
        if can_look {
            checks.extend(runtime::store(config, found.as_ref()).await);
        }
    }
    checks.push(machine::room(data_dir, room_bytes_min));
    Ok(checks)
}

fn as_text(checks: &[Check], paint: Paint) -> String {
    let rows: Vec<_> = checks.iter().flat_map(Check::rows).collect();
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let summary = match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => "everything is in order".to_owned(),
        (0, doubts) => format!("{doubts} to look at, nothing that fails"),
        (fails, _) => format!("{fails} failed"),
    };
    format!("{}{summary}\n", table::render(&rows, paint))
}
