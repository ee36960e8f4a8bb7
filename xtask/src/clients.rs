//! The client's pages: packages of npm, the bundle that the desktop carries, and what is held of its code.
//!
//! What was done for the same files is not done again: the packages are those of one lock file, and the
//! bundle is that of one state of the sources.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::command::{output, run, say};
use crate::packages;
use crate::workspace::Workspace;

/// The oldest Node that the tools of the pages run on.
const NODE_MIN: (u32, u32) = (20, 19);

/// Licences under which a package may be part of the pages, or make them.
const LICENCES: &[&str] = &["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD"];

/// Packages whose licence stands in a file of theirs alone, as somebody read it there.
const READ_BY_HAND: &[(&str, &str)] =
    &[("node_modules/flatbuffers", "Apache-2.0"), ("node_modules/json-bignum", "MIT")];

/// Folders beside the sources, which are made from them.
const MADE: &[&str] = &["node_modules", "dist", "dist-demo"];

/// Files that are there once the bundle is.
const BUNDLE: &[&str] = &["app/dist/workbench/index.html", "fs-bindings/dist/contract.js"];

/// Builds the pages into `clients/app/dist`, where the desktop's build looks for them.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let folder = folder(workspace);
    let stamp = folder.join("node_modules").join(".oriel-bundle");
    let state = state(&folder)?;
    let is_there = BUNDLE.iter().all(|file| folder.join(file).is_file());
    if is_there && fs::read_to_string(&stamp).is_ok_and(|built| built == state) {
        return Ok(());
    }
    install(workspace)?;
    run(npm(workspace).args(["run", "build"]))?;
    fs::write(&stamp, state).with_context(|| format!("could not write {}", stamp.display()))
}

/// Runs the tests of the pages.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    install(workspace)?;
    run(npm(workspace).args(["run", "test"]))
}

/// Holds that the code of the pages is formatted, has its types, and may be used with all it needs.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let path = folder(workspace).join("package-lock.json");
    let lock =
        fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    judge_lock(&lock)?;
    install(workspace)?;
    run(npm(workspace).args(["run", "lint"]))?;
    run(npm(workspace).args(["run", "types"]))
}

/// Fetches the packages of the lock file, where they are not there.
fn install(workspace: &Workspace) -> Result<()> {
    let folder = folder(workspace);
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("could not read {}", lock.display()))?;
    let stamp = folder.join("node_modules").join(".oriel-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    packages::ensure_for_npm()?;
    ensure_node(workspace)?;
    // No package runs a script of its own here, and none needs to.
    run(npm(workspace).args(["ci", "--ignore-scripts"]))?;
    fs::write(&stamp, wanted).with_context(|| format!("could not write {}", stamp.display()))
}

fn ensure_node(workspace: &Workspace) -> Result<()> {
    let version = output(workspace.command("node").arg("--version"))?;
    let (major, minor) = NODE_MIN;
    ensure!(
        node_version(&version).is_some_and(|found| NODE_MIN <= found),
        "the pages are built with Node {major}.{minor} or newer, and this is {}; install a newer one",
        version.trim()
    );
    Ok(())
}

fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join("clients")
}

fn npm(workspace: &Workspace) -> Command {
    let mut npm = workspace.command("npm");
    npm.current_dir(folder(workspace));
    npm
}

/// Returns what tells one state of the sources from another.
fn state(folder: &Path) -> Result<String> {
    let mut files = BTreeSet::new();
    gather(folder, &mut files)?;
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(folder).unwrap_or(&file).hash(&mut hasher);
        fs::read(&file)
            .with_context(|| format!("could not read {}", file.display()))?
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn gather(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    let context = || format!("could not read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let kind = entry.file_type().with_context(context)?;
        if kind.is_dir() {
            if !MADE.iter().any(|made| entry.file_name() == *made) {
                gather(&entry.path(), files)?;
            }
        } else if kind.is_file() {
            files.insert(entry.path());
        }
    }
    Ok(())
}

/// Every package has an allowed licence and a digest, and none says where it was fetched from: that is
/// for each machine to say.
fn judge_lock(lock: &str) -> Result<()> {
    let lock: Value = serde_json::from_str(lock).context("package-lock.json is not JSON")?;
    let packages = lock["packages"].as_object().context("package-lock.json has no packages")?;
    let mut findings = Vec::new();
    for (path, package) in packages {
        if is_ours(path, package) {
            continue;
        }
        let licence = licence_of(path, package).unwrap_or("no licence");
        if !is_allowed(licence) {
            findings.push(format!("{path} is under {licence}"));
        }
        if package["integrity"].as_str().is_none_or(|digest| !digest.starts_with("sha512-")) {
            findings.push(format!("{path} has no digest"));
        }
        if package.get("resolved").is_some() {
            findings.push(format!("{path} says where it was fetched from"));
        }
    }
    if !findings.is_empty() {
        bail!("packages of the pages that may not be used:\n  {}", findings.join("\n  "));
    }
    say(&format!("{} packages of the pages may be used", packages.len()));
    Ok(())
}

fn is_ours(path: &str, package: &Value) -> bool {
    !path.contains("node_modules/") || package["link"] == true
}

fn licence_of<'a>(path: &str, package: &'a Value) -> Option<&'a str> {
    let by_hand = READ_BY_HAND.iter().find(|(name, _)| *name == path).map(|(_, licence)| *licence);
    by_hand.or(package["license"].as_str())
}

