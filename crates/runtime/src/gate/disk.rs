//! Room on the disk that the store is on. Where little is left, a daemon says so before a write
//! fails: at its start it stays in the gate, and later it posts a notice.

use std::io;
use std::path::Path;

use oriel_wire::control::{Blocker, BlockerKind};

use super::{blocker, word};
use crate::config::Config;
use crate::home::Home;

const MIB: u64 = 1024 * 1024;

/// Returns the blocker of a disk on which too little room is left.
pub(super) fn find(config: &Config, home: &Home) -> Option<Blocker> {
    let free = few_bytes_left(config, home)?;
    Some(blocker(
        BlockerKind::DiskNearlyFull,
        None,
        home.folder().display().to_string(),
        "The disk is nearly full",
        nearly_full(config, home, free),
        &[word::INSPECT, word::RESTART],
    ))
}

/// Returns how many bytes are free, where those are fewer than there should be.
pub(crate) fn few_bytes_left(config: &Config, home: &Home) -> Option<u64> {
    match free_bytes(home.folder()) {
        Ok(free) => (free < config.store.free_bytes_min).then_some(free),
        Err(error) => {
            // Whoever cannot look must not stop for it.
            tracing::debug!(%error, "the room on the disk is not known");
            None
        }
    }
}

/// Says how much room there is and what to do.
pub(crate) fn nearly_full(config: &Config, home: &Home, free: u64) -> String {
    format!(
        "{} MiB are free where {} is, and less than the {} MiB of `store.free_mib_min` are too few \
         to go on safely; make room, or move the data directory",
        free / MIB,
        home.folder().display(),
        config.store.free_bytes_min / MIB,
    )
}

/// Returns the room, in words.
pub(super) fn facts(config: &Config, home: &Home) -> Vec<(&'static str, String)> {
    let free = match free_bytes(home.folder()) {
        Ok(free) => format!("{} MiB", free / MIB),
        Err(error) => format!("not known: {error}"),
    };
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |about| about.len()) / MIB;
    vec![
        ("free", free),
        ("needed", format!("{} MiB (store.free_mib_min)", config.store.free_bytes_min / MIB)),
        ("store", format!("{} MiB", size(&home.store()))),
    ]
}

#[cfg(unix)]
fn free_bytes(path: &Path) -> io::Result<u64> {
    let about = rustix::fs::statvfs(path)?;
    Ok(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
