//! Checks of the machine: room on the disk, files a process may open.

use std::path::Path;

use super::check::Check;
use crate::{platform, text};

/// Below this a daemon does not begin to take events, unless the settings say otherwise.
pub(super) const ROOM_BYTES_FAIL: u64 = 256 * 1024 * 1024;

/// Below this it is time to make room.
const ROOM_BYTES_WARN: u64 = 1024 * 1024 * 1024;

/// What the daemon opens besides one file for each stream client: the store, logs, ingest.
const OPEN_FILES_SPARE: u64 = 256;

/// Checks that there is room to write.
pub(super) fn room(data_dir: &Path, bytes_min: u64) -> Check {
    const NAME: &str = "room on disk";
    // The nearest folder that exists lies on the file system where the data will be.
    let existing = data_dir.ancestors().find(|folder| folder.exists());
    match existing.map_or(Ok(0), platform::free_bytes) {
        Err(error) => Check::warn(NAME, format!("cannot be told: {error}"), "look with `df`"),
        Ok(free) if free < bytes_min => Check::fail(
            NAME,
            format!("{} left", text::bytes(free)),
            "make room, or move the data directory; then restart the daemon",
        ),
        Ok(free) if free < ROOM_BYTES_WARN => {
            Check::warn(NAME, format!("{} left", text::bytes(free)), "make room soon")
        }
        Ok(free) => Check::ok(NAME, format!("{} left", text::bytes(free))),
    }
}

/// Checks that as many clients as configured may connect.
pub(super) fn open_files(clients_max: usize) -> Check {
    judge_open_files(platform::open_files_max(), clients_max)
}

fn judge_open_files(limit: Option<u64>, clients_max: usize) -> Check {
    const NAME: &str = "open files";
    let needed = clients_max as u64 + OPEN_FILES_SPARE;
    match limit {
        Some(limit) if limit < needed => Check::warn(
            NAME,
            format!(
                "a process may open {limit}, and {clients_max} stream clients may need {needed}"
            ),
            format!("raise it with `ulimit -n {needed}`, or lower stream.clients_max"),
        ),
        Some(limit) => Check::ok(NAME, format!("a process may open {limit}")),
        None => Check::ok(NAME, "a process may open any number"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn every_client_needs_an_open_file() {
        for (limit, clients, expected) in [
            (Some(1_024), 50, Verdict::Ok),
            (Some(1_024), 1_000, Verdict::Warn),
            (None, 1_000_000, Verdict::Ok),
        ] {
            assert_eq!(judge_open_files(limit, clients).verdict, expected, "{limit:?} {clients}");
        }
    }

    #[test]
    fn room_is_told_for_a_folder_that_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        assert!(room(&folder.path().join("a/b"), 0).finding.contains("left"));
    }
}
