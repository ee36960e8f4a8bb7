//! Where a module's own pages are shown: below `/modules/ID/`, from the module's own server.
//!
//! A module is a guest. It learns nothing of the visitor but what it needs: no cookie, no credential,
//! only a token that says that the console asks, and what its own forms have to carry. What it answers
//! is bounded, sets no cookie, leads nowhere outside its mount, and comes with a policy under which its
//! scripts can load, ask and send only below that mount. So a module's page cannot do what the console's
//! pages can, although both have one origin.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use minijinja::context;
use oriel_link::Link;
use oriel_wire::module::{MODULE_TOKEN_HEADER, ModuleReach};

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::guard::Visitor;
use crate::page::Page;

/// A longer answer of a module is cut off, and the visitor told.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A module that takes longer to answer is called hanging.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a module is told of a request. Everything else is ours or the visitor's own.
const ASKED: [HeaderName; 5] =
    [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, IF_NONE_MATCH, HeaderName::from_static("hx-request")];

/// What of a module's answer is passed on as it is.
const ANSWERED: [HeaderName; 6] =
    [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_LANGUAGE, ETAG, LAST_MODIFIED, CACHE_CONTROL];

/// What leads a page elsewhere, and so must stay below the mount.
const LEADS: [&str; 4] = ["hx-redirect", "hx-push-url", "hx-replace-url", "hx-location"];

