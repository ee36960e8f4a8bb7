//! Installing and removing modules: a folder comes whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use oriel_sign::module::{self, MODULES_MAX, Module, ModuleError, SIGNATURE_FILE};
use rustix::fs::OFlags;

use super::process;
use crate::platform;

/// The most files and folders of a module, which is what can be signed.
const ENTRIES_MAX: usize = 2_000;

/// The most bytes of all its files.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The deepest nesting of its folders.
const DEPTH_MAX: usize = 32;

/// A module cannot be installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A file or folder cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something in it that is neither a file nor a folder.
    #[error("{} is a link or no plain file; put a plain file in its place", .0.display())]
    Stray(PathBuf),
    /// It is too large.
    #[error(
        "{} holds more than {ENTRIES_MAX} files, {} MiB or {DEPTH_MAX} folders in each other",
        .0.display(),
        BYTES_MAX / 1024 / 1024
    )]
    TooLarge(PathBuf),
    /// It is no module.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// There is one of this name.
    #[error("module {0} is installed; remove it first with `oriel modules remove {0}`")]
    Exists(String),
    /// There is none of this name.
    #[error("no module {0:?} is installed; `oriel modules list` tells which are")]
    Unknown(String),
    /// There are as many as can be.
    #[error("{MODULES_MAX} modules are installed, which is the most; remove one first")]
    TooMany,
}

/// Copies a module into the data directory and returns it. It does not run before it is signed.
///
/// # Errors
/// Where it is no module, is too large, holds links or is installed; nothing stays of it then.
pub fn install(source: &Path, data_dir: &Path) -> Result<Module, InstallError> {
    let modules = data_dir.join("modules");
    for folder in [data_dir, &modules] {
        platform::make_private_dir(folder).map_err(|source| io_error(folder, source))?;
    }
    let real = fs::canonicalize(source).map_err(|error| io_error(source, error))?;
    // Its folder has the name that its manifest must name.
    let id = Module::open(&real)?.id;
    let installed = module::installed(&modules);
    if installed.len() >= MODULES_MAX {
        return Err(InstallError::TooMany);
    }
    let place = modules.join(&id);
    if fs::symlink_metadata(&place).is_ok() {
        return Err(InstallError::Exists(id));
    }
    let draft = Draft::new(data_dir)?;
    let copied = draft.0.join(&id);
    let mut copy = Copy { root: source, entries: 0, bytes: 0 };
    copy.folder(&real, &copied, 0)?;
    // What was copied is what was looked at, whatever happens to the source meanwhile.
    Module::open(&copied)?.contents()?;
    fs::rename(&copied, &place).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
            InstallError::Exists(id.clone())
        }
        _ => io_error(&place, error),
    })?;
    Ok(Module::open(&place)?)
}

/// Removes a module, also one whose manifest cannot be read.
///
/// # Errors
/// Where there is none, or it cannot be removed.
pub fn remove(id: &str, data_dir: &Path) -> Result<(), InstallError> {
    // Only a name that was found is used as one: an id could lead elsewhere.
    let folder =
        module::installed(&data_dir.join("modules")).into_iter().find_map(|found| match found {
            Ok(module) => (module.id == id).then_some(module.folder),
            Err(error) => (error.id() == id).then_some(error.folder),
        });
    let folder = folder.ok_or_else(|| InstallError::Unknown(id.to_owned()))?;
    let draft = Draft::new(data_dir)?;
    // It is gone at once, however long its files take.
    fs::rename(&folder, draft.0.join("removed")).map_err(|error| io_error(&folder, error))
}

/// A folder that goes with all that is in it.
struct Draft(PathBuf);

