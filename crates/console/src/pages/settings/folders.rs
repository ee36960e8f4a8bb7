//! Folders: which page may use which, and taking that back. Granting is done where a person sees the
//! folder: in the system's own dialog, or on the command line.

use axum::Extension;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::grants::{GrantList, GrantRevoke, GrantRevoked};

use crate::app::Shared;
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::page::{Page, shown};

const HERE: &str = "/settings/folders";

/// Shows which page may use which folder.
pub(crate) async fn page(State(app): Shared) -> Result<Page, PageError> {
    let list: GrantList = app.runtime.get("/control/grants").await?;
    let shows = context! { tab => "folders", list => shown(&list) };
    Ok(Page::new("settings/folders", "Folders", shows))
}

/// Takes a folder back.
pub(crate) async fn act(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    if form.get("action") != Some("revoke") {
        return Err(PageError::Bad("the form names nothing to do".into()));
    }
    let id = form.get("grant");
    let id = id.ok_or_else(|| PageError::Bad("the form names no folder".into()))?.to_owned();
    let told = app
        .runtime
        .tell::<GrantRevoked>(
            Method::POST,
            "/control/grants/revoke",
            &GrantRevoke { id },
            &visitor.actor(),
        )
        .await;
    match told {
        Ok(GrantRevoked { revoked }) => {
            let text = format!("{} may not use {} any more.", revoked.label, revoked.root);
            app.tell_visitor(&visitor, true, text);
            Ok(Redirect::to(HERE).into_response())
        }
        Err(error) => app.refused_on(&visitor, HERE, error),
    }
}
