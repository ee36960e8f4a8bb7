//! Who may ask what. First whether the request is addressed to us, then whether another site sends it,
//! then, for what changes something, whether a session of ours does, with a form that we made.
//!
//! It fails closed: whatever does not prove that it comes from our own page is refused, and refusals of
//! changes are told to the audit.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use oriel_link::origin::{FETCH_SITE, own_host};

use crate::app::App;
use crate::error::PageError;
use crate::form::Form;
use crate::sessions::Session;

/// The longest body that changes something.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1024;

/// The header that carries what forms carry in [`CSRF_FIELD`].
const CSRF_HEADER: &str = "x-oriel-csrf";

/// The field of a form that shows that this console made it.
pub(crate) const CSRF_FIELD: &str = "_csrf";

/// What a request does, which decides who may make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It needs nothing but to be addressed to us: what every page is made of, and the links that
    /// start sessions.
    Open,
    /// It shows something.
    Read,
    /// It changes something.
    Change,
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) session: Option<Session>,
}

impl Visitor {
    /// Returns the name of the visitor for the audit.
    pub(crate) fn actor(&self) -> String {
        match &self.session {
            Some(session) => format!("console:{}", session.label()),
            None => "console".to_owned(),
        }
    }
}

/// Lets a request of this class through, or refuses it.
pub(crate) async fn guard(
    State((app, class)): State<(Arc<App>, Class)>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or_default();
    match admit(&app, class, &visitor, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => {
            if class == Class::Change || is_change(&method) {
                app.audit_refusal(&visitor, &method, &path, &refusal);
            }
            refusal.into_response()
        }
    }
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

async fn admit(
    app: &App,
    class: Class,
    visitor: &Visitor,
    request: Request,
) -> Result<Request, PageError> {
    let headers = request.headers();
    let host = own_host(headers, app.config.host, &app.config.hosts)
        .map_err(|foreign| PageError::Forbidden(foreign.to_string()))?
        .to_owned();
    match class {
        Class::Open => Ok(request),
        Class::Read => {
            refuse_other_sites(headers, &host)?;
            if app.config.reading_needs_session && visitor.session.is_none() {
                return Err(PageError::Forbidden(
                    "this console shows its pages to its own sessions only; `oriel open` prints a \
                     link that starts one"
                        .to_owned(),
                ));
            }
            Ok(request)
        }
        Class::Change => admit_change(visitor, &host, request).await,
    }
}

/// Refuses what another site asks for, but for a plain link to one of our pages: a person who follows
/// it sees the page, and the site that has it learns nothing.
fn refuse_other_sites(headers: &HeaderMap, host: &str) -> Result<(), PageError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_link = text("sec-fetch-mode") == Some("navigate")
        && text("sec-fetch-dest") == Some("document")
        && !headers.contains_key(ORIGIN);
    if is_link || oriel_link::origin::refuse_foreign(headers, host).is_ok() {
        return Ok(());
    }
    Err(PageError::Forbidden("web pages of other origins may not ask here".to_owned()))
}

async fn admit_change(
    visitor: &Visitor,
    host: &str,
    request: Request,
) -> Result<Request, PageError> {
    let forbidden = |why: &str| PageError::Forbidden(why.to_owned());
    require_own_origin(request.headers(), host)?;
    let Some(session) = &visitor.session else {
        return Err(forbidden(
            "this needs a session; open the link that `oriel open` prints, then try again",
        ));
    };
    let (mut head, body) = request.into_parts();
    let body = read(body).await?;
    let is_form = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let form = if is_form { Form::parse(&body) } else { Form::default() };
    let given = match head.headers.get(CSRF_HEADER) {
        Some(value) => value.to_str().unwrap_or_default().to_owned(),
        None => form.raw(CSRF_FIELD).unwrap_or_default().to_owned(),
    };
    if !session.made(&given) {
        return Err(forbidden(
            "the form was not made by this session; load the page again and send it once more",
        ));
    }
    head.extensions.insert(form);
    Ok(Request::from_parts(head, Body::from(body)))
}

/// Requires that the page which sends a change says that it is ours.
fn require_own_origin(headers: &HeaderMap, host: &str) -> Result<(), PageError> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let is_own = match (origins.next(), origins.next()) {
        (Some(origin), None) => {
            let origin = origin.to_str().unwrap_or_default();
            let at = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            at == Some(host)
        }
        (None, _) => headers.get(FETCH_SITE).is_some_and(|site| site == "same-origin"),
        _ => false,
    };
    if is_own {
        return Ok(());
    }
    Err(PageError::Forbidden("only this console's own pages may change something".to_owned()))
}

async fn read(body: Body) -> Result<bytes::Bytes, PageError> {
    let whole = Limited::new(body, BODY_BYTES_MAX).collect().await;
    whole.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            PageError::TooLong(BODY_BYTES_MAX)
        } else {
            PageError::Bad("what was sent did not arrive whole; send it again".to_owned())
        }
    })
}

impl App {
    /// Tells the audit of a change that was refused. Nobody waits for it: a refusal must not take longer
    /// than what it refuses.
    pub(crate) fn audit_refusal(
        self: &Arc<Self>,
        visitor: &Visitor,
        method: &Method,
        path: &str,
        refusal: &PageError,
    ) {
        let status = refusal.status();
        self.audit(visitor, method, path, status, &refusal.to_string());
    }

    /// Tells the audit of what the console itself did or refused.
    pub(crate) fn audit(
        self: &Arc<Self>,
        visitor: &Visitor,
        method: &Method,
        path: &str,
        status: StatusCode,
        detail: &str,
    ) {
        let done = status.is_success() || status.is_redirection();
        let outcome = if done { "done" } else { "refused" };
        let entry = serde_json::json!({
            "who": visitor.actor(),
            "what": format!("{method} {path}"),
            "target": path,
            "outcome": format!("{outcome} {}", status.as_u16()),
            "detail": detail,
            "done": done,
        });
        let (app, actor) = (Arc::clone(self), visitor.actor());
        tokio::spawn(async move {
            let told = app.runtime.send(
                Method::POST,
                "/control/audit",
                Some(serde_json::to_vec(&entry).unwrap_or_default().into()),
                Some(&actor),
            );
            if let Err(error) = told.await {
                tracing::warn!(%error, "the audit was not told of what the console did or refused");
            }
        });
    }
}
