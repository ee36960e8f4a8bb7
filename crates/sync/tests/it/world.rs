//! A folder, a store, and changes to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use oriel_sync::apply::apply;
use oriel_sync::contents::Contents;
use oriel_sync::digest_of;
use oriel_sync::folder::{Folder, Options};
use oriel_sync::look::{Seen, look};
use oriel_sync::op::{Applied, Op, OpId};
use oriel_sync::vfs::{Blobs as _, Place};
use oriel_sync::watcher::Heard;
use oriel_wire::sync::{Entry, RelPath};
use tempfile::TempDir;

/// After this a condition that is waited for does not come any more.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) contents: Contents,
    last: AtomicU64,
    top: PathBuf,
    _kept: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(TempDir::new().unwrap(), Options::default())
    }

    pub(crate) fn on(kept: TempDir, options: Options) -> Self {
        let top = kept.path().join("top");
        fs::create_dir_all(&top).unwrap();
        Self::at(kept, &top, options)
    }

    pub(crate) fn at(kept: TempDir, top: &Path, options: Options) -> Self {
        let folder = Folder::open_with(top, options, |_| {}).unwrap().with_umask(0o022);
        let contents = Contents::open(&kept.path().join("contents"), true).unwrap();
        Self { folder, contents, last: AtomicU64::new(0), top: top.to_owned(), _kept: kept }
    }

    /// Returns where something lies, as everybody else sees it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.top.join(path)
    }

    pub(crate) fn keep(&self, bytes: &[u8]) -> Entry {
        let mut draft = self.contents.begin().unwrap();
        self.contents.add(&mut draft, bytes).unwrap();
        let digest = digest_of(bytes);
        self.contents.keep(draft, digest).unwrap();
        Entry::File { digest, size: bytes.len() as u64, exec: false }
    }

    pub(crate) fn look(&self, path: &str) -> Seen {
        let path = rel(path);
        look(&self.folder, &self.contents, Place::Tree(&path), &path, None).unwrap()
    }

    /// Changes what is at a path, where that is what was seen there.
    pub(crate) fn apply(&self, path: &str, seen: Seen, new: Entry) -> (Op, Applied) {
        let id = OpId(self.last.fetch_add(1, Ordering::Relaxed).into());
        let (agreed, expected) = (new.clone(), seen.entry);
        let op = Op { id, path: rel(path), expected, stat: seen.stat, new, agreed, proposal: None };
        let applied = apply(&self.folder, &self.contents, &op);
        (op, applied)
    }

    /// Makes a new file.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> Applied {
        let absent = Seen { entry: Entry::Absent, stat: None };
        let new = self.keep(bytes);
        self.apply(path, absent, new).1
    }
}

pub(crate) fn rel(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

/// Returns a temporary folder on each kind of disk there is here.
pub(crate) fn disks() -> Vec<TempDir> {
    let mut disks = vec![TempDir::new().unwrap()];
    disks.extend(TempDir::new_in("/dev/shm"));
    disks
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it never came to it: {what}");
        std::thread::yield_now();
    }
}

/// Waits for the next thing that is heard.
pub(crate) fn next(heard: &std::sync::mpsc::Receiver<Heard>) -> Heard {
    heard.recv_timeout(PATIENCE).expect("nothing is heard any more")
}

/// Returns how to get namespaces of one's own, where that is allowed.
pub(crate) fn namespaces() -> Option<&'static [&'static str]> {
    let how = &["unshare", "-Urm"][..];
    let tried = Command::new(how[0]).args(&how[1..]).arg("true").output();
    tried.is_ok_and(|tried| tried.status.success()).then_some(how)
}

/// Runs one test of this program again, in a folder and after a script.
pub(crate) fn child(how: &[&str], script: &str, folder: &Path, test: &str) -> Output {
    let script = format!("{script} && exec \"$0\" --exact {test} --ignored --nocapture");
    Command::new(how[0])
        .args(&how[1..])
        .args(["sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .current_dir(folder)
        .output()
        .unwrap()
}

pub(crate) fn passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    let is_fine = output.status.success() && text.contains("1 passed");
    assert!(is_fine, "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}
