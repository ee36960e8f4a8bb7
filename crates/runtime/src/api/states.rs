//! How sessions stand, which of them wait for a person, and how much of agents' limits is used.

use axum::extract::{Path, State};
use axum::response::Response;
use oriel_wire::{Limits, Problem, SessionState, WaitingSessions};

use super::Shared;
use super::error::ApiError;
use super::reply::found;
use crate::state;

/// Shows how a session stands: what it does, whom it waits for, and whether it lives.
#[utoipa::path(get, path = "/api/sessions/{id}/state", tag = "sessions",
    params(("id" = String, Path)),
    responses((status = 200, body = SessionState), (status = 404, body = Problem)))]
pub(super) async fn one(State(app): Shared, Path(id): Path<String>) -> Result<Response, ApiError> {
    let found_state = state::of_session(&app, app.store()?, &id).await?;
    let (session, state, _) = found_state.ok_or(ApiError::NotFound("Session not found".into()))?;
    Ok(found(&state::state_row(session, state, app.now_ms())))
}

/// Lists the sessions that wait for a person, those that began to wait last first.
#[utoipa::path(get, path = "/api/waiting", tag = "sessions",
    responses((status = 200, body = WaitingSessions)))]
pub(super) async fn waiting(State(app): Shared) -> Result<Response, ApiError> {
    let now_ms = app.now_ms();
    let sessions = state::waiting(&app, app.store()?).await?;
    let sessions: Vec<SessionState> = sessions
        .into_iter()
        .map(|(session, state)| state::state_row(session, state, now_ms))
        .collect();
    Ok(found(&WaitingSessions { total: sessions.len(), sessions }))
}

/// Shows how much of each agent's limits is used, as the agents told. Nothing is guessed.
#[utoipa::path(get, path = "/api/limits", tag = "statistics",
    responses((status = 200, body = Limits)))]
pub(super) async fn limits(State(app): Shared) -> Result<Response, ApiError> {
    let notes = app.store()?.agent_notes().await?;
    Ok(found(&Limits { limits: state::limits(&notes, app.now()) }))
}
