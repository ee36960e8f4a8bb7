//! Every file of a module, and one digest over all of them.
//!
//! Nothing outside the folder is read: a link within it counts as where it points to, and any other
//! makes the module unfit to be signed, for what it points to would change unseen.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{ModuleFault, SIGNATURE_FILE, io_fault};
use crate::canonical;

/// The most files and folders of a module. More are refused: whoever signs could not look at them.
pub(super) const FILES_MAX: usize = 2_000;

/// The most bytes of all files of a module. More are refused, so that a start stays quick.
pub(super) const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The deepest nesting of folders. Deeper ones are refused as too large.
const DEPTH_MAX: usize = 32;

/// What a module holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Its files and links, ordered by path.
    pub files: Vec<FileDigest>,
    /// What stands for all of them: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
}

/// A file of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// Its path in the module's folder, with `/` between names.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// `sha256:` and 64 hexadecimal digits, or `link:` and where a link points to.
    pub digest: String,
}

impl Contents {
    pub(super) fn read(folder: &Path) -> Result<Self, ModuleFault> {
        let root = fs::canonicalize(folder).map_err(|source| io_fault(folder, source))?;
        let mut walk = Walk { root: &root, entries: 0, bytes: 0, files: Vec::new() };
        walk.folder(&root, "", 0)?;
        let mut files = walk.files;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let all: Map<String, Value> =
            files.iter().map(|file| (file.path.clone(), json!(file.digest))).collect();
        let digest = sha256(&canonical(&Value::Object(all)));
        Ok(Self { files, digest })
    }

    /// Returns the digest of one file.
    pub(super) fn of(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.digest.as_str())
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}

struct Walk<'a> {
    root: &'a Path,
    entries: usize,
    bytes: u64,
    files: Vec<FileDigest>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), ModuleFault> {
        if depth > DEPTH_MAX {
            return Err(ModuleFault::TooLarge);
        }
        let fail = |source| io_fault(folder, source);
        for entry in fs::read_dir(folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path = entry.path();
            let name = entry.file_name().into_string();
            let name = name.map_err(|_| ModuleFault::Name(path.clone()))?;
            // Our own word on the module is no part of what it is about.
            if prefix.is_empty() && name == SIGNATURE_FILE {
                continue;
            }
            self.entries += 1;
            if self.entries > FILES_MAX {
                return Err(ModuleFault::TooLarge);
            }
            let kind = entry.file_type().map_err(|source| io_fault(&path, source))?;
            let name = format!("{prefix}{name}");
            if kind.is_dir() {
                self.folder(&path, &format!("{name}/"), depth + 1)?;
            } else if kind.is_symlink() {
                self.link(&path, name)?;
            } else if kind.is_file() {
                self.file(&path, name)?;
            } else {
                return Err(ModuleFault::Stray(path));
            }
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, name: String) -> Result<(), ModuleFault> {
        let stray = || ModuleFault::Stray(path.to_owned());
        let target = fs::read_link(path).map_err(|source| io_fault(path, source))?;
        let real = fs::canonicalize(path).map_err(|_| stray())?;
        if target.is_absolute() || !real.starts_with(self.root) {
            return Err(stray());
        }
        let target = target.to_str().ok_or_else(|| ModuleFault::Name(path.to_owned()))?;
        let digest = format!("link:{target}");
        self.files.push(FileDigest { path: name, bytes: target.len() as u64, digest });
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), ModuleFault> {
        let fail = |source| io_fault(path, source);
        let mut file = open_plain(path).map_err(fail)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut bytes = 0;
        loop {
            let read = file.read(&mut buffer).map_err(fail)?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            // Counted while it is read, for a file may grow under our hands.
            if self.bytes + bytes > BYTES_MAX {
                return Err(ModuleFault::TooLarge);
            }
            hash.update(&buffer[..read]);
        }
        self.bytes += bytes;
        let digest = format!("sha256:{}", HEXLOWER.encode(&hash.finalize()));
        self.files.push(FileDigest { path: name, bytes, digest });
        Ok(())
    }
}

/// Opens a file, and not what a link in its place points to.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let seen = fs::symlink_metadata(path)?;
    if !seen.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let file = File::open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let opened = file.metadata()?;
        if (opened.dev(), opened.ino()) != (seen.dev(), seen.ino()) {
            return Err(io::Error::other("it was replaced while it was opened; try again"));
        }
    }
    Ok(file)
}
