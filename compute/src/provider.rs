//! The engine's files, over `oriel_hostfs`: nothing outside of the workspace, and fast for an engine that
//! reads one element at a time.
//!
//! Scripts see the workspace at its real path. A path is made absolute and put straight by its words
//! alone, and what then lies in the workspace is asked for by the rest of it; the system resolves that
//! beneath the folder, so a link cannot lead out.

mod asking;
mod handle;
mod paths;
mod sources;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use oriel_hostfs::Surface;
use oriel_wire::hostfs::{Create, Kind, MakeFolder, Mode, Op, Open, Remove, Rename, Stat};
use runmat_filesystem::{DirEntry, FileHandle, FsFileType, FsMetadata, FsProvider, OpenFlags};

use handle::{Buffered, Shared};
use paths::Paths;
use sources::Sources;

/// The largest file that is read at once. One that is larger is read in parts, by `fread`.
const READ_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Files of one workspace for the engine.
#[derive(Debug, Clone)]
pub(crate) struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    surface: Surface,
    workspace: String,
    paths: Paths,
    open: Mutex<Vec<Weak<Mutex<Buffered>>>>,
    late: Mutex<Vec<String>>,
    sources: Mutex<Sources>,
}

impl Provider {
    /// Files of a surface's workspace, which lies at a root.
    pub(crate) fn new(surface: Surface, workspace: &str, root: PathBuf) -> Self {
        Self(Arc::new(Inner {
            surface,
            workspace: workspace.to_owned(),
            paths: Paths::new(root),
            open: Mutex::default(),
            late: Mutex::default(),
            sources: Mutex::default(),
        }))
    }

    /// Writes what open files hold back, and returns what could not be written since the last time.
    pub(crate) fn settle(&self) -> Vec<String> {
        self.each_open(Buffered::flush);
        std::mem::take(&mut self.0.late.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks whether the workspace is there.
    pub(crate) fn look(&self) -> io::Result<()> {
        self.stat("").map(drop)
    }

    /// Reads a script, for the places that are shown of it.
    pub(crate) fn text(&self, path: &Path) -> Option<String> {
        let path = self.0.paths.of(&self.0.paths.root().join(path)).ok()?;
        // Without it a place is shown without its line.
        String::from_utf8(self.read_all(&path).ok()?).ok()
    }

    /// A script is about to be compiled, with the functions beside it but for these files.
    pub(crate) fn begin_sources(&self, left_out: &[String]) {
        *self.sources() = Sources::without(left_out);
    }

    /// Returns which files were read as functions beside the script since then, or by it.
    pub(crate) fn sources_read(&self) -> Vec<String> {
        self.sources().take()
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.0.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what open files hold back, so that what is asked by name sees it.
    fn flush_all(&self) {
        self.each_open(Buffered::write_pending);
    }

    fn each_open(&self, does: impl Fn(&mut Buffered) -> io::Result<()>) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|file| {
            let Some(file) = file.upgrade() else { return false };
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = does(&mut file) {
                self.late(&error.to_string());
            }
            true
        });
    }

    fn late(&self, what: &str) {
        let mut late = self.0.late.lock().unwrap_or_else(PoisonError::into_inner);
        // A script that goes on writing to a full disk says the same again and again.
        if late.len() < 16 {
            late.push(what.to_owned());
        }
    }

    fn open_handle(&self, path: &str, open: Mode, flags: &OpenFlags) -> io::Result<Buffered> {
        let create = match (flags.create_new, flags.create) {
            (true, _) => Create::Must,
            (false, true) => Create::May,
            (false, false) => Create::Never,
        };
        let open = Open {
            workspace: self.0.workspace.clone(),
            path: path.to_owned(),
            mode: open,
            create,
            truncate: flags.truncate,
            direct: false,
        };
        let (handle, _) = self.0.surface.open(&open).map_err(|error| asking::system(&error))?;
        Ok(Buffered::new(self.clone(), handle, open.mode == Mode::Append))
    }

    fn stat(&self, path: &str) -> io::Result<Stat> {
        self.flush_all();
        asking::stat(&self.0.surface, &self.0.workspace, path)
    }

    fn read_all(&self, path: &str) -> io::Result<Vec<u8>> {
        self.flush_all();
        let mut file = self.open_handle(path, Mode::Read, &OpenFlags::default())?;
        let length = file.length()?;
        if length > READ_BYTES_MAX {
            let why = format!("{path} is too large to be read at once; read it in parts");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        let mut bytes = Vec::new();
        let room = usize::try_from(length).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(room).map_err(|_| io::ErrorKind::OutOfMemory)?;
        file.read_rest(&mut bytes)?;
        Ok(bytes)
    }

    fn write_all(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.flush_all();
        let flags = OpenFlags { create: true, truncate: true, ..OpenFlags::default() };
        let mut file = self.open_handle(path, Mode::Write, &flags)?;
        file.write(bytes)?;
        file.write_pending()?;
        file.flush()
    }

    fn remove(&self, path: &Path, all: bool) -> io::Result<()> {
        let path = self.0.paths.of(path)?;
        self.flush_all();
        let workspace = self.0.workspace.clone();
        let form = Remove { workspace, path, all, trash: false };
        asking::done(&self.0.surface, Op::Remove, &form)
    }

    fn make_folder(&self, path: &Path, parents: bool) -> io::Result<()> {
        let path = self.0.paths.of(path)?;
        if path.is_empty() {
            return if parents { Ok(()) } else { Err(io::ErrorKind::AlreadyExists.into()) };
        }
        let form = MakeFolder { workspace: self.0.workspace.clone(), path, parents };
        asking::done(&self.0.surface, Op::MakeFolder, &form)
    }
}

#[async_trait(?Send)]
impl FsProvider for Provider {
    fn current_dir_override(&self) -> Option<PathBuf> {
        Some(self.0.paths.root().to_owned())
    }

    fn open(&self, path: &Path, flags: &OpenFlags) -> io::Result<Box<dyn FileHandle>> {
        let path = self.0.paths.of(path)?;
        // What another handle of the same file holds back is seen by this one.
        self.flush_all();
        let mode = match (flags.read, flags.write, flags.append) {
            (false, _, true) => Mode::Append,
            (true, _, true) | (true, true, _) => Mode::ReadWrite,
            (false, true, false) => Mode::Write,
            (_, false, false) => Mode::Read,
        };
        let file = self.open_handle(&path, mode, flags)?.appending(flags.append);
        let file = Arc::new(Mutex::new(file));
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push(Arc::downgrade(&file));
        Ok(Box::new(Shared(file)))
    }

    async fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let named = self.0.paths.of(path)?;
        self.sources().reads(&named)?;
        self.read_all(&named)
    }

    async fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write_all(&self.0.paths.of(path)?, bytes)
    }

