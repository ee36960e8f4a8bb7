//! A workspace: one handle on a folder, through which all of its files are reached.
//!
//! The folder's own path is used once, where it is opened. From then on the system resolves every path
//! beneath the handle, links too, so what is checked and what is opened cannot differ.

use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, FileType, Metadata, OpenOptions};
use oriel_wire::gateway::{FileEntry, FileKind};
use oriel_wire::sync::OWN_FOLDER;

use super::error::FileError;
use super::look::Look;
use super::part::{PART_BYTES_MAX, Part};
use super::path::WorkspacePath;

/// How many entries one answer lists. Beyond it those of lower folders are left out first, and the
/// answer says that there is more.
pub(crate) const LISTED_MAX: usize = 5_000;

/// How many levels down a list goes.
pub(crate) const LISTED_DEPTH_MAX: u32 = 8;

/// So many names of one folder are looked at for a list; in a larger one, whichever come first.
const NAMES_MAX: usize = 100_000;

/// A longer file is not hashed for a reader of a part.
pub(crate) const HASHED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How often a file is read again that changed while it was read.
const READS_MAX: usize = 3;

/// A workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    dir: Dir,
    /// Where the folder lies: as it was named, and as the system names it.
    roots: [PathBuf; 2],
    /// A folder in it that nobody sees: where it lies, and where it really does.
    hidden: Option<(WorkspacePath, PathBuf)>,
    /// The file that was hashed last: who reads a file in parts asks for its hash each time.
    hashed: Mutex<Option<(WorkspacePath, Look, String)>>,
}

/// A file that was opened, and what it was at that moment.
pub(super) struct Opened {
    file: File,
    pub(super) look: Look,
}

