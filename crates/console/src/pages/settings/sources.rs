//! Sources: who told of which agent, and when last, and which histories there are.

use axum::extract::State;
use minijinja::context;
use oriel_wire::setup::SetupOverview;

use crate::app::Shared;
use crate::error::PageError;
use crate::page::{Page, shown};

/// Shows who tells of what.
pub(crate) async fn page(State(app): Shared) -> Result<Page, PageError> {
    let overview: SetupOverview = app.runtime.get("/control/setup").await?;
    let shows = context! { tab => "sources", overview => shown(&overview) };
    Ok(Page::new("settings/sources", "Sources", shows))
}
