//! How the daemon stands, for people, and whether the console does, for the desktop.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use minijinja::{Value, context};
use oriel_wire::control::DaemonStatus;

use crate::app::{App, Shared};
use crate::error::PageError;
use crate::live::After;
use crate::live::regions::Regions;
use crate::page::{Page, shown};

/// Where the page asks for what is new.
const LIVE: &str = "/live/status";

/// Shows how the daemon stands.
pub(crate) async fn page(State(app): Shared) -> Result<Page, PageError> {
    let (shows, last) = read(&app).await?;
    let live = Regions::new(LIVE, &After::default(), last).url();
    Ok(Page::new("status", "Status", shows).live(live))
}

/// Answers how it stands once something happened, or after a while.
pub(crate) async fn live(
    State(app): Shared,
    Query(after): Query<After>,
) -> Result<Page, PageError> {
    let newest = app.wait_for_news(&after).await?;
    let (shows, _) = read(&app).await?;
    let regions = Regions::new(LIVE, &after, newest).part("status-facts", "status/facts", shows);
    Ok(Page::new("status", "", context! {}).regions(regions))
}

async fn read(app: &App) -> Result<(Value, i64), PageError> {
    let status: DaemonStatus = app.runtime.get("/control/status").await?;
    let shows = context! { status => shown(&status), console => env!("CARGO_PKG_VERSION") };
    Ok((shows, status.store.last_event))
}

/// Shows the metrics as text. A browser may not read them where programs do, which is another origin.
pub(crate) async fn metrics(State(app): Shared) -> Result<impl IntoResponse, PageError> {
    let text = app.runtime.send(Method::GET, "/metrics", None, None).await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text))
}

/// Shows the description of the API.
pub(crate) async fn description(State(app): Shared) -> Result<impl IntoResponse, PageError> {
    let text = app.runtime.send(Method::GET, "/api/openapi.json", None, None).await?;
    Ok(([(CONTENT_TYPE, "application/json")], text))
}

/// Tells the desktop that pages are served, whether or not the runtime answers.
pub(crate) async fn ready() -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "schema": "oriel-console-ready.v1",
        "version": env!("CARGO_PKG_VERSION"),
    }))
}
