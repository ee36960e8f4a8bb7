//! Programs of modules that outlived their daemon, found by what it noted of them.
//!
//! A note holds the process and its birth, since a number alone may be somebody else's by now. It is
//! in `health/module-ID.pid`, for a module's own folder holds nothing but what was signed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::platform;

/// How often we look whether one is gone.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[derive(Serialize, Deserialize)]
struct Note {
    pid: u32,
    birth: String,
}

/// Notes that a module's program runs. Where the system tells no births nothing is noted.
pub(super) fn note(data_dir: &Path, id: &str, pid: u32) -> std::io::Result<()> {
    let Some(birth) = platform::birth(pid) else { return Ok(()) };
    platform::replace_private(&path(data_dir, id), &serde_json::to_vec(&Note { pid, birth })?)
}

/// Takes a note back.
pub(super) fn forget(data_dir: &Path, id: &str) {
    // A note that stays is of a process that is gone, which the next reader sees.
    _ = std::fs::remove_file(path(data_dir, id));
}

/// Returns the process of a module that runs, as its daemon noted it.
#[must_use]
pub fn running(data_dir: &Path, id: &str) -> Option<u32> {
    read(&path(data_dir, id), data_dir)
}

/// Ends what outlived an earlier daemon, and returns the modules it was of.
pub(super) async fn end_all(data_dir: &Path, gone_within: Duration) -> Vec<String> {
    // Without a folder there is no note.
    let entries = std::fs::read_dir(data_dir.join("health")).into_iter().flatten().flatten();
    let mut ended = Vec::new();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let id = name.strip_prefix("module-").and_then(|name| name.strip_suffix(".pid"));
        let Some(id) = id else { continue };
        if let Some(pid) = read(&entry.path(), data_dir) {
            end(pid, gone_within).await;
            ended.push(id.to_owned());
        }
        forget(data_dir, id);
    }
    ended
}

async fn end(pid: u32, gone_within: Duration) {
    for signal in [Signal::TERM, Signal::KILL] {
        platform::signal_group(pid, signal);
        let gone = async {
            while platform::process_runs(pid) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(gone_within, gone).await.is_ok() && signal == Signal::KILL {
            return;
        }
    }
}

/// Returns the process of a note that still runs.
fn read(path: &Path, data_dir: &Path) -> Option<u32> {
    // What somebody else may have written names no process that we would end.
    let text = platform::read_private(path, data_dir).ok()?;
    let note: Note = serde_json::from_str(&text).ok()?;
    let same = platform::birth(note.pid).is_some_and(|birth| birth == note.birth);
    (same && platform::process_runs(note.pid)).then_some(note.pid)
}

fn path(data_dir: &Path, id: &str) -> PathBuf {
    data_dir.join("health").join(format!("module-{id}.pid"))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command};

    use super::*;

    #[tokio::test]
    async fn what_outlived_its_daemon_is_ended_even_if_it_ignores_being_asked() {
        let folder = health();
        let mut child = sleeper();
        note(folder.path(), "hello", child.id()).unwrap();
        assert_eq!(running(folder.path(), "hello"), Some(child.id()));
        let ended = end_all(folder.path(), Duration::from_millis(50)).await;
        assert_eq!(ended, ["hello"]);
        assert!(!child.wait().unwrap().success());
        assert!(end_all(folder.path(), Duration::from_millis(50)).await.is_empty());
    }

    #[tokio::test]
    async fn a_process_that_only_has_the_number_is_left_alone() {
        let folder = health();
        let mut child = sleeper();
        let pid = child.id();
        note(folder.path(), "hello", pid).unwrap();
        let text = format!("{{\"pid\":{pid},\"birth\":\"another boot 1\"}}");
        platform::replace_private(&path(folder.path(), "hello"), text.as_bytes()).unwrap();
        assert!(end_all(folder.path(), Duration::from_millis(50)).await.is_empty());
        assert!(platform::process_runs(pid));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn health() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        platform::make_private_dir(&folder.path().join("health")).unwrap();
        folder
    }

    fn sleeper() -> Child {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' TERM; while :; do sleep 1; done"]).process_group(0);
        command.spawn().unwrap()
    }
}
