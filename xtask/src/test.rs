//! `test`: every test there is. The last lines a reader sees are the test runner's own.

use std::ffi::OsString;

use anyhow::Result;

use crate::command::run;
use crate::workspace::Workspace;
use crate::{axe, packages};

pub(crate) fn test(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    packages::ensure()?;
    packages::ensure_for_browser()?;
    let axe = axe::ensure(workspace)?;
    // The whole-system tests start the real program. Naming the tests as well gives the build the
    // same features as the tests have, so that `cargo test` finds it done. This program is running
    // and must not be replaced under itself.
    let programs = workspace.build(&["--workspace", "--exclude", "xtask", "--bins", "--tests"])?;
    let mut tests = workspace.cargo(&["test", "--workspace"]);
    tests.env("ORIEL_TEST_BIN", programs.path("oriel")?).env(axe::VARIABLE, axe);
    if !arguments.is_empty() {
        tests.arg("--").args(arguments);
    }
    run(&mut tests)
}
