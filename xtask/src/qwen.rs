//! Qwen Code, an agent that speaks the Agent Client Protocol and needs nothing but Node: the tests have one
//! real agent work through the gateway. It is fetched in one version and checked against its digest.

use std::path::PathBuf;

use anyhow::Result;

use crate::npm::NpmPackage;
use crate::workspace::Workspace;

/// Names the file to the tests.
pub(crate) const VARIABLE: &str = "ORIEL_TEST_QWEN";

/// The newest version that Node 20 runs.
const VERSION: &str = "0.15.10";

/// The digest of the package as it was published.
const INTEGRITY: &str = "sha512-A1rAUg7TTO62yuwogzEstMWLVxQ4n4JO26k9t6s93Ed14svp7W+7WEAAZhUMmxPf/q9xQQW7LwX48cuQcgKDBQ==";

/// Returns the program; fetches it where it is not.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    package().ensure(workspace)
}

fn package() -> NpmPackage {
    NpmPackage::alone("@qwen-code/qwen-code", VERSION, INTEGRITY, "cli.js")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npm::assert_locked;

    #[test]
    fn what_is_fetched_is_named_by_version_and_digest() {
        assert_locked(&package());
    }
}
