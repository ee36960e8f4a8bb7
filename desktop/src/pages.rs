//! The host's own pages, below `/__oriel/`: they need no service, so they are there when none answers.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Method, Request, Response, StatusCode};
use minijinja::{Environment, context};
use oriel_bridge::Surface;
use oriel_launcher::Failure;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Duration, timeout};

use crate::client;
use crate::desktop::Desktop;
use crate::services::{Failed, Standing};

/// How long a page's question after how things stand is held.
const HELD_FOR: Duration = Duration::from_secs(25);

/// How much of the log the page for diagnostics shows.
const TAIL_BYTES: u64 = 24 * 1024;

const CSS: &str = include_str!("../pages/host.css");
const SCRIPT: &str = include_str!("../pages/host.js");

/// A failure as a page shows it.
#[derive(Debug, Serialize)]
struct Shown {
    word: &'static str,
    title: &'static str,
    problem: String,
    advice: String,
    command: Option<String>,
    log: Option<String>,
    tail: Option<String>,
    tries_again: bool,
}

/// Answers a request of a host's page.
pub(crate) async fn answer(
    desktop: &Desktop,
    surface: Surface,
    request: Request<Body>,
) -> Response<Body> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let query = request.uri().query().unwrap_or_default().to_owned();
    match (method, path.as_str()) {
        (method, path) if path.starts_with("/client/") => client::answer(&method, path),
        (Method::GET, "/__oriel/loading") => {
            let step = match desktop.services.standing() {
                Standing::Starting { step } => step,
                _ => "Starting",
            };
            let next = place_of(&query);
            page("loading.html", context! { is_loading => true, step, next, state => "" })
        }
        (Method::GET, "/__oriel/failure") => match desktop.services.standing() {
            Standing::Failed(failed) => page(
                "failure.html",
                context! { failure => value(&shown(&failed)), state => "failed" },
            ),
            _ => page(
                "loading.html",
                context! { is_loading => true, step => "Starting", next => "/", state => "" },
            ),
        },
        (Method::GET, "/__oriel/ended") => page("ended.html", context! { state => "" }),
        (Method::GET, "/__oriel/diagnostics") => diagnostics(desktop, surface).await,
        (Method::GET, "/__oriel/standing") => {
            desktop.services.begin();
            standing(desktop, &query).await
        }
        (Method::POST, "/__oriel/retry") => {
            desktop.services.retry().await;
            text(StatusCode::OK, "application/json", "{}")
        }
        (Method::GET, "/__oriel/desktop.log") => log(desktop).await,
        (Method::GET, "/__oriel/host.css") => text(StatusCode::OK, "text/css; charset=utf-8", CSS),
        (Method::GET, "/__oriel/host.js") => {
            text(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT)
        }
        _ => {
            text(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "The host has no such page.\n")
        }
    }
}

/// Holds the question until the services stand otherwise than the page knows.
async fn standing(desktop: &Desktop, query: &str) -> Response<Body> {
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let get =
        |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (seen, step) = (get("seen").unwrap_or_default(), get("step").unwrap_or_default());
    let is_news = |standing: &Standing| {
        let told = told(standing);
        told["state"] != seen || (seen == "starting" && told["step"] != step)
    };
    let mut watch = desktop.services.watch();
    // Where nothing changes in time, it is told again as it stands.
    _ = timeout(HELD_FOR, watch.wait_for(is_news)).await;
    let now = watch.borrow().clone();
    let mut answer = told(&now);
    if let (Standing::Up(up), true) = (&now, desktop.is_compat) {
        match up.one_time_link().await {
            Ok(link) => answer["at"] = json!(link),
            Err(why) => desktop.lack("Console at its own address", why),
        }
    }
    text(StatusCode::OK, "application/json", &answer.to_string())
}

fn told(standing: &Standing) -> serde_json::Value {
    match standing {
        Standing::Starting { step } => json!({ "state": "starting", "step": step }),
        Standing::Up(up) => json!({ "state": "up", "generation": up.generation }),
        Standing::Failed(failed) => json!({
            "state": "failed",
            "failure": failed.failure.as_str(),
            "problem": failed.problem,
            "advice": failed.advice,
            "command": failed.command,
            "log": failed.log.as_ref().map(|(path, _)| path.display().to_string()),
        }),
        Standing::Stopped => json!({ "state": "stopped" }),
    }
}

