//! Sync: which workspaces are kept equal with which folders, how each stands, and what a person is asked.

pub(crate) mod conflict;
mod hold;
mod row;

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use oriel_wire::sync::{
    ConfirmSync, PauseReason, StartSync, StopSync, SyncCode, SyncFailed, SyncList, SyncStatus,
    SyncVerified, VerifySync,
};
use serde::Serialize;

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::live::After;
use crate::live::regions::Regions;
use crate::page::{Page, shown};
use hold::Knows;
pub(crate) use hold::WATCHES_MAX;
use row::Row;

const HERE: &str = "/sync";

/// A session that a form can name.
#[derive(Debug, Serialize)]
struct Choice {
    id: String,
    name: String,
    workspace: String,
}

/// What a form for a new sync holds.
#[derive(Debug, Default, Serialize)]
struct Given {
    session: String,
    folder: String,
    gitignore: bool,
    merge: bool,
    /// That the folder may have something in it: asked where it has, and kept from then on.
    non_empty: Option<bool>,
    /// That the folder may be one that cannot be watched.
    polling: Option<bool>,
}

/// Shows every sync.
pub(crate) async fn page(State(app): Shared) -> Result<Page, PageError> {
    app.sync_page(Given::default(), None, StatusCode::OK).await
}

/// Shows them anew, once something has happened.
pub(crate) async fn news(
    State(app): Shared,
    Query(after): Query<After>,
    Query(knows): Query<Knows>,
) -> Result<Page, PageError> {
    let held = app.hold_sync(&after, &knows).await?;
    let regions = Regions::new("/live/sync", &after, 0).keep("shows", &held.digest);
    let regions = match &held.list {
        Some(list) => regions
            .part("sync-none", "sync/none", context! { is_empty => list.syncs.is_empty() })
            .list("sync-list", "sync/part", parts(list, &app.gateway.names().await)),
        None => regions,
    };
    Ok(Page::new("live/frame", "", context! { own => true }).regions(regions))
}

/// Does what a form says.
pub(crate) async fn act(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let action = form.get("action").unwrap_or_default();
    if action == "start" {
        return app.start_sync(&visitor, &form).await;
    }
    let session_id = form.get("session");
    let session_id = session_id
        .ok_or_else(|| PageError::Bad("the form names no session".to_owned()))?
        .to_owned();
    let done = match action {
        "stop" | "forget" => app.stop_sync(&visitor, session_id, action == "forget").await,
        "confirm" | "restore" => {
            let reason = form.get("reason").and_then(reason_of);
            let reason =
                reason.ok_or_else(|| PageError::Bad("the form names no reason".to_owned()))?;
            let command = ConfirmSync { session_id, reason, restore: action == "restore" };
            let told = app.tell_sync::<SyncStatus>(&visitor, "confirm", &command).await;
            told.map(|_| (true, "It goes on.".to_owned()))
        }
        "verify" => app.verify_sync(&visitor, session_id).await,
        _ => return Err(PageError::Bad("the form names nothing to do".to_owned())),
    };
    match done {
        Ok((is_good, said)) => app.tell_visitor(&visitor, is_good, said),
        Err(error) => app.tell_visitor(&visitor, false, refusal(error)?.1),
    }
    Ok(Redirect::to(HERE).into_response())
}

/// Returns what is shown of each sync: its head, with what a person does, and below that what changes all
/// the time, so that a button is not made anew under somebody's finger.
fn parts(list: &SyncList, names: &BTreeMap<String, String>) -> Vec<(String, Value)> {
    let rows = list.syncs.iter().map(|status| Row::of(status, names));
    rows.flat_map(|row| {
        let part = |is_head: bool| (row.element(is_head), context! { row => shown(&row), is_head });
        [part(true), part(false)]
    })
    .collect()
}

/// Reads a reason as the wire writes it.
fn reason_of(word: &str) -> Option<PauseReason> {
    serde_json::from_value(word.into()).ok()
}

/// Returns what the service refused, in its words. What is no refusal of it stays an error.
fn refusal(error: AskError) -> Result<(Option<SyncCode>, String), PageError> {
    match error {
        AskError::Refused { status, problem, body }
            if status.is_client_error() && status != StatusCode::UNAUTHORIZED =>
        {
            let failed = serde_json::from_slice::<SyncFailed>(&body).ok();
            Ok((failed.map(|failed| failed.code), problem))
        }
        AskError::Refused { problem, body, .. } if is_failure(&body) => {
            Ok((Some(SyncCode::System), problem))
        }
        error => Err(error.into()),
    }
}

/// Returns whether the service says that it failed, which is as good as a refusal to who reads it.
fn is_failure(body: &[u8]) -> bool {
    serde_json::from_slice::<SyncFailed>(body).is_ok()
}

