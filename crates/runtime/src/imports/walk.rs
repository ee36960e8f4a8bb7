//! Finding histories: every file below some folders that a format claims.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use oriel_sources::{Format, Homes, Shape};
use oriel_store::FileSeen;

/// Folders deeper than this are not looked into; agents nest theirs a handful deep.
const DEPTH_MAX: usize = 16;

/// A folder below which histories of one format lie.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Root {
    /// The folder, without links in its path where it exists.
    pub folder: PathBuf,
    /// Which of the formats.
    pub format: usize,
}

/// A file that a format claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub path: PathBuf,
    pub format: usize,
    pub seen: FileSeen,
}

/// Returns the folders where histories lie, whether or not they exist.
pub(super) fn roots(formats: &[Box<dyn Format>], homes: &Homes) -> Vec<Root> {
    let mut known = HashSet::new();
    let mut roots = Vec::new();
    for (format, of) in formats.iter().enumerate() {
        // Without a home folder what is left of its paths would lie in the working directory.
        for folder in of.folders(homes).into_iter().filter(|folder| folder.is_absolute()) {
            let folder = fs::canonicalize(&folder).unwrap_or(folder);
            let root = Root { folder, format };
            if known.insert(root.clone()) {
                roots.push(root);
            }
        }
    }
    roots
}

/// Returns every file below a folder that a format claims, and what could not be looked into.
/// A folder that is not there has none.
pub(super) fn below(
    folder: &Path,
    root: &Root,
    format: &dyn Format,
    problems: &mut Vec<String>,
) -> Vec<Found> {
    let mut found = Vec::new();
    let mut entered = HashSet::new();
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => continue,
            Err(error) => {
                problems.push(format!("cannot look into {}: {error}", folder.display()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(mut kind) = entry.file_type() else { continue };
            let is_link = kind.is_symlink();
            if is_link {
                let Ok(target) = fs::metadata(&path) else { continue };
                kind = target.file_type();
            }
            if kind.is_dir() {
                // A link may lead back to where it lies, so each folder behind one is entered once.
                let is_new = !is_link
                    || fs::canonicalize(&path).is_ok_and(|target| {
                        !root.folder.starts_with(&target) && entered.insert(target)
                    });
                if is_new && depth < DEPTH_MAX {
                    waiting.push((path, depth + 1));
                }
            } else if kind.is_file() {
                found.extend(claimed(&path, root, format));
            }
        }
    }
    found
}

/// Returns a file as it is now, where the format claims it.
pub(super) fn claimed(path: &Path, root: &Root, format: &dyn Format) -> Option<Found> {
    let inside = path.strip_prefix(&root.folder).ok()?;
    if !format.claims(inside) {
        return None;
    }
    let seen = look(path, format.shape()).ok()?;
    Some(Found { path: path.to_owned(), format: root.format, seen })
}

/// Returns what the system says of a file. Of a table's file, what its log holds is part of it.
pub(super) fn look(path: &Path, shape: Shape) -> io::Result<FileSeen> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut seen = seen(&metadata);
    if let Shape::Table { .. } = shape {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        if let Ok(log) = fs::metadata(PathBuf::from(log)) {
            let log = self::seen(&log);
            seen.bytes += log.bytes;
            seen.mtime_ns = seen.mtime_ns.max(log.mtime_ns);
        }
    }
    Ok(seen)
}

/// Returns what a file's metadata says of it.
#[cfg(unix)]
pub(super) fn seen(metadata: &Metadata) -> FileSeen {
    use std::os::unix::fs::MetadataExt;
    FileSeen {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.len(),
        mtime_ns: metadata
            .mtime()
            .saturating_mul(1_000_000_000)
            .saturating_add(metadata.mtime_nsec()),
    }
}

/// Returns what a file's metadata says of it.
#[cfg(not(unix))]
pub(super) fn seen(metadata: &Metadata) -> FileSeen {
    let since =
        metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let mtime_ns = since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0);
    FileSeen { device: 0, inode: 0, bytes: metadata.len(), mtime_ns }
}

/// Returns whether an error says that there is nothing of that name.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