impl Draft {
    fn new(data_dir: &Path) -> Result<Self, InstallError> {
        let name = process::new_token().map_err(|error| io_error(data_dir, error))?;
        let path = data_dir.join(format!(".module-{}", &name[..16]));
        platform::make_private_dir(&path).map_err(|error| io_error(&path, error))?;
        Ok(Self(path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What cannot be removed is hidden, and no module.
        _ = fs::remove_dir_all(&self.0);
    }
}

struct Copy<'a> {
    root: &'a Path,
    entries: usize,
    bytes: u64,
}

impl Copy<'_> {
    fn folder(&mut self, from: &Path, to: &Path, depth: usize) -> Result<(), InstallError> {
        if DEPTH_MAX < depth {
            return Err(self.too_large());
        }
        platform::make_private_dir(to).map_err(|source| io_error(to, source))?;
        for entry in fs::read_dir(from).map_err(|source| io_error(from, source))? {
            let entry = entry.map_err(|source| io_error(from, source))?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            // Somebody else's word on a module is none of the operator's.
            if depth == 0 && entry.file_name() == SIGNATURE_FILE {
                continue;
            }
            self.entries += 1;
            if ENTRIES_MAX < self.entries {
                return Err(self.too_large());
            }
            let kind = entry.file_type().map_err(|source| io_error(&from, source))?;
            if kind.is_dir() {
                self.folder(&from, &to, depth + 1)?;
            } else if kind.is_file() {
                self.file(&from, &to)?;
            } else {
                return Err(InstallError::Stray(from));
            }
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, to: &Path) -> Result<(), InstallError> {
        let fail = |source| io_error(from, source);
        // Since we looked, a link or a pipe may have come in its place.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(from).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file() {
            return Err(InstallError::Stray(from.to_owned()));
        }
        let room = BYTES_MAX - self.bytes;
        let mut bytes = Vec::new();
        file.take(room + 1).read_to_end(&mut bytes).map_err(fail)?;
        if room < bytes.len() as u64 {
            return Err(self.too_large());
        }
        self.bytes += bytes.len() as u64;
        // A program stays one, for its owner.
        let mode = if metadata.mode() & 0o100 == 0 { 0o600 } else { 0o700 };
        let write = || -> io::Result<()> {
            let mut copy = File::options().write(true).create_new(true).mode(mode).open(to)?;
            copy.write_all(&bytes)?;
            copy.sync_all()
        };
        write().map_err(|source| io_error(to, source))
    }

    fn too_large(&self) -> InstallError {
        InstallError::TooLarge(self.root.to_owned())
    }
}

fn io_error(path: &Path, source: io::Error) -> InstallError {
    InstallError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_module_is_copied_whole_private_and_once() {
        let folder = source();
        let data_dir = folder.path().join("data");
        let source = folder.path().join("hello");
        fs::write(source.join(SIGNATURE_FILE), "{}").unwrap();
        let module = install(&source, &data_dir).unwrap();
        assert_eq!(module.folder, data_dir.join("modules/hello"));
        let mode = |name| fs::metadata(module.folder.join(name)).unwrap().mode() & 0o777;
        assert_eq!([mode(""), mode("run.sh"), mode("static/a.css")], [0o700, 0o700, 0o600]);
        assert!(!module.folder.join(SIGNATURE_FILE).exists(), "a foreign word is left behind");
        assert!(matches!(install(&source, &data_dir), Err(InstallError::Exists(_))));
        assert_eq!(names(&data_dir), ["modules"], "no draft stays");

        remove("hello", &data_dir).unwrap();
        assert!(!module.folder.exists() && names(&data_dir) == ["modules"]);
        assert!(matches!(remove("hello", &data_dir), Err(InstallError::Unknown(_))));
        assert!(matches!(remove("../modules", &data_dir), Err(InstallError::Unknown(_))));
    }

    #[test]
    fn what_is_too_large_or_no_plain_file_is_refused_and_leaves_nothing() {
        let folder = source();
        let data_dir = folder.path().join("data");
        let source = folder.path().join("hello");
        let refused = || {
            let error = install(&source, &data_dir).unwrap_err();
            assert!(names(&data_dir.join("modules")).is_empty(), "{error}");
            assert_eq!(names(&data_dir), ["modules"], "{error}");
            error
        };
        symlink("run.sh", source.join("link")).unwrap();
        assert!(matches!(refused(), InstallError::Stray(_)));
        fs::remove_file(source.join("link")).unwrap();

        File::create(source.join("big")).unwrap().set_len(BYTES_MAX).unwrap();
        assert!(matches!(refused(), InstallError::TooLarge(_)));
        fs::remove_file(source.join("big")).unwrap();

        let deep = (0..40).fold(source.clone(), |path, _| path.join("d"));
        fs::create_dir_all(deep).unwrap();
        assert!(matches!(refused(), InstallError::TooLarge(_)));
        fs::remove_dir_all(source.join("d")).unwrap();

        fs::rename(source.join("module.toml"), source.join("module.txt")).unwrap();
        assert!(matches!(refused(), InstallError::Module(_)));
    }

    fn source() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("hello");
        fs::create_dir_all(source.join("static")).unwrap();
        let manifest = "id = \"hello\"\nversion = \"1\"\nlabel = \"Hello\"\nstatic_dir = \"static\"\n\
            [start]\nprogram = \"run.sh\"\n";
        fs::write(source.join("module.toml"), manifest).unwrap();
        fs::write(source.join("static/a.css"), "").unwrap();
        fs::write(source.join("run.sh"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(source.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}
