//! `oriel gateway`: the gateway alone, and what it knows.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use oriel_daemon::{Surroundings, gateway_agents, gateway_config, start_gateway, start_logs};
use oriel_gateway::{AgentRow, Agents};
use oriel_launcher::daemon::{Reached, find};
use oriel_link::Link;
use oriel_runtime::settings::{Flag, Resolved};
use serde_json::json;

use super::serve::Signals;
use crate::args::{Color, Gateway, GatewayServe, Json};
use crate::output::{Output, Style};
use crate::table::{self, Cell};
use crate::{Exit, platform};

/// Does what was asked.
pub(super) fn run(
    command: &Gateway,
    flags: &[Flag],
    color: Color,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    match command {
        Gateway::Serve(serve) => alone(serve, flags, color, surroundings, output),
        Gateway::Agents(form) => list(*form, flags, surroundings, output),
        Gateway::Types => {
            output.print(&oriel_wire::gateway::typescript())?;
            Ok(Exit::Done)
        }
    }
}

/// Lists the agents, and says what keeps them from harm.
fn list(
    form: Json,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let resolved = surroundings.resolve(flags)?;
    let agents = Agents::new(gateway_agents(&resolved.config, surroundings.environment.clone()));
    let confinement = super::wait(async { Ok(agents.confinement().await) })?;
    if form.json {
        let rows: Vec<_> = agents.list().iter().map(as_json).collect();
        let (by, not) = (confinement.as_ref().ok(), confinement.as_ref().err());
        output.json(&json!({
            "agents": rows,
            "problem": agents.problem(),
            "confinedBy": by,
            "notConfined": not,
        }))?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = agents.list().iter().map(row).collect();
    let mut text = table::render(&rows, output.paint());
    text += &match confinement {
        Ok(by) => format!("\nagents are confined to their folders by {by}\n"),
        Err(why) => format!("\nagents are not confined: {why}\n"),
    };
    if let Some(problem) = agents.problem() {
        text += &format!("your own list is not used: {problem}\n");
    }
    output.print(&text)?;
    Ok(Exit::Done)
}

fn as_json(agent: &AgentRow) -> serde_json::Value {
    json!({
        "name": agent.name,
        "label": agent.label,
        "command": agent.command,
        "found": agent.found,
        "hint": agent.hint,
        "isConfined": agent.is_confined,
    })
}

fn row(agent: &AgentRow) -> [Cell; 4] {
    let found = match &agent.found {
        Some(path) => Cell::new(Style::Good, path.display().to_string()),
        None => Cell::new(Style::Faint, format!("not found; {}", agent.hint)),
    };
    [
        Cell::new(Style::Strong, &agent.name),
        Cell::plain(&agent.label),
        Cell::plain(&agent.command),
        found,
    ]
}

/// Runs the gateway until a signal ends it.
fn alone(
    serve: &GatewayServe,
    flags: &[Flag],
    color: Color,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let mut resolved = surroundings.resolve(&[flags, &serve.flags()].concat())?;
    resolved.config.setup.umask = Some(platform::create_only_private_files());
    let logs = resolved.config.data_dir.join("gateway");
    let _written_at_the_end = start_logs(&logs, resolved.log, Some(color.on_stderr()))?;
    let threads =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    threads.block_on(until_told(serve.dev, resolved, surroundings, output))
}

async fn until_told(
    is_dev: bool,
    resolved: Resolved,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen()?;
    let Resolved { config, console, gateway: settings, .. } = resolved;
    let monitor = whoever_runs(&config.data_dir);
    let environment = surroundings.environment.clone();
    let mut config = gateway_config(&config, &settings, console, environment, monitor);
    config.is_dev = is_dev;
    let Some((gateway, addr)) = start_gateway(config, &settings).await? else {
        anyhow::bail!(
            "another process has the gateway of this data directory; stop it, or use another data \
             directory (--data-dir)"
        );
    };
    // The line is for whoever started us; without them the gateway serves all the same.
    if let Err(error) = output.print(&format!("gateway on ws://{addr}\n")) {
        tracing::warn!("cannot say that the gateway is ready: {error}");
    }
    let name = signals.next().await;
    tracing::info!("stopping, on {name}");
    tokio::select! {
        () = gateway.shutdown() => Ok(Exit::Done),
        name = signals.next() => {
            tracing::warn!("ending at once, on a second signal ({name})");
            Ok(Exit::Failed)
        }
    }
}

/// Leads to the daemon of a data directory, whichever runs when it is asked.
fn whoever_runs(data_dir: &Path) -> Link {
    async fn forward(State(data_dir): State<PathBuf>, request: Request<Body>) -> Response {
        let sent = match find(&data_dir).await {
            Ok(Reached::Live(live)) => live.peer.link().send(request).await,
            _ => return (StatusCode::SERVICE_UNAVAILABLE, "no daemon runs").into_response(),
        };
        sent.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response())
    }
    Link::InProcess(Router::new().fallback(forward).with_state(data_dir.to_owned()))
}
