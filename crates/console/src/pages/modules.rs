//! Modules: which there are, how they stand, and what may be done with each.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::Problem;
use oriel_wire::module::ModuleList;

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::mount::is_id;
use crate::page::{Page, shown};
use crate::sessions::Said;

/// What may be done with a module, as the launcher calls it.
const ACTIONS: [&str; 4] = ["sign", "deny", "restart", "stop"];

/// Lists the modules.
pub(crate) async fn list(State(app): Shared) -> Result<Page, PageError> {
    let list = app.modules().await?;
    let folder = app.config.data_dir.join("modules").display().to_string();
    Ok(Page::new("modules", "Modules", context! { list => shown(&list), folder }))
}

/// Leads to a module's first page.
pub(crate) async fn to_root(Path(id): Path<String>) -> Result<Redirect, PageError> {
    if !is_id(&id) {
        return Err(PageError::NotFound("there is no such module".to_owned()));
    }
    Ok(Redirect::to(&format!("/modules/{id}/")))
}

/// Does something with a module.
pub(crate) async fn act(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let id = form.get("id").filter(|id| is_id(id));
    let id = id.ok_or_else(|| PageError::Bad("the form names no module".to_owned()))?;
    let action = form.get("action").filter(|action| ACTIONS.contains(action));
    let action = action.ok_or_else(|| PageError::Bad("the form names no action".to_owned()))?;
    let path = format!("/control/modules/{id}/{action}");
    let told = app
        .runtime
        .tell::<Problem>(Method::POST, &path, &serde_json::json!({}), &visitor.actor())
        .await;
    let said = match told {
        // Done or refused, the launcher says it in words.
        Ok(said) => Said { ok: true, text: said.error.into_owned() },
        Err(AskError::Refused { problem, .. }) => Said { ok: false, text: problem },
        Err(error) => return Err(error.into()),
    };
    if let Some(session) = &visitor.session {
        app.sessions.say(session, said);
    }
    Ok(Redirect::to("/modules").into_response())
}

impl App {
    /// Returns the modules; none where the runtime has no launcher beside it.
    pub(crate) async fn modules(&self) -> Result<ModuleList, PageError> {
        match self.runtime.get("/control/modules").await {
            Ok(list) => Ok(list),
            Err(AskError::Refused { status: StatusCode::NOT_FOUND, .. }) => {
                Ok(ModuleList { modules: vec![] })
            }
            Err(error) => Err(error.into()),
        }
    }
}
