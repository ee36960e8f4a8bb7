//! Where the gateway keeps things: private from their first moment, and one gateway's at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The gateway's folder and what lies in it.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    data_dir: PathBuf,
    gateway: PathBuf,
}

/// The gateway's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or folder in it cannot be made, read or written.
    #[error("cannot use {path}: {source}; see to it that this user may read and write there")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another gateway has it.
    #[error(
        "{folder} is in use by another gateway ({owner}); stop that one, or choose another data directory"
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Who says to have it.
        owner: String,
    },
    /// The token is not one of ours.
    #[error("{0} holds no token; remove the file and a new one is made")]
    Token(PathBuf),
}

impl Folders {
    /// Makes the folders that are not there yet.
    ///
    /// # Errors
    /// Where they cannot be made.
    pub(crate) fn make(data_dir: &Path) -> Result<Self, FolderError> {
        create_private_dir(data_dir).map_err(|source| io_error(data_dir, source))?;
        // Nobody's later change of the current folder moves what is kept.
        let data_dir = data_dir.canonicalize().map_err(|source| io_error(data_dir, source))?;
        let gateway = data_dir.join("gateway");
        let folders = Self { data_dir, gateway };
        for folder in [&folders.gateway, &folders.sessions(), &folders.workspaces()] {
            create_private_dir(folder).map_err(|source| io_error(folder, source))?;
        }
        Ok(folders)
    }

    /// Takes the folder for this gateway. It is let go when the file is dropped, or by the system when the
    /// process dies.
    ///
    /// # Errors
    /// Where another gateway has it.
    pub(crate) fn lock(&self) -> Result<File, FolderError> {
        let path = self.gateway.join("lock");
        let fail = |source| io_error(&path, source);
        let mut file =
            private().read(true).create(true).truncate(false).open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {
                // Whoever is refused later reads the owner here. A crash leaves the text and not the
                // lock, so it never keeps anybody out.
                file.set_len(0).map_err(fail)?;
                writeln!(file, "pid {}", std::process::id()).map_err(fail)?;
                Ok(file)
            }
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // An owner that cannot be read is still an owner.
                _ = file.read_to_string(&mut owner);
                let owner = owner.trim();
                let owner = if owner.is_empty() { "which did not say who it is" } else { owner };
                Err(FolderError::InUse { folder: self.gateway.clone(), owner: owner.to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }

    /// Returns Oriel's data directory, as the file system calls it.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the folder of the sessions' own folders.
    pub(crate) fn sessions(&self) -> PathBuf {
        self.gateway.join("sessions")
    }

    /// Returns a session's own folder.
    pub(crate) fn session(&self, id: &str) -> PathBuf {
        self.sessions().join(id)
    }

    /// Returns a session's database.
    pub(crate) fn session_db(&self, id: &str) -> PathBuf {
        self.session(id).join("session.db")
    }

    /// Returns the folder of the workspaces that the gateway makes.
    pub(crate) fn workspaces(&self) -> PathBuf {
        self.gateway.join("workspaces")
    }

    /// Returns the workspace of a session that was made without one.
    pub(crate) fn workspace(&self, id: &str) -> PathBuf {
        self.workspaces().join(id)
    }

    /// Returns the database of what sessions there are.
    pub(crate) fn registry_db(&self) -> PathBuf {
        self.gateway.join("registry.db")
    }

    /// Returns the folder of what sync knows of workspaces.
    pub(crate) fn sync(&self) -> PathBuf {
        self.gateway.join("sync")
    }

    /// Returns the file of the token.
    pub(crate) fn token(&self) -> PathBuf {
        self.gateway.join("token")
    }

    /// Returns the file that says where the gateway listens.
    pub(crate) fn bind(&self) -> PathBuf {
        self.gateway.join("bind")
    }
}

/// Puts a private file in the place of another, or where there is none. Readers see the old one or the new
/// one, and a loss of power leaves either.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> Result<(), FolderError> {
    let fail = |source| io_error(path, source);
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match fs::remove_file(&fresh) {
        // Somebody was stopped half-way, and what they left may be open to others.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let write = || -> io::Result<()> {
        let mut file = private().create_new(true).open(&fresh)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(fail)?;
    sync_folder(path.parent().unwrap_or(Path::new("."))).map_err(fail)
}

/// Waits until the names in a folder are on disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes a folder with all that is in it. One that is not there is removed.
pub(crate) fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns options that make a file which only its owner may read, from its first moment.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder that is its owner's alone, unless it is there.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> FolderError {
    FolderError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_has_one_owner_and_a_dead_one_is_none() {
        let data = tempfile::tempdir().unwrap();
        let folders = Folders::make(data.path()).unwrap();
        let first = folders.lock().unwrap();
        let Err(FolderError::InUse { owner, .. }) = folders.lock() else {
            panic!("it has an owner");
        };
        assert_eq!(owner, format!("pid {}", std::process::id()));
        drop(first);
        folders.lock().unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn what_is_made_is_private_from_the_start() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        let folders = Folders::make(&data.path().join("deep/data")).unwrap();
        let _lock = folders.lock().unwrap();
        replace_private(&folders.bind(), b"127.0.0.1:1\n").unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(folders.gateway.clone()), mode(folders.sessions())], [0o700; 2]);
        assert_eq!([mode(folders.bind()), mode(folders.gateway.join("lock"))], [0o600; 2]);
    }
}