async fn diagnostics(desktop: &Desktop, surface: Surface) -> Response<Body> {
    let standing = desktop.services.standing();
    let (state, failure) = match &standing {
        Standing::Starting { .. } => ("starting", None),
        Standing::Up(_) => ("up", None),
        Standing::Failed(failed) => ("failed", Some(value(&shown(failed)))),
        Standing::Stopped => ("stopped", None),
    };
    let classes = Failure::ALL.map(|failure| {
        let (title, way_out) = described(failure);
        context! { word => failure.as_str(), title, way_out }
    });
    let (facts, lacks) = (desktop.facts(), desktop.lacks());
    let lacks: Vec<_> = lacks.into_iter().map(|(what, why)| context! { what, why }).collect();
    let facts: Vec<_> =
        facts.into_iter().map(|(name, value, is_code)| context! { name, value, is_code }).collect();
    let path = desktop.traces.path().to_owned();
    let tail = tokio::task::spawn_blocking(move || tail(&path)).await.unwrap_or_default();
    let log = desktop.traces.path().display().to_string();
    page(
        "diagnostics.html",
        context! { has_console => surface == Surface::Console, state, failure, facts, lacks, classes => classes.to_vec(), log, tail },
    )
}

/// Gives the log as a file.
async fn log(desktop: &Desktop) -> Response<Body> {
    desktop.traces.flush().await;
    match tokio::fs::read(desktop.traces.path()).await {
        Ok(bytes) => Response::builder()
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header(CONTENT_DISPOSITION, "attachment; filename=\"oriel-desktop.log\"")
            .body(Body::from(bytes))
            .expect("the headers are plain"),
        Err(error) => text(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            &format!("The log cannot be read: {error}\n"),
        ),
    }
}

fn tail(path: &std::path::Path) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // The first line may have lost its beginning.
        Ok(match text.split_once('\n') {
            Some((_, rest)) if TAIL_BYTES < len => rest.to_owned(),
            _ => text,
        })
    };
    read().unwrap_or_default()
}

fn shown(failed: &Failed) -> Shown {
    let (title, _) = described(failed.failure);
    let (log, tail) = failed.log.clone().unzip();
    Shown {
        word: failed.failure.as_str(),
        title,
        problem: failed.problem.clone(),
        advice: failed.advice.clone(),
        command: failed.command.clone(),
        log: log.map(|path| path.display().to_string()),
        tail,
        tries_again: failed.tries_again,
    }
}

/// Returns a value as templates see it.
fn value(shown: &Shown) -> minijinja::Value {
    minijinja::Value::from(minijinja::value::Serde(shown))
}

/// Returns what a failure means, and the way out of it.
fn described(failure: Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::DaemonLauncherUnreachable => (
            "The daemon could not be started",
            "Mend what the page names, then try again; `oriel doctor` looks at everything it needs.",
        ),
        Failure::DaemonControlUnreachable => (
            "The daemon cannot be asked",
            "Start it (`oriel daemon start`); a window that waits finds it by itself.",
        ),
        Failure::ConsoleLauncherUnreachable => (
            "The console could not be started",
            "Mend the console's settings (`oriel config`), then try again.",
        ),
        Failure::ConsoleBindMissing => (
            "The console has not said where it listens",
            "Set `console.enabled` to true, and restart the daemon.",
        ),
        Failure::ConsoleHttpUnreachable => (
            "The console does not answer",
            "It is tried again by itself; the daemon's log may say more.",
        ),
        Failure::PortInUse => (
            "The daemon's port is taken",
            "Stop the program that has it, or set `listen.port`; it is never changed silently, for hooks must find it.",
        ),
        Failure::LocalReadinessGate => (
            "The daemon waits for you",
            "The console's page on readiness shows what blocks it and what can be done.",
        ),
    }
}

/// Returns the place of the console that a loading page goes on to.
fn place_of(query: &str) -> String {
    let given = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "next");
    given.and_then(|(_, place)| crate::place::of(&place)).unwrap_or_else(|| "/".to_owned())
}

fn page(name: &str, shows: minijinja::Value) -> Response<Body> {
    let mut environment = Environment::new();
    let templates = [
        ("base.html", include_str!("../pages/base.html")),
        ("loading.html", include_str!("../pages/loading.html")),
        ("failure.html", include_str!("../pages/failure.html")),
        ("ended.html", include_str!("../pages/ended.html")),
        ("diagnostics.html", include_str!("../pages/diagnostics.html")),
    ];
    for (name, source) in templates {
        environment.add_template(name, source).expect("the host's templates can be read");
    }
    let template = environment.get_template(name).expect("a page has a template");
    match template.render(shows) {
        Ok(html) => text(StatusCode::OK, "text/html; charset=utf-8", &html),
        Err(error) => {
            let problem = format!("This page cannot be drawn: {error:#}\n");
            text(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", &problem)
        }
    }
}

fn text(status: StatusCode, kind: &'static str, body: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .header(CACHE_CONTROL, "no-store")
        .body(Body::from(body.to_owned()))
        .expect("the headers are plain")
}
