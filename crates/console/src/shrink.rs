//! Answers are sent small: whoever reads gzip gets it. A page with sixty rows says much the same in each,
//! and a console is also read through a tunnel or a proxy.
//!
//! What a page holds of secrets goes to its own session alone, and no other site can have a browser send
//! that session's cookie, so nobody can guess at them by the length of answers.

use std::io::Write as _;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;

/// Shorter answers fit into one packet as they are.
const BYTES_MIN: u64 = 1024;

/// Longer ones are sent as they come: they are files, and nobody waits for the whole.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Shrinks an answer where that is asked for and worth it.
pub(crate) async fn shrink(request: Request, next: Next) -> Response {
    let reads_gzip = reads_gzip(request.headers());
    let response = next.run(request).await;
    let size = axum::body::HttpBody::size_hint(response.body()).exact();
    let is_worth_it = size.is_some_and(|size| (BYTES_MIN..=BYTES_MAX).contains(&size))
        && is_text(response.headers())
        && !response.headers().contains_key(CONTENT_ENCODING);
    if !reads_gzip || !is_worth_it {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(whole) = body.collect().await else {
        return Response::from_parts(head, Body::empty());
    };
    let whole = whole.to_bytes();
    let mut small = GzEncoder::new(Vec::with_capacity(whole.len() / 4), Compression::fast());
    let Ok(small) = small.write_all(&whole).and_then(|()| small.finish()) else {
        return Response::from_parts(head, Body::from(whole));
    };
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    head.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    head.headers.remove(CONTENT_LENGTH);
    // A tag names the very bytes.
    head.headers.remove(ETAG);
    Response::from_parts(head, Body::from(small))
}

fn reads_gzip(headers: &HeaderMap) -> bool {
    let said = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    said.flat_map(|line| line.split(',')).any(|one| {
        let (name, weight) = one.trim().split_once(';').unwrap_or((one.trim(), ""));
        name.eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0")
    })
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    ["text/", "application/json", "image/svg+xml"].iter().any(|start| kind.starts_with(start))
}
