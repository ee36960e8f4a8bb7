//! What the launcher does for others, as a service: the modules, how each is reached, and what may be
//! done with it. The runtime stands before it and says who may ask.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use oriel_link::Link;
use oriel_sign::Key;
use oriel_sign::module::{self, Module, Standing};
use oriel_wire::Problem;
use oriel_wire::module::{
    ModuleLink, ModuleList, ModuleReach, ModuleStanding, ModuleState, ModuleView,
};

use crate::modules::Modules;

/// What answers.
pub struct Service {
    /// The data directory.
    pub data_dir: PathBuf,
    /// What keeps modules running; nothing while the daemon is in its gate.
    pub modules: Option<Arc<Modules>>,
    /// Tells the time, as RFC 3339.
    pub now: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Something was not done.
struct Refusal(StatusCode, String);

type Shared = State<Arc<Service>>;

impl Service {
    /// Returns it as a router.
    pub fn router(self) -> Router {
        Router::new()
            .route("/modules", get(list))
            .route("/modules/{id}/reach", get(reach))
            .route("/modules/{id}/{action}", post(act))
            .with_state(Arc::new(self))
    }

    fn folder(&self) -> PathBuf {
        self.data_dir.join("modules")
    }

    fn open(&self, id: &str) -> Result<Module, Refusal> {
        let found =
            module::installed(&self.folder()).into_iter().flatten().find(|one| one.id == id);
        found
            .ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("no module {id:?} is installed")))
    }
}

async fn list(State(service): Shared) -> Json<ModuleList> {
    let modules = match &service.modules {
        Some(modules) => modules.list().await,
        None => {
            // Reading what is signed takes reading files.
            let at_rest = move || at_rest(&service);
            tokio::task::spawn_blocking(at_rest).await.unwrap_or_default()
        }
    };
    Json(ModuleList { modules })
}

/// Returns the modules as they are on disk, where none runs.
fn at_rest(service: &Service) -> Vec<ModuleView> {
    let folder = service.folder();
    let key = Key::open(&service.data_dir.join("keys")).ok().flatten();
    let view = |module: Module| ModuleView {
        standing: match module.standing(&folder, key.as_ref().map(Key::public)) {
            Standing::Unsigned => ModuleStanding::Unsigned,
            Standing::Stale { .. } => ModuleStanding::Stale,
            Standing::Signed { .. } => ModuleStanding::Signed,
            Standing::Denied { .. } => ModuleStanding::Denied,
        },
        state: ModuleState::Stopped,
        label: module.manifest.label.clone(),
        version: module.manifest.version.clone(),
        pid: None,
        port: None,
        navigation: module
            .manifest
            .navigation
            .iter()
            .map(|one| ModuleLink { label: one.label.clone(), path: one.path.clone() })
            .collect(),
        last_error: None,
        log_tail: String::new(),
        id: module.id,
    };
    module::installed(&folder).into_iter().flatten().map(view).collect()
}

async fn reach(State(service): Shared, Path(id): Path<String>) -> Response {
    let Some(modules) = &service.modules else {
        return said(
            StatusCode::CONFLICT,
            "modules run once the daemon has left its gate".to_owned(),
        );
    };
    match modules.reach(&id).await {
        Some(reach) => match reach.link {
            Link::Tcp(addr) => {
                Json(ModuleReach { addr: addr.to_string(), token: reach.token }).into_response()
            }
            _ => said(StatusCode::CONFLICT, format!("module {id} has no TCP address")),
        },
        None if modules.list().await.iter().any(|view| view.id == id) => {
            said(StatusCode::CONFLICT, format!("module {id} does not run"))
        }
        None => said(StatusCode::NOT_FOUND, format!("no module {id:?} is installed")),
    }
}

async fn act(State(service): Shared, Path((id, action)): Path<(String, String)>) -> Response {
    let done = match action.as_str() {
        "sign" => sign(&service, &id).await,
        "deny" => deny(&service, &id).await,
        "restart" | "stop" => steer(&service, &id, &action).await,
        _ => Err(Refusal(StatusCode::NOT_FOUND, format!("nothing is called {action:?} here"))),
    };
    match done {
        Ok(message) => said(StatusCode::OK, message),
        Err(Refusal(status, words)) => said(status, words),
    }
}

async fn sign(service: &Service, id: &str) -> Result<String, Refusal> {
    let module = service.open(id)?;
    let fault = |why: String| Refusal(StatusCode::INTERNAL_SERVER_ERROR, why);
    let key =
        Key::open(&service.data_dir.join("keys")).map_err(|error| fault(error.to_string()))?;
    let Some(key) = key else {
        let why =
            "there is no key to sign with; make one under Settings, or with `oriel keys create`";
        return Err(Refusal(StatusCode::LOCKED, why.to_owned()));
    };
    module
        .sign(&key, &(service.now)())
        .map_err(|error| Refusal(StatusCode::CONFLICT, error.to_string()))?;
    if let Some(modules) = &service.modules
        && let Err(error) = modules.restart(id).await
    {
        return Ok(format!("Module {id} is signed; it was not started: {error}"));
    }
    Ok(format!("Module {id} is signed."))
}

async fn deny(service: &Service, id: &str) -> Result<String, Refusal> {
    let module = service.open(id)?;
    module
        .deny(&(service.now)())
        .map_err(|error| Refusal(StatusCode::CONFLICT, error.to_string()))?;
    if let Some(modules) = &service.modules {
        // One that does not run has nothing to be stopped.
        _ = modules.stop(id).await;
    }
    Ok(format!("Module {id} is denied; it is not started until it is signed."))
}

async fn steer(service: &Service, id: &str, action: &str) -> Result<String, Refusal> {
    service.open(id)?;
    let Some(modules) = &service.modules else {
        let why = "modules run once the daemon has left its gate";
        return Err(Refusal(StatusCode::CONFLICT, why.to_owned()));
    };
    let done = if action == "stop" { modules.stop(id).await } else { modules.restart(id).await };
    done.map_err(|error| Refusal(StatusCode::CONFLICT, error.to_string()))?;
    Ok(match action {
        "stop" => format!("Module {id} is stopped."),
        _ => format!("Module {id} is started anew."),
    })
}

/// Answers in words, done or refused.
fn said(status: StatusCode, words: String) -> Response {
    (status, Json(Problem { error: words.into() })).into_response()
}
