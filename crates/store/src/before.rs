//! What can be known of a store, and done with it, while nobody has it open: which program's it is,
//! a copy before its form changes, and a copy in its place.
//!
//! Only the beginning of a file is read to judge it, so that judging changes nothing. A copy is put
//! in the store's place in steps that whoever comes next can go on with, wherever they were cut off.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::config::DbConfig;

use crate::maintain::{MaintainError, back_up};
use crate::open::{connect, create_private_new, open_reader};
use crate::schema;

/// Where the store that gave way to a backup is kept, in the folder of the backups.
const ASIDE: &str = "set-aside-";

/// A folder that is still being filled begins with this.
const STAGING: &str = ".staging-";

/// The copy that is to take the store's place.
const INCOMING: &str = "incoming.db";

/// No more files of a folder are looked at for backups.
const BACKUPS_MAX: usize = 1_000;

/// How a store stands to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none, or an empty one.
    New,
    /// It has the form that this program writes.
    Current,
    /// It has an earlier form, which changes when it is opened.
    Older {
        /// Its version.
        version: i64,
    },
    /// A later program wrote it.
    Newer {
        /// Its version.
        version: i64,
    },
    /// It is none of ours.
    NotOurs,
}

/// A copy of a store that this program can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreCopy {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub written: SystemTime,
    /// Its version.
    pub version: i64,
}

/// A store was not put back; what was there is still there.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The copy is none that this program can read.
    #[error("{0} is no backup that this program can read; choose another one")]
    Unreadable(PathBuf),
    /// The copy is damaged.
    #[error("{path} is damaged ({problem}); choose another backup")]
    Damaged {
        /// The copy.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// A file could not be copied or moved.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Returns a path in a folder at which there is nothing.
#[must_use]
pub fn free_name(folder: &Path, name: &str, suffix: &str) -> PathBuf {
    let names = (1_u32..).map(|nth| match nth {
        1 => format!("{name}{suffix}"),
        nth => format!("{name}-{nth}{suffix}"),
    });
    let mut paths = names.map(|name| folder.join(name));
    let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
    paths.find(is_free).unwrap_or_else(|| folder.join(name))
}

/// Tells how the store in a file stands, and changes nothing.
///
/// # Errors
/// Where the file is there and cannot be read.
pub fn standing(path: &Path) -> io::Result<Standing> {
    let header = match header(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::New),
        other => other?,
    };
    if header.is_empty() {
        return Ok(Standing::New);
    }
    let Some(in_file) = version_of(&header) else { return Ok(Standing::NotOurs) };
    // What a program that died had committed last is in its log, and may say another version.
    let version = match has_log(path).then(|| version_with_log(path)) {
        Some(Ok(version)) => version,
        _ => in_file,
    };
    Ok(match version {
        0 => Standing::New,
        _ if version > schema::VERSION => Standing::Newer { version },
        _ if version < schema::VERSION => Standing::Older { version },
        _ => Standing::Current,
    })
}

/// Lists the copies in a folder that this program can read, the newest first.
#[must_use]
pub fn copies(folder: &Path) -> Vec<StoreCopy> {
    // A folder that is not there, and a file that cannot be read, have no copy to offer.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(BACKUPS_MAX);
    let mut copies: Vec<StoreCopy> = entries.filter_map(|entry| copy_at(&entry.path())).collect();
    copies.sort_by(|one, other| other.written.cmp(&one.written).then(other.path.cmp(&one.path)));
    copies
}

/// Copies a store that nobody has open into a new file, whole and on disk when this returns.
///
/// # Errors
/// Where the copy cannot be made; nothing is left of it then.
pub fn copy_closed(path: &Path, to: &Path) -> Result<u64, MaintainError> {
    let file = |source| MaintainError::File { path: to.to_owned(), source };
    if fs::symlink_metadata(to).is_ok() {
        return Err(MaintainError::Exists(to.to_owned()));
    }
    let part = to.with_extension("db.part");
    // It is left over from a program that died while it made one.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(error)),
        _ => {}
    }
    let bytes = back_up(path, &part)?.bytes;
    let finish = || {
        fs::rename(&part, to)?;
        sync_folder(to)
    };
    finish().map_err(file)?;
    Ok(bytes)
}