/// Answers with what the module at `/modules/{id}/{*rest}` answers.
pub(crate) async fn below(
    State(app): Shared,
    Path((id, rest)): Path<(String, String)>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, PageError> {
    relay(&app, &id, &rest, &visitor, request).await
}

/// Answers with a module's first page.
pub(crate) async fn root(
    State(app): Shared,
    Path(id): Path<String>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, PageError> {
    relay(&app, &id, "", &visitor, request).await
}

async fn relay(
    app: &Arc<App>,
    id: &str,
    rest: &str,
    visitor: &Visitor,
    request: Request,
) -> Result<Response, PageError> {
    let mount = format!("/modules/{id}/");
    if let Some(away) = whole_page_instead(request.headers(), &mount, request.uri()) {
        return Ok(away);
    }
    let reach = match app.reach_module(id).await? {
        Some(reach) => reach,
        None => return Ok(down(id, "it does not run").into_response()),
    };
    let host =
        request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let policy = policy(host, &mount);
    let asked = asked(&mount, rest, &reach, visitor, request)?;
    let answer = tokio::time::timeout(ANSWER_WITHIN, exchange(&reach, asked)).await;
    let (mut head, body) = match answer {
        Ok(Ok(whole)) => whole,
        Ok(Err(why)) => return Ok(down(id, &why).into_response()),
        Err(_) => {
            let why = format!("it did not answer within {} s", ANSWER_WITHIN.as_secs());
            return Ok(down(id, &why).into_response());
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = head.status;
    for name in ANSWERED {
        if let Some(value) = head.headers.remove(&name) {
            response.headers_mut().insert(name, value);
        }
    }
    keep_below(&mount, &head.headers, &mut response);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// A module's page is a page of its own and never a part of ours: HTMX is told to go there instead.
fn whole_page_instead(headers: &HeaderMap, mount: &str, uri: &axum::http::Uri) -> Option<Response> {
    headers.get("hx-request")?;
    let from = headers.get("hx-current-url").and_then(|url| url.to_str().ok()).unwrap_or_default();
    let path = from
        .split_once("://")
        .map_or(from, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    if path.starts_with(mount) {
        return None;
    }
    let mut response = StatusCode::OK.into_response();
    let target = uri.path_and_query().map_or(mount, axum::http::uri::PathAndQuery::as_str);
    response.headers_mut().insert("hx-redirect", HeaderValue::from_str(target).ok()?);
    Some(response)
}

fn asked(
    mount: &str,
    rest: &str,
    reach: &ModuleReach,
    visitor: &Visitor,
    request: Request,
) -> Result<Request<Body>, PageError> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    // The path as it came, so that what it escapes stays escaped.
    let path = head.uri.path().strip_prefix(mount.trim_end_matches('/')).unwrap_or(rest);
    let path = if path.is_empty() { "/" } else { path };
    let mut asked = Request::new(body);
    *asked.method_mut() = head.method;
    *asked.uri_mut() = format!("{path}{query}")
        .parse()
        .map_err(|_| PageError::Bad("the module's address cannot be read".to_owned()))?;
    let headers = asked.headers_mut();
    for name in ASKED {
        if let Some(value) = head.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    let set = |headers: &mut HeaderMap, name: &'static str, value: &str| {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(name == MODULE_TOKEN_HEADER);
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set(headers, MODULE_TOKEN_HEADER, &reach.token);
    set(headers, "x-oriel-mount", mount);
    set(headers, "host", &reach.addr);
    if let Some(session) = &visitor.session {
        set(headers, "x-oriel-csrf", &session.csrf);
    }
    Ok(asked)
}

async fn exchange(
    reach: &ModuleReach,
    asked: Request<Body>,
) -> Result<(axum::http::response::Parts, bytes::Bytes), String> {
    let addr: SocketAddr =
        reach.addr.parse().map_err(|_| "its address cannot be read".to_owned())?;
    let answer = Link::Tcp(addr).send(asked).await.map_err(|error| error.to_string())?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            format!("its answer is longer than {} MiB", ANSWER_BYTES_MAX / 1024 / 1024)
        } else {
            format!("its answer broke off: {error}")
        }
    })?;
    Ok((head, body.to_bytes()))
}

/// Keeps where an answer leads below the mount; what leads elsewhere leads to the module's first page.
fn keep_below(mount: &str, from: &HeaderMap, response: &mut Response) {
    let below = |value: &HeaderValue| {
        let below = value.to_str().ok().and_then(|place| place_below(mount, place));
        HeaderValue::from_str(below.as_deref().unwrap_or(mount)).ok()
    };
    if let Some(place) = from.get(LOCATION).and_then(below) {
        response.headers_mut().insert(LOCATION, place);
    }
    for name in LEADS {
        if let Some(place) = from.get(name).and_then(below) {
            response.headers_mut().insert(HeaderName::from_static(name), place);
        }
    }
}

/// Returns a place below the mount: what the module calls `/x` is `MOUNTx` here.
pub(crate) fn place_below(mount: &str, place: &str) -> Option<String> {
    let is_plain = place.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    if !is_plain || place.starts_with("//") {
        return None;
    }
    let path = match place.strip_prefix('/') {
        Some(_) if place.starts_with(mount) => place.to_owned(),
        Some(rest) => format!("{mount}{rest}"),
        // A scheme would lead away. What has none is relative to the page that it came from.
        None if place.split(['/', '?', '#']).next().is_some_and(|part| part.contains(':')) => {
            return None;
        }
        None => return (!climbs(place)).then(|| place.to_owned()),
    };
    (!climbs(&path)).then_some(path)
}

/// Returns whether a path climbs out of where it is.
fn climbs(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
    plain.split('/').any(|part| part == "..")
}

/// Returns the policy of a module's pages: everything from below its mount, nothing from elsewhere, no
/// window beside it.
fn policy(host: &str, mount: &str) -> HeaderValue {
    let own = format!("{host}{mount}");
    let policy = format!(
        "default-src 'none'; script-src {own}; style-src {own} {host}/static/; img-src {own} data:; \
         connect-src {own}; font-src {own}; media-src {own}; form-action {own}; worker-src 'none'; \
         frame-ancestors 'none'; base-uri 'none'; sandbox allow-forms allow-scripts allow-same-origin"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Returns the page that stands in a module's place while it does not answer.
fn down(id: &str, why: &str) -> Page {
    let shows = context! { id, why };
    Page::new("module-down", format!("{id} does not answer"), shows).status(StatusCode::BAD_GATEWAY)
}

impl App {
    /// Returns how a module is reached; nothing where it does not run.
    async fn reach_module(&self, id: &str) -> Result<Option<ModuleReach>, PageError> {
        if !is_id(id) {
            return Err(PageError::NotFound("there is no such module".to_owned()));
        }
        match self.runtime.get(&format!("/control/modules/{id}/reach")).await {
            Ok(reach) => Ok(Some(reach)),
            Err(AskError::Refused { status: StatusCode::CONFLICT, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns whether a text can be a module's id.
pub(crate) fn is_id(id: &str) -> bool {
    id.len() <= 64
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_leads_out_of_the_mount() {
        let mount = "/modules/hello/";
        for (place, expected) in [
            ("/", Some("/modules/hello/")),
            ("/a?b=c", Some("/modules/hello/a?b=c")),
            ("/modules/hello/a", Some("/modules/hello/a")),
            ("a/b", Some("a/b")),
            ("?x=1", Some("?x=1")),
            ("//evil.example/", None),
            ("http://evil.example/", None),
            ("javascript:alert(1)", None),
            ("/../settings", None),
            ("../settings", None),
            ("/a/%2e%2e/%2E%2e/settings", None),
            ("/a%2f..%2f..%2fsettings", None),
            ("/\\evil.example", None),
            ("/a\u{7f}", None),
        ] {
            assert_eq!(place_below(mount, place).as_deref(), expected, "{place}");
        }
    }
}
