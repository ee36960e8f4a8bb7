//! WebKit's part: which processes load the extension and what they are told, and what comes back from the
//! page's process.
//!
//! The extension is in a folder of its own, since WebKit loads every library that it finds there. Only
//! the workbench's context is told of the folder, and each process of it gets a word that is known to it
//! and to us alone.

#![expect(unsafe_code, reason = "a signal is heard from before there is anything to connect it to")]

use std::collections::BTreeSet;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use gtk::glib::ffi::{GFALSE, GTRUE, gboolean, gpointer};
use gtk::glib::gobject_ffi::{
    GSignalInvocationHint, GValue, g_signal_add_emission_hook, g_signal_lookup,
};
use gtk::glib::translate::{FromGlibPtrNone as _, IntoGlib as _};
use gtk::glib::{Class, StaticType as _, ToVariant as _, Value};
use gtk::prelude::UnixFDListExtManual as _;
use oriel_bridge::policy::{WORKBENCH, is_workbench};
use tauri::{Manager as _, WebviewWindow};
use webkit2gtk::{
    SettingsExt as _, UserMessage, UserMessageExt as _, WebContext, WebContextExt as _,
    WebProcessTerminationReason, WebView, WebViewExt, WebsiteDataManagerExt as _,
};

use super::LABEL;
use crate::desktop::Desktop;
use crate::trace::Event;
use crate::windows::{WORKBENCH_PAGE, address, data_directory};

/// The file of the extension.
const FILE: &str = "liboriel_files_extension.so";

/// Where it is installed; where it was built it lies beside the program.
const INSTALLED: &str = "/usr/lib/oriel";

/// The message by which a page's process hands over its end of a socket.
const MESSAGE: &str = "oriel-files";

/// Words that were given out and are still known. A process that was started before so many others is gone.
const WORDS_MAX: usize = 64;

/// What is known of the workbench's processes.
#[derive(Default)]
pub(super) struct Context {
    folder: OnceLock<PathBuf>,
    words: Mutex<BTreeSet<String>>,
}

/// Who is asked when a process starts. There is one desktop in a process.
static HEARS: OnceLock<Weak<Desktop>> = OnceLock::new();

/// Finds the extension and has it loaded into the workbench's processes. Fails with the reason where it
/// cannot be; then files go another way.
pub(super) fn prepare(desktop: &Arc<Desktop>) -> Result<(), String> {
    let context = &desktop.files.context;
    if context.folder.get().is_some() {
        return Ok(());
    }
    let folder = desktop.data_dir.join("desktop").join("extension");
    let file = find().ok_or(format!(
        "{FILE} is neither beside the program nor in {INSTALLED}; files go by native commands, which is slower"
    ))?;
    lay(&folder, &file).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    _ = context.folder.set(folder);
    if HEARS.set(Arc::downgrade(desktop)).is_ok() {
        hear();
    }
    Ok(())
}

fn find() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(FILE)));
    let places = [beside, Some(Path::new(INSTALLED).join(FILE))];
    places.into_iter().flatten().find(|path| path.is_file())
}

/// Makes the folder with nothing in it but the extension.
fn lay(folder: &Path, file: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    oriel_launcher::platform::make_private_dir(folder)?;
    std::os::unix::fs::symlink(file, folder.join(FILE))
}

/// Listens to every context that is about to start a process. The first process of a context starts while
/// its first window is being made, so there is no later moment for it.
fn hear() {
    // The signal is known once the class is.
    let class = Class::<WebContext>::from_type(WebContext::static_type());
    // SAFETY: the type is one of WebKit, and the name ends with a zero.
    let signal = unsafe {
        g_signal_lookup(
            c"initialize-web-extensions".as_ptr(),
            WebContext::static_type().into_glib(),
        )
    };
    drop(class);
    if signal != 0 {
        // SAFETY: the function takes what hooks are called with, and needs no data.
        unsafe {
            g_signal_add_emission_hook(signal, 0, Some(on_start), std::ptr::null_mut(), None)
        };
    }
}

unsafe extern "C" fn on_start(
    _: *mut GSignalInvocationHint,
    count: u32,
    values: *const GValue,
    _: gpointer,
) -> gboolean {
    let Some(desktop) = HEARS.get().and_then(Weak::upgrade) else { return GFALSE };
    if count == 0 {
        return GTRUE;
    }
    // SAFETY: the first value is whose signal it is.
    let value = unsafe { Value::from_glib_none(values) };
    if let Ok(context) = value.get::<WebContext>() {
        tell(&desktop, &context);
    }
    GTRUE
}

