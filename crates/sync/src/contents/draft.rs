//! A content that is being written and whose digest is not known yet. A small one stays in memory until then,
//! so that one that is here already costs no file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const DRAFTS: &str = "drafts";

/// How much of a draft is in memory; what is longer goes to a file.
const MEMORY_BYTES_MAX: usize = 128 * 1024;

/// Gives drafts their names.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    pub(super) fn next(&self, store: &Path) -> PathBuf {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        store.join(DRAFTS).join(number.to_string())
    }
}

/// A content that is being written. It is removed unless it is kept.
#[derive(Debug)]
pub struct Draft {
    bytes: Vec<u8>,
    file: Option<File>,
    path: DraftPath,
}

/// Where a draft is. The file is removed with it.
#[derive(Debug)]
pub(super) struct DraftPath {
    path: PathBuf,
    is_there: bool,
}

impl DraftPath {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file has another name now.
    pub(super) fn renamed(mut self) {
        self.is_there = false;
    }
}

impl Drop for DraftPath {
    fn drop(&mut self) {
        if self.is_there {
            // What stays is removed when the store is opened again.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Draft {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { bytes: Vec::new(), file: None, path: DraftPath { path, is_there: false } }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() && self.bytes.len() + bytes.len() <= MEMORY_BYTES_MAX {
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        self.file()?.write_all(bytes)
    }

    /// Brings all of it into its file.
    pub(super) fn finish(mut self) -> io::Result<DraftPath> {
        self.file()?;
        Ok(self.path)
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let new = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&self.path.path)?;
            self.path.is_there = true;
            self.file.insert(new).write_all(&std::mem::take(&mut self.bytes))?;
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