impl Workspace {
    /// Opens a folder as a workspace.
    ///
    /// # Errors
    /// Where it is no folder that can be opened.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(root, ambient_authority())?;
        let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        Ok(Self { dir, roots: [root.to_owned(), real], hidden: None, hashed: Mutex::new(None) })
    }

    /// Has a folder be as if it were not there, if it lies in the workspace.
    pub(crate) fn hiding(mut self, folder: &Path) -> Self {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let lies = self.relative(&real).or_else(|| self.relative(folder));
        self.hidden = lies.map(|path| (path, real));
        self
    }

    /// Returns whether something is hidden, by its name.
    pub(super) fn hides(&self, path: &str) -> bool {
        // Where a workspace is synced, sync has a folder of its own in it.
        if path.split('/').next() == Some(OWN_FOLDER) {
            return true;
        }
        let Some((hidden, _)) = &self.hidden else { return false };
        let rest = path.strip_prefix(hidden.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Refuses what is hidden, also where a link leads there.
    fn refuse_hidden(&self, path: &str) -> Result<(), FileError> {
        let leads = self.roots[1].join(path).canonicalize();
        let is_within = |leads: &Path| {
            let own = self.roots[1].join(OWN_FOLDER);
            let is_hidden = self.hidden.as_ref().is_some_and(|(_, real)| leads.starts_with(real));
            is_hidden || leads.starts_with(own)
        };
        if self.hides(path) || leads.is_ok_and(|leads| is_within(&leads)) {
            let path = path.to_owned();
            return Err(FileError::Refused { path, why: "it lies in Oriel's own folder" });
        }
        Ok(())
    }

    /// Returns where something of the system lies in the workspace, by its name alone.
    pub(crate) fn relative(&self, path: &Path) -> Option<WorkspacePath> {
        self.roots.iter().find_map(|root| WorkspacePath::within(root, path))
    }

    /// Lists what lies in a folder, `""` for the workspace itself, and so many levels down. Returns the
    /// entries by path, and whether there were more. Links are listed and not followed.
    ///
    /// # Errors
    /// Where the path is refused, or no folder.
    pub(crate) fn list(
        &self,
        path: &str,
        depth: u32,
        limit: usize,
    ) -> Result<(Vec<FileEntry>, bool), FileError> {
        let failed = |source| FileError::of(path, "folder", source);
        self.refuse_hidden(path)?;
        let dir = match path {
            "" => self.dir.try_clone().map_err(failed)?,
            path => self.dir.open_dir(WorkspacePath::parse(path)?.as_str()).map_err(failed)?,
        };
        let mut list =
            List { found: Vec::new(), limit: limit.min(LISTED_MAX), is_truncated: false };
        let depth = depth.clamp(1, LISTED_DEPTH_MAX);
        // The entries of upper folders come first, so that a huge folder hides none of them. What lies
        // below is opened by its path, so no more than one folder is open at a time.
        let mut waiting = VecDeque::from([(String::new(), 1)]);
        while let Some((below, level)) = waiting.pop_front() {
            if list.is_truncated {
                break;
            }
            let opened = if below.is_empty() { dir.try_clone() } else { dir.open_dir(&below) };
            let opened = match opened {
                Ok(opened) => opened,
                Err(source) if below.is_empty() => return Err(failed(source)),
                // It is gone by now, or closed to us; that it is there was told.
                Err(_) => continue,
            };
            for folder in list.folder(&opened, path, &below, self).map_err(failed)? {
                if level < depth {
                    waiting.push_back((folder, level + 1));
                }
            }
        }
        list.found.sort_unstable_by(|one, two| one.path.cmp(&two.path));
        Ok((list.found, list.is_truncated))
    }

    /// Reads a part of a file, at most [`PART_BYTES_MAX`] long.
    ///
    /// # Errors
    /// Where the path is refused, leads out or names no file.
    pub(crate) fn read(&self, path: &str, offset: u64, length: u64) -> Result<Part, FileError> {
        let path = WorkspacePath::parse(path)?;
        for _ in 0..READS_MAX {
            let mut opened = self.open_file(&path)?;
            let part = self.part(&path, &mut opened, offset, length.min(PART_BYTES_MAX));
            if let Some(part) =
                part.map_err(|source| FileError::of(path.as_str(), "file", source))?
            {
                return Ok(part);
            }
        }
        // A file that is never at rest, such as one that is written to all the time, has no hash, and
        // whoever reads it has to know that from this.
        let mut opened = self.open_file(&path)?;
        let bytes = opened.bytes(offset, length.min(PART_BYTES_MAX));
        let bytes = bytes.map_err(|source| FileError::of(path.as_str(), "file", source))?;
        let size = opened.look.size.max(offset.saturating_add(bytes.len() as u64));
        Ok(Part::new(bytes, offset, size, None))
    }

    /// Reads a part and the hash of the whole; nothing where the file changed meanwhile.
    fn part(
        &self,
        path: &WorkspacePath,
        opened: &mut Opened,
        offset: u64,
        length: u64,
    ) -> io::Result<Option<Part>> {
        let size = opened.look.size;
        let hash = if size > HASHED_BYTES_MAX { None } else { Some(self.hash(path, opened)?) };
        let bytes = opened.bytes(offset, length)?;
        let is_whole = bytes.len() as u64 == size.saturating_sub(offset).min(length);
        if !is_whole || !opened.is_same()? {
            return Ok(None);
        }
        if let Some(hash) = &hash {
            let known = (path.clone(), opened.look, hash.clone());
            *self.hashed.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        }
        Ok(Some(Part::new(bytes, offset, size, hash)))
    }

    fn hash(&self, path: &WorkspacePath, opened: &mut Opened) -> io::Result<String> {
        let known = self.hashed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((of, look, hash)) if of == *path && look == opened.look => Ok(hash),
            _ => opened.hash(),
        }
    }

    /// Looks at a file without reading it or following a link; nothing where there is no file.
    pub(super) fn look(&self, path: &WorkspacePath) -> Option<Look> {
        if self.hides(path.as_str()) {
            return None;
        }
        // What cannot be looked at is as good as gone for those who look.
        let metadata = self.dir.symlink_metadata(path.as_str()).ok()?;
        metadata.is_file().then(|| Look::of(&metadata))
    }

    /// Opens a file to read it. Whatever else stands there is not opened: some would wait for a writer,
    /// and some do things when they are opened.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn open_file(&self, path: &WorkspacePath) -> Result<Opened, FileError> {
        let failed = |source| FileError::of(path.as_str(), "file", source);
        self.refuse_hidden(path.as_str())?;
        let metadata = self.dir.metadata(path.as_str()).map_err(failed)?;
        only_files(path, &metadata)?;
        let mut options = OpenOptions::new();
        options.read(true);
        // Something else may stand there by now. Opened so, it does not make us wait.
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt;
            options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        }
        let file = self.dir.open_with(path.as_str(), &options).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        only_files(path, &metadata)?;
        Ok(Opened { file, look: Look::of(&metadata) })
    }

    /// Returns the handle on the folder.
    pub(super) const fn dir(&self) -> &Dir {
        &self.dir
    }
}

