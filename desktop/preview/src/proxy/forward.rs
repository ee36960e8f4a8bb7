//! Bytes from one side to the other, once somebody is connected.

use std::time::Duration;

use http::header::{CONNECTION, HOST, HeaderName, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::time::timeout;

use super::{Body, Connected, empty, text};

/// A server that sends no head by then is answered for. A long poll answers sooner.
const ANSWER_WAIT: Duration = Duration::from_secs(120);

/// The longest head of an answer. A longer one ends its connection.
const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Headers that are between a client and its proxy and go no further.
const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// Joins the client to whom it is connected to. `keep` is kept until they part.
pub(super) fn tunnel<K: Send + 'static>(
    request: Request<Incoming>,
    mut connected: Connected,
    keep: K,
) -> Response<Body> {
    tokio::spawn(async move {
        if let Ok(client) = hyper::upgrade::on(request).await {
            // How a tunnel ends is between its two ends.
            let _ = copy_bidirectional(&mut TokioIo::new(client), &mut connected).await;
        }
        drop(keep);
    });
    empty(StatusCode::OK)
}

/// Asks for one thing, in the form that is for a server and not for a proxy.
pub(super) async fn request<K: Send + 'static>(
    mut request: Request<Incoming>,
    connected: Connected,
    keep: K,
) -> Response<Body> {
    let upgrade = websocket(request.headers());
    let client = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let Some(request) = for_server(request, upgrade.as_ref()) else {
        return text(StatusCode::BAD_REQUEST, "the address cannot be read");
    };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let Ok((mut sender, connection)) = builder.handshake(TokioIo::new(connected)).await else {
        return text(StatusCode::BAD_GATEWAY, "the server hung up");
    };
    tokio::spawn(async move {
        // A broken connection shows in the answer or its body.
        let _ = connection.with_upgrades().await;
        drop(keep);
    });
    let mut response = match timeout(ANSWER_WAIT, sender.send_request(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => return text(StatusCode::BAD_GATEWAY, "the server gave no answer of HTTP"),
        Err(_) => return text(StatusCode::GATEWAY_TIMEOUT, "the server does not answer"),
    };
    if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        // That is for a proxy to say. The engine would take it as said by us, and forget the credential.
        return text(StatusCode::BAD_GATEWAY, "the server says that it is a proxy");
    }
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let server = switched.then(|| hyper::upgrade::on(&mut response));
    strip(response.headers_mut());
    if let (Some(client), Some(server), Some(upgrade)) = (client, server, upgrade) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        response.headers_mut().insert(UPGRADE, upgrade);
        tokio::spawn(join(client, server));
    }
    response.map(BodyExt::boxed)
}

/// What a request wants to switch to, where that is a WebSocket. Nothing else is switched to.
fn websocket(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = headers.get(UPGRADE)?;
    wanted.as_bytes().eq_ignore_ascii_case(b"websocket").then(|| wanted.clone())
}

fn for_server(
    mut request: Request<Incoming>,
    upgrade: Option<&HeaderValue>,
) -> Option<Request<Incoming>> {
    let host = request.uri().authority()?.as_str();
    // A name and password of an address are for the browser to send, and are no part of the host.
    let host = HeaderValue::from_str(host.rsplit('@').next()?).ok()?;
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    strip(request.headers_mut());
    request.headers_mut().insert(HOST, host);
    if let Some(upgrade) = upgrade {
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        request.headers_mut().insert(UPGRADE, upgrade.clone());
    }
    Some(request)
}

/// Takes away what is between two neighbours alone, and what their `Connection` names as such.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    named.iter().for_each(|name| drop(headers.remove(name)));
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(*name)));
}

async fn join(client: OnUpgrade, server: OnUpgrade) {
    let (Ok(client), Ok(server)): (Result<Upgraded, _>, Result<Upgraded, _>) =
        (client.await, server.await)
    else {
        return;
    };
    // How a WebSocket ends is between its two ends.
    let _ = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(server)).await;
}
