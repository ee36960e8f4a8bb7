//! Settings, as a page shows and changes them. What runs stays as it is until a restart.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use oriel_wire::settings::{SettingChange, SettingChanged, SettingsList};
use oriel_wire::{FieldError, Invalid, Problem};

use super::Shared;
use super::error::ApiError;
use super::reply::{found, parsed_body};
use super::setup::off_thread;
use crate::settings::{self, WriteError};

/// Lists every setting: what runs, where that came from, and what the file says by now.
#[utoipa::path(get, path = "/control/settings", tag = "control",
    responses((status = 200, body = SettingsList), (status = 404, body = Problem)))]
pub(super) async fn list(State(app): Shared) -> Result<Response, ApiError> {
    let app = Arc::clone(&app);
    let list =
        off_thread(move || settings::list(&app.config.setup, app.home.folder(), &app.config.clock));
    Ok(found(&list.await?.ok_or_else(no_settings)?))
}

/// Writes one key into the file of settings, or takes it out.
///
/// The whole file is checked first. It takes effect at the next start; a flag or a variable that comes
/// before the file is told of.
#[utoipa::path(post, path = "/control/settings", tag = "control", request_body = SettingChange,
    responses((status = 200, body = SettingChanged), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Invalid)))]
pub(super) async fn change(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let SettingChange { key, value } = parsed_body(body).await?;
    let given = app.config.setup.given.clone().ok_or_else(no_settings)?;
    let (app, name) = (Arc::clone(&app), key.clone());
    let written =
        off_thread(move || settings::write(&given, app.home.folder(), &name, value.as_deref()));
    let written = written.await?.map_err(|error| refusal(&error, &key))?;
    tracing::info!(key, changed = written.changed, "a setting was written");
    Ok(found(&SettingChanged {
        key,
        file_value: written.file_value,
        next_value: written.next_value,
        overridden_by: written.overridden_by.map(|origin| origin.to_string()),
        changed: written.changed,
        takes_effect: "restart".to_owned(),
        file: written.path.display().to_string(),
    }))
}

fn no_settings() -> ApiError {
    ApiError::NotFound("this runtime was not started from settings, so it has none to show".into())
}

fn refusal(error: &WriteError, key: &str) -> ApiError {
    let message = error.to_string();
    match error {
        WriteError::Unknown { .. } | WriteError::Unfit(_) => {
            let field = error.key().unwrap_or(key).to_owned();
            ApiError::Fields(vec![FieldError { field: field.into(), message: message.into() }])
        }
        WriteError::Busy(_) => ApiError::Busy(message.into()),
        WriteError::Io { source, .. } => ApiError::file(source, message),
        WriteError::Broken(_) | WriteError::TooLong(_) | WriteError::Layout { .. } => {
            ApiError::Conflict(message.into())
        }
    }
}
