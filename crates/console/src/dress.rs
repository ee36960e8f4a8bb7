//! From a [`Page`] to HTML: the whole page for a plain request, the part that was asked for when HTMX
//! asks. The same address gives both.
//!
//! This is the outermost layer, so it also says who the visitor is, and which headers every answer
//! carries.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use minijinja::context;
use oriel_wire::NoticeTally;
use oriel_wire::control::{DaemonPhase, Readiness};
use serde::Serialize;

use crate::app::App;
use crate::guard::Visitor;
use crate::page::{Page, Undressed, shown};
use crate::sessions::Said;
use crate::{templates, words};

/// The cookie that names a session.
pub(crate) const COOKIE: &str = "oriel_session";

/// The cookie that names the colours that were asked for.
pub(crate) const THEME_COOKIE: &str = "oriel_theme";

/// Nothing but our own files, no inline script or style, no frame around us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; \
     base-uri 'none'",
);

/// What HTMX says of a request.
#[derive(Debug, Default)]
struct Asked {
    /// HTMX asks, and does not restore a page that it forgot.
    is_part: bool,
    /// The id of the element that is to be replaced.
    target: Option<String>,
}

/// Makes HTML of the page that a handler answered with.
pub(crate) async fn dress(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let asked = Asked::of(request.headers());
    let theme = theme(request.headers());
    let session = cookie(request.headers(), COOKIE)
        .and_then(|name| app.sessions.find(name, app.config.clock.now()));
    let visitor = Visitor { session };
    let (method, uri) = (request.method().clone(), request.uri().clone());
    request.extensions_mut().insert(visitor.clone());

    let mut response = next.run(request).await;
    let undressed = response.extensions_mut().remove::<Undressed>();
    let mut response = match undressed.and_then(|page| page.take()) {
        Some(page) => {
            let mut html = to_html(&app, page, &asked, theme, &visitor, &method, &uri).await;
            // What the handler said besides its page, such as a cookie.
            for (name, value) in response.headers() {
                if *name != CONTENT_LENGTH && *name != CONTENT_TYPE {
                    html.headers_mut().append(name, value.clone());
                }
            }
            html
        }
        None => response,
    };
    let headers = response.headers_mut();
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

async fn to_html(
    app: &App,
    page: Page,
    asked: &Asked,
    theme: &'static str,
    visitor: &Visitor,
    method: &Method,
    uri: &Uri,
) -> Response {
    // A part that is not the page's main part needs no frame around it.
    let block = asked.target.as_deref().filter(|target| *target != "main");
    let block = block.and_then(|target| templates::block_of(page.template, target));
    let frame = if page.regions.is_some() {
        let mut frame = Frame::bare(&page, theme, visitor, uri);
        let notices = app.runtime.get::<NoticeTally>("/api/notices/counts").await;
        frame.unread = notices.ok().map(|tally| tally.unopened);
        frame
    } else if block.is_none() && !page.template.starts_with("live/") {
        Frame::around(app, &page, theme, visitor, method, uri).await
    } else {
        Frame::bare(&page, theme, visitor, uri)
    };
    let layout = if asked.is_part { "part.html" } else { "base.html" };
    let shows = context! {
        frame => shown(&frame),
        layout,
        now => app.config.clock.now().as_second(),
        ..page.shows
    };
    let html = words::in_zone(app.config.clock.zone(), || match &page.regions {
        Some(regions) => regions.render(&context! { unread => frame.unread, ..shows }),
        None => templates::render(page.template, block.as_deref(), &shows),
    });
    let html = match html {
        Ok(html) => html,
        Err(error) => {
            let chain = format!("{error:#}");
            tracing::error!(template = page.template, error = chain, "a page was not made");
            let body = "<!doctype html><title>Oriel</title><h1>Something went wrong</h1>\
                        <p>This page cannot be shown. The daemon's log says why.</p>";
            return (axum::http::StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, HTML)], body)
                .into_response();
        }
    };
    let mut response = (page.status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HTML);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        VARY,
        HeaderValue::from_static("HX-Request, HX-Target, HX-History-Restore-Request, Cookie"),
    );
    for (name, value) in page.headers {
        headers.insert(name, value);
    }
    response
}

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

impl Asked {
    fn of(headers: &HeaderMap) -> Self {
        let says = |name: &str| headers.get(name).is_some_and(|value| value == "true");
        let is_part = says("hx-request") && !says("hx-history-restore-request");
        let target = headers.get("hx-target").and_then(|value| value.to_str().ok());
        Self { is_part, target: target.filter(|_| is_part).map(str::to_owned) }
    }
}

/// What stands around a page.
#[derive(Debug, Serialize)]
struct Frame {
    title: String,
    /// The page's own address, for going back to it.
    path: String,
    query: String,
    theme: &'static str,
    /// What forms carry; nothing where the visitor may change nothing.
    csrf: Option<String>,
    said: Option<Said>,
    /// Where the page asks for what is new.
    live: String,
    /// How many notices nobody has read.
    unread: Option<u64>,
    phase: Option<&'static str>,
    blockers: usize,
    /// Why the runtime does not answer.
    down: Option<String>,
    version: &'static str,
}

impl Frame {
    /// Returns what stands around a part, which asks nobody anything.
    fn bare(page: &Page, theme: &'static str, visitor: &Visitor, uri: &Uri) -> Self {
        Self {
            title: page.title.clone(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            theme,
            csrf: visitor.session.as_ref().map(|session| session.csrf.clone()),
            said: None,
            live: page.live.clone().unwrap_or_else(|| "/live/frame".to_owned()),
            unread: None,
            phase: None,
            blockers: 0,
            down: None,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    async fn around(
        app: &App,
        page: &Page,
        theme: &'static str,
        visitor: &Visitor,
        method: &Method,
        uri: &Uri,
    ) -> Self {
        let mut frame = Self::bare(page, theme, visitor, uri);
        // What was posted has no address of its own that could be asked for again.
        if method != Method::GET {
            frame.query.clear();
        }
        frame.said = visitor.session.as_ref().and_then(|session| app.sessions.take_said(session));
        let (readiness, notices) = futures_util::future::join(
            app.runtime.get::<Readiness>("/control/readiness"),
            app.runtime.get::<NoticeTally>("/api/notices/counts"),
        )
        .await;
        match readiness {
            Ok(readiness) => {
                frame.phase = Some(readiness.phase.as_str());
                if readiness.phase != DaemonPhase::Ready {
                    frame.blockers = readiness.blockers.len();
                }
            }
            Err(error) => frame.down = Some(error.to_string()),
        }
        frame.unread = notices.ok().map(|tally| tally.unopened);
        frame
    }
}

/// Returns a cookie's value.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(axum::http::header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn theme(headers: &HeaderMap) -> &'static str {
    match cookie(headers, THEME_COOKIE) {
        Some("dark") => "dark",
        Some("light") => "light",
        _ => "auto",
    }
}
