//! What an engine makes a download of by itself. What a page made itself is written by the engine, under a
//! name that is free; a file of ours comes through the bridge, as every answer does.

use std::path::PathBuf;
use std::sync::Arc;

use oriel_bridge::policy::{self, How};
use oriel_bridge::{Surface, download};
use tauri::Url;

use crate::desktop::Desktop;

/// The name of a file whose address has none.
const UNNAMED: &str = "download";

/// Decides on a download. Returns whether the engine is to write it, to the destination that is set.
pub(crate) fn begin(
    desktop: &Arc<Desktop>,
    surface: Surface,
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
    // A file of ours comes as an answer, which the bridge saves.
    false
}
