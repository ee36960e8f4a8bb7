//! Granted folders: which page may use which, and taking that back. Granting is not done here: who has
//! the token may change what Oriel does, and still not open a person's folders to a page.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use oriel_hostfs::{FileError, Grant, Grants};
use oriel_wire::Problem;
use oriel_wire::grants::{GrantList, GrantRevoke, GrantRevoked};

use super::Shared;
use super::audit::Detail;
use super::error::ApiError;
use super::reply::{found, read_body};
use super::setup::off_thread;
use crate::app::App;

/// The longest body that names a grant.
const BODY_BYTES_MAX: usize = 4 * 1024;

/// Lists the folders that pages may use.
#[utoipa::path(get, path = "/control/grants", tag = "control",
    responses((status = 200, body = GrantList)))]
pub(super) async fn list(State(app): Shared) -> Result<Response, ApiError> {
    let folder = app.home.folder().to_owned();
    let all = off_thread(move || {
        let all = Grants::of_data_dir(&folder)?.all()?;
        Ok::<_, FileError>(all.iter().map(Grant::row).collect())
    });
    Ok(found(&match all.await? {
        Ok(grants) => GrantList { grants, problem: None },
        Err(error) => GrantList { grants: Vec::new(), problem: Some(error.to_string()) },
    }))
}

/// Takes a grant back. Pages lose the folder at once.
#[utoipa::path(post, path = "/control/grants/revoke", tag = "control", request_body = GrantRevoke,
    responses((status = 200, body = GrantRevoked), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(super) async fn revoke(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let GrantRevoke { id } = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Bad(format!("the request cannot be read: {error}").into()))?;
    let revoked = take_back(&app, id).await?;
    let row = revoked.row();
    let detail = format!("{} may not use {} any more", row.label, row.root);
    tracing::info!(label = row.label, root = row.root, "a granted folder was taken back");
    let mut response = found(&GrantRevoked { revoked: row });
    response.extensions_mut().insert(Detail(detail));
    Ok(response)
}

async fn take_back(app: &App, id: String) -> Result<Grant, ApiError> {
    let folder = app.home.folder().to_owned();
    let revoked = off_thread(move || {
        let grants = Grants::of_data_dir(&folder)?;
        let grant = grants.all()?.into_iter().find(|grant| grant.id.0 == id);
        // Somebody else may take it back at the same moment.
        let was_there = grants.revoke(&id)?;
        Ok(grant.filter(|_| was_there))
    });
    let conflict = |error: FileError| ApiError::Conflict(error.to_string().into());
    let revoked = revoked.await?.map_err(conflict)?;
    revoked.ok_or_else(|| ApiError::NotFound("no folder is granted under that name".into()))
}

#[cfg(test)]
mod tests;
