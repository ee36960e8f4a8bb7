//! The connection to the gateway: made, made again when it is lost, and used to compare both trees.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use oriel_link::{Link, Stream};
use oriel_wire::sync::{
    Bye, ByeReason, ClientId, LISTED_MAX, SyncVerified, Verify, VerifyDiff, WORKSPACE_HEADER,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::sync::CancellationToken;

use super::Gateway;
use super::failure::Failure;
use super::sync::Sync;
use crate::line::{Asked, Line, Listens, Over, socket_config};
use crate::local::Engine;
use crate::room::{Room, boot_id};
use crate::served::unhex;
use crate::side::UPSTREAM;
use crate::speech::{self, Who};
use crate::verify::{Outcome, Tree, Walk};

/// A connection may take so long.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The first wait before a connection is tried again, and the last.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LAST: Duration = Duration::from_secs(5);

/// What was refused is tried again after so long: somebody may have mended it.
const REFUSED_RETRY: Duration = Duration::from_secs(15);

/// Both sides compare what they take the upstream tree for so long after they met, and then so often.
const COMPARE_FIRST: Duration = Duration::from_secs(10);
const COMPARE_EVERY: Duration = Duration::from_secs(600);

/// One answer of a comparison may take so long.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A comparison is begun again so often when the tree changes meanwhile.
const WALKS_MAX: usize = 5;

/// How long a person who asks for a comparison waits for what is under way.
const STILL_WITHIN: Duration = Duration::from_secs(60);
const STILL_EVERY: Duration = Duration::from_millis(100);

type Socket = WebSocketStream<Box<dyn Stream>>;

/// Why the other side is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Away {
    /// It was not asked yet.
    NotYet,
    /// It cannot be reached now.
    Unreachable(String),
    /// It is there, and refuses.
    Refused(String),
}

/// The way to the other side.
pub(super) struct Reach {
    gateway: Gateway,
    session_id: String,
    asks: Mutex<Option<UnboundedSender<Asked>>>,
    /// Whoever compares waits for answers here.
    diffs: Mutex<Option<UnboundedSender<VerifyDiff>>>,
    /// Held while there may be a connection.
    keeping: tokio::sync::Mutex<()>,
}

impl Reach {
    pub(super) fn new(gateway: Gateway, session_id: String) -> Self {
        Self {
            gateway,
            session_id,
            asks: Mutex::default(),
            diffs: Mutex::default(),
            keeping: tokio::sync::Mutex::default(),
        }
    }

    /// Keeps a connection until it is told to stop.
    pub(super) async fn keep(
        &self,
        sync: &Arc<Sync>,
        room: Arc<Room<Engine>>,
        stop: CancellationToken,
    ) {
        let _keeping = self.keeping.lock().await;
        let mut wait = RETRY_FIRST;
        while !stop.is_cancelled() {
            let connected = stop.run_until_cancelled(self.connect(sync, &room)).await;
            let away = match connected {
                None => return,
                Some(Err(away)) => away,
                Some(Ok(socket)) => {
                    wait = RETRY_FIRST;
                    sync.set_away(None);
                    let over = self.talk(socket, sync, &room, &stop).await;
                    sync.remember();
                    why(over)
                }
            };
            let pause = match &away {
                Away::Refused(_) => REFUSED_RETRY,
                _ => wait,
            };
            sync.set_away(Some(away));
            wait = (wait * 2).min(RETRY_LAST);
            _ = stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    /// Waits until there is no connection any more.
    pub(super) async fn closed(&self) {
        _ = self.keeping.lock().await;
    }

    async fn talk(
        &self,
        socket: Socket,
        sync: &Arc<Sync>,
        room: &Arc<Room<Engine>>,
        stop: &CancellationToken,
    ) -> Over {
        let (asks, asked) = unbounded_channel();
        *self.asks() = Some(asks);
        let who = Who {
            client: ClientId(room.root_id().0),
            session: self.session_id.clone(),
            root: room.root_id(),
        };
        let line = Line {
            peer: UPSTREAM,
            speech: speech::Local::new(who),
            desk: room.desk.sender(),
            blobs: Arc::clone(&room.contents),
            stop: stop.clone(),
        };
        let over = tokio::select! {
            over = line.talk(socket, self, asked) => over,
            () = self.compare_now_and_then(sync, room) => Over::Gone,
        };
        *self.asks() = None;
        over
    }

    async fn connect(&self, sync: &Sync, room: &Room<Engine>) -> Result<Socket, Away> {
        match tokio::time::timeout(CONNECT_WITHIN, self.reach(sync, room)).await {
            Ok(connected) => connected,
            Err(_) => {
                let seconds = CONNECT_WITHIN.as_secs();
                Err(Away::Unreachable(format!("the gateway did not answer within {seconds} s")))
            }
        }
    }

    async fn reach(&self, sync: &Sync, room: &Room<Engine>) -> Result<Socket, Away> {
        let unreachable = |error: &dyn std::fmt::Display| Away::Unreachable(error.to_string());
        let (link, token) = self.way()?;
        let stream = link.connect().await.map_err(|error| unreachable(&error))?;
        let url = format!("ws://localhost/sync/{}", self.session_id);
        let mut request = url.into_client_request().map_err(|error| unreachable(&error))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
        request.headers_mut().insert(AUTHORIZATION, bearer.map_err(|error| unreachable(&error))?);
        let config = Some(socket_config());
        let upgraded = tokio_tungstenite::client_async_with_config(request, stream, config).await;
        let (socket, response) = upgraded.map_err(|error| not_upgraded(&error))?;
        apart(response.headers(), Path::new(&sync.about().local_dir))?;
        _ = room;
        Ok(socket)
    }

    /// Returns the way to the gateway and its token, as they are now.
    fn way(&self) -> Result<(Link, String), Away> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(|error| {
                let path = path.display();
                Away::Unreachable(format!(
                    "no gateway runs that could be found ({path}: {error}); start it with the daemon"
                ))
            })
        };
        match &self.gateway {
            Gateway::None => {
                let message =
                    "this daemon has no gateway; set `gateway.enabled` to true and restart it";
                Err(Away::Unreachable(message.to_owned()))
            }
            Gateway::Link { link, token } => Ok((link.clone(), read(token)?)),
            Gateway::Folder(folder) => {
                let bound = read(&folder.join("bind"))?;
                let addr = here(&bound).ok_or_else(|| {
                    Away::Unreachable(format!("{bound} is no address of a gateway of this machine"))
                })?;
                Ok((Link::Tcp(addr), read(&folder.join("token"))?))
            }
        }
    }

