//! What is remembered of a sync beside its journal: a small file in a folder of its own.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use oriel_wire::sync::{StartSync, SyncCode};
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::digest_of;
use crate::room::private_folder;
use crate::served::hex;

/// The longest file of ours.
const BYTES_MAX: u64 = 64 * 1024;

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct About {
    pub(super) session_id: String,
    pub(super) local_dir: String,
    pub(super) allow_polling: bool,
    pub(super) use_gitignore: bool,
    pub(super) merge_unasked: bool,
    /// A person stopped it.
    pub(super) is_stopped: bool,
}

impl About {
    /// Returns what asks for it again.
    pub(super) fn again(&self) -> StartSync {
        StartSync {
            session_id: self.session_id.clone(),
            local_dir: self.local_dir.clone(),
            confirm_non_empty: true,
            allow_polling: self.allow_polling,
            use_gitignore: self.use_gitignore,
            merge_unasked: self.merge_unasked,
        }
    }
}

/// Returns the folder of a session's sync.
pub(super) fn folder(own: &Path, session_id: &str) -> PathBuf {
    own.join(hex(&digest_of(session_id.as_bytes()).0[..16]))
}

/// Returns all that is remembered. What cannot be read is told in the log and left alone.
pub(super) fn all(own: &Path) -> Vec<About> {
    let folders = match fs::read_dir(own) {
        Ok(folders) => folders,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            tracing::error!(%error, "what is synced cannot be read in {}", own.display());
            return Vec::new();
        }
    };
    let mut all = Vec::new();
    for folder in folders.flatten() {
        match read(&folder.path().join("about.json")) {
            Ok(about) => all.extend(about),
            Err(error) => {
                tracing::error!(%error, "a sync cannot be gone on with: {}", folder.path().display());
            }
        }
    }
    all.sort_by(|a, b| a.session_id.cmp(&b.session_id));
    all
}

fn read(path: &Path) -> io::Result<Option<About>> {
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        // It was being made, or forgotten, when the process ended.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if BYTES_MAX < length {
        return Err(io::Error::other("the file is too long to be ours"));
    }
    serde_json::from_slice(&fs::read(path)?).map(Some).map_err(io::Error::other)
}

/// Remembers it. It is on disk when this returns.
pub(super) async fn write(own: &Path, about: &About) -> Result<(), Failure> {
    let (folder, about) = (folder(own, &about.session_id), about.clone());
    off_thread(move || {
        private_folder(&folder)?;
        let text = serde_json::to_vec_pretty(&about).map_err(Failure::system)?;
        replace(&folder, &text).map_err(|error| {
            Failure::system(format!("{} cannot be written: {error}", folder.display()))
        })
    })
    .await
}

fn replace(folder: &Path, text: &[u8]) -> io::Result<()> {
    let (new, path) = (folder.join("about.new"), folder.join("about.json"));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    fs::File::open(folder)?.sync_all()
}

/// Forgets it, with its journal and its contents. No file of the synced folder goes.
pub(super) async fn forget(own: &Path, session_id: &str) -> Result<(), Failure> {
    let folder = folder(own, session_id);
    off_thread(move || {
        // Without this file nobody goes on with it, whatever is left of the rest.
        for removed in [fs::remove_file(folder.join("about.json")), fs::remove_dir_all(&folder)] {
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let message = format!("{} cannot be removed: {error}", folder.display());
                    return Err(Failure::new(SyncCode::System, message));
                }
                _ => {}
            }
        }
        Ok(())
    })
    .await
}

/// Does what waits for the disk beside everything else.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(Failure::system(error)))
}
