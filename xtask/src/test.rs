//! `test`: every test there is. The last lines a reader sees are the test runner's own.

use std::ffi::OsString;

use anyhow::Result;

use crate::command::run;
use crate::workspace::Workspace;
use crate::{apart, axe, clients, packages, qwen};

pub(crate) fn test(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    packages::ensure_for_tests()?;
    let axe = axe::ensure(workspace)?;
    let qwen = qwen::ensure(workspace)?;
    clients::build(workspace)?;
    // A part of a name is one of a test in Rust.
    if arguments.is_empty() {
        clients::test(workspace)?;
        apart::test(workspace)?;
    }
    // The whole-system tests start the real programs, which lie beside each other.
    let programs = workspace.build_all()?;
    let mut tests = workspace.cargo(&["test", "--workspace"]);
    tests.env("ORIEL_TEST_BIN", programs.path("oriel")?).env(axe::VARIABLE, axe);
    tests.env(qwen::VARIABLE, qwen);
    tests.env("ORIEL_TEST_DESKTOP", programs.path("oriel-desktop")?);
    tests.env("ORIEL_TEST_COMPUTE", programs.path("oriel-compute")?);
    if !arguments.is_empty() {
        tests.arg("--").args(arguments);
    }
    run(&mut tests)
}
