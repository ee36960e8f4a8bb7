//! axe-core, which tells whether everyone can use a page. Tests of pages need it, and nothing else
//! does, so it is fetched in one version, checked against its digest, and kept beside the tools.

use std::path::PathBuf;

use anyhow::Result;

use crate::npm::NpmPackage;
use crate::workspace::Workspace;

/// Names the file to the tests.
pub(crate) const VARIABLE: &str = "ORIEL_TEST_AXE";

const VERSION: &str = "4.14.1";

/// The digest of the package as it was published.
const INTEGRITY: &str = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";

/// Returns the script; fetches it where it is not.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    package().ensure(workspace)
}

fn package() -> NpmPackage {
    NpmPackage::alone("axe-core", VERSION, INTEGRITY, "axe.min.js")
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
