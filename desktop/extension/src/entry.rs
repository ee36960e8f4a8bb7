//! Where WebKit comes in: once when the process starts, and then with every page that is loaded.

#![expect(unsafe_code, reason = "WebKit calls these functions and is called by functions of C")]

use std::ffi::{CStr, c_char, c_void};
use std::os::fd::IntoRawFd as _;
use std::panic::catch_unwind;
use std::ptr::{null, null_mut};
use std::sync::{Arc, OnceLock};

use crate::allowed::Allowed;
use crate::ffi;
use crate::js::{Js, c_string};
use crate::line::Line;
use crate::load::Load;
use crate::page;

/// The message by which a page's process hands the host its end of a socket.
const MESSAGE: &CStr = c"oriel-files";

/// What the host says when it starts the process: token, origin and path.
const SAID: &CStr = c"(sss)";

static ALLOWED: OnceLock<Allowed> = OnceLock::new();

/// WebKit calls this once, with what the host said.
///
/// # Safety
/// WebKit calls it, with a live value or none.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn webkit_web_extension_initialize_with_user_data(
    _: *mut c_void,
    said: *const ffi::Variant,
) {
    // SAFETY: WebKit hands over a live value, or none.
    let allowed = unsafe { read(said) };
    let Some(allowed) = allowed else { return };
    if ALLOWED.set(allowed).is_err() {
        return;
    }
    share_memory();
    let handler: Handler = on_window_object_cleared;
    // SAFETY: the world of a page's own scripts lives as long as the process, and the handler takes what
    // this signal comes with.
    unsafe {
        ffi::g_signal_connect_data(
            ffi::webkit_script_world_get_default().cast(),
            c"window-object-cleared".as_ptr(),
            handler as *const c_void,
            null_mut(),
            null(),
            0,
        );
    }
}

/// Lets threads of the page share memory, so that a worker can wait for what the page reads. The engine
/// keeps that from pages that could share a process with another origin's, and takes no word of a scheme of
/// our own that says they do not. In this process there is never another: the workbench has a context of
/// its own, and its policy lets nothing of another origin in.
fn share_memory() {
    // SAFETY: the name is a text, and no script has run in this process. Where the engine knows no such
    // option it says so, and pages go without.
    unsafe { ffi::jsc_options_set_boolean(c"useSharedArrayBuffer".as_ptr(), 1) };
}

type Handler = unsafe extern "C" fn(*mut ffi::World, *mut ffi::Page, *mut ffi::Frame, *mut c_void);

/// Reads what the host said.
///
/// # Safety
/// It is a live value or none.
unsafe fn read(said: *const ffi::Variant) -> Option<Allowed> {
    // SAFETY: the caller promises a live value where there is one, and its type is a text that lives as
    // long.
    if said.is_null() || unsafe { CStr::from_ptr(ffi::g_variant_get_type_string(said)) } != SAID {
        return None;
    }
    let word = |index: usize| {
        // SAFETY: the value has three parts, each a text; a part is ours until it is given back.
        unsafe {
            let part = ffi::g_variant_get_child_value(said, index);
            let word = text(ffi::g_variant_get_string(part, null_mut()));
            ffi::g_variant_unref(part);
            word
        }
    };
    Allowed::new(&word(0), &word(1), &word(2))
}

/// WebKit calls this with every frame that is about to have scripts, before any of them runs.
unsafe extern "C" fn on_window_object_cleared(
    world: *mut ffi::World,
    page: *mut ffi::Page,
    frame: *mut ffi::Frame,
    _: *mut c_void,
) {
    // A page that gets no object goes the next best way, so what went wrong needs no more words.
    _ = catch_unwind(|| {
        // SAFETY: WebKit hands over a live frame.
        let address = unsafe {
            if ffi::webkit_frame_is_main_frame(frame) == 0 {
                return;
            }
            text(ffi::webkit_frame_get_uri(frame))
        };
        // SAFETY: the same, and this is the page's own thread.
        let js = unsafe {
            Js::of(ffi::webkit_frame_get_javascript_context_for_script_world(frame, world))
        };
        let Some(allowed) = ALLOWED.get() else { return };
        // No script of the page has run, so this is the engine's own word.
        let origin = js.get(js.global(), "origin").ok().and_then(|value| js.string(value));
        if !allowed.is_of(&address, &origin.unwrap_or_default()) {
            return;
        }
        let Ok((line, hosts)) = Line::new() else { return };
        if page::give(js, &Arc::new(Load::new(line))).is_ok() {
            // SAFETY: WebKit hands over a live page.
            unsafe { hand_over(page, hosts, &allowed.token) };
        }
    });
}

/// Sends the host its end of a socket. It goes on a thread of WebKit's own, so it arrives even while the
/// page waits for the first answer.
///
/// # Safety
/// The page is live.
unsafe fn hand_over(page: *mut ffi::Page, hosts: std::os::fd::OwnedFd, token: &str) {
    let descriptor = hosts.into_raw_fd();
    let token = c_string(token);
    // SAFETY: the list takes the descriptor over, the message takes the list and the text along, and the
    // page takes the message; what is counted is given back once.
    unsafe {
        let list = ffi::g_unix_fd_list_new_from_array(&raw const descriptor, 1);
        let text = ffi::g_variant_new_string(token.as_ptr());
        let message = ffi::webkit_user_message_new_with_fd_list(MESSAGE.as_ptr(), text, list);
        ffi::g_object_unref(list.cast());
        ffi::webkit_web_page_send_message_to_view(page, message, null_mut(), null(), null_mut());
    }
}

/// Reads a text of C.
///
/// # Safety
/// It ends with a zero, or there is none.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller promises so.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
