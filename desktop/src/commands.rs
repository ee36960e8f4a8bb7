//! The native commands: small affordances of the host, and never a way around the console's pages. Which
//! label may ask for which is said in `capabilities/`, and what is a guest's page may ask for none.

#![expect(clippy::needless_pass_by_value, reason = "the host hands a command its own handles")]

use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use oriel_bridge::policy::{self, How, Verdict};
use serde_json::{Value, json};
use tauri::{State, Webview};
use tauri_plugin_dialog::DialogExt as _;

use crate::desktop::Desktop;
use crate::services::Standing;
use crate::trace::Event;
use crate::windows::{self, surface_of};
use crate::words::{chain, plain};

/// The desktop, as commands are given it.
type Shared<'a> = State<'a, Arc<Desktop>>;

/// Below this the pages are modules', which are guests.
const GUESTS: &str = "/modules/";

/// Refuses what a guest's page asks. Whose page it is was seen when the engine loaded it: a page can
/// write another address over its own afterwards.
fn own_page(desktop: &Desktop, webview: &Webview, command: &str) -> Result<(), String> {
    let is_guests = desktop.shown(webview.label()).is_none_or(|path| {
        path.starts_with(GUESTS) && path.trim_end_matches('/') != GUESTS.trim_end_matches('/')
    });
    if surface_of(webview.label()).is_some() && !is_guests {
        return Ok(());
    }
    desktop.traces.tell(Event::CommandRefused { surface: webview.label(), command });
    Err("this page may not ask the host for anything".to_owned())
}

/// Tells how the desktop and its services stand.
#[tauri::command]
pub(crate) fn desktop_runtime_status(
    desktop: Shared<'_>,
    webview: Webview,
) -> Result<Value, String> {
    own_page(&desktop, &webview, "desktop_runtime_status")?;
    let mut status = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "mode": desktop.settings.mode.as_str(),
        "hasPreview": desktop.preview.is_there(),
        "ownTitleBar": desktop.settings.own_title_bar,
        "lacks": desktop.lacks().iter().map(|(what, _)| *what).collect::<Vec<_>>(),
    });
    match desktop.services.standing() {
        Standing::Starting { step } => {
            status["state"] = json!("starting");
            status["step"] = json!(step);
        }
        Standing::Up(up) => {
            status["state"] = json!("up");
            status["baseUrl"] = json!(up.base_url);
            status["pid"] = json!(up.pid);
            status["isOwn"] = json!(up.is_own);
            status["generation"] = json!(up.generation);
        }
        Standing::Failed(failed) => {
            status["state"] = json!("failed");
            status["failure"] = json!(failed.failure.as_str());
            status["problem"] = json!(failed.problem);
        }
        Standing::Stopped => status["state"] = json!("stopped"),
    }
    Ok(status)
}

/// Tells how the runtime is, in its own words.
#[tauri::command]
pub(crate) async fn desktop_health(desktop: Shared<'_>, webview: Webview) -> Result<Value, String> {
    own_page(&desktop, &webview, "desktop_health")?;
    let up = desktop.services.up().ok_or("the services do not answer")?;
    let health = up.runtime.call::<Value>(Method::GET, "/api/health", Body::empty()).await;
    health.map_err(|error| chain(&error))
}

/// Opens a page of the web, where the operator has these opened.
#[tauri::command]
pub(crate) fn preview_open(
    desktop: Shared<'_>,
    webview: Webview,
    url: &str,
) -> Result<&'static str, String> {
    own_page(&desktop, &webview, "preview_open")?;
    let surface = surface_of(webview.label()).ok_or("no surface of ours asks")?;
    let verdict = policy::decide(surface, url, How::NewWindow, &desktop.rules());
    let how = match verdict {
        Verdict::Preview { .. } => "preview",
        Verdict::SystemBrowser { .. } => "browser",
        Verdict::Deny(why) => return Err(why.to_string()),
        Verdict::Allow | Verdict::AskMail => return Err("this is no page of the web".to_owned()),
    };
    desktop.inner().lead(surface, url, verdict);
    Ok(how)
}

