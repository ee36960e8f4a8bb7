//! Setting up: hooks, a test event, who may do what, and what this is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use oriel_store::{Heard, Store};
use oriel_wire::Problem;
use oriel_wire::setup::{
    About, AboutDocument, AboutStore, AccessOverview, ConsoleAccess, HookChanged, HookInstall,
    HookList, SetupOverview, SetupTest, SetupTestRequest, TokenRotated,
};
use oriel_wire::time::rfc3339;
use tokio::time::Instant;

use super::Shared;
use super::error::ApiError;
use super::reply::{found, json, optional_body};
use super::told::read_hook;
use crate::app::App;
use crate::config::Access;
use crate::setup::{self, Agents, AgentsError, Doing, Facts};
use crate::{home, told};

/// Tells how the hooks of each agent stand, and what installing them would change.
#[utoipa::path(get, path = "/control/hooks", tag = "control",
    responses((status = 200, body = HookList)))]
pub(super) async fn hooks(State(app): Shared) -> Result<Response, ApiError> {
    let agents = agents(&app);
    Ok(found(&HookList { agents: off_thread(move || agents.all()).await? }))
}

/// Installs our hooks in an agent's settings, beside what is there, and keeps a copy of what was.
#[utoipa::path(post, path = "/control/hooks/{agent}/install", tag = "control",
    params(("agent" = String, Path)), request_body = HookInstall,
    responses((status = 200, body = HookChanged), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(super) async fn install(
    State(app): Shared,
    Path(agent): Path<String>,
    body: Body,
) -> Result<Response, ApiError> {
    let HookInstall { statusline } = optional_body(body).await?;
    change_hooks(&app, agent, Doing::Install { statusline }).await
}

/// Takes our hooks out of an agent's settings. What was there before comes back to the byte, where
/// nothing else changed since.
#[utoipa::path(post, path = "/control/hooks/{agent}/uninstall", tag = "control",
    params(("agent" = String, Path)),
    responses((status = 200, body = HookChanged), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(super) async fn uninstall(
    State(app): Shared,
    Path(agent): Path<String>,
) -> Result<Response, ApiError> {
    change_hooks(&app, agent, Doing::Uninstall).await
}

async fn change_hooks(app: &App, agent: String, doing: Doing) -> Result<Response, ApiError> {
    let (agents, now) = (agents(app), app.config.clock.now());
    // One change at a time; a second one looks at what the first one left.
    let _turn = app.changing_hooks.lock().await;
    let name = agent.clone();
    let changed = off_thread(move || agents.change(&name, doing, now)).await?;
    let changed = changed.map_err(|error| match &error {
        AgentsError::Unknown(_) => ApiError::NotFound(error.to_string().into()),
        AgentsError::File(setup::FileError::Write { source, .. }) => {
            ApiError::file(source, error.to_string())
        }
        _ => ApiError::Conflict(error.to_string().into()),
    })?;
    tracing::info!(agent, changed = changed.changed, ?doing, "hooks were set up");
    Ok(found(&changed))
}

/// Makes a test event, which goes the way of a hook's event and counts as nobody's.
#[utoipa::path(post, path = "/control/setup/test", tag = "control", request_body = SetupTestRequest,
    responses((status = 201, body = SetupTest), (status = 400, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn test(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let SetupTestRequest { agent_type } = optional_body(body).await?;
    let told_as = agent_type.unwrap_or_else(|| "claude_code".to_owned());
    let hook = match told_as.as_str() {
        "claude_code" => "claude-code",
        "codex" => "codex",
        _ => {
            let problem = "`agent_type` must be claude_code or codex: they have hooks";
            return Err(ApiError::Bad(problem.into()));
        }
    };
    let nonce = home::new_token().map_err(|error| {
        ApiError::Busy(format!("the system gives no random numbers: {error}; try again").into())
    })?;
    let began = Instant::now();
    let at_ms = app.now_ms();
    let parsed = read_hook(hook, &mut setup::test_body(&nonce), at_ms)?;
    let taken = told::take(&app, parsed, at_ms).await?;
    let number = taken.numbers.first().copied().ok_or_else(|| {
        ApiError::Busy("the test event was not told apart from an earlier one; try again".into())
    })?;
    let answer = SetupTest {
        number,
        session_id: setup::TEST_SESSION.to_owned(),
        agent_type: setup::TEST_AGENT.to_owned(),
        told_as,
        elapsed_ms: (began.elapsed().as_secs_f64() * 1e6).round() / 1e3,
    };
    Ok(json(StatusCode::CREATED, &answer))
}

/// Tells what a first run needs to know.
#[utoipa::path(get, path = "/control/setup", tag = "control",
    responses((status = 200, body = SetupOverview)))]
pub(super) async fn overview(State(app): Shared) -> Result<Response, ApiError> {
    let (heard, histories) = match app.store() {
        Ok(store) => (store.heard().await?, app.imports.totals(store).await?),
        // A blocked runtime still tells what there is to do.
        Err(_) => (Heard::default(), Vec::new()),
    };
    let shared = Arc::clone(&app);
    let overview = off_thread(move || {
        let agents = agents(&shared);
        setup::overview(Facts {
            heard,
            histories,
            folders: shared.imports.folders_here(&shared.config.imports.homes),
            importing: shared.imports.is_busy(),
            hooks: agents.all(),
            url: url(&shared),
        })
    });
    Ok(found(&overview.await?))
}

/// Tells who may do what, and where that is set.
#[utoipa::path(get, path = "/control/access", tag = "control",
    responses((status = 200, body = AccessOverview)))]
