//! Modules: what the launcher beside this runtime does for those who may steer the daemon.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::Response;
use oriel_wire::Problem;
use oriel_wire::module::ModuleList;

use super::Shared;
use super::error::ApiError;
use crate::app::App;

/// Lists the modules and tells how they do.
#[utoipa::path(get, path = "/control/modules", tag = "control",
    responses((status = 200, body = ModuleList), (status = 404, body = Problem)))]
pub(super) async fn list(State(app): Shared) -> Result<Response, ApiError> {
    ask(&app, Request::get("/modules")).await
}

/// Tells how a module that runs is reached.
#[utoipa::path(get, path = "/control/modules/{id}/reach", tag = "control",
    params(("id" = String, Path)),
    responses((status = 200), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn reach(
    State(app): Shared,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    ask(&app, Request::get(format!("/modules/{}/reach", known(&id)?))).await
}

/// Signs, denies, restarts or stops a module.
#[utoipa::path(post, path = "/control/modules/{id}/{action}", tag = "control",
    params(("id" = String, Path), ("action" = String, Path, description = "`sign`, `deny`, `restart` or `stop`")),
    responses((status = 200, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 423, body = Problem)))]
pub(super) async fn act(
    State(app): Shared,
    Path((id, action)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    ask(&app, Request::post(format!("/modules/{}/{}", known(&id)?, known(&action)?))).await
}

async fn ask(app: &App, request: axum::http::request::Builder) -> Result<Response, ApiError> {
    let launcher = app.launcher.get().ok_or_else(|| {
        ApiError::NotFound("this runtime has no launcher beside it, and so no modules".into())
    })?;
    let request = request.body(Body::empty()).map_err(|_| nothing())?;
    launcher.send(request).await.map_err(|error| ApiError::Busy(error.to_string().into()))
}

/// Returns a name that can stand in an address.
fn known(name: &str) -> Result<&str, ApiError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) {
        Ok(name)
    } else {
        Err(nothing())
    }
}

fn nothing() -> ApiError {
    ApiError::NotFound(
        "there is no such module; GET /control/modules lists those that there are".into(),
    )
}
