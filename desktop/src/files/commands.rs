//! The workbench's native commands for files: messages where there is no quicker way, and what a person
//! has to be asked.

#![expect(clippy::needless_pass_by_value, reason = "the host hands a command its own handles")]

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use data_encoding::BASE64;
use oriel_bridge::policy::is_workbench;
use oriel_hostfs::Surface;
use oriel_wire::hostfs::{HEAD_BYTES, PAYLOAD_BYTES_MAX, Workspace, WorkspaceAccess};
use tauri::ipc::{InvokeBody, Request, Response};
use tauri::{State, Webview};
use tauri_plugin_dialog::DialogExt as _;

use super::LABEL;
use crate::desktop::Desktop;
use crate::trace::Event;
use crate::words::plain;

/// The desktop, as commands are given it.
type Shared<'a> = State<'a, Arc<Desktop>>;

/// A longer message is none.
const MESSAGE_BYTES_MAX: usize = HEAD_BYTES + PAYLOAD_BYTES_MAX as usize;

/// Longer words of a page are cut.
const WORD_CHARS_MAX: usize = 40;
const REASON_CHARS_MAX: usize = 200;

/// Refuses what is not asked by the workbench's own page, by what the engine loaded.
pub(crate) fn own_page(desktop: &Desktop, webview: &Webview, command: &str) -> Result<(), String> {
    let label = webview.label();
    if label == LABEL && desktop.shown(label).is_some_and(|path| is_workbench(&path)) {
        return Ok(());
    }
    desktop.traces.tell(Event::CommandRefused { surface: label, command });
    Err("only the workbench's page may ask for files".to_owned())
}

/// Answers a message. Message and answer are bytes.
#[tauri::command]
pub(crate) async fn files_call(
    desktop: Shared<'_>,
    webview: Webview,
    request: Request<'_>,
) -> Result<Response, String> {
    own_page(&desktop, &webview, "files_call")?;
    let InvokeBody::Raw(message) = request.body() else {
        return Err("a message is sent as bytes, in an ArrayBuffer or a Uint8Array".to_owned());
    };
    let message = message.clone();
    desktop.files.ask(message).await.map(Response::new)
}

/// Answers a message that is said in base64. It is for finding faults, by hand.
#[tauri::command]
pub(crate) async fn files_call_text(
    desktop: Shared<'_>,
    webview: Webview,
    message: String,
) -> Result<String, String> {
    own_page(&desktop, &webview, "files_call_text")?;
    let message = BASE64.decode(message.as_bytes()).map_err(|error| {
        format!("the message is no base64 ({error}); write it with the usual letters and padding")
    })?;
    let answer = desktop.files.ask(message).await?;
    Ok(BASE64.encode(&answer))
}

/// Hears that the page goes a slower way from now on.
#[tauri::command]
pub(crate) fn files_stepped_down(
    desktop: Shared<'_>,
    webview: Webview,
    from: &str,
    to: &str,
    reason: &str,
) -> Result<(), String> {
    own_page(&desktop, &webview, "files_stepped_down")?;
    let (from, to) = (plain(from, WORD_CHARS_MAX), plain(to, WORD_CHARS_MAX));
    let reason = plain(reason, REASON_CHARS_MAX);
    desktop.files.steps.take(&from, &to, &reason);
    desktop.traces.tell(Event::FilesSteppedDown { from: &from, to: &to, reason: &reason });
    Ok(())
}

/// Asks the person for a folder, and grants the page what was chosen. Returns nothing where none was.
#[tauri::command]
pub(crate) async fn files_grant(
    desktop: Shared<'_>,
    webview: Webview,
    access: WorkspaceAccess,
) -> Result<Option<Workspace>, String> {
    own_page(&desktop, &webview, "files_grant")?;
    let files = &desktop.files;
    if files.is_choosing.swap(true, SeqCst) {
        return Err("a folder is being chosen already".to_owned());
    }
    let chosen = choose(&desktop, &webview, access).await;
    files.is_choosing.store(false, SeqCst);
    let Some(folder) = chosen else { return Ok(None) };
    let (engine, now) = (Arc::clone(&files.engine), desktop.clock.now());
    let added = tokio::task::spawn_blocking(move || {
        let grant = engine.grants().add(LABEL, &folder, access, now).map_err(|error| {
            format!("{error}{}", error.hint.map(|hint| format!("; {hint}")).unwrap_or_default())
        })?;
        Ok::<_, String>(grant.id)
    });
    let id = added.await.map_err(|error| error.to_string())??;
    desktop.traces.tell(Event::Granted { surface: LABEL, access: word(access) });
    let all = files.with_surface(Surface::workspaces).await?;
    Ok(all.workspaces.into_iter().find(|workspace| workspace.id == id.0))
}

/// Asks for a folder, in words that say what for.
async fn choose(
    desktop: &Desktop,
    webview: &Webview,
    access: WorkspaceAccess,
) -> Option<std::path::PathBuf> {
    let title = match access {
        WorkspaceAccess::Read => "Choose a folder that the workbench may read",
        WorkspaceAccess::ReadWrite => "Choose a folder that the workbench may read and change",
    };
    let (answer, answered) = tokio::sync::oneshot::channel();
    let window = webview.window();
    let dialog = desktop.app().dialog().file().set_title(title).set_parent(&window);
    // Who asked may have left.
    dialog.pick_folder(move |path| _ = answer.send(path));
    answered.await.ok().flatten()?.into_path().ok()
}

fn word(access: WorkspaceAccess) -> &'static str {
    match access {
        WorkspaceAccess::Read => "read",
        WorkspaceAccess::ReadWrite => "read_write",
    }
}

/// Opens the console's page where what was granted is taken back.
#[tauri::command]
pub(crate) fn files_open_settings(desktop: Shared<'_>, webview: Webview) -> Result<(), String> {
    own_page(&desktop, &webview, "files_open_settings")?;
    crate::on_main(desktop.inner(), |desktop| desktop.open_place(Some(SETTINGS)));
    Ok(())
}

/// The console's page of what was granted.
const SETTINGS: &str = "/settings/folders";

impl super::Files {
    /// Answers a message on a thread that may wait.
    pub(super) async fn ask(&self, message: Vec<u8>) -> Result<Vec<u8>, String> {
        if MESSAGE_BYTES_MAX < message.len() {
            return Err(format!(
                "a message has at most {MESSAGE_BYTES_MAX} bytes; cut its payload into pieces"
            ));
        }
        self.with_surface(move |surface| surface.answer(&message).bytes).await
    }

    /// Does something with the page's surface, on a thread that may wait.
    pub(super) async fn with_surface<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Surface) -> T + Send + 'static,
    ) -> Result<T, String> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| "too many messages are under way; wait for some of them")?;
        let surface = self.surface().ok_or("the page is not there any more")?;
        let answered = tokio::task::spawn_blocking(move || {
            let done = work(&surface);
            drop(place);
            done
        });
        answered.await.map_err(|_| "the message could not be answered; send it again".to_owned())
    }
}
