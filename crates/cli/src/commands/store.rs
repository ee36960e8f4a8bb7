//! `oriel store`: the care of the store, done by the daemon that runs, else by this process.

use std::path::{Path, PathBuf};

use oriel_runtime::config::{Clock, Config};
use oriel_runtime::settings::Flag;
use oriel_wire::control::{BackupReport, BackupRequest, CompactReport, VerifyReport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::args::{Json, Store};
use crate::output::{Output, Paint, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::{Exit, platform, progress, text};
use oriel_daemon::Surroundings;

/// Does one of the things that can be done to a store.
pub(super) fn run(
    store: Store,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    super::wait(async {
        match store {
            Store::Verify(form) => verify(form, config, output).await,
            Store::Backup { path, form } => {
                let path = match path {
                    Some(path) => surroundings.folders.working.join(path),
                    None => default_backup(&config.data_dir, &surroundings.clock)?,
                };
                backup(path, form, config, output).await
            }
            Store::Compact(form) => compact(form, config, output).await,
        }
    })
}

async fn verify(form: Json, config: Config, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let report: VerifyReport =
        ask(config, "verifying the store", "/control/store/verify", &json!({})).await?;
    if form.json {
        output.json(&report)?;
    } else {
        output.print(&verified(&report, output.paint()))?;
    }
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}

async fn backup(
    path: PathBuf,
    form: Json,
    config: Config,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let request = BackupRequest { path: path.display().to_string() };
    let report: BackupReport =
        ask(config, "copying the store", "/control/store/backup", &request).await?;
    if form.json {
        output.json(&report)?;
    } else {
        output.print(&format!(
            "copied {} to {}, {} in {} ms\n",
            text::counted(report.events, "event", "events"),
            text::clean(&report.path),
            text::bytes(report.bytes),
            report.elapsed_ms,
        ))?;
    }
    Ok(Exit::Done)
}

async fn compact(form: Json, config: Config, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let report: CompactReport =
        ask(config, "compacting the store", "/control/store/compact", &json!({})).await?;
    if form.json {
        output.json(&report)?;
    } else {
        output.print(&format!(
            "the store had {} and has {}, in {} ms\n",
            text::bytes(report.bytes_before),
            text::bytes(report.bytes_after),
            report.elapsed_ms,
        ))?;
    }
    Ok(Exit::Done)
}

async fn ask<T: DeserializeOwned>(
    config: Config,
    doing: &str,
    path: &str,
    request: &impl Serialize,
) -> anyhow::Result<T> {
    let service = Service::reach(config).await?;
    let answer = progress::show(doing, service.post(path, request)).await;
    service.close().await;
    Ok(answer?)
}

/// Returns where a backup goes that was given no place, and makes the folder.
fn default_backup(data_dir: &Path, clock: &Clock) -> anyhow::Result<PathBuf> {
    let folder = data_dir.join("backups");
    platform::make_private_dir(data_dir)?;
    platform::make_private_dir(&folder)?;
    let now = jiff::Timestamp::try_from(clock.now())?;
    Ok(folder.join(now.strftime("oriel-%Y%m%dT%H%M%SZ.db").to_string()))
}

fn verified(report: &VerifyReport, paint: Paint) -> String {
    let rows: Vec<_> = report
        .checks
        .iter()
        .flat_map(|check| {
            let (style, word) = if check.ok { (Style::Good, "ok") } else { (Style::Bad, "fail") };
            let first = check.problems.first().map_or("", String::as_str);
            let head = [Cell::new(style, word), Cell::plain(&check.name), Cell::plain(first)];
            let more = check.problems.iter().skip(1);
            let rest = more.map(|line| [Cell::plain(""), Cell::plain(""), Cell::plain(line)]);
            std::iter::once(head).chain(rest)
        })
        .collect();
    let (style, verdict) = if report.ok {
        (Style::Good, "the store is sound")
    } else {
        (Style::Bad, "the store is damaged; copy it with `oriel store backup` before anything else")
    };
    format!(
        "{}{}: {} and {} in {} ms\n",
        table::render(&rows, paint),
        paint.apply(style, verdict),
        text::counted(report.events, "event", "events"),
        text::counted(report.sessions, "session", "sessions"),
        report.elapsed_ms,
    )
}

#[cfg(test)]
mod tests {
    use oriel_wire::control::VerifyCheck;

    use super::*;

    #[test]
    fn every_problem_is_told() {
        let check = |name: &str, problems: &[&str]| VerifyCheck {
            name: name.to_owned(),
            ok: problems.is_empty(),
            problems: problems.iter().map(|&line| line.to_owned()).collect(),
        };
        let report = VerifyReport {
            ok: false,
            events: 1_000,
            sessions: 2,
            checks: vec![check("integrity", &[]), check("totals", &["a is 1, not 2", "b\x1b[2J"])],
            elapsed_ms: 5,
        };
        let expected = "\
ok    integrity
fail  totals     a is 1, not 2
                 b[2J
the store is damaged; copy it with `oriel store backup` before anything else: 1,000 events and 2 sessions in 5 ms
";
        assert_eq!(verified(&report, Paint::new(false)), expected);
    }
}
