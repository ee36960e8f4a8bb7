//! A workspace gives nothing that lies outside of it, and what becomes of its files is found and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;

mod reading;
mod tracking;

/// A workspace in a folder beside things that are none of its business.
struct House {
    folder: tempfile::TempDir,
    workspace: Arc<Workspace>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("w")).unwrap();
        fs::write(folder.path().join("secret"), "keep out").unwrap();
        let workspace = Arc::new(Workspace::open(&folder.path().join("w")).unwrap());
        Self { folder, workspace }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("w").join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn blobs(&self) -> Arc<Blobs> {
        Arc::new(Blobs::open(&self.folder.path().join("blobs")).unwrap())
    }
}

/// The system's clock, since that of files is the system's too.
#[expect(clippy::disallowed_methods, reason = "files are dated by the system")]
fn now() -> SystemTime {
    SystemTime::now()
}
