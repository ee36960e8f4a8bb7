//! axe-core, which tells whether everyone can use a page. Tests of pages need it, and nothing else
//! does, so it is fetched in one version, checked against its digest, and kept beside the tools.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::command::{run, say};
use crate::packages;
use crate::tools::tools_folder;
use crate::workspace::Workspace;

/// Names the file to the tests.
pub(crate) const VARIABLE: &str = "ORIEL_TEST_AXE";

const VERSION: &str = "4.14.1";

/// The digest of the package as it was published; npm refuses any other.
const INTEGRITY: &str = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";

/// Returns the script; fetches it where it is not.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let folder = tools_folder(workspace).join(format!("axe-core-{VERSION}"));
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if script.is_file() {
        return Ok(script);
    }
    packages::ensure_for_npm()?;
    say(&format!("fetches axe-core {VERSION} into {}, once", folder.display()));
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("package.json"), manifest()))
        .and_then(|()| fs::write(folder.join("package-lock.json"), lock()))
        .with_context(|| format!("could not write to {}", folder.display()))?;
    let mut npm = workspace.command("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]);
    run(npm.current_dir(&folder))?;
    ensure!(script.is_file(), "npm fetched axe-core, and yet there is no {}", script.display());
    Ok(script)
}

fn manifest() -> String {
    serde_json::json!({
        "name": "oriel-tools", "private": true, "dependencies": { "axe-core": VERSION },
    })
    .to_string()
}

fn lock() -> String {
    serde_json::json!({
        "name": "oriel-tools",
        "lockfileVersion": 3,
        "requires": true,
        "packages": {
            "": { "name": "oriel-tools", "dependencies": { "axe-core": VERSION } },
            "node_modules/axe-core": { "version": VERSION, "integrity": INTEGRITY },
        },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_is_named_by_version_and_digest() {
        let lock: serde_json::Value = serde_json::from_str(&lock()).unwrap();
        let package = &lock["packages"]["node_modules/axe-core"];
        assert_eq!(package["version"], VERSION);
        assert_eq!(package["integrity"].as_str().map(str::len), Some("sha512-".len() + 88));
    }
}
