//! The store before it is opened: one of a later program, and one whose form is about to change.

use std::fs::{self, Metadata};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use oriel_store::{Standing, Store};
use oriel_wire::control::{Blocker, BlockerKind};
use oriel_wire::readiness::BackupFile;
use oriel_wire::time::rfc3339;
use serde::{Deserialize, Serialize};

use super::{blocker, word};
use crate::home::{Home, create_private_dir, private};

/// Says of which moment of the store there is a copy, until its form has changed.
const MARKER: &str = "migration-backup.json";

/// A marker is shorter.
const MARKER_BYTES_MAX: u64 = 64 * 1024;

/// Of which moment of a store there is a copy.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    copy: PathBuf,
    version: i64,
    store: Seen,
}

/// What changes whenever a store does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    bytes: u64,
    changed_ns: u128,
    log_bytes: u64,
    log_changed_ns: u128,
}

/// Returns what blocks the store. Goes on with a restore that was cut off, and makes the copy that
/// is due where there is a stamp to name it by.
pub(super) fn find(home: &Home, stamp: Option<&str>) -> Option<Blocker> {
    match oriel_store::finish_restore(&home.store(), &home.backups()) {
        Ok(None) => {}
        Ok(Some(aside)) => {
            tracing::info!(aside = %aside.display(), "went on with restoring a backup");
        }
        // The store opens, or says what is wrong with it.
        Err(error) => tracing::warn!(%error, "cannot look for a restore that was cut off"),
    }
    // A file that cannot be read is told of by whoever opens it.
    match oriel_store::standing(&home.store()).ok()? {
        Standing::Newer { version } => Some(newer(home, version)),
        Standing::Older { version } => {
            let problem = back_up(home, version, None, stamp?).err()?;
            Some(needs_backup(home, version, &problem))
        }
        Standing::Current => {
            forget_copy(home);
            None
        }
        _ => None,
    }
}

fn newer(home: &Home, version: i64) -> Blocker {
    let path = home.store();
    blocker(
        BlockerKind::StoreNewerThanProgram,
        None,
        path.display().to_string(),
        "The store was written by a later version",
        format!(
            "{} has version {version}, and this program knows versions up to {}; install the \
             program that wrote it, or restore a backup",
            path.display(),
            Store::VERSION
        ),
        &[word::INSPECT, word::RESTORE_BACKUP, word::RESTART],
    )
}

fn needs_backup(home: &Home, version: i64, problem: &str) -> Blocker {
    let path = home.store();
    blocker(
        BlockerKind::StoreNeedsMigrationBackup,
        None,
        path.display().to_string(),
        "The store must be copied before its form changes",
        format!(
            "{} has version {version} and this program writes version {}; it is copied before it is \
             changed, and that failed: {problem}; put that right and try again, or name another \
             place for the copy",
            path.display(),
            Store::VERSION
        ),
        &[word::INSPECT, word::BACK_UP, word::RESTART],
    )
}

/// Copies the store, unless there is a copy of this very moment. Returns where it is.
pub(super) fn back_up(
    home: &Home,
    version: i64,
    to: Option<&Path>,
    stamp: &str,
) -> Result<PathBuf, String> {
    let store = seen(&home.store());
    if let Some(marker) = marker(home)
        && (&marker.store, marker.version) == (&store, version)
        && marker.copy.is_file()
    {
        return Ok(marker.copy);
    }
    let name = format!("before-version-{}-{stamp}", Store::VERSION);
    let usual = oriel_store::free_name(&home.backups(), &name, ".db");
    let copy = to.unwrap_or(&usual).to_owned();
    if to.is_none() {
        create_private_dir(&home.backups())
            .map_err(|error| format!("cannot make {}: {error}", home.backups().display()))?;
    }
    oriel_store::copy_closed(&home.store(), &copy).map_err(|error| error.to_string())?;
    let marker = Marker { copy, version, store };
    mark(home, &marker).map_err(|error| {
        format!("cannot note in {} where the copy is: {error}", home.folder().display())
    })?;
    tracing::info!(copy = %marker.copy.display(), "copied the store before its form changes");
    Ok(marker.copy)
}

/// Returns the version of a store that is older than this program's, while it is.
pub(super) fn older(home: &Home) -> Option<i64> {
    match oriel_store::standing(&home.store()) {
        Ok(Standing::Older { version }) => Some(version),
        _ => None,
    }
}

/// Returns how the store stands, in words.
pub(super) fn facts(home: &Home) -> Vec<(&'static str, String)> {
    let version = match oriel_store::standing(&home.store()) {
        Ok(Standing::Newer { version } | Standing::Older { version }) => version.to_string(),
        Ok(Standing::Current) => Store::VERSION.to_string(),
        Ok(Standing::New) => "none".to_owned(),
        Ok(Standing::NotOurs) => "not an Oriel store".to_owned(),
        Err(error) => format!("not known: {error}"),
    };
    let bytes = fs::metadata(home.store()).map_or(0, |about| about.len());
    vec![
        ("store", home.store().display().to_string()),
        ("version of the store", version),
        ("version that this program writes", Store::VERSION.to_string()),
        ("bytes", bytes.to_string()),
        ("backups", home.backups().display().to_string()),
    ]
}

/// Lists the backups that can be restored, the newest first.
pub(super) fn backups(home: &Home) -> Vec<BackupFile> {
    let copies = oriel_store::copies(&home.backups()).into_iter().map(|copy| BackupFile {
        path: copy.path.display().to_string(),
        bytes: copy.bytes,
        written_at: rfc3339(
            copy.written
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
        ),
        schema_version: copy.version,
    });
    copies.collect()
}

fn marker(home: &Home) -> Option<Marker> {
    let path = home.folder().join(MARKER);
    // Whatever is wrong with it, another copy is made then.
    let is_short = fs::metadata(&path).ok()?.len() <= MARKER_BYTES_MAX;
    is_short.then(|| serde_json::from_slice(&fs::read(&path).ok()?).ok()).flatten()
}

fn mark(home: &Home, marker: &Marker) -> std::io::Result<()> {
    let path = home.folder().join(MARKER);
    let fresh = path.with_extension("json.new");
    let mut file = private().create(true).truncate(true).open(&fresh)?;
    file.write_all(&serde_json::to_vec(marker)?)?;
    file.sync_all()?;
    fs::rename(&fresh, &path)
}

fn forget_copy(home: &Home) {
    // It is rarely there, and harms nobody where it stays.
    _ = fs::remove_file(home.folder().join(MARKER));
}

fn seen(path: &Path) -> Seen {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let of = |path: &Path| fs::metadata(path).ok();
    let bytes = |about: &Option<Metadata>| about.as_ref().map_or(0, Metadata::len);
    let changed = |about: &Option<Metadata>| {
        let at = about.as_ref().and_then(|about| about.modified().ok());
        at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_nanos())
    };
    // An empty log says nothing, and whoever reads the store may leave one.
    let log = of(Path::new(&log)).filter(|log| log.len() > 0);
    let store = of(path);
    Seen {
        bytes: bytes(&store),
        changed_ns: changed(&store),
        log_bytes: bytes(&log),
        log_changed_ns: changed(&log),
    }
}
