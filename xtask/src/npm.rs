//! Packages of npm that a chore needs, each fetched in one version and checked against its digest.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::command::{run, say};
use crate::packages;
use crate::tools::tools_folder;
use crate::workspace::Workspace;

/// A package in the one version that is used.
pub(crate) struct NpmPackage {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The lock file, which has the digests of the package and of all that it needs; npm refuses
    /// any other.
    pub(crate) lock: String,
    /// A file of the package that is there once it is fetched.
    pub(crate) file: &'static str,
}

impl NpmPackage {
    /// Names a package that needs no other one.
    pub(crate) fn alone(
        name: &'static str,
        version: &'static str,
        integrity: &str,
        file: &'static str,
    ) -> Self {
        let path = format!("node_modules/{name}");
        let lock = serde_json::json!({
            "name": "oriel-tools",
            "lockfileVersion": 3,
            "requires": true,
            "packages": {
                "": { "name": "oriel-tools", "dependencies": { (name): version } },
                (path): { "version": version, "integrity": integrity },
            },
        });
        Self { name, version, lock: lock.to_string(), file }
    }

    /// Returns where the file is; fetches the package where it is not.
    pub(crate) fn ensure(&self, workspace: &Workspace) -> Result<PathBuf> {
        let (name, version) = (self.name, self.version);
        let plain = name.trim_start_matches('@').replace('/', "-");
        let folder = tools_folder(workspace).join(format!("{plain}-{version}"));
        let file = folder.join("node_modules").join(name).join(self.file);
        if file.is_file() {
            return Ok(file);
        }
        packages::ensure_for_npm()?;
        say(&format!("fetches {name} {version} into {}, once", folder.display()));
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("package.json"), self.manifest()))
            .and_then(|()| fs::write(folder.join("package-lock.json"), &self.lock))
            .with_context(|| format!("could not write to {}", folder.display()))?;
        let mut npm = workspace.command("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]);
        run(npm.current_dir(&folder))?;
        anyhow::ensure!(
            file.is_file(),
            "npm fetched {name}, and yet there is no {}",
            file.display()
        );
        Ok(file)
    }

    fn manifest(&self) -> String {
        serde_json::json!({
            "name": "oriel-tools", "private": true, "dependencies": { (self.name): self.version },
        })
        .to_string()
    }
}

#[cfg(test)]
pub(crate) fn assert_locked(package: &NpmPackage) {
    let lock: serde_json::Value = serde_json::from_str(&package.lock).unwrap();
    let locked = lock["packages"].as_object().unwrap();
    assert_eq!(locked[&format!("node_modules/{}", package.name)]["version"], package.version);
    assert_eq!(locked[""]["dependencies"][package.name], package.version);
    for (path, locked) in locked.iter().filter(|(path, _)| !path.is_empty()) {
        let digest = locked["integrity"].as_str().map(str::len);
        assert_eq!(digest, Some("sha512-".len() + 88), "{path}");
    }
}
