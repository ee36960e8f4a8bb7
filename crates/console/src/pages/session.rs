//! Sessions: started by a one-time link, which whoever can read the data directory may have made.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::control::AUTHTOK_HEADER;
use subtle::ConstantTimeEq;

use crate::app::Shared;
use crate::dress::{COOKIE, THEME_COOKIE};
use crate::error::PageError;
use crate::form::Form;
use crate::page::Page;

/// For how long a browser keeps a cookie, in seconds.
const COOKIE_LASTS: u32 = 30 * 24 * 60 * 60;

/// Makes a one-time link.
pub(crate) async fn new_link(
    State(app): Shared,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let path = app.config.data_dir.join("authtok");
    let token = std::fs::read_to_string(&path)
        .map_err(|error| PageError::Fault(format!("cannot read {}: {error}", path.display())))?;
    let given = headers.get(AUTHTOK_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if !bool::from(given.ct_eq(token.trim().as_bytes())) {
        return Err(PageError::Forbidden(
            "a link is made for who has the token of the data directory; `oriel open` does it"
                .to_owned(),
        ));
    }
    let secret = app
        .sessions
        .new_link(app.config.clock.now())
        .map_err(|error| PageError::Fault(format!("no link could be made: {error}")))?;
    let link = serde_json::json!({ "path": format!("/session/open/{secret}"), "seconds": 600 });
    Ok((StatusCode::CREATED, Json(link)).into_response())
}

/// Takes a one-time link and starts a session.
///
/// It answers with a page that goes on by itself and not with a redirect: a browser that was sent here
/// by another program does not send the new cookie along with a redirect.
pub(crate) async fn open(
    State(app): Shared,
    method: Method,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    // Programs that look at a link before a person follows it must not use it up.
    if method != Method::GET || headers.get("sec-purpose").is_some() {
        return Err(PageError::Method("GET"));
    }
    let browser = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = app
        .sessions
        .open(&secret, browser, app.config.clock.now())
        .map_err(|error| PageError::Fault(format!("the session could not be kept: {error}")))?;
    let Some(name) = name else {
        return Err(PageError::Forbidden(
            "this link was used before, or is older than ten minutes; `oriel open` prints a new one"
                .to_owned(),
        ));
    };
    let mut response = Page::new("session", "Welcome", context! {}).into_response();
    set_cookie(&mut response, COOKIE, &name, "HttpOnly; ");
    Ok(response)
}

/// Keeps the colours that were asked for.
pub(crate) async fn theme(form: Form) -> Result<Response, PageError> {
    let theme = match form.get("theme") {
        Some("dark") => "dark",
        Some("light") => "light",
        _ => "auto",
    };
    let mut response = Redirect::to(own_path(form.get("back"))).into_response();
    set_cookie(&mut response, THEME_COOKIE, theme, "");
    Ok(response)
}

/// Returns an address within the console, and the first page where it is none.
pub(crate) fn own_path(path: Option<&str>) -> &str {
    path.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains('\\')
            && !path.chars().any(char::is_control)
    })
    .unwrap_or("/")
}

/// Has the browser forget the name of its session, which has ended.
pub(crate) fn forget_session(response: &mut Response) {
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

fn set_cookie(response: &mut Response, name: &str, value: &str, more: &str) {
    let cookie = format!("{name}={value}; Path=/; {more}SameSite=Strict; Max-Age={COOKIE_LASTS}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