/// A package that the pages contain.
pub(crate) struct Contained {
    /// Its name and version.
    pub(crate) name: String,
    pub(crate) licence: String,
    /// Where its manifest is.
    pub(crate) manifest: PathBuf,
}

/// Returns the packages that the pages contain: those of the lock file that are no tools for making them.
pub(crate) fn contained(workspace: &Workspace) -> Result<Vec<Contained>> {
    install(workspace)?;
    let folder = folder(workspace);
    let path = folder.join("package-lock.json");
    let lock =
        fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    contained_in(&lock, &folder)
}

fn contained_in(lock: &str, folder: &Path) -> Result<Vec<Contained>> {
    let lock: Value = serde_json::from_str(lock).context("package-lock.json is not JSON")?;
    let packages = lock["packages"].as_object().context("package-lock.json has no packages")?;
    let is_in = |path: &str, package: &Value| {
        let is_tool = ["dev", "devOptional"].iter().any(|mark| package[*mark] == true);
        !is_ours(path, package) && !is_tool
    };
    let named = packages.iter().filter(|(path, package)| is_in(path, package));
    let contained = named.map(|(path, package)| {
        let (_, name) = path.rsplit_once("node_modules/").unwrap_or(("", path));
        Contained {
            name: format!("{name} {}", package["version"].as_str().unwrap_or_default()),
            licence: licence_of(path, package).unwrap_or("see its text below").to_owned(),
            manifest: folder.join(path).join("package.json"),
        }
    });
    Ok(contained.collect())
}

/// Whether one of several alternatives, or all of several conditions, is allowed.
fn is_allowed(licence: &str) -> bool {
    let plain = licence.trim_matches(['(', ')']);
    plain.split(" OR ").any(|one| one.split(" AND ").all(|part| LICENCES.contains(&part.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(package: &Value) -> Result<()> {
        let packages = serde_json::json!({
            "": { "name": "clients" },
            "app": { "name": "app" },
            "node_modules/app": { "resolved": "app", "link": true },
            "node_modules/one": package,
        });
        judge_lock(&serde_json::json!({ "packages": packages }).to_string())
    }

    #[test]
    fn what_the_pages_contain_is_no_tool_and_not_ours() {
        let lock = serde_json::json!({ "packages": {
            "": { "name": "clients" },
            "app": { "name": "app" },
            "node_modules/app": { "resolved": "app", "link": true },
            "node_modules/vite": { "version": "7.0.0", "license": "MIT", "dev": true },
            "node_modules/react": { "version": "19.0.0", "license": "MIT" },
            "node_modules/a/node_modules/@b/c": { "version": "1.0.0", "license": "ISC" },
        } });
        let contained = contained_in(&lock.to_string(), Path::new("clients")).unwrap();
        let mut named: Vec<_> =
            contained.iter().map(|one| format!("{}: {}", one.name, one.licence)).collect();
        named.sort();
        assert_eq!(named, ["@b/c 1.0.0: ISC", "react 19.0.0: MIT"]);
        let nested = contained.iter().find(|one| one.name.starts_with('@')).unwrap();
        let manifest = "clients/node_modules/a/node_modules/@b/c/package.json";
        assert_eq!(nested.manifest, Path::new(manifest));
    }

    #[test]
    fn a_package_has_an_allowed_licence_a_digest_and_no_address() {
        let good = serde_json::json!({ "license": "(MIT OR GPL-3.0)", "integrity": "sha512-a" });
        lock(&good).unwrap();
        for (field, value, told) in [
            ("license", Value::from("GPL-3.0"), "is under GPL-3.0"),
            ("license", Value::from("MIT AND GPL-3.0"), "is under MIT AND GPL-3.0"),
            ("license", Value::Null, "is under no licence"),
            ("integrity", Value::from("sha1-a"), "has no digest"),
            ("resolved", Value::from("somewhere"), "says where"),
        ] {
            let mut wrong = good.clone();
            wrong[field] = value;
            let message = lock(&wrong).unwrap_err().to_string();
            assert!(message.contains(&format!("node_modules/one {told}")), "{message}");
        }
    }

    #[test]
    fn the_committed_lock_file_may_be_used() {
        judge_lock(include_str!("../../clients/package-lock.json")).unwrap();
    }

    #[test]
    fn an_old_node_is_known_by_its_version() {
        assert_eq!(node_version("v20.19.1\n"), Some((20, 19)));
        assert!(node_version("v18.20.4").unwrap() < NODE_MIN);
        assert_eq!(node_version("20"), None);
    }

    #[test]
    fn the_bundle_is_built_again_only_for_other_sources() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            state(folder.path()).unwrap()
        };
        let first = put("app/src/a.ts", "1");
        assert_eq!(put("app/dist/a.js", "made"), first);
        assert_eq!(put("node_modules/x/a.js", "made"), first);
        assert_ne!(put("app/src/a.ts", "2"), first);
        assert_ne!(put("app/src/b.ts", "1"), first);
    }
}
