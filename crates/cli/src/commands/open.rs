//! `oriel open`: a one-time link to the console, opened in a browser where there is one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use oriel_link::Link;
use oriel_runtime::settings::Flag;
use oriel_wire::control::AUTHTOK_HEADER;
use serde::Deserialize;

use crate::Exit;
use crate::args::Open;
use crate::output::{Output, OutputError};
use oriel_daemon::Surroundings;

#[derive(Deserialize)]
struct Made {
    path: String,
}

/// Prints a link, and opens it unless told not to.
pub(super) fn run(
    open: &Open,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let data_dir = surroundings.locate(flags)?.data_dir;
    let workers = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let url = workers.block_on(link(&data_dir))?;
    show(&url, open.print, surroundings, output)?;
    Ok(Exit::Done)
}

/// Prints an address, and opens it in a browser where there is a display and nobody objects.
pub(super) fn show(
    url: &str,
    only_print: bool,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    output.print(&format!("{url}\n"))?;
    if !only_print && has_display(&surroundings.environment) {
        browse(url);
    }
    Ok(())
}

/// Returns whether a browser has a screen to be on. Without one, what opens addresses may take a
/// program that runs in a terminal, which would use the link up unseen.
fn has_display(environment: &BTreeMap<String, String>) -> bool {
    let is_set = |name| environment.get(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Makes a one-time link to the console of a data directory.
pub(super) async fn link(data_dir: &Path) -> anyhow::Result<String> {
    let bind = data_dir.join("console").join("bind");
    let text = std::fs::read_to_string(&bind).with_context(|| {
        format!(
            "no console listens for {}; start the daemon with `oriel serve`, and see that \
             `console.enabled` is true",
            data_dir.display()
        )
    })?;
    let addr: std::net::SocketAddr =
        text.trim().parse().with_context(|| format!("{} names no address", bind.display()))?;
    let at_home = match addr.ip() {
        // The token goes nowhere but to this machine.
        ip if ip.is_unspecified() => std::net::SocketAddr::from(([127, 0, 0, 1], addr.port())),
        _ => addr,
    };
    let token = std::fs::read_to_string(data_dir.join("authtok"))
        .with_context(|| format!("cannot read the token in {}", data_dir.display()))?;
    let mut token = HeaderValue::from_str(token.trim())?;
    token.set_sensitive(true);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/session/links")
        .header(header::HOST, at_home.to_string())
        .header(AUTHTOK_HEADER, token)
        .body(Body::empty())?;
    let (status, body) = Link::Tcp(at_home).bytes(request).await?;
    if !status.is_success() {
        bail!("the console at {at_home} refused to make a link, with status {status}");
    }
    let made: Made = serde_json::from_slice(&body).context("what answers there is no console")?;
    Ok(format!("http://{at_home}{}", made.path))
}

/// Opens an address in a browser. Where there is none, the printed link has to do.
fn browse(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = Command::new(opener)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut child) = started {
        // It hands the address to the browser and ends.
        _ = child.wait();
    }
}
