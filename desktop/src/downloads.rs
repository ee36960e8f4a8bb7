//! What an engine makes a download of by itself: a link that says so. A file of ours comes through the
//! bridge, as every answer does; what a page made itself is written by the engine.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use oriel_bridge::policy::{self, How};
use oriel_bridge::{Download, Surface, download};
use tauri::Url;

use crate::desktop::Desktop;
use crate::host::save;
use crate::trace::Event;

/// The name of a file whose address has none.
const UNNAMED: &str = "download";

/// Decides on a download. Returns whether the engine is to write it, to the destination that is set.
pub(crate) fn begin(
    desktop: &Arc<Desktop>,
    surface: Surface,
    label: &str,
    url: &Url,
    destination: &mut PathBuf,
) -> bool {
    let verdict = policy::decide(surface, url.as_str(), How::Download, &desktop.rules());
    if !verdict.is_allowed() {
        desktop.lead(surface, url.as_str(), verdict);
        return false;
    }
    if url.scheme() == "blob" {
        let wanted = destination.file_name().and_then(|name| name.to_str()).unwrap_or(UNNAMED);
        let (folder, wanted) = (desktop.downloads(), download::clean(wanted));
        let taken = |name: &str| folder.join(name).symlink_metadata().is_ok();
        let Some(name) = download::free_name(&wanted, taken) else { return false };
        if let Err(error) = std::fs::create_dir_all(&folder) {
            desktop.say("The file was not saved", &format!("{}: {error}", folder.display()));
            return false;
        }
        *destination = folder.join(name);
        return true;
    }
    let target = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    tauri::async_runtime::spawn(fetch(Arc::clone(desktop), surface, label.to_owned(), target));
    false
}

/// Asks for a file of ours and saves it, whether or not the service says that it is one.
async fn fetch(desktop: Arc<Desktop>, surface: Surface, label: String, target: String) {
    let Some(bridge) = desktop.bridge.get().cloned() else { return };
    // It is asked for as a page asks for data, so nothing of it is made into a page.
    let request = Request::get(&target).header(header::ACCEPT, "*/*").body(Body::empty());
    let Ok(request) = request else { return };
    let (head, body) = bridge.answer(surface.label(), request).await.into_parts();
    if !head.status.is_success() {
        let why = format!("the console answered with status {}", head.status.as_u16());
        return desktop.say("The file was not saved", &why);
    }
    let path = target.split('?').next().unwrap_or_default();
    let named = download::attached(&head.headers, path);
    let last = path.rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or(UNNAMED);
    let text =
        |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let file = Download {
        name: named.unwrap_or_else(|| download::clean(last)),
        content_type: text(header::CONTENT_TYPE),
        length: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        body,
    };
    if let Err(error) = save(&desktop, file).await {
        desktop.traces.tell(Event::NotSaved { surface: &label });
        desktop.say("The file was not saved", &error.to_string());
    }
}
