//! Who may ask what: first whether the request comes from here at all, then whether it carries the
//! token that its class needs.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use oriel_link::origin::{Foreign, own_host, refuse_foreign};
use oriel_wire::control::AUTHTOK_HEADER;
use subtle::ConstantTimeEq;

use super::error::ApiError;
use crate::app::App;
use crate::config::Access;

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

/// Marks the answer to whoever was not let through.
#[derive(Clone, Copy)]
pub(super) struct Refused;

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
            let mut response = refusal.into_response();
            response.extensions_mut().insert(Refused);
            response
        }
    }
}

fn check(app: &App, class: Class, headers: &HeaderMap) -> Result<(), ApiError> {
    let listen = &app.config.listen;
    let foreign = |what: Foreign| ApiError::Forbidden(what.to_string().into());
    let host = own_host(headers, listen.host, &listen.hosts).map_err(foreign)?;
    refuse_foreign(headers, host).map_err(foreign)?;
    let needs_token = match class {
        Class::Control => true,
        Class::Read => app.config.access == Access::Token,
        Class::Ingest => !listen.host.is_loopback(),
    };
    if !needs_token || has_token(headers, class, &app.home.authtok()) {
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

fn has_token(headers: &HeaderMap, class: Class, token: &str) -> bool {
    let same = |given: &[u8]| bool::from(given.ct_eq(token.as_bytes()));
    let own = headers.get(AUTHTOK_HEADER).is_some_and(|given| same(given.as_bytes()));
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|given| given.to_str().ok()?.strip_prefix("Bearer "))
        .is_some_and(|given| same(given.as_bytes()));
    own || (bearer && class != Class::Control)
}
