//! Opening what an earlier gateway left: sessions that nobody put away are brought in order, interrupted
//! removals are completed, and sessions that the registry does not know are found by their folders.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use oriel_wire::gateway::SessionState;

use crate::hub::{Hub, Slot};
use crate::journal;
use crate::registry::{self, Known};
use crate::session::{removal, settle};
use crate::store::{Base, StoreError};

/// How many sessions are brought in order at once. The writer puts what they write together.
const AT_ONCE: usize = 16;

/// Brings everything in order. One session that cannot be used keeps nobody from the others.
///
/// # Errors
/// Where the registry cannot be read.
pub(crate) async fn recover(hub: &Arc<Hub>) -> Result<(), StoreError> {
    let known = hub.store.read(Base::Registry, registry::all).await?;
    let mut names = BTreeSet::new();
    let mut open = vec![];
    for session in known {
        let id = session.meta.id.clone();
        names.insert(id.clone());
        if session.is_deleting {
            if let Err(error) = removal::complete(hub, &id, session.made_workspace).await {
                tracing::error!(session = id, %error, "an interrupted removal was not completed");
            }
            continue;
        }
        if session.is_open || session.meta.state != SessionState::Inactive {
            open.push(id);
        }
        remember(hub, session);
    }
    for id in strangers(hub, names).await {
        if adopt(hub, &id).await {
            open.push(id);
        }
    }
    let settled = stream::iter(open).map(|id| async move { settle(hub, &id).await });
    settled.buffer_unordered(AT_ONCE).collect::<()>().await;
    Ok(())
}

/// Returns the sessions that have a folder and no row.
async fn strangers(hub: &Hub, known: BTreeSet<String>) -> Vec<String> {
    let folder = hub.folders.sessions();
    let found = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<String>> {
        let mut found = vec![];
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name().into_string();
            found.extend(name.ok().filter(|name| !known.contains(name)));
        }
        Ok(found)
    });
    match found.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the folder of the sessions cannot be listed");
            vec![]
        }
        Err(_) => vec![],
    }
}

/// Takes a session into the registry that is only found by its folder: the registry was lost, or the
/// gateway ended while the session was being made. Returns whether there was one.
async fn adopt(hub: &Arc<Hub>, id: &str) -> bool {
    let left = match hub.store.write(Base::Session(id.to_owned()), journal::load).await {
        Ok(left) if left.meta.id == id => left,
        Ok(_) => {
            tracing::warn!(
                session = id,
                "a session's folder has another one's name; it is left alone"
            );
            return false;
        }
        Err(error) => {
            tracing::warn!(session = id, %error, "a folder among the sessions holds none; it is left alone");
            return false;
        }
    };
    let meta = left.meta;
    let made_workspace = hub.folders.workspace(id).to_str() == Some(meta.workspace.as_str());
    let row = meta.clone();
    let add = move |c: &rusqlite::Connection| registry::add(c, &row, made_workspace);
    match hub.store.write(Base::Registry, add).await {
        Ok(()) => {
            hub.add(Slot::new(meta, made_workspace, 0));
            true
        }
        Err(error) => {
            tracing::error!(session = id, %error, "a session was found and not taken in");
            false
        }
    }
}

fn remember(hub: &Hub, known: Known) {
    hub.add(Slot::new(known.meta, known.made_workspace, known.handed_seq));
}
