//! The readiness gate: what keeps the daemon from taking events, and the safe things to do about each.
//! Nothing mends itself, and the gate is left by a restart alone.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::control::{DaemonPhase, DaemonStatus, Readiness};
use oriel_wire::readiness::{ActionReport, ActionRequest};
use serde::Deserialize;

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::page::{Page, shown};
use crate::pages::session::own_path;
use crate::sessions::Said;

/// What an action says on its button.
const ACTIONS: [(&str, &str); 8] = [
    ("inspect", "Look at it"),
    ("sign", "Sign it"),
    ("deny", "Deny it"),
    ("create-key", "Create the key"),
    ("back-up", "Back up now"),
    ("restore-backup", "Restore this backup"),
    ("restrict", "Take the permissions away"),
    ("restart", "Restart the daemon"),
];

/// After so many seconds a daemon that is ready is no longer waited for.
const RESTART_SECONDS_MAX: i64 = 5;

/// Shows what blocks.
pub(crate) async fn page(State(app): Shared) -> Result<Page, PageError> {
    let readiness = app.runtime.get::<Readiness>("/control/readiness").await?;
    Ok(shows(&readiness, None))
}

/// Does something about a blocker.
pub(crate) async fn act(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let (Some(id), Some(action)) = (form.get("id"), form.get("action")) else {
        return Err(PageError::Bad("the form names no blocker, or nothing to do".to_owned()));
    };
    if !ACTIONS.iter().any(|(word, _)| *word == action) {
        return Err(PageError::Bad("the form names nothing that can be done".to_owned()));
    }
    if action == "restart" {
        return restart(&app, &visitor, "/").await;
    }
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let request = ActionRequest {
        path: form.get("path").map(str::to_owned),
        digest: form.get("digest").map(str::to_owned),
    };
    let path = format!("/control/readiness/{id}/{action}");
    let told =
        app.runtime.tell::<ActionReport>(Method::POST, &path, &request, &visitor.actor()).await;
    match told {
        Ok(report) if report.inspection.is_some() => {
            let readiness = app.runtime.get::<Readiness>("/control/readiness").await?;
            Ok(shows(&readiness, Some((form.get("id").unwrap_or_default(), &report)))
                .into_response())
        }
        Ok(report) => app.said(&visitor, true, report.message),
        Err(AskError::Refused { status, problem, .. }) if status.is_client_error() => {
            app.said(&visitor, false, problem)
        }
        Err(error) => Err(error.into()),
    }
}

/// Starts the daemon again.
pub(crate) async fn restart_daemon(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    restart(&app, &visitor, own_path(form.get("back"))).await
}

async fn restart(app: &App, visitor: &Visitor, back: &str) -> Result<Response, PageError> {
    let before = app.runtime.get::<DaemonStatus>("/control/status").await?;
    let told = app
        .runtime
        .tell::<serde_json::Value>(
            Method::POST,
            "/control/restart",
            &serde_json::json!({}),
            &visitor.actor(),
        )
        .await;
    match told {
        Ok(_) => {}
        Err(AskError::Refused { status: StatusCode::CONFLICT, problem, .. }) => {
            return app.said(visitor, false, problem);
        }
        Err(error) => return Err(error.into()),
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("since", &before.started_at)
        .append_pair("uptime", &before.uptime_seconds.to_string())
        .append_pair("asked", &app.config.clock.now().as_second().to_string())
        .append_pair("back", back)
        .finish();
    // The page is the answer itself: nobody may be listening any more when a browser follows a
    // redirect.
    let next = format!("/restarting?{query}");
    Ok(waits(&next).header("hx-push-url", &next).into_response())
}

/// From when the daemon was that is being restarted, and where to go then.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Waiting {
    #[serde(default)]
    since: String,
    #[serde(default)]
    uptime: u64,
    /// When the restart was asked for, in Unix seconds.
    #[serde(default)]
    asked: i64,
    #[serde(default)]
    back: String,
}

/// Waits until the daemon is back, then leads on.
pub(crate) async fn restarting(
    State(app): Shared,
    Query(waiting): Query<Waiting>,
    uri: Uri,
) -> Result<Response, PageError> {
    let status = app.runtime.get::<DaemonStatus>("/control/status").await;
    if let Ok(status) = status {
        // Two starts within one second have one name; the younger has run for less long.
        let is_new = status.started_at != waiting.since || status.uptime_seconds < waiting.uptime;
        // Two that began within one second may not be told apart, so one that is still there after
        // this long is taken for the new one.
        let waited = app.config.clock.now().as_second().saturating_sub(waiting.asked);
        let is_new = is_new || RESTART_SECONDS_MAX <= waited;
        let to = match status.phase {
            DaemonPhase::Ready => own_path(Some(&waiting.back)),
            _ => "/readiness",
        };
        if is_new && status.phase != DaemonPhase::Draining {
            return Ok(Redirect::to(to).into_response());
        }
    }
    let next = uri.path_and_query().map_or("/restarting", |next| next.as_str());
    Ok(waits(next).into_response())
}

/// A page that asks at an address until the daemon is back.
fn waits(next: &str) -> Page {
    Page::new("restarting", "Restarting", context! { next }).status(StatusCode::ACCEPTED)
}

impl App {
    /// Says what came of something on the page of readiness.
    fn said(&self, visitor: &Visitor, ok: bool, text: String) -> Result<Response, PageError> {
        if let Some(session) = &visitor.session {
            self.sessions.say(session, Said { ok, text });
        }
        Ok(Redirect::to("/readiness").into_response())
    }
}

fn shows(readiness: &Readiness, looked_at: Option<(&str, &ActionReport)>) -> Page {
    let label = |word: &str| {
        let known = ACTIONS.iter().find(|(id, _)| *id == word);
        known.map_or(word, |(_, label)| label).to_owned()
    };
    let blockers = readiness.blockers.iter().map(|blocker| {
        let report = looked_at.filter(|(id, _)| *id == blocker.id).map(|(_, report)| report);
        let digest = report.and_then(|report| report.inspection.as_ref()).and_then(|inspection| {
            inspection
                .facts
                .iter()
                .find(|fact| fact.name == "digest")
                .map(|fact| fact.value.clone())
        });
        let actions = blocker
            .actions
            .iter()
            // Restarting is offered once, for all of them.
            .filter(|word| *word != "restart")
            .map(|word| context! { word, label => label(word) });
        context! {
            blocker => shown(blocker),
            actions => actions.collect::<Vec<_>>(),
            inspection => report.map(|report| shown(&report.inspection)),
            digest,
        }
    });
    let shows = context! {
        phase => readiness.phase.as_str(),
        is_ready => readiness.phase == DaemonPhase::Ready,
        restartable => readiness.restartable,
        blockers => blockers.collect::<Vec<_>>(),
    };
    Page::new("readiness", "Readiness", shows)
}
