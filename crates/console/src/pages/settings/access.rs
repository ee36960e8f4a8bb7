//! Access: who may read and who may change, where that is kept, and the sessions of this console.

use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::setup::{AccessOverview, TokenRotated};
use serde::Deserialize;

use crate::app::{App, Shared};
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::page::{Page, shown};
use crate::pages::session::forget_session;
use crate::sessions::Session;

const HERE: &str = "/settings/access";

/// What is about to be done.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ask {
    /// `rotate` or `end-others`, which are asked for twice.
    #[serde(default)]
    sure: String,
}

/// Shows who may do what.
pub(crate) async fn page(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Page, PageError> {
    app.shows_access(&visitor, &ask.sure).await
}

/// Rotates the token, or ends sessions.
pub(crate) async fn act(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let action = form.get("action").unwrap_or_default();
    if matches!(action, "rotate" | "end-others") && form.get("sure") != Some(action) {
        let page = app.shows_access(&visitor, action).await?;
        return Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response());
    }
    match (action, &visitor.session) {
        ("rotate", _) => app.rotate(&visitor).await,
        ("end", Some(session)) => {
            let label = form.get("session");
            let label = label.ok_or_else(|| PageError::Bad("the form names no session".into()))?;
            app.end_session(&visitor, session, label)
        }
        ("end-others", Some(session)) => {
            let ended = app.sessions.end_others(session).map_err(|error| not_written(&error))?;
            let text = match ended {
                1 => "1 other session was ended.".to_owned(),
                ended => format!("{ended} other sessions were ended."),
            };
            Ok(app.ended(&visitor, text))
        }
        _ => Err(PageError::Bad("the form names nothing to do".into())),
    }
}

fn not_written(error: &io::Error) -> PageError {
    PageError::Fault(format!(
        "the sessions could not be written down ({error}); what was to end may be back after a restart"
    ))
}

impl App {
    async fn shows_access(&self, visitor: &Visitor, sure: &str) -> Result<Page, PageError> {
        let access: AccessOverview = self.runtime.get("/control/access").await?;
        // Who has no session learns nothing of those who have one.
        let own = visitor.session.as_ref();
        let sessions = own.map(|own| {
            let all = self.sessions.all(self.config.clock.now());
            all.iter().map(|session| row(session, own)).collect::<Vec<_>>()
        });
        let shows = context! {
            tab => "access",
            access => shown(&access),
            sessions,
            sure,
        };
        Ok(Page::new("settings/access", "Access", shows))
    }

    async fn rotate(&self, visitor: &Visitor) -> Result<Response, PageError> {
        let told = self
            .runtime
            .tell::<TokenRotated>(
                Method::POST,
                "/control/token/rotate",
                &serde_json::json!({}),
                &visitor.actor(),
            )
            .await;
        match told {
            Ok(told) => {
                let text = format!("There is a new token in {}.", told.token_file);
                self.tell_visitor(visitor, true, text);
                Ok(Redirect::to(HERE).into_response())
            }
            Err(error) => self.refused_on(visitor, HERE, error),
        }
    }

    fn end_session(
        self: &Arc<Self>,
        visitor: &Visitor,
        own: &Session,
        label: &str,
    ) -> Result<Response, PageError> {
        let was_there = self.sessions.end(label).map_err(|error| not_written(&error))?;
        if !was_there {
            self.tell_visitor(visitor, false, "That session has ended already.".to_owned());
            return Ok(Redirect::to(HERE).into_response());
        }
        let mut response = self.ended(visitor, format!("Session {label} was ended."));
        if label == own.label() {
            forget_session(&mut response);
        }
        Ok(response)
    }

    /// Says that sessions were ended, to the visitor and to the audit, and leads back.
    fn ended(self: &Arc<Self>, visitor: &Visitor, text: String) -> Response {
        self.audit(visitor, &Method::POST, HERE, StatusCode::SEE_OTHER, &text);
        self.tell_visitor(visitor, true, text);
        Redirect::to(HERE).into_response()
    }
}

fn row(session: &Session, own: &Session) -> minijinja::Value {
    context! {
        label => session.label(),
        browser => browser(&session.browser),
        told => session.browser.as_str(),
        began => session.began.as_second(),
        seen => session.seen.as_second(),
        is_own => session.label() == own.label(),
    }
}

/// Returns what people call a browser, as far as its own words tell.
fn browser(told: &str) -> String {
    let has = |word: &str| told.contains(word);
    let name = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome or Chromium"),
        ("Safari/", "Safari"),
    ];
    let system = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let name = name.iter().find(|(word, _)| has(word)).map(|(_, name)| *name);
    let system = system.iter().find(|(word, _)| has(word)).map(|(_, name)| *name);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        _ if told.is_empty() => "It did not say".to_owned(),
        _ => told.to_owned(),
    }
}
