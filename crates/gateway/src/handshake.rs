//! The upgrade of a request to a WebSocket: who may, and whether it is one.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use oriel_link::origin::own_host;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A request that is not let in: the status, and why for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied {
    status: StatusCode,
    why: &'static str,
}

/// Refuses a request that is not addressed to this gateway, or that a foreign page sends. Pages are known
/// by the origin that their browser tells; a program tells none.
pub(crate) fn check_place(
    headers: &HeaderMap,
    bound: IpAddr,
    hosts: &[String],
    origins: &[String],
) -> Result<(), Denied> {
    let deny = |why| Denied { status: StatusCode::FORBIDDEN, why };
    if own_host(headers, bound, hosts).is_err() {
        return Err(deny(
            "the request is addressed to another host; add its name to `gateway.hosts` if it is ours",
        ));
    }
    let mut given = headers.get_all(ORIGIN).iter();
    let is_ours = match (given.next(), given.next()) {
        (None, _) => true,
        (Some(origin), None) => {
            let known = |known: &String| known.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
            origins.iter().any(known)
        }
        (Some(_), Some(_)) => false,
    };
    if is_ours {
        Ok(())
    } else {
        Err(deny(
            "web pages of this origin may not connect; add it to `gateway.origins` if it is ours",
        ))
    }
}

/// Reads the key of a request for a WebSocket, and returns what proves that it was understood.
pub(crate) fn accept_key(method: &Method, headers: &HeaderMap) -> Result<HeaderValue, Denied> {
    let deny = |status, why| Denied { status, why };
    let upgrades = method == Method::GET
        && names(headers, &CONNECTION, "upgrade")
        && names(headers, &UPGRADE, "websocket");
    if !upgrades || headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(deny(
            StatusCode::UPGRADE_REQUIRED,
            "this is the gateway; speak WebSocket, version 13, to it here",
        ));
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) => key.as_bytes(),
        _ => {
            return Err(deny(
                StatusCode::BAD_REQUEST,
                "the request must have one Sec-WebSocket-Key",
            ));
        }
    };
    if !data_encoding::BASE64.decode(key).is_ok_and(|key| key.len() == 16) {
        let why = "the Sec-WebSocket-Key must be 16 bytes in Base64";
        return Err(deny(StatusCode::BAD_REQUEST, why));
    }
    let why = "the Sec-WebSocket-Key cannot be answered";
    HeaderValue::from_str(&derive_accept_key(key)).map_err(|_| deny(StatusCode::BAD_REQUEST, why))
}

/// Returns the answer that makes the connection a WebSocket.
pub(crate) fn upgraded(accept: HeaderValue) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

impl Denied {
    pub(crate) const fn new(status: StatusCode, why: &'static str) -> Self {
        Self { status, why }
    }

    /// Returns the answer that says so.
    pub(crate) fn answer(self) -> Response<Body> {
        let mut answer = Response::new(Body::from(format!("{}\n", self.why)));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(axum::http::header::CONTENT_TYPE, text);
        if self.status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        answer
    }
}

/// Returns whether a header is a list that has a word in it.
fn names(headers: &HeaderMap, header: &HeaderName, word: &str) -> bool {
    headers
        .get_all(header)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
}
