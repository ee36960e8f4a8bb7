//! Whether a folder may be synced.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use oriel_wire::sync::{OWN_FOLDER, StartSync, SyncCode};

use super::SyncsConfig;
use super::about::{About, off_thread};
use super::failure::Failure;

/// The longest id of a session.
const SESSION_BYTES_MAX: usize = oriel_wire::sync::SESSION_BYTES_MAX;

/// Checks a folder, and makes it where it is not there and the folder it is in is.
pub(super) async fn check(
    config: &SyncsConfig,
    start: StartSync,
    others: Vec<About>,
    is_known: bool,
) -> Result<About, Failure> {
    if start.session_id.is_empty() || SESSION_BYTES_MAX < start.session_id.len() {
        return Err(Failure::new(SyncCode::BadCommand, "the command names no session"));
    }
    let (home, closed) = (config.home.clone(), config.closed.clone());
    off_thread(move || {
        let dir = made(Path::new(&start.local_dir))?;
        refuse_whole(&dir, home.as_deref())?;
        refuse_closed(&dir, &closed)?;
        refuse_nested(&dir, &others)?;
        if !is_known && !start.confirm_non_empty && !is_empty(&dir)? {
            let message = format!(
                "{} is not empty; what both sides have and differs in is a conflict, and everything else \
                 goes to the other side; confirm that this is meant",
                dir.display()
            );
            return Err(Failure::new(SyncCode::FolderNotEmpty, message));
        }
        Ok(About {
            session_id: start.session_id,
            local_dir: start.local_dir,
            allow_polling: start.allow_polling,
            use_gitignore: start.use_gitignore,
            merge_unasked: start.merge_unasked,
            is_stopped: false,
        })
    })
    .await
}

fn made(dir: &Path) -> Result<PathBuf, Failure> {
    let shown = dir.display();
    if !dir.is_absolute() {
        let message = format!("{shown} is no whole path; begin with /");
        return Err(Failure::new(SyncCode::BadCommand, message));
    }
    let no_folder = |why: &str| Failure::new(SyncCode::NoFolder, format!("{shown} {why}"));
    match fs::create_dir(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(no_folder("is in a folder that does not exist; make that first"));
        }
        Err(error) => return Err(no_folder(&format!("cannot be used: {error}"))),
    }
    let real =
        fs::canonicalize(dir).map_err(|error| no_folder(&format!("cannot be used: {error}")))?;
    if real.is_dir() { Ok(real) } else { Err(no_folder("is no folder; choose another one")) }
}

fn refuse_whole(dir: &Path, home: Option<&Path>) -> Result<(), Failure> {
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    let is_above_home = home.is_some_and(|home| home.starts_with(dir));
    if dir.parent().is_none() || is_above_home {
        let message = format!(
            "{} is the whole disk, the home folder or above it; choose a folder in it",
            dir.display()
        );
        return Err(Failure::new(SyncCode::FolderRefused, message));
    }
    Ok(())
}

fn refuse_closed(dir: &Path, closed: &[PathBuf]) -> Result<(), Failure> {
    let closed = closed.iter().filter_map(|path| fs::canonicalize(path).ok());
    for closed in closed {
        if dir.starts_with(&closed) || closed.starts_with(dir) {
            let message = format!(
                "{} is in the folder of this program's own data, or has it in it; choose another one",
                dir.display()
            );
            return Err(Failure::new(SyncCode::FolderRefused, message));
        }
    }
    Ok(())
}

fn refuse_nested(dir: &Path, others: &[About]) -> Result<(), Failure> {
    for other in others {
        let Ok(theirs) = fs::canonicalize(&other.local_dir) else { continue };
        if dir == theirs {
            let message = format!(
                "{} is synced with the session {}; stop and forget that first",
                dir.display(),
                other.session_id
            );
            return Err(Failure::new(SyncCode::FolderTaken, message));
        }
        if dir.starts_with(&theirs) || theirs.starts_with(dir) {
            return Err(nested(dir, &theirs));
        }
    }
    // A folder that is synced says so, whoever syncs it.
    let marked = |folder: &&Path| folder.join(OWN_FOLDER).join("root-id").exists();
    if let Some(above) = dir.ancestors().skip(1).find(marked) {
        return Err(nested(dir, above));
    }
    Ok(())
}

fn nested(dir: &Path, other: &Path) -> Failure {
    let message = format!(
        "{} and {}, which is synced, are one in the other; choose a folder apart from it",
        dir.display(),
        other.display()
    );
    Failure::new(SyncCode::FolderNested, message)
}

fn is_empty(dir: &Path) -> Result<bool, Failure> {
    let names = fs::read_dir(dir).map_err(|error| {
        let message = format!("{} cannot be read: {error}", dir.display());
        Failure::new(SyncCode::NoFolder, message)
    })?;
    // What an earlier sync left is no file of the person's.
    Ok(names.flatten().all(|name| name.file_name() == OWN_FOLDER))
}
