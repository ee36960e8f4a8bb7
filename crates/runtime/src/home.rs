//! The data directory: private, owned by one daemon at a time, and telling others where that is.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use oriel_wire::control::{Blocker, BlockerKind, HealthFile};
use oriel_wire::json;

/// The data directory of a running daemon. The lock is let go when it is dropped, or by the system
/// when the process dies.
pub(crate) struct Home {
    folder: PathBuf,
    authtok: String,
    blockers: Vec<Blocker>,
    _lock: File,
}

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A file or folder in it cannot be made, read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another daemon has it.
    #[error(
        "{folder} is in use by another daemon ({owner}); stop it with `oriel stop`, \
         or choose another folder with --data-dir or --profile"
    )]
    InUse {
        /// The data directory.
        folder: PathBuf,
        /// Who says to have it.
        owner: String,
    },
    /// The token is not one of ours.
    #[error("{0} holds no token; remove the file and a new one is made")]
    Token(PathBuf),
}

impl Home {
    /// Takes the data directory, and makes it where it is not there.
    pub(crate) fn take(folder: &Path) -> Result<Self, HomeError> {
        for folder in [folder.to_owned(), folder.join("health"), folder.join("logs")] {
            create_private_dir(&folder).map_err(|source| io_error(&folder, source))?;
        }
        let lock = lock(folder)?;
        let authtok = authtok(&folder.join("authtok"))?;
        let private = [folder.to_owned(), folder.join("authtok")];
        let blockers = private.iter().filter_map(|path| exposed(path)).collect();
        Ok(Self { blockers, folder: folder.to_owned(), authtok, _lock: lock })
    }

    /// Returns the data directory.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the file of the store.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.join("oriel.db")
    }

    /// Returns the token that proves that a program may read this data directory.
    pub(crate) fn authtok(&self) -> &str {
        &self.authtok
    }

    /// Returns what is wrong with the directory's permissions.
    pub(crate) fn blockers(&self) -> Vec<Blocker> {
        self.blockers.clone()
    }

    /// Tells others where this daemon is. Readers see the old file or the new one, never a part.
    pub(crate) fn tell(&self, health: &HealthFile) -> Result<(), HomeError> {
        let path = self.health_path();
        let fresh = path.with_extension("json.new");
        let mut text = json::to_vec(health);
        text.push(b'\n');
        let write = || -> io::Result<()> {
            let mut file = private().create(true).truncate(true).open(&fresh)?;
            file.write_all(&text)?;
            fs::rename(&fresh, &path)
        };
        write().map_err(|source| io_error(&path, source))
    }

    /// Takes back what [`Self::tell`] told.
    pub(crate) fn fall_silent(&self) {
        if let Err(error) = fs::remove_file(self.health_path()) {
            tracing::debug!(%error, "the health file was not removed");
        }
    }

    fn health_path(&self) -> PathBuf {
        self.folder.join("health").join("daemon-health.json")
    }
}

fn lock(folder: &Path) -> Result<File, HomeError> {
    let path = folder.join("lock");
    let fail = |source| io_error(&path, source);
    let mut file = private().read(true).create(true).truncate(false).open(&path).map_err(fail)?;
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
            Err(HomeError::InUse { folder: folder.to_owned(), owner: owner.to_owned() })
        }
        Err(TryLockError::Error(source)) => Err(fail(source)),
    }
}

fn authtok(path: &Path) -> Result<String, HomeError> {
    let fail = |source| io_error(path, source);
    match private().create_new(true).open(path) {
        Ok(mut file) => {
            let token = new_token().map_err(fail)?;
            file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
            Ok(token)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let token = fs::read_to_string(path).map_err(fail)?.trim().to_owned();
            let plain = token.len() >= 32 && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if plain { Ok(token) } else { Err(HomeError::Token(path.to_owned())) }
        }
        Err(error) => Err(fail(error)),
    }
}

fn new_token() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns options that make a file which only its owner may read, from its first moment.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Returns the blocker of a path that others than its owner may use.
#[cfg(unix)]
fn exposed(path: &Path) -> Option<Blocker> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| Blocker {
        kind: BlockerKind::DataDirPermissions,
        artifact_id: path.display().to_string(),
        label: "Permissions of the data directory".to_owned(),
        reason: format!(
            "{} has mode {mode:03o}, so others than its owner may use it; run `chmod go= {0}` and \
             start again",
            path.display()
        ),
        actions: vec!["inspect".to_owned(), "restart".to_owned()],
    })
}

#[cfg(not(unix))]
fn exposed(_: &Path) -> Option<Blocker> {
    None
}

fn io_error(path: &Path, source: io::Error) -> HomeError {
    HomeError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_and_a_dead_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = Home::take(&path).unwrap();
        let Err(HomeError::InUse { owner, .. }) = Home::take(&path) else {
            panic!("it has an owner");
        };
        assert_eq!(owner, format!("pid {}", std::process::id()));
        let token = first.authtok().to_owned();
        drop(first);
        let second = Home::take(&path).unwrap();
        assert_eq!(second.authtok(), token, "the token outlives its daemon");
    }

    #[test]
    #[cfg(unix)]
    fn what_is_made_is_private_from_the_start() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/data");
        let home = Home::take(&path).unwrap();
        assert!(home.blockers().is_empty());
        let mode = |name| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(""), mode("health"), mode("logs")], [0o700; 3]);
        assert_eq!([mode("authtok"), mode("lock")], [0o600; 2]);
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_that_others_may_read_blocks() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let blockers = Home::take(folder.path()).unwrap().blockers();
        assert_eq!(blockers.len(), 1);
        assert_eq!(blockers[0].kind, BlockerKind::DataDirPermissions);
        assert!(blockers[0].reason.contains("chmod"), "{}", blockers[0].reason);
    }

    #[test]
    fn a_token_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("authtok"), "short").unwrap();
        assert!(matches!(Home::take(folder.path()), Err(HomeError::Token(_))));
    }
}