/// Tells which page the preview shows, for a form that asks for it.
#[tauri::command]
pub(crate) fn preview_url(desktop: Shared<'_>, webview: Webview) -> Result<Option<Value>, String> {
    own_page(&desktop, &webview, "preview_url")?;
    let shown = desktop.preview.shown();
    Ok(shown.map(|shown| json!({ "url": shown.url, "title": shown.title })))
}

/// Asks for a file or a folder, for a form whose button was pressed. Returns its path.
#[tauri::command]
pub(crate) async fn pick_file(
    desktop: Shared<'_>,
    webview: Webview,
    title: Option<String>,
    folder: Option<bool>,
) -> Result<Option<String>, String> {
    own_page(&desktop, &webview, "pick_file")?;
    let title = plain(title.as_deref().unwrap_or("Choose a file"), 100);
    let (answer, answered) = tokio::sync::oneshot::channel();
    let dialog = desktop.app().dialog().file().set_title(title);
    if folder.unwrap_or_default() {
        dialog.pick_folder(move |path| _ = answer.send(path));
    } else {
        dialog.pick_file(move |path| _ = answer.send(path));
    }
    let picked = answered.await.ok().flatten();
    let path = picked.map(tauri_plugin_dialog::FilePath::into_path).transpose();
    let path = path.map_err(|error| error.to_string())?;
    path.map(|path| path.into_os_string().into_string())
        .transpose()
        .map_err(|_| "the path is not valid UTF-8; rename it, or type another".to_owned())
}

/// Shows a notification that says that notifications work.
#[tauri::command]
pub(crate) async fn notify_test(desktop: Shared<'_>, webview: Webview) -> Result<(), String> {
    own_page(&desktop, &webview, "notify_test")?;
    desktop.notifier.test(desktop.inner()).await
}

/// Opens one more window of the console.
#[tauri::command]
pub(crate) async fn window_new(
    desktop: Shared<'_>,
    webview: Webview,
    place: Option<String>,
) -> Result<(), String> {
    own_page(&desktop, &webview, "window_new")?;
    let place = place.as_deref().and_then(crate::place::of);
    windows::new_console(desktop.inner(), place.as_deref())
}

/// Makes the page of the window larger or smaller, and returns how large it is now.
#[tauri::command]
pub(crate) fn window_zoom(
    desktop: Shared<'_>,
    webview: Webview,
    factor: f64,
) -> Result<f64, String> {
    own_page(&desktop, &webview, "window_zoom")?;
    let factor = crate::positions::zoom_within(factor);
    webview.set_zoom(factor).map_err(|error| error.to_string())?;
    desktop.positions.keep_zoom(webview.label(), factor);
    Ok(factor)
}

/// Does with the window what its title bar is for, where that is the page's own.
#[tauri::command]
pub(crate) fn window_title_bar(
    desktop: Shared<'_>,
    webview: Webview,
    does: &str,
) -> Result<(), String> {
    own_page(&desktop, &webview, "window_title_bar")?;
    let window = webview.window();
    let done = match does {
        "drag" => window.start_dragging(),
        "minimise" => window.minimize(),
        "maximise" if window.is_maximized().unwrap_or_default() => window.unmaximize(),
        "maximise" => window.maximize(),
        // As the system's own button would: it may be asked first.
        "close" => window.close(),
        _ => return Err("a title bar does drag, minimise, maximise or close".to_owned()),
    };
    done.map_err(|error| error.to_string())
}

/// Has a failed start tried again.
#[tauri::command]
pub(crate) async fn retry_start(desktop: Shared<'_>, webview: Webview) -> Result<(), String> {
    own_page(&desktop, &webview, "retry_start")?;
    desktop.services.retry().await;
    Ok(())
}