impl App {
    /// Returns every sync; none at all where nothing stands beside the runtime that syncs.
    async fn syncs(&self) -> Result<Option<SyncList>, AskError> {
        match self.runtime.get("/control/sync").await {
            Ok(list) => Ok(Some(list)),
            Err(AskError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn tell_sync<T: serde::de::DeserializeOwned>(
        &self,
        visitor: &Visitor,
        command: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, AskError> {
        let path = format!("/control/sync/{command}");
        self.runtime.tell(Method::POST, &path, body, &visitor.actor()).await
    }

    async fn sync_page(
        &self,
        given: Given,
        problem: Option<String>,
        status: StatusCode,
    ) -> Result<Page, PageError> {
        let Some(list) = self.syncs().await? else {
            return Ok(Page::new("sync/off", "Sync", context! {}));
        };
        let live = format!("/live/sync?after=0&shows={}", hold::digest_of(&list));
        let names = self.gateway.names().await;
        let items: Vec<Value> =
            parts(&list, &names).into_iter().map(|(id, shows)| context! { id, ..shows }).collect();
        let shows = context! {
            items,
            is_empty => list.syncs.is_empty(),
            choices => self.sync_choices(&list).await.map(|choices| shown(&choices)),
            given => shown(&given),
            problem,
            own => true,
        };
        Ok(Page::new("sync", "Sync", shows).status(status).live(live))
    }

    /// Returns the sessions that are not synced yet; nothing where the gateway does not tell.
    async fn sync_choices(&self, list: &SyncList) -> Option<Vec<Choice>> {
        if !self.gateway.is_on() {
            return None;
        }
        // Without the list one still types the session's id.
        let sessions = self.gateway.sessions(false).await.ok()?;
        let is_free = |id: &str| list.syncs.iter().all(|status| status.session_id != id);
        let free = sessions.into_iter().filter(|session| is_free(&session.id));
        let choices = free.map(|session| Choice {
            id: session.id,
            name: session.name,
            workspace: session.workspace,
        });
        Some(choices.collect())
    }

    async fn start_sync(&self, visitor: &Visitor, form: &Form) -> Result<Response, PageError> {
        let field = |name: &str| form.get(name).unwrap_or_default().to_owned();
        let ticked = |name: &str| form.get(name).is_some();
        let given = Given {
            session: field("session"),
            folder: field("folder"),
            gitignore: ticked("gitignore"),
            merge: ticked("merge"),
            non_empty: ticked("non_empty").then_some(true),
            polling: ticked("polling").then_some(true),
        };
        if given.session.is_empty() || given.folder.is_empty() {
            let problem = "say which session and which folder".to_owned();
            let page = self.sync_page(given, Some(problem), StatusCode::UNPROCESSABLE_ENTITY);
            return Ok(page.await?.into_response());
        }
        let command = StartSync {
            session_id: given.session.clone(),
            local_dir: given.folder.clone(),
            confirm_non_empty: given.non_empty.unwrap_or_default(),
            allow_polling: given.polling.unwrap_or_default(),
            use_gitignore: given.gitignore,
            merge_unasked: given.merge,
        };
        match self.tell_sync::<SyncStatus>(visitor, "start", &command).await {
            Ok(status) => {
                let said =
                    format!("{} and {} are kept equal.", status.session_id, status.local_dir);
                self.tell_visitor(visitor, true, said);
                Ok(Redirect::to(HERE).into_response())
            }
            Err(error) => {
                let (code, problem) = refusal(error)?;
                // What is asked back stays in the form, not ticked: saying so is the person's.
                let asks = |known: Option<bool>, asked| {
                    known.or_else(|| (code == Some(asked)).then_some(false))
                };
                let given = Given {
                    non_empty: asks(given.non_empty, SyncCode::FolderNotEmpty),
                    polling: asks(given.polling, SyncCode::FolderNotWatched),
                    ..given
                };
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Ok(self.sync_page(given, Some(problem), status).await?.into_response())
            }
        }
    }

    async fn stop_sync(
        &self,
        visitor: &Visitor,
        session_id: String,
        forget: bool,
    ) -> Result<(bool, String), AskError> {
        let command = StopSync { session_id, forget };
        let status: SyncStatus = self.tell_sync(visitor, "stop", &command).await?;
        let forgot = if forget { " and forgotten" } else { "" };
        let said = format!("{} is not synced any more{forgot}.", status.session_id);
        Ok((true, said + " No file was removed."))
    }

    async fn verify_sync(
        &self,
        visitor: &Visitor,
        session_id: String,
    ) -> Result<(bool, String), AskError> {
        let command = VerifySync { session_id };
        let found: SyncVerified = self.tell_sync(visitor, "verify", &command).await?;
        if found.is_equal {
            return Ok((true, format!("Both sides are equal in {} paths.", found.paths)));
        }
        let named: Vec<&str> =
            found.differing.iter().take(row::NAMED_MAX).map(String::as_str).collect();
        let listed = u64::try_from(found.differing.len()).unwrap_or(u64::MAX);
        let count = listed.saturating_add(found.more);
        let paths = found.paths;
        Ok((false, format!("They differ in {count} of {paths} paths: {}", named.join(", "))))
    }
}