/// Returns whether a store that nobody has open keeps records that were signed.
#[must_use]
pub fn has_records(path: &Path) -> bool {
    let look = || -> rusqlite::Result<bool> {
        // One that only reads would leave files beside the store.
        let connection = connect(path)?;
        connection.query_row("SELECT EXISTS (SELECT 1 FROM records)", [], |row| row.get(0))
    };
    // One of another version is not touched, and has none that could be read.
    matches!(standing(path), Ok(Standing::Current)) && look().unwrap_or(false)
}

/// Puts a copy in the place of a store that nobody has open. The store moves into a new folder
/// `set-aside-STAMP` in `backups`, which is returned.
///
/// # Errors
/// Where the copy cannot be read or nothing can be moved.
pub fn restore(
    path: &Path,
    copy: &Path,
    backups: &Path,
    stamp: &str,
) -> Result<PathBuf, RestoreError> {
    if copy_at(copy).is_none() {
        return Err(RestoreError::Unreadable(copy.to_owned()));
    }
    let staging = backups.join(format!("{STAGING}{stamp}"));
    // Two within a second have one stamp.
    let aside = free_name(backups, &format!("{ASIDE}{stamp}"), "");
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::File { path, source }
    };
    private_dir(&staging).map_err(fail(&staging))?;
    let stage = || {
        let incoming = staging.join(INCOMING);
        duplicate(copy, &incoming).map_err(fail(copy))?;
        check_sound(copy, &incoming)?;
        sync_folder(&incoming).map_err(fail(&incoming))?;
        // From here on it is decided: whoever comes next goes on.
        fs::rename(&staging, &aside).map_err(fail(&aside))?;
        sync_folder(&aside).map_err(fail(&aside))
    };
    if let Err(error) = stage() {
        // What is wrong with the copy matters more than what is wrong with removing it.
        _ = fs::remove_dir_all(&staging);
        return Err(error);
    }
    exchange(path, &aside).map_err(fail(path))?;
    Ok(aside)
}

/// Goes on with a [`restore`] that was cut off, and removes what one left that was not decided.
/// Returns where the store is set aside, if there was something to go on with.
///
/// # Errors
/// Where nothing can be moved.
pub fn finish_restore(path: &Path, backups: &Path) -> io::Result<Option<PathBuf>> {
    let mut finished = None;
    let entries = match fs::read_dir(backups) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // What is no folder holds nothing to go on with.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let folder = entry?.path();
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(STAGING) {
            fs::remove_dir_all(&folder)?;
        } else if name.starts_with(ASIDE) && folder.join(INCOMING).exists() {
            exchange(path, &folder)?;
            finished = Some(folder);
        }
    }
    Ok(finished)
}

/// Moves the store and its log away, and then the copy into its place. Each step may have been done
/// before.
fn exchange(path: &Path, aside: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let from = with_suffix(path, suffix);
        let name = from.file_name().unwrap_or_default().to_owned();
        match fs::rename(&from, aside.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            moved => moved?,
        }
    }
    sync_folder(&aside.join(INCOMING))?;
    fs::rename(aside.join(INCOMING), path)?;
    sync_folder(path)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn copy_at(path: &Path) -> Option<StoreCopy> {
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    let version = version_of(&header(path).ok()?)?;
    (1..=schema::VERSION).contains(&version).then(|| StoreCopy {
        path: path.to_owned(),
        bytes: metadata.len(),
        written: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        version,
    })
}

