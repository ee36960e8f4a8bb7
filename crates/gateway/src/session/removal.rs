//! Removing a session: from the list, then from the disk. One that is interrupted is completed when the
//! gateway is opened again.

use std::io;
use std::path::Path;
use std::sync::Arc;

use oriel_wire::gateway::{ErrorCode, Reply};

use crate::asker::{Asker, Refusal};
use crate::folders::{Folders, remove_folder, sync_folder};
use crate::hub::Hub;
use crate::registry;
use crate::store::{Base, StoreError};

/// Removes a session that nobody uses any more, and answers.
pub(super) async fn remove(hub: &Arc<Hub>, id: &str, asker: Asker) {
    let name = id.to_owned();
    let marked = hub.store.write(Base::Registry, move |c| registry::set_deleting(c, &name)).await;
    if let Err(error) = marked {
        asker.refuse(Refusal::from(&error));
        return;
    }
    let made_workspace = hub.made_workspace(id);
    if let Some(meta) = hub.meta(id).filter(|_| made_workspace) {
        hub.workspaces.forget(Path::new(&meta.workspace)).await;
    }
    hub.remove(id);
    let removed = complete(hub, id, made_workspace).await;
    let session_id = id.to_owned();
    let client = asker.client().number;
    match removed {
        Ok(()) => asker.reply(Reply::SessionDeleted { session_id: session_id.clone() }),
        Err(error) => {
            tracing::error!(session = id, %error, "a session's files could not be removed");
            let message = "the session is off the list, and not all of its files could be removed; \
                           that is tried again when the gateway starts";
            asker.refuse(Refusal::new(ErrorCode::Internal, message));
        }
    }
    hub.announce(Reply::SessionDeleted { session_id }, |number| number == client);
}

/// A session's files could not be removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoveError {
    #[error("cannot remove the files of a session: {0}; remove its folder by hand")]
    Files(#[source] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Removes what is on disk of a session that is marked.
pub(crate) async fn complete(hub: &Hub, id: &str, made_workspace: bool) -> Result<(), RemoveError> {
    hub.store.forget(id).await;
    let folders = hub.folders.clone();
    let name = id.to_owned();
    let removed =
        tokio::task::spawn_blocking(move || remove_files(&folders, &name, made_workspace));
    removed
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(RemoveError::Files)?;
    let name = id.to_owned();
    hub.store.write(Base::Registry, move |c| registry::remove(c, &name)).await?;
    Ok(())
}

fn remove_files(folders: &Folders, id: &str, made_workspace: bool) -> io::Result<()> {
    if made_workspace {
        remove_folder(&folders.workspace(id))?;
        sync_folder(&folders.workspaces())?;
    }
    remove_folder(&folders.session(id))?;
    sync_folder(&folders.sessions())
}