    /// Compares what both sides take the upstream tree for, and has it told anew where that differs.
    async fn compare_now_and_then(&self, sync: &Arc<Sync>, room: &Arc<Room<Engine>>) {
        let mut wait = COMPARE_FIRST;
        loop {
            tokio::time::sleep(wait).await;
            wait = COMPARE_EVERY;
            let _one = sync.verifying.lock().await;
            let known = |engine: &Engine| Some(Tree::of(engine.all_there(), engine.seq()?));
            if let Ok((Outcome::Differs { paths, .. }, _)) = self.walk(room, known).await {
                tracing::warn!(
                    session = self.session_id,
                    paths = paths.len(),
                    "both sides took the upstream tree for different ones; it is told anew"
                );
                let forgotten = room.ask(|engine, now_ms| {
                    ((), engine.hear_anew(now_ms).into_iter().map(Into::into).collect())
                });
                _ = forgotten.await;
            }
        }
    }

    /// Compares both trees once nothing is under way.
    pub(super) async fn verify(
        &self,
        sync: &Sync,
        room: &Arc<Room<Engine>>,
    ) -> Result<SyncVerified, Failure> {
        let session_id = sync.about().session_id.clone();
        room.look(None);
        still(room).await?;
        let (outcome, paths) =
            self.walk(room, |engine| Some(Tree::of(engine.all_here(), engine.seq()?))).await?;
        let (differing, is_all) = match outcome {
            Outcome::Same => (Vec::new(), true),
            Outcome::Differs { paths, is_all } => (paths, is_all),
            Outcome::Moved => {
                let message = "the workspace changes all the time; try again when it is still";
                return Err(Failure::system(message));
            }
        };
        let more = differing.len().saturating_sub(LISTED_MAX) + usize::from(!is_all);
        Ok(SyncVerified {
            session_id,
            paths: paths as u64,
            is_equal: differing.is_empty(),
            more: more as u64,
            differing: differing.iter().take(LISTED_MAX).map(ToString::to_string).collect(),
        })
    }

    async fn walk(
        &self,
        room: &Arc<Room<Engine>>,
        tree: impl Fn(&Engine) -> Option<Tree> + Send + Copy + 'static,
    ) -> Result<(Outcome, usize), Failure> {
        let (diffs, mut heard) = unbounded_channel();
        *self.diffs() = Some(diffs);
        let mut last = Outcome::Moved;
        let mut paths = 0;
        for _ in 0..WALKS_MAX {
            let taken =
                room.ask(move |engine, _| ((tree(engine), engine.all_here().count()), Vec::new()));
            let (tree, count) = taken.await.ok_or_else(Failure::away)?;
            let tree = tree.ok_or_else(gone)?;
            paths = count;
            last = self.walk_once(Walk::new(tree), &mut heard).await?;
            if last != Outcome::Moved {
                break;
            }
        }
        *self.diffs() = None;
        Ok((last, paths))
    }

