//! The upstream side as a gateway runs it: one engine for each workspace, for as long as anybody is
//! connected to it and a while longer.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oriel_wire::sync::{Verify, VerifyDiff};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;

use crate::digest_of;
use crate::line::{Asked, Line, Listens, Over};
use crate::room::{Now, Opening, Room, RoomError, random};
use crate::side::UpstreamSetup;
use crate::slots::RecheckTimes;
use crate::speech::{self, Terms, Who};
use crate::upstream::Engine;
use crate::verify::Tree;

/// A workspace to which nobody is connected is watched for so long. Whoever comes back by then finds
/// everything as it is.
const LINGER: Duration = Duration::from_secs(300);

/// Contents are tidied so often.
const COLLECT_EVERY: Duration = Duration::from_secs(600);

/// What was replaced is kept for a day, and looked at once more before it goes.
pub(crate) const RECHECK: RecheckTimes =
    RecheckTimes { first_ms: 2000, second_ms: 30_000, last_ms: 24 * 3600 * 1000 };

/// All workspaces that somebody syncs.
pub struct Workspaces {
    own: PathBuf,
    now: Now,
    umask: Option<u32>,
    open: Mutex<HashMap<PathBuf, Arc<Workspace>>>,
    /// Only one is opened at a time: two would open the same.
    opening: tokio::sync::Mutex<()>,
    peers: AtomicU64,
    stop: CancellationToken,
}

struct Workspace {
    room: Arc<Room<Engine>>,
    connected: AtomicUsize,
}

impl std::fmt::Debug for Workspaces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspaces").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Workspaces {
    /// Begins with none. `own` is where their journals and contents go.
    #[must_use]
    pub fn new(own: PathBuf, now: Now, umask: Option<u32>) -> Arc<Self> {
        Arc::new(Self {
            own,
            now,
            umask,
            open: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            peers: AtomicU64::new(1),
            stop: CancellationToken::new(),
        })
    }

    /// Returns how a socket for [`Self::serve`] is to be made.
    #[must_use]
    pub fn socket_config() -> tokio_tungstenite::tungstenite::protocol::WebSocketConfig {
        crate::line::socket_config()
    }

    /// Speaks with somebody who syncs a session's workspace, until it is over.
    ///
    /// # Errors
    /// Where the workspace cannot be opened. Nothing was said then.
    pub async fn serve<T>(
        self: &Arc<Self>,
        workspace: &Path,
        session: &str,
        socket: WebSocketStream<T>,
    ) -> Result<(), RoomError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let opened = self.open(workspace).await?;
        let room = Arc::clone(&opened.room);
        let (asks, asked) = unbounded_channel();
        let listens = Listener {
            session: session.to_owned(),
            asks,
            room: Arc::clone(&room),
            tree: Arc::default(),
        };
        let line = Line {
            peer: self.peers.fetch_add(1, Ordering::Relaxed),
            speech: speech::Upstream::new(Terms::default()),
            desk: room.desk.sender(),
            blobs: Arc::clone(&room.contents),
            stop: self.stop.clone(),
        };
        let over = line.talk(socket, &listens, asked).await;
        if let Over::Broke(error) = &over {
            tracing::warn!(session, %error, "a connection of sync is ended");
        }
        drop(room);
        self.leave(workspace, opened);
        Ok(())
    }

    async fn open(self: &Arc<Self>, path: &Path) -> Result<Arc<Workspace>, RoomError> {
        let _one = self.opening.lock().await;
        if let Some(open) = self.all().get(path) {
            open.connected.fetch_add(1, Ordering::AcqRel);
            return Ok(Arc::clone(open));
        }
        let name = hex(&digest_of(path.as_os_str().as_encoded_bytes()).0[..16]);
        let opening = Opening {
            root: path.to_owned(),
            own: self.own.join(name),
            now: Arc::clone(&self.now),
            umask: self.umask,
            uses_gitignore: false,
            setup: Box::new(|_| UpstreamSetup { epoch: random(), recheck: RECHECK }),
            notice: Box::new(|_| {}),
            changed: Box::new(|| {}),
        };
        let room = tokio::task::spawn_blocking(move || Room::open(opening));
        let room = room.await.map_err(|error| RoomError::System {
            what: path.display().to_string(),
            source: std::io::Error::other(error),
        })??;
        let workspace =
            Arc::new(Workspace { room: Arc::new(room), connected: AtomicUsize::new(1) });
        self.all().insert(path.to_owned(), Arc::clone(&workspace));
        let (tidied, stop) = (Arc::downgrade(&workspace), self.stop.clone());
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            loop {
                tokio::time::sleep(COLLECT_EVERY).await;
                let Some(workspace) = tidied.upgrade() else { return };
                workspace.room.collect().await;
            }
        }));
        Ok(workspace)
    }

    /// One connection less. A workspace that nobody syncs any more is closed after a while.
    fn leave(self: &Arc<Self>, path: &Path, workspace: Arc<Workspace>) {
        if workspace.connected.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        drop(workspace);
        let (all, path) = (Arc::downgrade(self), path.to_owned());
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(async move {
            tokio::time::sleep(LINGER).await;
            let Some(all) = all.upgrade() else { return };
            let _one = all.opening.lock().await;
            let is_idle = |it: &Arc<Workspace>| it.connected.load(Ordering::Acquire) == 0;
            let idle = {
                let mut open = all.all();
                if open.get(&path).is_some_and(is_idle) { open.remove(&path) } else { None }
            };
            close(idle.into_iter().collect()).await;
        }));
    }

    /// Closes a workspace that is to go, and waits until nothing of it is in use any more.
    pub async fn forget(&self, path: &Path) {
        let _one = self.opening.lock().await;
        let open = self.all().remove(path);
        close(open.into_iter().collect()).await;
    }

    /// Ends all of it: what was begun is finished and written down.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let _one = self.opening.lock().await;
        let open = self.all().drain().map(|(_, open)| open).collect();
        close(open).await;
    }

    fn all(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Workspace>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes them. This waits for the disk, so somebody else does it.
async fn close(open: Vec<Arc<Workspace>>) {
    let closed = tokio::task::spawn_blocking(move || {
        for workspace in open {
            workspace.room.desk.close();
        }
    });
    if let Err(error) = closed.await {
        tracing::error!(%error, "closing a synced workspace failed");
    }
}

/// Whoever listens beside the engine.
struct Listener {
    session: String,
    asks: UnboundedSender<Asked>,
    room: Arc<Room<Engine>>,
    /// What the workspace was when it was last asked about.
    tree: Arc<Mutex<Option<Arc<Tree>>>>,
}

impl Listens for Listener {
    fn who(&self, who: &Who) -> bool {
        who.session == self.session
    }

    fn verify(&self, asked: Verify) {
        let (asks, room) = (self.asks.clone(), Arc::clone(&self.room));
        let known = Arc::clone(&self.tree);
        tokio::spawn(async move {
            let tree = room.ask(move |engine, _| {
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                let tree = match known.take() {
                    Some(tree) if tree.seq() == engine.seq() => tree,
                    _ => Arc::new(Tree::of(engine.told(), engine.seq())),
                };
                *known = Some(Arc::clone(&tree));
                (tree, Vec::new())
            });
            if let Some(tree) = tree.await {
                // Whoever asked may have gone.
                _ = asks.send(Asked::Differs(tree.answer(&asked)));
            }
        });
    }

    fn differs(&self, _: VerifyDiff) {}
}

/// Reads bytes that were written so.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    text.len().is_multiple_of(2).then(|| (0..text.len()).step_by(2).map(byte).collect())?
}

/// Returns bytes as text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}
