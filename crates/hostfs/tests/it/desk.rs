//! A granted folder, and an engine that has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oriel_hostfs::{Config, Files, Grant, Grants, Handle, Limits, Surface};
use oriel_wire::hostfs::{Create, Mode, Open, WorkspaceAccess};
use tempfile::TempDir;

/// The id of the folder, and of the same one, granted to be read.
pub(crate) const W: &str = "w";
pub(crate) const READ_ONLY: &str = "r";

pub(crate) const LABEL: &str = "workbench";

pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) files: Arc<Files>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = Self::files(folder.path(), limits);
        Self { folder, files }
    }

    pub(crate) fn files(folder: &Path, limits: Limits) -> Arc<Files> {
        let root = || folder.canonicalize().unwrap();
        let grants = Grants::fixed(vec![
            Grant::new(W, LABEL, root(), WorkspaceAccess::ReadWrite),
            Grant::new(READ_ONLY, LABEL, root(), WorkspaceAccess::Read),
        ]);
        Files::new(Config { grants, limits })
    }

    pub(crate) fn page(&self) -> Surface {
        self.files.surface(LABEL)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is in a file, as any other program sees it.
    pub(crate) fn seen(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

pub(crate) fn asks(path: &str, mode: Mode) -> Open {
    let create = if mode == Mode::Read { Create::Never } else { Create::May };
    let (workspace, path) = (W.to_owned(), path.to_owned());
    Open { workspace, path, mode, create, truncate: false, direct: false }
}

pub(crate) fn open(page: &Surface, path: &str, mode: Mode) -> Handle {
    page.open(&asks(path, mode)).unwrap().0
}

/// Reads all of an open file.
pub(crate) fn read(page: &Surface, handle: Handle) -> Vec<u8> {
    let mut bytes = vec![0; page.length(handle).unwrap() as usize + 1];
    let came = page.read_at(handle, 0, &mut bytes).unwrap();
    bytes.truncate(came);
    bytes
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::yield_now();
    }
}
