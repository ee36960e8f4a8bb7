//! `oriel sync status --watch`: how things stand, and then what happens.

use axum::body::Body;
use http_body_util::BodyExt as _;
use oriel_link::sse::Events;
use oriel_wire::sync::{SyncEvent, SyncList, SyncStatus};

use super::reach::Daemon;
use super::shown;
use crate::Exit;
use crate::args::Json;
use crate::output::Output;
use crate::text;

/// Tells until it is interrupted, or the daemon ends.
pub(super) async fn run(
    daemon: &Daemon,
    only: Option<&SyncStatus>,
    form: Json,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    // It listens before it looks, so that nothing is missed between the two.
    let events = daemon.events().await?;
    let SyncList { mut syncs } = daemon.get("/control/sync").await?;
    syncs.retain(|status| only.is_none_or(|only| only.session_id == status.session_id));
    for status in syncs {
        tell(&SyncEvent::Status { status: Box::new(status) }, form, output)?;
    }
    let told = tokio::select! {
        told = follow(events, only, form, output) => told,
        stop = tokio::signal::ctrl_c() => {
            stop?;
            return Ok(Exit::Done);
        }
    };
    told?;
    anyhow::bail!("the daemon ended; start it again with `oriel serve`")
}

async fn follow(
    mut body: Body,
    only: Option<&SyncStatus>,
    form: Json,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let mut events = Events::default();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else { continue };
        for text in events.take(&piece)? {
            // What a newer daemon tells besides is passed over.
            let Ok(event) = serde_json::from_str::<SyncEvent>(&text) else { continue };
            if only.is_none_or(|only| only.session_id == session(&event)) {
                tell(&event, form, output)?;
            }
        }
    }
    Ok(())
}

fn tell(event: &SyncEvent, form: Json, output: &mut Output<'_>) -> anyhow::Result<()> {
    if form.json {
        return Ok(output.json_line(event)?);
    }
    let paint = output.paint();
    let line = match event {
        SyncEvent::Status { status } => shown::line(status, paint),
        SyncEvent::Conflict { conflict, .. } => shown::conflict_line(conflict, paint) + "\n",
        SyncEvent::Resolved { path, .. } => {
            format!("no conflict any more: {}\n", text::clean(path.as_str()))
        }
        SyncEvent::Notice { path, message, .. } => {
            format!("{}: {}\n", text::clean(path.as_str()), text::clean(message))
        }
    };
    Ok(output.print(&line)?)
}

fn session(event: &SyncEvent) -> &str {
    match event {
        SyncEvent::Status { status } => &status.session_id,
        SyncEvent::Conflict { session_id, .. }
        | SyncEvent::Resolved { session_id, .. }
        | SyncEvent::Notice { session_id, .. } => session_id,
    }
}