/// Tells the processes of a context what the extension needs to know, where it is the workbench's.
fn tell(desktop: &Desktop, context: &WebContext) {
    let known = &desktop.files.context;
    let folder = context.website_data_manager().and_then(|data| data.base_data_directory());
    let is_ours = folder.is_some_and(|folder| {
        Path::new(folder.as_str())
            == data_directory(&desktop.data_dir, oriel_bridge::Surface::Workbench)
    });
    let (true, Some(folder)) = (is_ours, known.folder.get().and_then(|folder| folder.to_str()))
    else {
        return;
    };
    let Ok(word) = word() else { return };
    let origin = address("/").as_str().trim_end_matches('/').to_owned();
    context.set_web_extensions_directory(folder);
    context.set_web_extensions_initialization_user_data(
        &(word.as_str(), origin.as_str(), WORKBENCH).to_variant(),
    );
    let mut words = known.words.lock().unwrap_or_else(PoisonError::into_inner);
    if WORDS_MAX <= words.len() {
        words.clear();
    }
    words.insert(word);
}

fn word() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// Hears what the window's page hands over, and when its process ends.
pub(super) fn watch(desktop: &Arc<Desktop>, window: &WebviewWindow) {
    let (to, ends) = (Arc::clone(desktop), Arc::clone(desktop));
    let watched = window.with_webview(move |webview| {
        let view = webview.inner();
        view.connect_user_message_received(move |view, message| hands_over(&to, view, message));
        view.connect_web_process_terminated(move |_, reason| ended(&ends, reason));
        if let Some(settings) = WebViewExt::settings(&view) {
            // A page that comes back has another load's socket, so it is loaded again.
            settings.set_enable_page_cache(false);
        }
    });
    if let Err(error) = watched {
        tracing::warn!(%error, "the workbench's process is not heard");
    }
}

/// Takes the socket of a page's process. Returns whether the message was one of these.
fn hands_over(desktop: &Desktop, view: &WebView, message: &UserMessage) -> bool {
    if message.name().as_deref() != Some(MESSAGE) {
        return false;
    }
    let files = &desktop.files;
    let word = message.parameters().and_then(|said| said.get::<String>()).unwrap_or_default();
    let is_known = {
        let words = files.context.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.contains(&word)
    };
    let is_workbench = view.uri().is_some_and(|uri| {
        tauri::Url::parse(&uri)
            .is_ok_and(|url| desktop.rules().origin.holds(&url) && is_workbench(url.path()))
    });
    let socket = message.fd_list().and_then(|list| list.get(0).ok());
    // SAFETY: the list gives a copy, which is nobody else's.
    let socket = socket.map(|socket| unsafe { OwnedFd::from_raw_fd(socket) });
    match socket {
        Some(socket) if is_known && is_workbench => {
            let surface = || files.engine.surface(LABEL);
            if let Err(error) = files.locked().connected(socket, surface) {
                tracing::warn!(%error, "a page's socket cannot be served");
            }
        }
        _ => desktop.traces.tell(Event::CommandRefused { surface: LABEL, command: MESSAGE }),
    }
    true
}

/// Ends the page's process and loads the page again, in a new one.
pub(super) fn end_process(desktop: &Arc<Desktop>) {
    let Some(window) = desktop.app().get_webview_window(LABEL) else { return };
    let ended = window.with_webview(|webview| {
        let view = webview.inner();
        view.terminate_web_process();
        view.load_uri(address(WORKBENCH_PAGE).as_str());
    });
    if let Err(error) = ended {
        tracing::warn!(%error, "the workbench's process is not ended");
    }
}

/// The page's process has ended: what it had is closed, and the window offers to load it again.
fn ended(desktop: &Arc<Desktop>, reason: WebProcessTerminationReason) {
    desktop.files.end();
    let how = match reason {
        WebProcessTerminationReason::Crashed => "it crashed",
        WebProcessTerminationReason::ExceededMemoryLimit => "it took too much memory",
        // We ended it, and know what comes next.
        _ => return,
    };
    desktop.traces.tell(Event::PageEnded { surface: LABEL, how });
    if let Some(window) = desktop.app().get_webview_window(LABEL)
        && let Err(error) = window.navigate(address("/__oriel/ended"))
    {
        tracing::warn!(%error, "the workbench's window stays empty");
    }
}
