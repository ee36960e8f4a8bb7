//! The endpoint at which a session's workspace is kept equal with a folder elsewhere. A large file on its way
//! there does not hold up what is said in the session, since it has a connection of its own.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use axum::body::Body;
use axum::extract::{Path as Named, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper_util::rt::TokioIo;
use oriel_link::serve::Peer;
use oriel_wire::sync::WORKSPACE_HEADER;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::gateway::House;
use crate::handshake::{self, Denied};

/// Begins to sync a session's workspace with whoever asks, if they may.
pub(crate) async fn connect(
    State(house): State<Arc<House>>,
    Named(session): Named<String>,
    request: Request,
) -> Response<Body> {
    match let_in(&house, session, request) {
        Ok(answer) => answer,
        Err(denied) => denied.answer(),
    }
}

fn let_in(house: &Arc<House>, session: String, request: Request) -> Result<Response<Body>, Denied> {
    house.check(&request)?;
    let accept = handshake::accept_key(request.method(), request.headers())?;
    if house.hub.is_stopping() {
        let why = "the gateway stops; connect again once it runs again";
        return Err(Denied::new(StatusCode::SERVICE_UNAVAILABLE, why));
    }
    know(house, &request)?;
    let meta = house.hub.meta(&session).ok_or_else(|| {
        let why = "there is no such session; it was deleted, or belongs to another gateway";
        Denied::new(StatusCode::NOT_FOUND, why)
    })?;
    let place = house.place()?;
    let mut answer = handshake::upgraded(accept);
    if let Some(told) = told(&meta.workspace) {
        answer.headers_mut().insert(WORKSPACE_HEADER, told);
    }
    let upgrade = hyper::upgrade::on(request);
    let workspaces = Arc::clone(&house.hub.workspaces);
    house.hub.spawn(async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => {
                tracing::debug!(%error, "a connection did not become a WebSocket");
                return;
            }
        };
        let config = Some(oriel_sync::Workspaces::socket_config());
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Server, config).await;
        let workspace = Path::new(&meta.workspace);
        if let Err(error) = workspaces.serve(workspace, &session, socket).await {
            tracing::warn!(session, %error, "a workspace cannot be synced");
        }
        drop(place);
    });
    Ok(answer)
}

/// Refuses who does not know the token. As everywhere, an address that tried too often waits.
fn know(house: &House, request: &Request) -> Result<(), Denied> {
    if house.is_dev {
        return Ok(());
    }
    let now = Instant::now();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let mut failures = house.failures.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(peer) = peer
        && failures.may_try(peer, now).is_err()
    {
        let why = "too many wrong tokens came from this address; try again later";
        return Err(Denied::new(StatusCode::TOO_MANY_REQUESTS, why));
    }
    if bearer(request.headers()).is_some_and(|token| house.token.is(token)) {
        return Ok(());
    }
    if let Some(peer) = peer {
        failures.failed(peer, now);
    }
    let why = "say the gateway's token as `Authorization: Bearer`; it stands in the file gateway/token of \
               the data directory";
    Err(Denied::new(StatusCode::UNAUTHORIZED, why))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(one), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns which folder the workspace is, for those who must not choose one in it.
fn told(workspace: &str) -> Option<HeaderValue> {
    let boot = oriel_sync::boot_id().ok()?;
    let path = data_encoding::HEXLOWER.encode(workspace.as_bytes());
    HeaderValue::from_str(&format!("{boot} {path}")).ok()
}