    async fn remove_file(&self, path: &Path) -> io::Result<()> {
        let named = self.0.paths.of(path)?;
        if self.stat(&named).is_ok_and(|stat| stat.kind == Kind::Folder) {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                format!("{named} is a folder"),
            ));
        }
        self.remove(path, false)
    }

    async fn metadata(&self, path: &Path) -> io::Result<FsMetadata> {
        Ok(metadata(&self.stat(&self.0.paths.of(path)?)?))
    }

    async fn symlink_metadata(&self, path: &Path) -> io::Result<FsMetadata> {
        // A workspace does not tell links from what they lead to.
        self.metadata(path).await
    }

    async fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let named = self.0.paths.of(path)?;
        self.flush_all();
        let entries = asking::list(&self.0.surface, &self.0.workspace, &named)?;
        let entry = |entry: oriel_wire::hostfs::Entry| {
            DirEntry::new(path.join(&entry.name), entry.name.into(), file_type(entry.kind))
        };
        Ok(entries.into_iter().map(entry).collect())
    }

    async fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        let named = self.0.paths.of(path)?;
        self.stat(&named)?;
        Ok(self.0.paths.root().join(named))
    }

    async fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.make_folder(path, false)
    }

    async fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.make_folder(path, true)
    }

    async fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.remove(path, false)
    }

    async fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.remove(path, true)
    }

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.0.paths.of(from)?, self.0.paths.of(to)?);
        self.flush_all();
        let form = Rename { workspace: self.0.workspace.clone(), from, to, replace: true };
        asking::done(&self.0.surface, Op::Rename, &form)
    }

    async fn set_readonly(&self, path: &Path, _readonly: bool) -> io::Result<()> {
        let why = format!("the permissions of {} cannot be changed from a script", path.display());
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    }
}

fn metadata(stat: &Stat) -> FsMetadata {
    let since = Duration::try_from_secs_f64(stat.modified_ms / 1000.0);
    let modified = since.ok().and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    FsMetadata::new(file_type(stat.kind), stat.length, modified, stat.is_read_only)
}

fn file_type(kind: Kind) -> FsFileType {
    match kind {
        Kind::File => FsFileType::File,
        Kind::Folder => FsFileType::Directory,
        _ => FsFileType::Other,
    }
}
