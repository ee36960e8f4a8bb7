//! Who may ask. Loopback is a place and not a permission.
//!
//! A web page can make a browser on this machine send requests here. Such a request names a foreign
//! host (where the page's own name was made to point here), or carries an origin, or says that it
//! crosses sites. All of these are refused before anything else is looked at.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use oriel_wire::control::AUTHTOK_HEADER;
use subtle::ConstantTimeEq;

use super::error::ApiError;
use crate::app::App;
use crate::config::{Access, Listen};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request does, which decides who may make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It tells of events. Hooks must work with nothing set up, so on loopback any program may.
    Ingest,
    /// It reads. On loopback any program may, unless `access` says otherwise.
    Read,
    /// It steers the daemon. Only who can read the data directory may.
    Control,
}

/// Lets a request of this class through, or refuses it.
pub(super) async fn guard(
    State((app, class)): State<(Arc<App>, Class)>,
    request: Request,
    next: Next,
) -> Response {
    match check(&app, class, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            app.metrics.refused.inc();
            refusal.into_response()
        }
    }
}

fn check(app: &App, class: Class, headers: &HeaderMap) -> Result<(), ApiError> {
    let listen = &app.config.listen;
    let host = own_host(headers, listen)?;
    check_origin(headers, host)?;
    let needs_token = match class {
        Class::Control => true,
        Class::Read => app.config.access == Access::Token,
        Class::Ingest => !listen.host.is_loopback(),
    };
    if !needs_token || has_token(headers, class, app.home.authtok()) {
        return Ok(());
    }
    Err(ApiError::NoToken(match class {
        Class::Control => {
            "this request needs the token of the data directory in X-Oriel-Authtok; \
             the file `authtok` holds it"
        }
        Class::Ingest | Class::Read => {
            "this request needs the token of the data directory in X-Oriel-Authtok or as a \
             bearer token; the file `authtok` holds it"
        }
    }))
}

/// Returns the host that the request is addressed to, if that is us.
fn own_host<'a>(headers: &'a HeaderMap, listen: &Listen) -> Result<&'a str, ApiError> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(ApiError::Forbidden("the request must name one host".into()));
    };
    let host = host.to_str().unwrap_or_default();
    let name = host.parse::<Authority>().ok().filter(is_host_and_port).map(|authority| {
        authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
    });
    let is_own = name.is_some_and(|name| {
        name == "localhost"
            || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback() || ip == listen.host)
            || listen.hosts.iter().any(|known| known.eq_ignore_ascii_case(&name))
    });
    if is_own {
        return Ok(host);
    }
    Err(ApiError::Forbidden(
        "the request is addressed to another host; add its name to `listen.hosts` if it is ours"
            .into(),
    ))
}

/// Returns whether there is nothing but a host and perhaps a port. An authority can hold a user as
/// well, and behind the host what is no port.
fn is_host_and_port(authority: &Authority) -> bool {
    let rest = authority.as_str().strip_prefix(authority.host());
    rest.is_some_and(|rest| {
        rest.strip_prefix(':').unwrap_or(rest).bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Refuses what a web page of another origin sends.
fn check_origin(headers: &HeaderMap, host: &str) -> Result<(), ApiError> {
    let is_foreign = headers
        .get_all(ORIGIN)
        .iter()
        .any(|origin| origin.to_str().ok().and_then(|at| at.strip_prefix("http://")) != Some(host));
    let crosses_sites = headers
        .get_all(FETCH_SITE)
        .iter()
        .any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    if is_foreign || crosses_sites {
        return Err(ApiError::Forbidden("web pages of other origins may not ask here".into()));
    }
    Ok(())
}

fn has_token(headers: &HeaderMap, class: Class, token: &str) -> bool {
    let same = |given: &[u8]| bool::from(given.ct_eq(token.as_bytes()));
    let own = headers.get(AUTHTOK_HEADER).is_some_and(|given| same(given.as_bytes()));
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|given| given.to_str().ok()?.strip_prefix("Bearer "))
        .is_some_and(|given| same(given.as_bytes()));
    own || (bearer && class != Class::Control)
}
