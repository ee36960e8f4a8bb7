//! Opening the store: its folders are made, and what the last process did not finish is removed.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::draft::{DRAFTS, Numbers};
use super::parts::{PARTS, Parts};
use super::{Contents, Handles, Used};

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// Another process has it.
    #[error("the store of contents at `{}` is in use; end the other process first", .path.display())]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// The system will not.
    #[error("the store of contents at `{}` could not be opened; see that it may be written, or remove it", .path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Contents {
    /// Opens a store, and makes it where there is none. Where the system has started anew since it was last
    /// used, contents are checked before they are used.
    ///
    /// # Errors
    /// Where another process has it, or the system will not.
    pub fn open(path: &Path, is_same_boot: bool) -> Result<Self, ContentsError> {
        let failed = |source| ContentsError::System { path: path.to_owned(), source };
        private_folder(path).map_err(failed)?;
        let folder = File::open(path).map_err(failed)?;
        match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {
                return Err(ContentsError::InUse { path: path.to_owned() });
            }
            locked => locked.map_err(|error| failed(error.into()))?,
        }
        for name in [DRAFTS, PARTS] {
            private_folder(&path.join(name)).map_err(failed)?;
        }
        for number in 0..=u8::MAX {
            private_folder(&path.join(format!("{number:02x}"))).map_err(failed)?;
        }
        for draft in fs::read_dir(path.join(DRAFTS)).map_err(failed)? {
            fs::remove_file(draft.map_err(failed)?.path()).map_err(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            folder,
            checked: (!is_same_boot).then(|| Mutex::new(HashSet::new())),
            handles: Handles::default(),
            parts: Parts::default(),
            drafts: Numbers::default(),
            used: Mutex::new(Used::default()),
        })
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}
