//! `oriel sync`: a session's workspace and a folder, kept equal by the daemon that runs.

mod conflict;
mod reach;
mod shown;
mod watch;

use std::path::Path;

use anyhow::Context as _;
use oriel_daemon::Surroundings;
use oriel_runtime::settings::Flag;
use oriel_wire::sync::{
    ConfirmSync, StartSync, StopSync, SyncCode, SyncList, SyncState, SyncStatus, SyncVerified,
    VerifySync,
};

use crate::Exit;
use crate::args::{self, At, Json, Sync};
use crate::gateway;
use crate::output::{Output, Style};
use crate::text;
use reach::{Daemon, SyncError};

/// How many sessions a message names.
const NAMED_MAX: usize = 5;

/// Does what was asked.
pub(super) fn run(
    command: &Sync,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    if matches!(command, Sync::Types) {
        output.print(&oriel_wire::sync::typescript())?;
        return Ok(Exit::Done);
    }
    let data_dir = surroundings.locate(flags)?.data_dir;
    let working = &surroundings.folders.working;
    super::wait(async {
        let Some(daemon) = Daemon::find(&data_dir).await? else {
            reach::note(&format!(
                "no daemon runs for {}; start one with `oriel serve`",
                data_dir.display()
            ));
            return Ok(Exit::NotRunning);
        };
        match command {
            Sync::Start(asked) => start(&daemon, asked, &data_dir, working, output).await,
            Sync::Stop(asked) => stop(&daemon, asked, output).await,
            Sync::Status(asked) => status(&daemon, asked, output).await,
            Sync::Resolve(asked) => conflict::run(&daemon, asked, working, output).await,
            Sync::Confirm(asked) => confirm(&daemon, asked, output).await,
            Sync::Verify(asked) => verify(&daemon, asked, output).await,
            Sync::Types => Ok(Exit::Done),
        }
    })
}

async fn start(
    daemon: &Daemon,
    asked: &args::SyncStart,
    data_dir: &Path,
    working: &Path,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let Some(session_id) = session_to_start(asked.session.as_deref(), data_dir).await? else {
        return Ok(Exit::NotRunning);
    };
    // `.` and `..` are the shell's; the daemon has another working folder.
    let folder = std::path::absolute(working.join(&asked.dir))
        .with_context(|| format!("cannot sync {}", asked.dir.display()))?;
    let local_dir =
        folder.to_str().context("the folder's path is not valid UTF-8; rename it")?.to_owned();
    let command = StartSync {
        session_id,
        local_dir,
        confirm_non_empty: asked.allow_non_empty,
        allow_polling: asked.allow_polling,
        use_gitignore: asked.gitignore,
        merge_unasked: asked.merge,
    };
    let status: SyncStatus =
        daemon.post("/control/sync/start", &command).await.map_err(with_flag)?;
    say(&status, asked.form, output, || {
        format!("{} and {} are kept equal\n", status.session_id, status.local_dir)
    })
}

/// Returns the session of the gateway that is meant. Where the gateway does not answer, what was named in
/// full is left to the daemon to judge.
async fn session_to_start(name: Option<&str>, data_dir: &Path) -> anyhow::Result<Option<String>> {
    let at = At { url: None, token_file: None };
    let (client, _events) = match (gateway::reach(&at, data_dir).await, name) {
        (Ok(reached), _) => reached,
        (Err(_), Some(name)) => return Ok(Some(name.to_owned())),
        (Err(error), None) => {
            reach::note(&crate::chain(&error));
            return Ok(None);
        }
    };
    let sessions = client.list_sessions(name.is_some()).await;
    client.close().await;
    let sessions = sessions?;
    if let Some(name) = name {
        return Ok(Some(gateway::named(&sessions, name)?.id.clone()));
    }
    match &sessions[..] {
        [only] => Ok(Some(only.id.clone())),
        [] => anyhow::bail!("there is no session to sync; begin one with `oriel chat`"),
        many => anyhow::bail!(
            "there are {} sessions; say which with --session ({})",
            many.len(),
            some_of(many.iter().map(|session| session.id.as_str()))
        ),
    }
}

/// Adds the flag by which a person says that it is meant.
fn with_flag(error: SyncError) -> anyhow::Error {
    match error.code() {
        Some(SyncCode::FolderNotEmpty) => {
            anyhow::anyhow!("{error} (on the command line: --allow-non-empty)")
        }
        Some(SyncCode::FolderNotWatched) => {
            anyhow::anyhow!("{error} (on the command line: --allow-polling)")
        }
        _ => error.into(),
    }
}

async fn stop(
    daemon: &Daemon,
    asked: &args::SyncStop,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let session_id = one_of(daemon, asked.session.as_deref(), |_| true).await?.session_id;
    let command = StopSync { session_id, forget: asked.forget };
    let status: SyncStatus = daemon.post("/control/sync/stop", &command).await?;
    say(&status, asked.form, output, || {
        let forgot = if asked.forget { ", and forgotten" } else { "" };
        format!("{} is not synced any more{forgot}\n", status.session_id)
    })
}

