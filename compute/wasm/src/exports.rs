//! What the page calls, besides what RunMat's own module has.

use std::io;
use std::sync::Arc;

use js_sys::{Error, Reflect};
use wasm_bindgen::prelude::*;

use crate::handle::{lost, settle};
use crate::host::{self, HostFiles};
use crate::provider::Workspace;

/// Takes away the graphics card that RunMat makes up where there is none. It moves long values to that card,
/// which is the module's own memory, and keeps them: a script that adds up a file in pieces would end with
/// the whole file there, and more than once. It is called when a session is there, which brings the card.
#[wasm_bindgen(js_name = takeCardAway)]
pub fn take_card_away() {
    runmat_accelerate_api::clear_provider();
}

/// Attaches a workspace: it is `/` of every script from now on, in the place of the one before.
///
/// # Errors
/// Where the workspace cannot be used, or something did not reach a file of the one before.
#[wasm_bindgen(js_name = attachFiles)]
pub fn attach_files(files: HostFiles, workspace: String) -> Result<(), JsValue> {
    let before = settle(None);
    host::attach(files, workspace);
    runmat_filesystem::set_provider(Arc::new(Workspace));
    // It also asks the host whether the workspace is there.
    runmat_filesystem::set_current_dir("/").and(before).map_err(|error| thrown(&error))
}

/// Lets go of the workspace. Scripts then have no files.
///
/// # Errors
/// Where something did not reach a file.
#[wasm_bindgen(js_name = detachFiles)]
pub fn detach_files() -> Result<(), JsValue> {
    let flushed = flush_files();
    host::detach();
    flushed
}

/// Hands what scripts wrote to the host: called after each run, since a script may leave files open.
///
/// # Errors
/// Where something did not reach a file, also of one that was closed since the last call.
#[wasm_bindgen(js_name = flushFiles)]
pub fn flush_files() -> Result<(), JsValue> {
    let settled = settle(None);
    lost().map_or(settled, Err).map_err(|error| thrown(&error))
}

fn thrown(error: &io::Error) -> JsValue {
    let thrown = Error::new(&error.to_string());
    // An object that was just made takes any property.
    let _ = Reflect::set(&thrown, &"kind".into(), &format!("{:?}", error.kind()).into());
    thrown.into()
}
