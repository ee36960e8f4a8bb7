//! Files that only their owner may read, whole or not there at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes a folder that only its owner enters.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a file where there is none. Of two who do it at once, one gets `AlreadyExists`.
pub(crate) fn write_first(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = Draft::write(beside(path)?, bytes)?;
    // A second name, unlike a new one, is never taken from what has it.
    fs::hard_link(&draft.path, path)?;
    sync_folder(path)
}

/// Writes a file, in place of what is there. The draft is written at `draft_folder`, which must be
/// on the same file system.
pub(crate) fn replace(path: &Path, draft_folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    let draft = Draft::write(beside(&draft_folder.join(name))?, bytes)?;
    fs::rename(&draft.path, path)?;
    sync_folder(path)
}

/// A file that is not there yet. What is left of it goes when this does.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn write(path: PathBuf, bytes: &[u8]) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let draft = Self { path };
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A draft that became the file has no name of its own any more.
        _ = fs::remove_file(&self.path);
    }
}

/// Returns a name beside a file that nobody else draws.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mark = data_encoding::HEXLOWER.encode(&bytes);
    Ok(path.with_file_name(format!(".{name}.{mark}.new")))
}

/// Makes the name of a file outlive a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_kept_or_replaced_whole_and_no_draft_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_first(&path, b"one").unwrap();
        let taken = write_first(&path, b"two").unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, folder.path(), b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn files_and_folders_are_private_from_the_start() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("deep/keys");
        create_dir(&inner).unwrap();
        write_first(&inner.join("a"), b"one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("a"))), (0o700, 0o600));
    }
}
