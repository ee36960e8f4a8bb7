//! `oriel files`: the folders that pages of the desktop may use.

use std::path::Path;

use anyhow::Context;
use oriel_daemon::Surroundings;
use oriel_hostfs::{FileError, Grants};
use oriel_runtime::config::Config;
use oriel_runtime::settings::Flag;
use oriel_wire::audit::AuditNote;
use oriel_wire::grants::{GrantList, GrantRevoke, GrantRevoked, GrantRow};
use oriel_wire::hostfs::WorkspaceAccess;
use oriel_wire::time::sqlite_text;
use serde_json::Value;

use crate::Exit;
use crate::args::{Files, FilesGrant, Json};
use crate::output::{Output, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::text;

/// Does what was asked.
pub(super) fn run(
    files: &Files,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    if matches!(files, Files::Types) {
        output.print(&oriel_wire::hostfs::typescript())?;
        return Ok(Exit::Done);
    }
    let config = surroundings.resolve(flags)?.config;
    match files {
        Files::List(form) => list(config, *form, output),
        Files::Grant(grant) => super::wait(make(config, grant, surroundings)).and_then(|row| {
            if grant.form.json {
                output.json(&row)?;
            } else {
                let may = may(&row);
                output.print(&format!("{} may {may} {} ({})\n", row.label, row.root, row.id))?;
            }
            Ok(Exit::Done)
        }),
        Files::Revoke { grant, form } => {
            let GrantRevoked { revoked } = super::wait(revoke(config, grant, surroundings))?;
            if form.json {
                output.json(&revoked)?;
            } else {
                let GrantRow { label, root, .. } = revoked;
                output.print(&format!("{label} may not use {root} any more\n"))?;
            }
            Ok(Exit::Done)
        }
        Files::Types => Ok(Exit::Done),
    }
}

fn list(config: Config, form: Json, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let list: GrantList = super::wait(async {
        let service = Service::reach(config).await?;
        let list = service.get("/control/grants").await;
        service.close().await;
        Ok(list?)
    })?;
    let exit = if list.problem.is_none() { Exit::Done } else { Exit::Failed };
    if form.json {
        output.json(&list)?;
        return Ok(exit);
    }
    if let Some(problem) = &list.problem {
        output.print(&table::render(&[[Cell::new(Style::Bad, problem)]], output.paint()))?;
        return Ok(exit);
    }
    let rows: Vec<_> = list.grants.iter().map(row).collect();
    let summary = match list.grants.len() {
        0 => "no page may use a folder; `oriel files grant FOLDER` lets the workbench\n".to_owned(),
        count => format!("{}\n", text::counted(count as i64, "folder", "folders")),
    };
    output.print(&(table::render(&rows, output.paint()) + &summary))?;
    Ok(exit)
}

/// Grants a folder. It is done here and not by the daemon, so that who has the token alone cannot.
async fn make(
    config: Config,
    grant: &FilesGrant,
    surroundings: &Surroundings,
) -> anyhow::Result<GrantRow> {
    let access = if grant.write { WorkspaceAccess::ReadWrite } else { WorkspaceAccess::Read };
    let folder = surroundings.folders.working.join(&grant.folder);
    let data_dir = config.data_dir.clone();
    let service = Service::reach(config).await?;
    let granted = Grants::of_data_dir(&data_dir).and_then(|grants| {
        let grants = grants.home(surroundings.folders.home.clone());
        grants.add(&grant.page, &folder, access, surroundings.clock.now())
    });
    let told = match &granted {
        Ok(granted) => {
            let row = granted.row();
            let detail = format!("{} may {} {}", row.label, may(&row), row.root);
            let note = AuditNote {
                at: None,
                who: "cli".to_owned(),
                what: "oriel files grant".to_owned(),
                target: row.id,
                outcome: "done".to_owned(),
                detail: Some(detail),
                done: true,
            };
            service.post::<Value>("/control/audit", &note).await.map(drop)
        }
        Err(_) => Ok(()),
    };
    service.close().await;
    let row = granted.map_err(told_whole)?.row();
    told.context("the folder is granted, and that could not be written into the audit")?;
    Ok(row)
}

/// Takes back what is granted under a name, or the one grant of a folder.
async fn revoke(
    config: Config,
    grant: &str,
    surroundings: &Surroundings,
) -> anyhow::Result<GrantRevoked> {
    let service = Service::reach(config).await?;
    let done = async {
        let list: GrantList = service.get("/control/grants").await?;
        let id = named(&list, grant, &surroundings.folders.working)?;
        Ok(service.post("/control/grants/revoke", &GrantRevoke { id }).await?)
    };
    let done = done.await;
    service.close().await;
    done
}

fn named(list: &GrantList, grant: &str, working: &Path) -> anyhow::Result<String> {
    if list.grants.iter().any(|row| row.id == grant) {
        return Ok(grant.to_owned());
    }
    let folder = working.join(grant);
    let folder = folder.canonicalize().unwrap_or(folder);
    let mut of_it = list.grants.iter().filter(|row| Path::new(&row.root) == folder);
    match (of_it.next(), of_it.next()) {
        (Some(row), None) => Ok(row.id.clone()),
        (Some(_), Some(_)) => anyhow::bail!(
            "{grant} is granted to several pages; name the grant as `oriel files list` does"
        ),
        // The daemon says that there is none.
        _ => Ok(grant.to_owned()),
    }
}

fn row(row: &GrantRow) -> [Cell; 6] {
    [
        Cell::new(Style::Faint, &row.id),
        Cell::new(Style::Strong, &row.label),
        Cell::plain(may(row)),
        Cell::plain(&row.root),
        Cell::new(Style::Faint, row.granted_at.map(sqlite_text).unwrap_or_default()),
        Cell::new(Style::Bad, row.problem.as_deref().unwrap_or_default()),
    ]
}

fn may(row: &GrantRow) -> &str {
    match row.access.as_str() {
        "read_write" => "read and write",
        other => other,
    }
}

/// Says what happened and what to do next.
fn told_whole(error: FileError) -> anyhow::Error {
    match error.hint {
        Some(hint) => anyhow::anyhow!("{error}; {hint}"),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests;
