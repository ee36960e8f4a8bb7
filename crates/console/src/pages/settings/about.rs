//! About: what this program is, where it keeps what it knows, and what there is to read.

use axum::extract::State;
use minijinja::context;
use oriel_wire::setup::About;

use crate::app::Shared;
use crate::error::PageError;
use crate::page::{Page, shown};

/// Shows what this program is.
pub(crate) async fn page(State(app): Shared) -> Result<Page, PageError> {
    let about: About = app.runtime.get("/control/about").await?;
    let shows = context! { tab => "about", about => shown(&about) };
    Ok(Page::new("settings/about", "About", shows))
}