impl Opened {
    /// Reads a part.
    pub(super) fn bytes(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        (&mut self.file).take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Hashes the whole.
    pub(super) fn hash(&mut self) -> io::Result<String> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut hasher = blake3::Hasher::new();
        // A file that grows as fast as it is read would be read for ever.
        let mut whole = (&mut self.file).take(self.look.size.saturating_add(1));
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match whole.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
                Ok(count) => drop(hasher.update(&buffer[..count])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns whether the file is what it was when it was opened.
    pub(super) fn is_same(&self) -> io::Result<bool> {
        Ok(Look::of(&self.file.metadata()?) == self.look)
    }
}

struct List {
    found: Vec<FileEntry>,
    limit: usize,
    is_truncated: bool,
}

impl List {
    /// Takes the entries of one folder, which lies `below` the listed one. Returns the folders among
    /// them, in order.
    fn folder(
        &mut self,
        dir: &Dir,
        listed: &str,
        below: &str,
        workspace: &Workspace,
    ) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in dir.entries()? {
            // One that cannot be read is passed over, and so is one that vanishes below.
            let Ok(entry) = entry else { continue };
            if names.len() >= NAMES_MAX {
                self.is_truncated = true;
                break;
            }
            names.push(entry.file_name());
        }
        names.sort_unstable();
        let mut folders = Vec::new();
        for name in names {
            let Ok(metadata) = dir.symlink_metadata(&name) else { continue };
            if self.found.len() >= self.limit {
                self.is_truncated = true;
                break;
            }
            // A name that is no text is shown as well as it can be, and cannot be asked for.
            let name = name.to_string_lossy();
            let path = joined(&joined(listed, below), &name);
            if workspace.hides(&path) {
                continue;
            }
            let kind = kind_of(metadata.file_type());
            if kind == FileKind::Folder {
                folders.push(joined(below, &name));
            }
            let size = if kind == FileKind::File { metadata.len() } else { 0 };
            self.found.push(FileEntry { path, kind, size, modified_at: modified_ms(&metadata) });
        }
        Ok(folders)
    }
}

pub(super) fn joined(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}

fn kind_of(kind: FileType) -> FileKind {
    if kind.is_symlink() {
        FileKind::Link
    } else if kind.is_dir() {
        FileKind::Folder
    } else if kind.is_file() {
        FileKind::File
    } else {
        FileKind::Other
    }
}

fn modified_ms(metadata: &Metadata) -> i64 {
    i64::try_from(Look::of(metadata).modified_ns.div_euclid(1_000_000)).unwrap_or_default()
}

fn only_files(path: &WorkspacePath, metadata: &Metadata) -> Result<(), FileError> {
    let path = path.as_str().to_owned();
    if metadata.is_file() {
        Ok(())
    } else if metadata.is_dir() {
        Err(FileError::Missing { path, what: "file" })
    } else {
        Err(FileError::Special { path, what: "a pipe, a socket or a device" })
    }
}
