//! A home folder with a data directory in it, and nothing of whoever runs the tests.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::program::{self, Finished};

/// A home folder of its own, removed with its last holder.
#[derive(Debug, Clone)]
pub struct Home {
    folder: Arc<TempDir>,
    /// Numbers the files that runs write to.
    runs: Arc<AtomicUsize>,
}

impl Default for Home {
    fn default() -> Self {
        let folder = tempfile::Builder::new().prefix("oriel-test-").tempdir();
        let folder = Arc::new(folder.expect("a temporary folder can be made"));
        Self { folder, runs: Arc::default() }
    }
}

impl Home {
    /// Makes a home folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the data directory. It is there once a daemon was.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    /// Returns the text of a file in the data directory.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        let path = self.data_dir().join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => panic!("cannot read {}: {error}", path.display()),
        }
    }

    /// Writes a file in the data directory, which is made where it is not there.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.data_dir().join(name);
        make_private_dir(&self.data_dir());
        make_private_dir(path.parent().expect("a file lies in a folder"));
        std::fs::write(path, text).expect("the data directory is ours");
    }

    /// Returns a command of the program that finds this home and nothing else.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::path());
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("ORIEL_DATA_DIR", self.data_dir())
            // Of two tests at once only one could have the usual port.
            .env("ORIEL_GATEWAY_PORT", "0")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    #[must_use]
    pub fn oriel(&self, arguments: &[&str]) -> Finished {
        self.run(self.command(arguments))
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// Where it does not end in time; the process is ended then.
    #[must_use]
    pub fn run(&self, mut command: Command) -> Finished {
        let what = format!("{command:?}");
        let (out, err) = (self.scratch("stdout"), self.scratch("stderr"));
        command.stdout(create(&out)).stderr(create(&err));
        let child = command.spawn().expect("the program can be started");
        let mut child = EndWithUs(child);
        let status = program::ended(&mut child.0, &what);
        let read = |path: &Path| {
            String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
        };
        Finished { command: what, code: status.code(), stdout: read(&out), stderr: read(&err) }
    }

    /// Returns the path of a file that nobody writes to yet.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        self.path(&format!("{name}-{number}"))
    }
}

/// A process that does not outlive a failed test.
struct EndWithUs(std::process::Child);

impl Drop for EndWithUs {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

pub(crate) fn create(path: &Path) -> File {
    File::create(path).expect("a file can be made in the temporary folder")
}

fn make_private_dir(path: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.expect("a folder can be made in the temporary folder");
}
