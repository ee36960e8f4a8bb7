//! RunMat's files: the attached workspace, and nothing else of the machine.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use oriel_wire::hostfs::{
    Answered, Create, Entries, Head, Kind, List, Looked, MakeFolder, Op, Remove, Rename, Replace,
    Stat, StatMany, replace,
};
use runmat_filesystem::{
    DirEntry, FileHandle, FsFileType, FsMetadata, FsProvider, OpenFlags, ReadManyEntry,
};

use crate::errors::{failed, garbled};
use crate::handle::{open, settle};
use crate::host::{CALL_BYTES_MAX, Host, attached};
use crate::path::within;

/// What a message that replaces a file needs besides the file's bytes.
const REPLACE_BYTES_SPARE: usize = 16 * 1024;

/// The files of the attached workspace.
pub(crate) struct Workspace;

#[async_trait(?Send)]
impl FsProvider for Workspace {
    fn current_dir_override(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/"))
    }

    fn open(&self, path: &Path, flags: &OpenFlags) -> io::Result<Box<dyn FileHandle>> {
        Ok(Box::new(open(&*attached()?, told(path)?, flags)?))
    }

    async fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let flags = OpenFlags { read: true, ..OpenFlags::default() };
        open(&*attached()?, told(path)?, &flags)?.read_whole()
    }

    /// A short file is replaced at once. A longer one is written in pieces, and is half-way there while it
    /// is being written.
    async fn write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let host = attached()?;
        if data.len() <= CALL_BYTES_MAX - REPLACE_BYTES_SPARE {
            settle(None)?;
            let workspace = host.workspace.clone();
            let form = Replace { workspace, path: told(path)?, create: Create::May };
            return host.send(Head::of(Op::Replace, 0), &replace(&form, data)).map(|_| ());
        }
        let flags = OpenFlags { write: true, create: true, truncate: true, ..OpenFlags::default() };
        let mut file = open(&host, told(path)?, &flags)?;
        io::Write::write_all(&mut file, data)?;
        io::Write::flush(&mut file)
    }

    async fn remove_file(&self, path: &Path) -> io::Result<()> {
        if look(path)?.kind == Kind::Folder {
            return Err(about(
                ErrorKind::IsADirectory,
                path,
                "is a folder, and is no file to remove",
            ));
        }
        remove(path, false)
    }

    async fn metadata(&self, path: &Path) -> io::Result<FsMetadata> {
        look(path).map(|stat| metadata(&stat))
    }

    /// Links are followed where they stay in the workspace, and are nothing where they do not.
    async fn symlink_metadata(&self, path: &Path) -> io::Result<FsMetadata> {
        self.metadata(path).await
    }

    async fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        settle(None)?;
        let host = attached()?;
        let mut form = List { workspace: host.workspace.clone(), path: told(path)?, after: None };
        let mut entries = Vec::new();
        loop {
            let page: Entries = host.ask(Op::List, &form)?;
            form.after = page.entries.last().map(|entry| entry.name.clone());
            entries.extend(page.entries.into_iter().map(|entry| {
                let name = OsString::from(&entry.name);
                DirEntry::new(path.join(&entry.name), name, file_type(entry.kind))
            }));
            // A page without entries has nothing to go on from.
            if !page.has_more || form.after.is_none() {
                return Ok(entries);
            }
        }
    }

    async fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        look(path)?;
        Ok(Path::new("/").join(told(path)?))
    }

    async fn create_dir(&self, path: &Path) -> io::Result<()> {
        make_folder(path, false)
    }

    async fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        make_folder(path, true)
    }

    async fn remove_dir(&self, path: &Path) -> io::Result<()> {
        remove_folder(path, false)
    }

    async fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        remove_folder(path, true)
    }

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        settle(None)?;
        let host = attached()?;
        let workspace = host.workspace.clone();
        let form = Rename { workspace, from: told(from)?, to: told(to)?, replace: true };
        host.tell(Op::Rename, &form).map(|_| ())
    }

    async fn set_readonly(&self, path: &Path, _readonly: bool) -> io::Result<()> {
        Err(about(
            ErrorKind::Unsupported,
            path,
            "keeps its permissions; scripts cannot change them",
        ))
    }

    async fn read_many(&self, paths: &[PathBuf]) -> io::Result<Vec<ReadManyEntry>> {
        let mut entries = Vec::with_capacity(paths.len());
        for path in paths {
            entries.push(match self.read(path).await {
                Ok(bytes) => ReadManyEntry::new(path.clone(), Some(bytes)),
                Err(error) => ReadManyEntry::with_error(path.clone(), error.to_string()),
            });
        }
        Ok(entries)
    }
}

fn told(path: &Path) -> io::Result<String> {
    within(path).ok_or_else(|| about(ErrorKind::InvalidInput, path, "cannot be said as text"))
}

fn look(path: &Path) -> io::Result<Stat> {
    settle(None)?;
    let host = attached()?;
    let form = StatMany { workspace: host.workspace.clone(), paths: vec![told(path)?] };
    let looked: Looked = host.ask(Op::Stat, &form)?;
    match looked.stats.into_iter().next() {
        Some(Answered::Stat(stat)) => Ok(stat),
        Some(Answered::Failed(reason)) => {
            Err(failed(&serde_json::to_vec(&reason).unwrap_or_default()))
        }
        None => Err(garbled("the host was asked about a path and said nothing")),
    }
}

fn make_folder(path: &Path, parents: bool) -> io::Result<()> {
    let host = attached()?;
    let form = MakeFolder { workspace: host.workspace.clone(), path: told(path)?, parents };
    host.tell(Op::MakeFolder, &form).map(|_| ())
}

fn remove_folder(path: &Path, all: bool) -> io::Result<()> {
    if look(path)?.kind != Kind::Folder {
        return Err(about(ErrorKind::NotADirectory, path, "is no folder"));
    }
    remove(path, all)
}

fn remove(path: &Path, all: bool) -> io::Result<()> {
    let host: &Host = &*attached()?;
    let workspace = host.workspace.clone();
    let form = Remove { workspace, path: told(path)?, all, trash: false };
    host.tell(Op::Remove, &form).map(|_| ())
}

/// Returns what RunMat is told of something.
pub(crate) fn metadata(stat: &Stat) -> FsMetadata {
    let modified = Duration::from_secs_f64(stat.modified_ms.max(0.0) / 1000.0);
    let modified = SystemTime::UNIX_EPOCH.checked_add(modified);
    FsMetadata::new(file_type(stat.kind), stat.length, modified, stat.is_read_only)
}

fn file_type(kind: Kind) -> FsFileType {
    match kind {
        Kind::File => FsFileType::File,
        Kind::Folder => FsFileType::Directory,
        Kind::Link => FsFileType::Symlink,
        Kind::Other => FsFileType::Other,
    }
}

fn about(kind: ErrorKind, path: &Path, message: &str) -> io::Error {
    io::Error::new(kind, format!("{} {message}", path.display()))
}
