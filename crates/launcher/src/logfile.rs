//! Logs of processes that write their own: private, bounded, and with an end that can be told.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::platform;

/// How many logs that were put aside are kept.
const ASIDE_MAX: usize = 3;

/// The most of a log that is read for its end.
const TAIL_BYTES_MAX: u64 = 64 * 1024;

/// Opens a log to add to it, and returns where it ends. One that has reached its limit is put aside
/// first.
///
/// # Errors
/// Where it cannot be opened.
pub(crate) fn open(path: &Path, bytes_max: u64) -> io::Result<(File, u64)> {
    // One that cannot be looked at is told of when it is opened.
    if std::fs::symlink_metadata(path).is_ok_and(|log| bytes_max <= log.len()) {
        put_aside(path)?;
    }
    let file = platform::private_log(path)?;
    let end = file.metadata()?.len();
    Ok((file, end))
}

/// Gives a log the next lower name, and drops the oldest.
pub(crate) fn put_aside(path: &Path) -> io::Result<()> {
    for number in (1..ASIDE_MAX).rev() {
        match std::fs::rename(aside(path, number), aside(path, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::rename(path, aside(path, 1))
}

/// Returns the name of a log that was put aside.
fn aside(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Returns the last lines of a log behind a place in it. A log that cannot be read says so.
#[must_use]
pub fn tail(path: &Path, from: u64, lines: usize) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        let from = if from <= end { from } else { 0 };
        file.seek(SeekFrom::Start(from.max(end.saturating_sub(TAIL_BYTES_MAX))))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => {
            let all: Vec<&str> = text.lines().collect();
            all[all.len().saturating_sub(lines)..].join("\n")
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => format!("(the log cannot be read: {error})"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_long_log_is_put_aside_and_few_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        for round in 0..6 {
            let (mut file, end) = open(&path, 4).unwrap();
            assert_eq!(end, 0, "round {round}");
            write!(file, "run {round}").unwrap();
        }
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a.log", "a.log.1", "a.log.2", "a.log.3"]);
        assert_eq!(std::fs::read_to_string(aside(&path, 3)).unwrap(), "run 2");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_end_of_a_log_is_told_from_a_place_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        assert_eq!(tail(&path, 0, 2), "");
        std::fs::write(&path, b"one\ntwo\nthr\xffe\n").unwrap();
        assert_eq!(tail(&path, 0, 2), "two\nthr\u{fffd}e");
        assert_eq!(tail(&path, 8, 9), "thr\u{fffd}e");
        assert_eq!(tail(&path, 99, 1), "thr\u{fffd}e", "a log that was put aside meanwhile");
        std::fs::write(&path, "x\n".repeat(100_000)).unwrap();
        assert_eq!(tail(&path, 0, 3), "x\nx\nx");
    }
}
