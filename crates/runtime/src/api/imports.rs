//! Importing histories, and the archive of them.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use oriel_wire::Problem;
use oriel_wire::imports::{
    ArchiveList, ArchiveReport, ImportOverview, ImportRequest, ImportStarted, ImportStatus,
    RestoreReport, RestoreRequest,
};

use super::Shared;
use super::error::ApiError;
use super::reply::{found, json, read_body};
use crate::app::App;
use crate::imports::{Run, deleted_soon};

/// The longest body that asks for an import.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Imports histories.
///
/// It is answered at once; `GET /control/imports/{id}` tells how it goes on.
#[utoipa::path(post, path = "/control/imports", tag = "control", request_body = ImportRequest,
    responses((status = 202, body = ImportStarted), (status = 400, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn start(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let request = if body.is_empty() { ImportRequest::default() } else { parse(&body)? };
    let id = app.imports.start(&app, &request)?;
    Ok(json(StatusCode::ACCEPTED, &ImportStarted { id }))
}

/// Tells of the import that runs, of the last ones, and of the histories that are known.
#[utoipa::path(get, path = "/control/imports", tag = "control",
    responses((status = 200, body = ImportOverview)))]
pub(super) async fn overview(State(app): Shared) -> Result<Response, ApiError> {
    let files = app.store()?.imported_files().await?;
    let (soon, days) = deleted_soon(&app, &files).await?;
    Ok(found(&ImportOverview {
        files: files.len() as u64,
        files_gone: files.iter().filter(|file| file.gone_at.is_some()).count() as u64,
        deleted_soon: soon,
        deleted_after_days: Some(days),
        ..app.imports.overview(&app)
    }))
}

/// Tells how an import stands.
#[utoipa::path(get, path = "/control/imports/{id}", tag = "control",
    params(("id" = u64, Path)),
    responses((status = 200, body = ImportStatus), (status = 404, body = Problem)))]
pub(super) async fn one(State(app): Shared, Path(id): Path<String>) -> Result<Response, ApiError> {
    Ok(found(&run(&app, &id)?.status(true)))
}

/// Stops an import. What it stored stays.
#[utoipa::path(delete, path = "/control/imports/{id}", tag = "control",
    params(("id" = u64, Path)),
    responses((status = 202, body = ImportStatus), (status = 404, body = Problem)))]
pub(super) async fn cancel(
    State(app): Shared,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let run = run(&app, &id)?;
    run.cancel();
    Ok(json(StatusCode::ACCEPTED, &run.status(false)))
}

/// Lists the histories of which the archive holds copies.
#[utoipa::path(get, path = "/control/archive", tag = "control",
    responses((status = 200, body = ArchiveList)))]
pub(super) async fn archive(State(app): Shared) -> Result<Response, ApiError> {
    Ok(found(&app.archive.list(&app, app.store()?).await?))
}

/// Writes copies back to their places, or below another folder. What is there is left alone.
#[utoipa::path(post, path = "/control/archive/restore", tag = "control",
    request_body = RestoreRequest,
    responses((status = 200, body = RestoreReport), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn restore(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let RestoreRequest { path, to } = parse(&body)?;
    let (path, to) = (PathBuf::from(path), to.map(PathBuf::from));
    if !path.is_absolute() || to.as_ref().is_some_and(|to| !to.is_absolute()) {
        let problem = "`path` and `to` must be absolute: the daemon has its own folder";
        return Err(ApiError::Bad(problem.into()));
    }
    let report = app.archive.restore(app.store()?, path, to).await?;
    if report.written.is_empty() && report.skipped.is_empty() {
        let problem = "the archive has no copy of it; `oriel archive list` tells what it has";
        return Err(ApiError::NotFound(problem.into()));
    }
    Ok(found(&report))
}

/// Reads the whole archive and compares every piece with what was kept.
#[utoipa::path(post, path = "/control/archive/verify", tag = "control",
    responses((status = 200, body = ArchiveReport)))]
pub(super) async fn verify_archive(State(app): Shared) -> Result<Response, ApiError> {
    Ok(found(&app.archive.verify(app.store()?).await?))
}

fn run(app: &App, id: &str) -> Result<Arc<Run>, ApiError> {
    let run = id.parse().ok().and_then(|id| app.imports.find(id));
    run.ok_or_else(|| {
        ApiError::NotFound(format!("there is no import {id}; it may be too long ago").into())
    })
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::Bad(format!("the request cannot be read: {error}").into()))
}