pub(super) async fn access(State(app): Shared) -> Result<Response, ApiError> {
    let address = app.address.get().cloned().unwrap_or_default();
    let folder = app.home.folder().to_owned();
    let token_file = app.home.token_file();
    let (mode, made) = {
        let token_file = token_file.clone();
        off_thread(move || (home::mode(&folder), home::changed_at(&token_file))).await?
    };
    let console = app.config.setup.console.map(|console| ConsoleAccess {
        enabled: console.enabled,
        host: console.host.to_string(),
        port: console.port,
        allow_remote: console.allow_remote,
    });
    Ok(found(&AccessOverview {
        access: match app.config.access {
            Access::Loopback => "loopback".to_owned(),
            Access::Token => "token".to_owned(),
        },
        addr: address.tcp.map(|addr| addr.to_string()),
        socket: address.socket.map(|path| path.display().to_string()),
        hosts: app.config.listen.hosts.clone(),
        console,
        token_file: token_file.display().to_string(),
        token_made_at: made.map(rfc3339),
        data_dir: app.home.folder().display().to_string(),
        data_dir_mode: mode.map(|mode| format!("{mode:03o}")),
        data_dir_open_to_others: mode.is_some_and(|mode| mode & 0o077 != 0),
    }))
}

/// Makes a new token. It is in its file when this is answered, and the old one is refused from then on.
#[utoipa::path(post, path = "/control/token/rotate", tag = "control",
    responses((status = 200, body = TokenRotated), (status = 409, body = Problem)))]
pub(super) async fn rotate(State(app): Shared) -> Result<Response, ApiError> {
    let shared = Arc::clone(&app);
    let rotated = off_thread(move || shared.home.rotate()).await?;
    rotated.map_err(|error| match &error {
        home::HomeError::Io { source, .. } => ApiError::file(source, error.to_string()),
        _ => ApiError::Conflict(error.to_string().into()),
    })?;
    tracing::info!("the token was made anew");
    Ok(found(&TokenRotated {
        token_file: app.home.token_file().display().to_string(),
        rotated_at: rfc3339(app.now()),
    }))
}

/// Tells what this program is, and what there is to read about it.
#[utoipa::path(get, path = "/control/about", tag = "control",
    responses((status = 200, body = About)))]
pub(super) async fn about(State(app): Shared) -> Response {
    let path = app.home.store();
    let size = app.store().map(Store::size).ok();
    found(&About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        license: env!("CARGO_PKG_LICENSE").to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        target: target(),
        data_dir: app.home.folder().display().to_string(),
        store: AboutStore {
            path: path.display().to_string(),
            schema_version: Store::VERSION,
            size_bytes: size.map_or(0, |size| size.main_bytes),
            wal_bytes: size.map_or(0, |size| size.log_bytes),
            durability: app.config.store.durability.as_str().to_owned(),
        },
        documents: DOCUMENTS
            .iter()
            .map(|(title, path)| AboutDocument {
                title: (*title).to_owned(),
                path: (*path).to_owned(),
            })
            .collect(),
    })
}

/// What there is to read, below the folder of the project. A test sees that all of it is there.
const DOCUMENTS: &[(&str, &str)] = &[
    ("Running the daemon", "docs/guide/running.md"),
    ("Claude Code", "docs/guide/claude-code.md"),
    ("Codex", "docs/guide/codex.md"),
    ("Other agents and telemetry", "docs/guide/sources.md"),
    ("Reports and costs", "docs/guide/reports.md"),
    ("Notices", "docs/guide/notifications.md"),
    ("Agents that ask Oriel", "docs/guide/agents.md"),
    ("The API", "docs/guide/api.md"),
    ("Who is trusted with what", "docs/security.md"),
    ("How fast it is", "docs/performance.md"),
    ("Changes", "CHANGELOG.md"),
];

/// Returns what the program was built for, in the words of the compiler.
fn target() -> String {
    let vendor_and_system = match std::env::consts::OS {
        "macos" => "apple-darwin",
        "windows" => "pc-windows",
        "linux" => "unknown-linux",
        other => other,
    };
    let abi = if cfg!(target_env = "gnu") {
        "-gnu"
    } else if cfg!(target_env = "musl") {
        "-musl"
    } else if cfg!(target_env = "msvc") {
        "-msvc"
    } else {
        ""
    };
    format!("{}-{vendor_and_system}{abi}", std::env::consts::ARCH)
}

fn agents(app: &App) -> Agents {
    Agents::of(&app.config.imports.homes, &app.config.setup, url(app))
}

/// Returns the address under which programs of this machine reach the daemon.
fn url(app: &App) -> String {
    let listen = &app.config.listen;
    let tcp = app.address.get().and_then(|address| address.tcp);
    let (host, port) = tcp.map_or((listen.host, listen.port), |tcp| (tcp.ip(), tcp.port()));
    let host = match host {
        host if host.is_unspecified() && host.is_ipv6() => std::net::Ipv6Addr::LOCALHOST.into(),
        host if host.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        host => host,
    };
    format!("http://{}", std::net::SocketAddr::new(host, port))
}

/// Does what waits for the disk where it keeps nobody else waiting.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ApiError::Busy("the daemon stops".into()))
}

#[cfg(test)]
mod tests;
