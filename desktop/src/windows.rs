//! Windows: made, led, and brought to the front. A window shows one surface, and its label says which.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oriel_bridge::Surface;
use oriel_bridge::policy::{How, WORKBENCH};
use tauri::webview::{DownloadEvent, NewWindowResponse, PageLoadEvent};
use tauri::{Manager as _, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

use crate::desktop::Desktop;
use crate::{downloads, files};

/// The name that the app origin is registered under.
pub(crate) const SCHEME: &str = "oriel";

/// A proxy that nobody can be: the port belongs to the system, and nothing uses it.
const NOWHERE: &str = "http://127.0.0.1:1";

/// More windows than this are not opened: each takes a good part of a hundred megabytes.
const CONSOLES_MAX: usize = 8;

/// The workbench's page, as its own links lead to it.
pub(crate) const WORKBENCH_PAGE: &str = "/client/workbench/";

/// Returns the surface of a window's label. Further windows of the console have a number behind it.
pub(crate) fn surface_of(label: &str) -> Option<Surface> {
    let numbered = label.strip_prefix("console-").and_then(|number| number.parse::<usize>().ok());
    match numbered {
        Some(2..=CONSOLES_MAX) => Some(Surface::Console),
        _ => Surface::from_label(label),
    }
}

/// Returns the address of a page of ours.
pub(crate) fn address(path: &str) -> Url {
    let origin = if cfg!(windows) { "http://oriel.localhost" } else { "oriel://localhost" };
    Url::parse(&format!("{origin}{path}")).expect("a path makes an address with our origin")
}

/// Opens the console's first window, or brings it to the front, at a place if there is one.
pub(crate) fn open_console(desktop: &Arc<Desktop>, place: Option<&str>) {
    let window = desktop.app().get_webview_window("console");
    match window {
        Some(window) => {
            if let Some(place) = place
                && let Err(error) = window.navigate(address(place))
            {
                tracing::warn!(%error, "the window cannot be led to a place");
            }
            show(&window);
        }
        None => make(desktop, "console", &loading(place)),
    }
}

/// Opens one more window of the console.
pub(crate) fn new_console(desktop: &Arc<Desktop>, place: Option<&str>) -> Result<(), String> {
    let app = desktop.app();
    let free = (2..=CONSOLES_MAX)
        .map(|number| format!("console-{number}"))
        .find(|label| app.get_webview_window(label).is_none());
    let label = free.ok_or(format!("there are {CONSOLES_MAX} windows already; close one first"))?;
    make(desktop, &label, &loading(place));
    Ok(())
}

/// Opens the page for diagnostics, which needs no service.
pub(crate) fn open_diagnostics(desktop: &Arc<Desktop>) {
    match desktop.app().get_webview_window("diagnostics") {
        Some(window) => show(&window),
        None => make(desktop, "diagnostics", "/__oriel/diagnostics"),
    }
}

/// Opens the workbench at a place of its own, or brings it to the front as it is.
pub(crate) fn open_workbench(desktop: &Arc<Desktop>, place: &str) {
    match desktop.app().get_webview_window(files::LABEL) {
        Some(window) => show(&window),
        None => {
            make(desktop, files::LABEL, if place == WORKBENCH { WORKBENCH_PAGE } else { place });
        }
    }
}

/// Returns the folder in which the engine keeps what belongs to a surface's pages. The workbench's pages
/// have a process with files in it, so they share nothing with others.
pub(crate) fn data_directory(data_dir: &Path, surface: Surface) -> PathBuf {
    let name = if surface == Surface::Workbench { "webview-workbench" } else { "webview" };
    data_dir.join("desktop").join(name)
}

fn loading(place: Option<&str>) -> String {
    let next = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", place.unwrap_or("/"))
        .finish();
    format!("/__oriel/loading?{next}")
}

fn make(desktop: &Arc<Desktop>, label: &str, path: &str) {
    let Some(surface) = surface_of(label) else { return };
    if surface == Surface::Workbench {
        files::prepare(desktop);
    }
    let (to, elsewhere, loads) = (Arc::clone(desktop), Arc::clone(desktop), Arc::clone(desktop));
    let url = WebviewUrl::CustomProtocol(address(path));
    let usual = if surface == Surface::Diagnostics { (820.0, 720.0) } else { (1280.0, 860.0) };
    let kept = desktop.positions.of(label);
    let (width, height) = kept.map_or(usual, |kept| (kept.width, kept.height));
    let saves = Arc::clone(desktop);
    let mut builder = WebviewWindowBuilder::new(desktop.app(), label, url)
        .title("Oriel")
        .inner_size(width, height)
        .min_inner_size(360.0, 320.0)
        .data_directory(data_directory(&desktop.data_dir, surface))
        .initialization_script(oriel_bridge::SHIM)
        .decorations(!desktop.settings.own_title_bar || surface == Surface::Diagnostics)
        .disable_drag_drop_handler()
        .on_navigation(move |url| to.judge(surface, url.as_str(), How::Navigation))
        .on_new_window(move |url, _| {
            // A page of ours that wants a window gets one of our making; everything else leads elsewhere.
            if elsewhere.judge(surface, url.as_str(), How::NewWindow)
                && let Some(place) = crate::place::of(url.as_str())
                && let Err(problem) = new_console(&elsewhere, Some(&place))
            {
                elsewhere.say("No window was opened", &problem);
            }
            NewWindowResponse::Deny
        })
        .on_download(move |_, event| match event {
            DownloadEvent::Requested { url, destination } => {
                downloads::begin(&saves, surface, &url, destination)
            }
            _ => true,
        })
        .on_page_load(move |window, payload| {
            if payload.event() == PageLoadEvent::Started {
                loads.shows(window.label(), payload.url().path());
            }
        })
        .on_document_title_changed(|window, title| {
            let title = crate::words::plain(&title, 200);
            if let Err(error) = window.set_title(if title.is_empty() { "Oriel" } else { &title }) {
                tracing::debug!(%error, "a window keeps its title");
            }
        })
        .maximized(kept.is_some_and(|kept| kept.maximised));
    if !desktop.is_compat {
        // Our pages need no network. What the engine would connect to before it asks whether it may is
        // nowhere.
        builder = builder.proxy_url(Url::parse(NOWHERE).expect("the address is plain"));
    }
    if let Some((x, y)) = desktop.positions.place(desktop, label) {
        builder = builder.position(x, y);
    }
    if surface != Surface::Diagnostics {
        builder = crate::menu::on(desktop, label, builder);
    }
    match builder.build() {
        Ok(window) => {
            if surface == Surface::Workbench {
                files::watch(desktop, &window);
            }
            if let Some(kept) = kept.filter(|kept| kept.zoom != 1.0)
                && let Err(error) = window.set_zoom(kept.zoom)
            {
                tracing::debug!(%error, "a page is as large as usual");
            }
            show(&window);
        }
        Err(error) => tracing::error!(%error, label, "a window cannot be opened"),
    }
}

/// Brings a window to the front.
pub(crate) fn show(window: &WebviewWindow) {
    for (what, done) in [
        ("shown", window.show()),
        ("unminimised", window.unminimize()),
        ("focused", window.set_focus()),
    ] {
        if let Err(error) = done {
            tracing::debug!(%error, "a window cannot be {what}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_of_the_console_has_its_surface_and_no_other_label_has_one() {
        for label in ["console", "console-2", "console-8"] {
            assert_eq!(surface_of(label), Some(Surface::Console), "{label}");
        }
        assert_eq!(surface_of("diagnostics"), Some(Surface::Diagnostics));
        assert_eq!(surface_of("workbench"), Some(Surface::Workbench));
        for label in ["console-1", "console-9", "console-x", "console-", "consoles", "client", ""] {
            assert_eq!(surface_of(label), None, "{label}");
        }
    }
}