fn check_sound(copy: &Path, incoming: &Path) -> Result<(), RestoreError> {
    let found = open_reader(incoming).and_then(|connection| {
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    let problem = match found {
        Ok(word) if word == "ok" => return Ok(()),
        Ok(problem) => problem,
        Err(error) => error.to_string(),
    };
    Err(RestoreError::Damaged { path: copy.to_owned(), problem })
}

/// Copies a file, private from its first moment and on disk.
fn duplicate(from: &Path, to: &Path) -> io::Result<()> {
    create_private_new(to)?;
    let mut target = File::options().write(true).open(to)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.flush()?;
    target.sync_all()
}

fn private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes sure that the names in a file's folder are on disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn has_log(path: &Path) -> bool {
    fs::metadata(with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

fn version_with_log(path: &Path) -> rusqlite::Result<i64> {
    let connection = connect(path)?;
    // A store of a later program is not folded into its file by this one.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn header(path: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    File::open(path)?.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    Ok(header)
}

/// Returns the version that a file's header says, if it is one of ours.
fn version_of(header: &[u8]) -> Option<i64> {
    let mark = schema::APPLICATION_ID.to_be_bytes();
    let is_ours = header.starts_with(b"SQLite format 3\0") && header.get(68..72)? == mark;
    let version = <[u8; 4]>::try_from(header.get(60..64)?).ok()?;
    is_ours.then(|| i64::from(i32::from_be_bytes(version)))
}

/// How far the header goes until the end of the application's number.
const HEADER_BYTES: usize = 72;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::{Durability, open_writer};

    /// A store with its log beside it, and a folder with a copy of an earlier moment.
    struct House {
        folder: tempfile::TempDir,
        copy: PathBuf,
    }

    impl House {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (path, backups) = (folder.path().join("oriel.db"), folder.path().join("backups"));
            private_dir(&backups).unwrap();
            drop(open_writer(&path, Durability::Full, false).unwrap());
            let copy = backups.join("copy.db");
            copy_closed(&path, &copy).unwrap();
            let house = Self { folder, copy };
            house.write_log();
            house
        }

        /// Leaves a log beside the store, as a program that died does.
        fn write_log(&self) {
            fs::write(with_suffix(&self.path(), "-wal"), "a log").unwrap();
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("oriel.db")
        }

        fn backups(&self) -> PathBuf {
            self.folder.path().join("backups")
        }
    }

    #[test]
    fn a_restored_copy_is_the_store_and_the_store_is_kept() {
        let house = House::new();
        let before = fs::read(house.path()).unwrap();
        let aside = restore(&house.path(), &house.copy, &house.backups(), "now").unwrap();
        assert_eq!(fs::read(aside.join("oriel.db")).unwrap(), before);
        assert_eq!(fs::read(aside.join("oriel.db-wal")).unwrap(), b"a log");
        assert!(!with_suffix(&house.path(), "-wal").exists());
        assert_eq!(standing(&house.path()).unwrap(), Standing::Current);
        assert_eq!(fs::read(house.path()).unwrap(), fs::read(&house.copy).unwrap());
        assert_eq!(finish_restore(&house.path(), &house.backups()).unwrap(), None);
    }

    #[test]
    fn a_restore_that_was_cut_off_is_gone_on_with() {
        for moved in 0..=3 {
            let house = House::new();
            let aside = house.backups().join("set-aside-now");
            private_dir(&aside).unwrap();
            duplicate(&house.copy, &aside.join(INCOMING)).unwrap();
            for suffix in ["", "-wal"].into_iter().take(moved) {
                let from = with_suffix(&house.path(), suffix);
                fs::rename(&from, aside.join(from.file_name().unwrap())).unwrap();
            }
            if moved == 3 {
                fs::rename(aside.join(INCOMING), house.path()).unwrap();
            }
            let finished = finish_restore(&house.path(), &house.backups()).unwrap();
            assert_eq!(finished.is_some(), moved < 3, "{moved}");
            assert!(aside.join("oriel.db").exists() && aside.join("oriel.db-wal").exists());
            assert!(!with_suffix(&house.path(), "-wal").exists(), "{moved}");
            assert_eq!(fs::read(house.path()).unwrap(), fs::read(&house.copy).unwrap());
        }
    }

    #[test]
    fn a_second_restore_within_a_second_keeps_what_the_first_kept() {
        let house = House::new();
        let restore = || restore(&house.path(), &house.copy, &house.backups(), "now").unwrap();
        let (first, second) = (restore(), restore());
        assert_ne!(first, second);
        assert!(first.join("oriel.db").exists() && second.join("oriel.db").exists());
    }

    #[test]
    fn a_restore_that_was_not_decided_is_forgotten() {
        let house = House::new();
        let before = fs::read(house.path()).unwrap();
        let staging = house.backups().join(".staging-now");
        private_dir(&staging).unwrap();
        fs::write(staging.join(INCOMING), "half a co").unwrap();
        assert_eq!(finish_restore(&house.path(), &house.backups()).unwrap(), None);
        assert!(!staging.exists());
        assert_eq!(fs::read(house.path()).unwrap(), before);
    }

    #[test]
    fn a_damaged_copy_takes_no_place() {
        let house = House::new();
        let before = fs::read(house.path()).unwrap();
        let mut bytes = fs::read(&house.copy).unwrap();
        bytes[100..6000].fill(0xAA);
        fs::write(&house.copy, bytes).unwrap();
        let refused = restore(&house.path(), &house.copy, &house.backups(), "now").unwrap_err();
        assert!(matches!(refused, RestoreError::Damaged { .. }), "{refused}");
        assert_eq!(fs::read(house.path()).unwrap(), before);
        assert_eq!(fs::read_dir(house.backups()).unwrap().count(), 1, "nothing is left of it");
        fs::write(&house.copy, "no store").unwrap();
        let refused = restore(&house.path(), &house.copy, &house.backups(), "now").unwrap_err();
        assert!(matches!(refused, RestoreError::Unreadable(_)), "{refused}");
    }

    #[test]
    fn a_store_is_judged_by_its_version_and_its_mark() {
        let house = House::new();
        let path = house.path();
        fs::remove_file(with_suffix(&path, "-wal")).unwrap();
        assert_eq!(standing(&path).unwrap(), Standing::Current);
        assert!(!has_records(&path));
        let record = "INSERT INTO records (id, kind, resource_kind, resource_id, author, created_at, \
                      body) VALUES ('a', 'k', 'k', 'i', 'me', 'now', '{}')";
        connect(&path).unwrap().execute(record, []).unwrap();
        assert!(has_records(&path));
        assert!(!with_suffix(&path, "-wal").exists(), "nothing is left beside it");
        assert_eq!(standing(&house.folder.path().join("none")).unwrap(), Standing::New);
        let set = |version: i64| {
            connect(&path).unwrap().pragma_update(None, "user_version", version).unwrap();
        };
        set(schema::VERSION + 1);
        let version = schema::VERSION + 1;
        assert_eq!(standing(&path).unwrap(), Standing::Newer { version });
        assert!(!has_records(&path), "it is not touched");
        set(1);
        assert_eq!(standing(&path).unwrap(), Standing::Older { version: 1 });
        fs::write(&path, "something else").unwrap();
        assert_eq!(standing(&path).unwrap(), Standing::NotOurs);
    }

    #[test]
    fn a_copy_needs_a_free_place_and_leaves_nothing_where_it_fails() {
        let house = House::new();
        fs::remove_file(with_suffix(&house.path(), "-wal")).unwrap();
        let taken = copy_closed(&house.path(), &house.copy).unwrap_err();
        assert!(matches!(taken, MaintainError::Exists(_)), "{taken}");
        let file = house.copy.join("below/a/file.db");
        assert!(copy_closed(&house.path(), &file).is_err());
        fs::write(house.path(), vec![0xAA; 9_000]).unwrap();
        let to = house.backups().join("fresh.db");
        assert!(copy_closed(&house.path(), &to).is_err());
        assert_eq!(fs::read_dir(house.backups()).unwrap().count(), 1);
    }
}
