//! A conflict: what there was, what each side made of it, and how it ends.
//!
//! The form says which versions the person saw. Where one of them is another by now nothing is done, the
//! page shows how things are, and what was typed stays.

mod versions;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use oriel_wire::sync::{
    ConflictTexts, Digest, RelPath, Resolution, ResolveConflict, SyncCode, SyncStatus, Version,
};
use serde::Deserialize;

use super::{HERE, refusal, row};
use crate::address::{Address, encode};
use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::page::{Page, shown};
use versions::{Draft, columns};

/// Which path.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    path: String,
}

/// Shows a conflict.
pub(crate) async fn page(
    State(app): Shared,
    Path(session): Path<String>,
    Query(which): Query<Which>,
) -> Result<Page, PageError> {
    let texts = app.conflict(&session, &which.path).await?;
    let draft = Draft::of(&texts);
    let name = app.session_name(&session).await;
    Ok(shows(&session, &name, &which.path, Some(&texts), draft.as_ref(), None))
}

/// Ends a conflict as a form says.
pub(crate) async fn resolve(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(session): Path<String>,
    Query(which): Query<Which>,
    form: Form,
) -> Result<Response, PageError> {
    let command = command(&session, &which.path, &form)?;
    let (code, problem) = match app.tell_sync::<SyncStatus>(&visitor, "resolve", &command).await {
        Ok(_) => {
            let said = match command.resolution {
                Resolution::Local => "is the local version on both sides.",
                Resolution::Upstream => {
                    "is the workspace's version on both sides. The local one is kept for a day."
                }
                Resolution::Merged => "is your text on both sides.",
            };
            app.tell_visitor(&visitor, true, format!("{} {said}", command.path));
            return Ok(Redirect::to(HERE).into_response());
        }
        Err(error) => match refusal(error) {
            Ok(refused) => refused,
            // The service may be away for a moment; what was typed is not lost by that.
            Err(error) if command.content.is_some() => (None, error.to_string()),
            Err(error) => return Err(error),
        },
    };
    // How things are now, where that can be told.
    let texts = app.conflict(&session, &which.path).await.ok();
    if texts.is_none() && command.content.is_none() {
        app.tell_visitor(&visitor, false, problem);
        return Ok(Redirect::to(HERE).into_response());
    }
    let typed = form.raw("text").map(|text| Draft::typed(text, &form));
    let draft = typed.or_else(|| texts.as_ref().and_then(Draft::of));
    let status = match code {
        Some(SyncCode::ConflictChanged) => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let name = app.session_name(&session).await;
    let page = shows(&session, &name, &which.path, texts.as_ref(), draft.as_ref(), Some(&problem));
    Ok(page.status(status).into_response())
}

/// Reads what a form says.
fn command(session: &str, path: &str, form: &Form) -> Result<ResolveConflict, PageError> {
    let bad = |what: &str| PageError::Bad(what.to_owned());
    let path = RelPath::parse(path).map_err(|error| PageError::Bad(error.to_string()))?;
    let (resolution, content) = match form.get("keep") {
        Some("local") => (Resolution::Local, None),
        Some("upstream") => (Resolution::Upstream, None),
        Some("merged") => {
            let text = form.raw("text").ok_or_else(|| bad("the form has no text"))?;
            (Resolution::Merged, Some(Draft::typed(text, form).content()))
        }
        _ => return Err(bad("the form does not say what to keep")),
    };
    // An empty field says that there was no version; a form without it says nothing.
    let expected = |name: &str| -> Result<Option<Digest>, PageError> {
        match form.raw(name) {
            None => Err(bad("the form does not say which versions were shown")),
            Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| bad("the form names no version")),
        }
    };
    Ok(ResolveConflict {
        session_id: session.to_owned(),
        path,
        resolution,
        content,
        expect_local: expected("expect_local")?,
        expect_remote: expected("expect_remote")?,
    })
}

fn shows(
    session: &str,
    name: &str,
    path: &str,
    texts: Option<&ConflictTexts>,
    draft: Option<&Draft>,
    problem: Option<&str>,
) -> Page {
    let digest = |version: &Option<Version>| {
        version.as_ref().map(|version| version.digest.to_string()).unwrap_or_default()
    };
    let found: Option<Value> = texts.map(|texts| {
        let conflict = &texts.conflict;
        context! {
            kind => row::kind(conflict.kind),
            since => conflict.since / 1000,
            expect_local => digest(&conflict.local),
            expect_remote => digest(&conflict.upstream),
            columns => shown(&columns(texts)),
            places => texts.merged.as_ref().map(|merged| merged.conflicts),
        }
    });
    let shows = context! {
        name, path, found, problem,
        draft => draft.map(shown),
        url => row::conflict_url(session, path),
    };
    Page::new("sync/conflict", format!("Conflict: {path}"), shows)
}

impl App {
    /// Returns what people call a session, or its id where the gateway does not tell.
    async fn session_name(&self, session: &str) -> String {
        self.gateway.names().await.remove(session).unwrap_or_else(|| session.to_owned())
    }

    async fn conflict(&self, session: &str, path: &str) -> Result<ConflictTexts, AskError> {
        let address = format!("/control/sync/{}/conflict", encode(session));
        let address = Address::new(address).with("path", Some(path));
        self.runtime.get(address.as_str()).await
    }
}
