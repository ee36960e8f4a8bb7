//! What lies in a session's workspace, and what an agent changed there. Both are asked for here and
//! nowhere else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oriel_wire::gateway::{ErrorCode, FileIteration, Reply, SessionMeta};

use crate::asker::Refusal;
use crate::files::{
    Blobs, FileError, Iteration, LISTED_MAX, PART_BYTES_MAX, Part, Tracker, Watch, Workspace,
    WorkspacePath,
};
use crate::hub::Hub;
use crate::journal::files;
use crate::store::Base;

/// What is asked of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// What lies in a folder.
    List { path: String, depth: Option<u32> },
    /// A part of a file.
    Read { path: String, offset: Option<u64>, length: Option<u64> },
    /// What is kept of a file's past.
    History { path: String },
    /// A file as it was.
    Iteration { path: String, iteration: u32 },
}

/// Answers what is asked of a workspace.
///
/// # Errors
/// Where it cannot be told.
pub(crate) async fn look(
    hub: &Arc<Hub>,
    session: &SessionMeta,
    look: Look,
) -> Result<Reply, Refusal> {
    let session_id = session.id.clone();
    let root = PathBuf::from(&session.workspace);
    let own = hub.folders.data_dir().to_owned();
    match look {
        Look::List { path, depth } => {
            let list = move || open(&root, &own)?.list(&path, depth.unwrap_or(1), LISTED_MAX);
            let (entries, truncated) = on_disk(list).await?;
            Ok(Reply::FileList { session_id, entries, truncated })
        }
        Look::Read { path, offset, length } => {
            let (from, length) = (offset.unwrap_or(0), length.unwrap_or(PART_BYTES_MAX));
            let name = path.clone();
            let part = on_disk(move || open(&root, &own)?.read(&name, from, length)).await?;
            Ok(Reply::FileContent(part.told(session_id, path, None)))
        }
        Look::History { path } => {
            let name = parse(&path)?;
            let read = move |c: &_| files::of_path(c, name.as_str());
            let iterations = hub.store.read(Base::Session(session_id.clone()), read).await;
            let iterations = iterations.map_err(|error| Refusal::from(&error))?;
            if iterations.is_empty() {
                let message = "nothing is kept of the file's past; the agent has not changed it";
                return Err(Refusal::new(ErrorCode::FileNotFound, message));
            }
            Ok(Reply::FileHistory { session_id, path, iterations })
        }
        Look::Iteration { path, iteration } => {
            let name = parse(&path)?;
            let read = move |c: &_| files::at(c, name.as_str(), iteration);
            let found = hub.store.read(Base::Session(session_id.clone()), read).await;
            let found = found.map_err(|error| Refusal::from(&error))?;
            let part = kept(hub, &session_id, found).await?;
            Ok(Reply::FileContent(part.told(session_id, path, Some(iteration))))
        }
    }
}

/// Begins to watch what an agent does in a workspace.
///
/// # Errors
/// Where the workspace or what is kept of it cannot be used. The message is for the log.
pub(crate) async fn watch(hub: &Arc<Hub>, session: &SessionMeta) -> Result<Watch, String> {
    let known = hub.store.read(Base::Session(session.id.clone()), files::latest_of_all).await;
    let known = known.map_err(|error| error.to_string())?;
    let (root, folder) = (PathBuf::from(&session.workspace), blobs(hub, &session.id));
    let (clock, own) = (hub.clock.clone(), hub.folders.data_dir().to_owned());
    let opened = tokio::task::spawn_blocking(move || {
        let workspace = Workspace::open(&root).map_err(|error| error.to_string())?.hiding(&own);
        let blobs = Blobs::open(&folder).map_err(|error| error.to_string())?;
        let latest = known.into_iter().map(|(path, it)| latest(path, it));
        let tracker = Tracker::new(Arc::new(workspace), Arc::new(blobs), latest);
        Ok(Watch::new(tracker, move || clock.now()))
    });
    opened.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn latest(path: String, it: FileIteration) -> Iteration {
    let FileIteration { iteration, ts, size, hash, author, is_kept } = it;
    Iteration { path, iteration, ts, size, hash, author, is_kept }
}

/// Reads what a file held, where that is kept.
async fn kept(
    hub: &Arc<Hub>,
    session_id: &str,
    found: Option<FileIteration>,
) -> Result<Part, Refusal> {
    let gone = |message: &str| Err(Refusal::new(ErrorCode::FileNotFound, message));
    let hash = match found {
        None => return gone("the file has no such iteration; ask for its history"),
        Some(it) if !it.is_kept => {
            return gone(
                "what the file held then is not kept: it was too long, or the file was gone",
            );
        }
        Some(it) => it.hash,
    };
    let folder = blobs(hub, session_id);
    let read = move || Blobs::open(&folder)?.read(&hash).map(|bytes| (bytes, hash));
    let read = tokio::task::spawn_blocking(read).await;
    match read.map_err(|error| error.to_string()).and_then(|it| it.map_err(|e| e.to_string())) {
        Ok((bytes, hash)) => Ok(Part::of_whole(&bytes, &hash, 0, PART_BYTES_MAX)),
        Err(error) => {
            tracing::error!(session = session_id, %error, "a kept file cannot be read");
            let message = "what the file held then cannot be read; the gateway's log says why";
            Err(Refusal::new(ErrorCode::Internal, message))
        }
    }
}

/// Returns the folder of what files of a session held.
fn blobs(hub: &Hub, session_id: &str) -> PathBuf {
    hub.folders.session(session_id).join("files")
}

/// Opens a workspace of which Oriel's own folder is no part, wherever that lies.
fn open(root: &Path, own: &Path) -> Result<Workspace, FileError> {
    let missing = |_| FileError::Missing { path: String::new(), what: "folder" };
    Ok(Workspace::open(root).map_err(missing)?.hiding(own))
}

fn parse(path: &str) -> Result<WorkspacePath, Refusal> {
    WorkspacePath::parse(path).map_err(|error| refuse(&error))
}

/// Does what waits for the disk beside everything else.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| refuse(&error)),
        Err(error) => {
            tracing::error!(%error, "looking at a workspace failed");
            Err(Refusal::new(ErrorCode::Internal, "the workspace could not be looked at"))
        }
    }
}

fn refuse(error: &FileError) -> Refusal {
    Refusal::new(error.code(), error.to_string())
}
