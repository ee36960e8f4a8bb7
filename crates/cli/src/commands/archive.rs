//! `oriel archive`: the copies of histories that outlive what their agents delete.

use oriel_runtime::config::Config;
use oriel_runtime::settings::Flag;
use oriel_wire::imports::{ArchiveList, ArchiveReport, RestoreReport, RestoreRequest};
use serde_json::json;

use crate::args::Archive;
use crate::output::{Output, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::{Exit, progress, text};
use oriel_daemon::Surroundings;

/// Lists, restores or checks what is kept.
pub(super) fn run(
    archive: Archive,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    super::wait(async {
        match archive {
            Archive::List(form) => list(form.json, config, output).await,
            Archive::Restore { path, to, form } => {
                let absolute = |path| surroundings.folders.working.join(path);
                let request = RestoreRequest {
                    path: absolute(path).display().to_string(),
                    to: to.map(|to| absolute(to).display().to_string()),
                };
                restore(&request, form.json, config, output).await
            }
            Archive::Verify(form) => verify(form.json, config, output).await,
        }
    })
}

async fn list(json: bool, config: Config, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let service = Service::reach(config).await?;
    let list = service.get::<ArchiveList>("/control/archive").await;
    service.close().await;
    let list = list?;
    if json {
        output.json(&list)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = list
        .files
        .iter()
        .map(|file| {
            let (style, word) =
                if file.exists { (Style::Faint, "there") } else { (Style::Strong, "deleted") };
            let kept = Cell::plain(text::bytes(file.bytes));
            [Cell::new(style, word), kept, Cell::plain(&file.kept_at), Cell::plain(&file.path)]
        })
        .collect();
    let hint = if list.archiving { "" } else { "; `archive.enabled` is off, so nothing is added" };
    let summary = format!(
        "{} in {}{hint}\n",
        text::counted(list.files.len() as i64, "file", "files"),
        text::bytes(list.stored_bytes),
    );
    output.print(&(table::render(&rows, output.paint()) + &summary))?;
    Ok(Exit::Done)
}

async fn restore(
    request: &RestoreRequest,
    json: bool,
    config: Config,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let service = Service::reach(config).await?;
    let answer = service.post::<RestoreReport>("/control/archive/restore", request);
    let answer = progress::show("restoring histories", answer).await;
    service.close().await;
    let report = answer?;
    if json {
        output.json(&report)?;
    } else {
        let written = report.written.iter().map(|path| (Style::Good, "ok", path));
        let skipped = report.skipped.iter().map(|path| (Style::Bad, "skip", path));
        let rows: Vec<_> = written
            .chain(skipped)
            .map(|(style, word, path)| [Cell::new(style, word), Cell::plain(path)])
            .collect();
        let summary = format!(
            "restored {}, {}\n",
            text::counted(report.written.len() as i64, "file", "files"),
            text::bytes(report.bytes),
        );
        output.print(&(table::render(&rows, output.paint()) + &summary))?;
    }
    Ok(if report.skipped.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn verify(json: bool, config: Config, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let service = Service::reach(config).await?;
    let nothing = json!({});
    let answer = service.post::<ArchiveReport>("/control/archive/verify", &nothing);
    let answer = progress::show("verifying the archive", answer).await;
    service.close().await;
    let report = answer?;
    if json {
        output.json(&report)?;
    } else {
        let row = |problem: &String| [Cell::new(Style::Bad, "fail"), Cell::plain(problem)];
        let rows: Vec<_> = report.problems.iter().map(row).collect();
        let verdict = if report.ok { "the archive is sound" } else { "the archive is damaged" };
        let summary = format!(
            "{verdict}: {} of {}\n",
            text::counted(report.chunks.cast_signed(), "piece", "pieces"),
            text::bytes(report.bytes),
        );
        output.print(&(table::render(&rows, output.paint()) + &summary))?;
    }
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}