async fn status(
    daemon: &Daemon,
    asked: &args::SyncStatus,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let only = match &asked.session {
        Some(name) => Some(one_of(daemon, Some(name), |_| true).await?),
        None => None,
    };
    if asked.watch {
        return watch::run(daemon, only.as_ref(), asked.form, output).await;
    }
    let exit = |status: &SyncStatus| {
        let goes_on = status.state == SyncState::Active;
        if goes_on { Exit::Done } else { Exit::Failed }
    };
    if let Some(status) = only {
        if asked.form.json {
            output.json(&status)?;
        } else {
            output.print(&shown::whole(&status, output.paint()))?;
        }
        return Ok(exit(&status));
    }
    let list: SyncList = daemon.get("/control/sync").await?;
    if asked.form.json {
        output.json(&list)?;
    } else if list.syncs.is_empty() {
        output.print("nothing is synced; `oriel sync start DIR` begins\n")?;
    } else {
        for status in &list.syncs {
            output.print(&shown::whole(status, output.paint()))?;
        }
    }
    let all = list.syncs.iter().all(|status| exit(status) == Exit::Done);
    Ok(if all { Exit::Done } else { Exit::Failed })
}

async fn confirm(
    daemon: &Daemon,
    asked: &args::SyncConfirm,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let is_paused = |status: &SyncStatus| status.reason.is_some();
    let paused = one_of(daemon, asked.session.as_deref(), is_paused).await?;
    let Some(reason) = paused.reason else {
        anyhow::bail!("{} is not paused, and so there is nothing to confirm", paused.session_id)
    };
    let command = ConfirmSync { session_id: paused.session_id, reason, restore: asked.restore };
    let status: SyncStatus = daemon.post("/control/sync/confirm", &command).await?;
    say(&status, asked.form, output, || {
        let how = if asked.restore { "puts back what was removed" } else { "goes on" };
        format!("{} {how}\n", status.session_id)
    })
}

async fn verify(
    daemon: &Daemon,
    asked: &args::SyncVerify,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let session_id = one_of(daemon, asked.session.as_deref(), |_| true).await?.session_id;
    let verified: SyncVerified =
        daemon.post("/control/sync/verify", &VerifySync { session_id }).await?;
    if asked.form.json {
        output.json(&verified)?;
    } else {
        for path in &verified.differing {
            let line = output.paint().apply(Style::Bad, &text::clean(path));
            output.print(&format!("{line}\n"))?;
        }
        output.print(&shown::verified(&verified))?;
    }
    Ok(if verified.is_equal { Exit::Done } else { Exit::Failed })
}

/// Returns the sync of the session that is named in full or by its beginning; where none is named, the one
/// that there is of those that can be meant.
async fn one_of(
    daemon: &Daemon,
    name: Option<&str>,
    can_be_meant: impl Fn(&SyncStatus) -> bool,
) -> anyhow::Result<SyncStatus> {
    let SyncList { syncs } = daemon.get("/control/sync").await?;
    let found: Vec<&SyncStatus> = match name {
        Some(name) => match syncs.iter().find(|status| status.session_id == name) {
            Some(status) => vec![status],
            None => syncs.iter().filter(|status| status.session_id.starts_with(name)).collect(),
        },
        None if syncs.len() == 1 => syncs.iter().collect(),
        None => syncs.iter().filter(|status| can_be_meant(status)).collect(),
    };
    let ids = |of: &[&SyncStatus]| some_of(of.iter().map(|status| status.session_id.as_str()));
    match (&found[..], name) {
        ([only], _) => Ok((*only).clone()),
        ([], Some(name)) => anyhow::bail!(
            "no session that begins with {name:?} is synced; `oriel sync status` lists those that are"
        ),
        ([], None) if syncs.is_empty() => {
            anyhow::bail!("nothing is synced; `oriel sync start DIR` begins")
        }
        ([], None) => {
            anyhow::bail!("nothing waits for that; `oriel sync status` tells how all stand")
        }
        (many, Some(name)) => anyhow::bail!(
            "{} synced sessions begin with {name:?}, such as {}; write more of the id",
            many.len(),
            ids(many)
        ),
        (many, None) => {
            anyhow::bail!("{} sessions are synced; say which ({})", many.len(), ids(many))
        }
    }
}

fn some_of<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    ids.take(NAMED_MAX).map(text::clean).collect::<Vec<_>>().join(", ")
}

/// Says what was done, and how it stands since.
fn say(
    status: &SyncStatus,
    form: Json,
    output: &mut Output<'_>,
    done: impl Fn() -> String,
) -> anyhow::Result<Exit> {
    if form.json {
        output.json(status)?;
    } else {
        output.print(&text::plain(&done()))?;
        output.print(&shown::whole(status, output.paint()))?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
