//! The program under test, and one run of it to its end.

use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};

use serde_json::Value;

use crate::wait;

/// Names the program; `cargo xtask test` sets it.
const VARIABLE: &str = "ORIEL_TEST_BIN";

/// Names the desktop; `cargo xtask test` sets it too.
const VARIABLE_OF_DESKTOP: &str = "ORIEL_TEST_DESKTOP";

/// Names the program that runs scripts; `cargo xtask test` sets it too.
const VARIABLE_OF_COMPUTE: &str = "ORIEL_TEST_COMPUTE";

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Finished {
    /// What was run, for messages.
    pub command: String,
    /// How it ended. Nothing where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to its output.
    pub stdout: String,
    /// What it wrote to its error output.
    pub stderr: String,
}

impl Finished {
    /// Returns the output of a run that did what it was asked.
    ///
    /// # Panics
    /// Where it did not.
    pub fn done(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:#?}");
        &self.stdout
    }

    /// Returns the output of a run that did what it was asked, read as JSON.
    ///
    /// # Panics
    /// Where it did not, or wrote something else.
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_str(self.done()) {
            Ok(value) => value,
            Err(error) => panic!("the output is not JSON, {error}: {self:#?}"),
        }
    }

    /// Returns what a run said that failed as it should: with this code, in plain words.
    ///
    /// # Panics
    /// Where it ended otherwise, or because of a panic.
    pub fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        &self.stderr
    }
}

/// Returns the program under test.
pub(crate) fn path() -> PathBuf {
    told(VARIABLE, "oriel")
}

/// Returns the desktop under test. Its other programs lie beside it.
pub fn desktop() -> PathBuf {
    told(VARIABLE_OF_DESKTOP, "oriel-desktop")
}

/// Returns the program under test that runs scripts.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn compute() -> PathBuf {
    told(VARIABLE_OF_COMPUTE, "oriel-compute")
}

#[expect(clippy::disallowed_methods, reason = "the one place where the tests are told what to run")]
fn told(variable: &str, name: &str) -> PathBuf {
    let told = std::env::var_os(variable).filter(|path| !path.is_empty());
    let path = told.map_or_else(|| beside_the_tests(name), PathBuf::from);
    assert!(
        path.is_file(),
        "there is no program {}; run `cargo xtask test`, which builds it and sets {variable}",
        path.display()
    );
    path
}

/// The tests are in `target/PROFILE/deps`, the programs are one folder above.
fn beside_the_tests(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("the system knows which program runs");
    let profile = tests.parent().and_then(Path::parent).expect("it lies in a folder of a folder");
    profile.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Waits for a process to end, and ends it where it does not.
pub(crate) fn ended(child: &mut Child, what: &str) -> ExitStatus {
    wait::until(what, || child.try_wait().expect("a child of ours can be waited for"))
}
