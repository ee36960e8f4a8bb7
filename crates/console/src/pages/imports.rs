//! Imports: what was read from where, what runs now and how far it is, and what could not be read.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::imports::{ImportOverview, ImportRequest, ImportStarted, ImportStatus};
use serde::Deserialize;

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::live::After;
use crate::page::{Page, shown};
use crate::sessions::Said;

/// While an import runs, its progress is shown anew this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(400);

/// The histories that can be read, with their names for people.
const FORMATS: [(&str, &str); 6] = [
    ("claude-code", "Claude Code"),
    ("codex", "Codex"),
    ("gemini-cli", "Gemini CLI"),
    ("qwen-code", "Qwen Code"),
    ("opencode", "OpenCode"),
    ("copilot-cli", "Copilot CLI"),
];

/// Which import is looked at.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    id: Option<u64>,
    /// Whether the page shows one that runs.
    #[serde(default)]
    running: Option<u8>,
}

/// Shows imports.
pub(crate) async fn page(State(app): Shared, Query(ask): Query<Ask>) -> Result<Page, PageError> {
    let overview = app.imports().await?;
    let one = match ask.id {
        Some(id) => Some(app.import(id).await?),
        None => None,
    };
    let page =
        Page::new("imports", "Imports", shows(&overview, one.as_ref(), &Form::default(), None));
    Ok(page.live(live_address(&app, &overview).await))
}

/// Shows how far an import is, or that one has begun or ended.
pub(crate) async fn live(
    State(app): Shared,
    Query(after): Query<After>,
    Query(ask): Query<Ask>,
) -> Result<Page, PageError> {
    if ask.running.is_some() {
        tokio::time::sleep(PROGRESS_EVERY).await;
    } else {
        app.wait_for_news(&after).await?;
    }
    let overview = app.imports().await?;
    let tally: oriel_wire::NoticeTally = app.runtime.get("/api/notices/counts").await?;
    let changed = ask.running.is_some() || overview.running.is_some();
    let shows = context! {
        next => live_address(&app, &overview).await,
        unread => tally.unopened,
        changed,
        ..shows(&overview, None, &Form::default(), None)
    };
    Ok(Page::new("live/imports", "", shows))
}

/// Starts an import.
pub(crate) async fn start(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let request = ImportRequest {
        formats: form.all("format").map(str::to_owned).collect(),
        paths: form
            .get("paths")
            .map(|text| {
                text.lines()
                    .map(str::trim)
                    .filter(|path| !path.is_empty())
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default(),
        from: form.get("from").map(str::to_owned),
        to: form.get("to").map(str::to_owned),
        force: form.get("force").is_some(),
        dry_run: form.get("dry_run").is_some(),
    };
    let started = app
        .runtime
        .tell::<ImportStarted>(Method::POST, "/control/imports", &request, &visitor.actor())
        .await;
    match started {
        Ok(_) => Ok(Redirect::to("/imports").into_response()),
        Err(AskError::Refused { status: StatusCode::BAD_REQUEST, problem, .. }) => {
            let overview = app.imports().await?;
            let shows = shows(&overview, None, &form, Some(&problem));
            let page = Page::new("imports", "Imports", shows);
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Stops an import.
pub(crate) async fn cancel(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Redirect, PageError> {
    let id = form.get("id").and_then(|id| id.parse::<u64>().ok());
    let id = id.ok_or_else(|| PageError::Bad("the form names no import".to_owned()))?;
    let path = format!("/control/imports/{id}");
    let status: ImportStatus =
        app.runtime.tell(Method::DELETE, &path, &serde_json::json!({}), &visitor.actor()).await?;
    if let Some(session) = &visitor.session {
        let text = format!("Stopping; the {} events that were stored stay.", status.imported);
        app.sessions.say(session, Said { ok: true, text });
    }
    Ok(Redirect::to("/imports"))
}

fn shows(
    overview: &ImportOverview,
    one: Option<&ImportStatus>,
    form: &Form,
    problem: Option<&str>,
) -> minijinja::Value {
    let formats: Vec<_> = FORMATS
        .iter()
        .map(|&(id, label)| context! { id, label, chosen => form.all("format").any(|one| one == id) })
        .collect();
    context! {
        overview => shown(overview),
        one => one.map(shown),
        formats,
        given => context! {
            paths => form.get("paths"), from => form.get("from"), to => form.get("to"),
            force => form.get("force").is_some(), dry_run => form.get("dry_run").is_some(),
        },
        problem,
    }
}

async fn live_address(app: &App, overview: &ImportOverview) -> String {
    match overview.running {
        Some(_) => "/live/imports?running=1".to_owned(),
        None => {
            let newest = app.newest_event().await.unwrap_or_default();
            format!("/live/imports?after={newest}")
        }
    }
}

impl App {
    async fn imports(&self) -> Result<ImportOverview, PageError> {
        Ok(self.runtime.get("/control/imports").await?)
    }

    async fn import(&self, id: u64) -> Result<ImportStatus, PageError> {
        Ok(self.runtime.get(&format!("/control/imports/{id}")).await?)
    }
}