    async fn walk_once(
        &self,
        mut walk: Walk,
        heard: &mut UnboundedReceiver<VerifyDiff>,
    ) -> Result<Outcome, Failure> {
        loop {
            if let Some(outcome) = walk.outcome() {
                return Ok(outcome);
            }
            let Some(asked) = walk.ask() else { return Ok(Outcome::Moved) };
            let asks = self.asks().clone().ok_or_else(gone)?;
            asks.send(Asked::Verify(asked)).map_err(|_| gone())?;
            let answer = tokio::time::timeout(ANSWER_WITHIN, heard.recv()).await;
            let diff = answer.ok().flatten().ok_or_else(gone)?;
            walk.hear(&diff).map_err(Failure::system)?;
        }
    }

    fn asks(&self) -> MutexGuard<'_, Option<UnboundedSender<Asked>>> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn diffs(&self) -> MutexGuard<'_, Option<UnboundedSender<VerifyDiff>>> {
        self.diffs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listens for Reach {
    fn who(&self, _: &Who) -> bool {
        false
    }

    fn verify(&self, _: Verify) {}

    fn differs(&self, diff: VerifyDiff) {
        if let Some(diffs) = &*self.diffs() {
            // Whoever asked may have given up.
            _ = diffs.send(diff);
        }
    }
}

fn gone() -> Failure {
    Failure::system("the gateway is not there now; try again once it is")
}

/// Waits until nothing is under way.
async fn still(room: &Arc<Room<Engine>>) -> Result<(), Failure> {
    let by = tokio::time::Instant::now() + STILL_WITHIN;
    loop {
        let seen = room.ask(|engine, _| (engine.is_still(), Vec::new())).await;
        match seen {
            None => return Err(Failure::away()),
            Some(true) => return Ok(()),
            Some(false) if by <= tokio::time::Instant::now() => {
                let message = "there is still something under way, or the gateway is not there; look at \
                               the status, and try again";
                return Err(Failure::system(message));
            }
            Some(false) => tokio::time::sleep(STILL_EVERY).await,
        }
    }
}

fn why(over: Over) -> Away {
    match over {
        Over::Gone => Away::Unreachable("the connection to the gateway was lost".to_owned()),
        Over::Broke(error) => Away::Unreachable(error.to_string()),
        Over::Bye(Bye { why, message }) => match why {
            ByeReason::Version | ByeReason::NoSession => Away::Refused(message),
            _ => Away::Unreachable(message),
        },
    }
}

fn not_upgraded(error: &Error) -> Away {
    let Error::Http(response) = error else { return Away::Unreachable(error.to_string()) };
    let body = response.body().as_deref().unwrap_or_default();
    let said = String::from_utf8_lossy(body).trim().to_owned();
    let status = response.status().as_u16();
    let message = if said.is_empty() {
        format!("the gateway answers with HTTP status {status}")
    } else {
        said
    };
    match status {
        429 | 503 => Away::Unreachable(message),
        _ => Away::Refused(message),
    }
}

/// Refuses a folder that is in the workspace it is to be equal with, or has that in it.
fn apart(headers: &HeaderMap, local: &Path) -> Result<(), Away> {
    let Some(told) = headers.get(WORKSPACE_HEADER).and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let Some((boot, path)) = told.split_once(' ') else { return Ok(()) };
    if boot_id().ok().as_deref() != Some(boot) {
        // Another machine's folders are others, whatever they are called.
        return Ok(());
    }
    let Some(workspace) = unhex(path).map(path_of) else { return Ok(()) };
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (workspace, local) = (real(&workspace), real(local));
    if workspace.starts_with(&local) || local.starts_with(&workspace) {
        return Err(Away::Refused(format!(
            "{} and the session's workspace {} are one in the other; stop this and choose a folder apart \
             from it",
            local.display(),
            workspace.display()
        )));
    }
    Ok(())
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

/// Reads where a gateway of this machine listens. The token goes nowhere else.
fn here(text: &str) -> Option<SocketAddr> {
    let addr: SocketAddr = text.parse().ok()?;
    if addr.ip().is_loopback() {
        return Some(addr);
    }
    // One that listens everywhere listens here too.
    let own = if addr.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    addr.ip().is_unspecified().then(|| SocketAddr::new(own, addr.port()))
}
