//! The data directory: private, owned by one daemon at a time, and telling others where that is.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::UNIX_EPOCH;

use oriel_wire::control::HealthFile;
use oriel_wire::json;

/// The data directory of a running daemon. The lock is let go when that says so, when it is dropped, or by
/// the system when the process dies.
pub(crate) struct Home {
    folder: PathBuf,
    authtok: RwLock<String>,
    lock: Mutex<Option<File>>,
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
        Ok(Self {
            folder: folder.to_owned(),
            authtok: authtok.into(),
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Lets go of the data directory for the next daemon, though somebody may still hold on to this one:
    /// a request under way, or a link that nobody asks any more.
    pub(crate) fn let_go(&self) {
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
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
    pub(crate) fn authtok(&self) -> String {
        self.authtok.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the file of the token.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.folder.join("authtok")
    }

    /// Makes a new token. It is in the file before it is asked for; from then on the old one is none.
    pub(crate) fn rotate(&self) -> Result<(), HomeError> {
        let path = self.token_file();
        let fail = |source| io_error(&path, source);
        let token = new_token().map_err(fail)?;
        // Nobody is let in or refused while the file and what is known of it differ.
        let mut known = self.authtok.write().unwrap_or_else(PoisonError::into_inner);
        replace_private(&path, token.as_bytes()).map_err(fail)?;
        *known = token;
        Ok(())
    }

    /// Returns the folder of copies of the store.
    pub(crate) fn backups(&self) -> PathBuf {
        self.folder.join("backups")
    }

    /// Returns the folder of keys.
    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.join("keys")
    }

    /// Returns the folder of installed modules.
    pub(crate) fn modules(&self) -> PathBuf {
        self.folder.join("modules")
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

/// Returns 256 random bits in hexadecimal.
pub(crate) fn new_token() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Puts a private file in the place of another, or where there is none. Readers see the old one or
/// the new one, and a loss of power leaves either. The caller sees to it that nobody else writes it.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match fs::remove_file(&fresh) {
        // Somebody was stopped half-way, and what they left may be open to others.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let write = || -> io::Result<()> {
        let mut file = private().create_new(true).open(&fresh)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().inspect_err(|_| {
        // A full disk is not to be filled with what nobody needs.
        _ = fs::remove_file(&fresh);
    })?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Waits until the names in a folder are on disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
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

/// Returns the permissions of a file or folder, where the system has any.
#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
pub(crate) fn mode(_: &Path) -> Option<u32> {
    None
}

/// Returns when a file was changed last, in Unix seconds.
pub(crate) fn changed_at(path: &Path) -> Option<i64> {
    let changed = fs::metadata(path).ok()?.modified().ok()?;
    i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
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
        let _home = Home::take(&path).unwrap();
        let mode = |name| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(""), mode("health"), mode("logs")], [0o700; 3]);
        assert_eq!([mode("authtok"), mode("lock")], [0o600; 2]);
    }

    #[test]
    fn a_token_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("authtok"), "short").unwrap();
        assert!(matches!(Home::take(folder.path()), Err(HomeError::Token(_))));
    }

    #[test]
    fn a_new_token_is_private_and_outlives_its_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let home = Home::take(&path).unwrap();
        let old = home.authtok();
        // What somebody left who was stopped half-way is in nobody's way.
        fs::write(path.join("authtok.new"), "half").unwrap();
        home.rotate().unwrap();
        let new = home.authtok();
        assert_ne!(new, old);
        assert_eq!(new.len(), old.len());
        assert_eq!(fs::read_to_string(path.join("authtok")).unwrap(), new);
        assert!(!path.join("authtok.new").exists());
        #[cfg(unix)]
        assert_eq!(mode(&path.join("authtok")), Some(0o600));
        drop(home);
        assert_eq!(Home::take(&path).unwrap().authtok(), new);
    }

    #[test]
    fn a_token_that_cannot_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let home = Home::take(&path).unwrap();
        let old = home.authtok();
        fs::create_dir(path.join("authtok.new")).unwrap();
        assert!(matches!(home.rotate(), Err(HomeError::Io { .. })));
        assert_eq!(
            (home.authtok(), fs::read_to_string(path.join("authtok")).unwrap()),
            (old.clone(), old)
        );
    }
}
