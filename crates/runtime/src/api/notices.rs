//! Notices for a person: listed, counted, looked at, put off and done with.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use oriel_model::{Notice, NoticeId, Priority};
use oriel_store::NoticeFilter;
use oriel_wire::{NoticeList, NoticeRow, NoticeTally, Problem, SnoozeRequest};

use super::Shared;
use super::error::ApiError;
use super::params::Params;
use super::reply::{found, read_body};
use crate::app::{App, Gate};
use crate::notices::{notice_row, of_blocker, tell_counts};
use crate::zone::{self, Edge};

/// The longest body that says until when.
const BODY_BYTES_MAX: usize = 4 * 1024;

/// So many notices are listed unless told.
const USUAL: usize = 50;

/// Lists notices, the newest first, each with how it is to reach its person and why.
///
/// While something blocks the runtime, these are what blocks it, and their numbers are negative.
#[utoipa::path(get, path = "/api/notices", tag = "notices", params(
        ("state" = Option<String>, Query, description = "`open` (unless told): not done with, put off or expired; or `all`"),
        ("limit" = Option<i64>, Query, description = "50 unless told, at most 500"),
        ("before" = Option<i64>, Query, description = "The `next` of the page before")),
    responses((status = 200, body = NoticeList), (status = 400, body = Problem)))]
pub(super) async fn list(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let filter = match params.text("state").as_deref() {
        None | Some("open") => NoticeFilter::Open,
        Some("all") => NoticeFilter::All,
        Some(_) => return Err(ApiError::Bad("`state` must be `open` or `all`".into())),
    };
    let row = notice_row(&app);
    let Gate::Open(store) = &app.gate else {
        let notices = blockers(&app).into_iter().map(row).collect();
        return Ok(found(&NoticeList { notices, next: None }));
    };
    let limit = params.limit("limit", USUAL);
    let before = params.int("before").map(NoticeId);
    let page = store.notices(None, filter, app.now(), limit, before).await?;
    let notices = page.notices.into_iter().map(row).collect();
    Ok(found(&NoticeList { notices, next: page.next.map(|id| id.0) }))
}

/// Counts the open notices.
#[utoipa::path(get, path = "/api/notices/counts", tag = "notices",
    responses((status = 200, body = NoticeTally)))]
pub(super) async fn counts(State(app): Shared) -> Result<Response, ApiError> {
    let Gate::Open(store) = &app.gate else {
        let blockers = blockers(&app);
        let count = |priority| {
            blockers.iter().filter(|notice| notice.posted.priority == priority).count() as u64
        };
        let unopened = blockers.len() as u64;
        let [low, medium, high] = Priority::ALL.map(count);
        return Ok(found(&NoticeTally { unopened, low, medium, high }));
    };
    let counts = store.notice_counts(None, app.now()).await?;
    Ok(found(&NoticeTally {
        unopened: counts.unopened,
        low: counts.low,
        medium: counts.medium,
        high: counts.high,
    }))
}

/// Notes that somebody looked at a notice.
#[utoipa::path(post, path = "/control/notices/{id}/open", tag = "notices",
    params(("id" = i64, Path)),
    responses((status = 200, body = NoticeRow), (status = 404, body = Problem)))]
pub(super) async fn open(State(app): Shared, Path(id): Path<String>) -> Result<Response, ApiError> {
    let notice = app.store()?.open_notice(number(&id)?, app.now()).await?;
    changed(&app, notice).await
}

/// Puts a notice off.
#[utoipa::path(post, path = "/control/notices/{id}/snooze", tag = "notices",
    params(("id" = i64, Path)), request_body = SnoozeRequest,
    responses((status = 200, body = NoticeRow), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn snooze(
    State(app): Shared,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, ApiError> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let request: SnoozeRequest = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Bad(format!("the request cannot be read: {error}").into()))?;
    let now = app.now();
    let until = match (&request.until, request.minutes) {
        (Some(until), None) => zone::moment(until, &app.config.clock.zone(), Edge::Start)
            .map_err(|error| ApiError::Bad(error.to_string().into()))?,
        (None, Some(minutes)) => now.saturating_add(i64::from(minutes) * 60),
        _ => return Err(ApiError::Bad("give either `until` or `minutes`".into())),
    };
    let notice = app.store()?.snooze_notice(number(&id)?, until, now).await?;
    changed(&app, notice).await
}

/// Notes that a notice is done with.
#[utoipa::path(post, path = "/control/notices/{id}/handle", tag = "notices",
    params(("id" = i64, Path)),
    responses((status = 200, body = NoticeRow), (status = 404, body = Problem)))]
pub(super) async fn handle(
    State(app): Shared,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let notice = app.store()?.handle_notice(number(&id)?, app.now()).await?;
    changed(&app, notice).await
}

async fn changed(app: &App, notice: Option<Notice>) -> Result<Response, ApiError> {
    let notice = notice.ok_or_else(none)?;
    tell_counts(app).await?;
    Ok(found(&notice_row(app)(notice)))
}

fn number(id: &str) -> Result<NoticeId, ApiError> {
    id.parse().map(NoticeId).map_err(|_| none())
}

fn none() -> ApiError {
    ApiError::NotFound(
        "there is no such notice; GET /api/notices lists those that there are".into(),
    )
}

/// Returns what blocks the runtime, as notices that nobody can keep.
fn blockers(app: &App) -> Vec<Notice> {
    let notices = (1..).zip(app.blockers()).map(|(nth, blocker)| Notice {
        id: NoticeId(-nth),
        version: 1,
        posted: of_blocker(&blocker).fitted(),
        created_at: app.started_at,
        snoozed_until: None,
        opened_at: None,
        handled_at: None,
    });
    notices.collect()
}
