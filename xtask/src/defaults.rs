//! What `cargo build` makes at the root needs Rust, a C compiler and no library of the system.
//!
//! A machine without windows runs the daemon, and so it must be able to build it. What links to a
//! library says so in its manifest, so cargo knows.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::command::say;
use crate::graph::{For, list, reach, text};
use crate::workspace::Workspace;

/// Libraries that are linked and not of the system: their crates compile them from source.
const COMPILED: &[&str] = &["sqlite3", "zstd"];

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    match judge(&workspace.metadata_with_dependencies()?) {
        Ok(count) => say(&format!("{count} packages are built by default, and none asks for more")),
        Err(faults) => bail!("`cargo build` would need more than Rust:\n  {}", faults.join("\n  ")),
    }
    Ok(())
}

/// Follows every default member to all that it is built from. Returns how many
/// packages those are, or every fault.
fn judge(metadata: &Value) -> Result<usize, Vec<String>> {
    let members = list(&metadata["workspace_default_members"]).map(text);
    let built = reach(metadata, members, For::Build);
    let name = |id: &str| {
        let package = list(&metadata["packages"]).find(|package| package["id"] == id);
        package.map_or(id, |package| text(&package["name"])).to_owned()
    };
    let mut faults = BTreeSet::new();
    for package in list(&metadata["packages"]) {
        let (Some(library), Some(member)) =
            (package["links"].as_str(), built.get(text(&package["id"])))
        else {
            continue;
        };
        if !COMPILED.contains(&library) {
            faults.insert(format!(
                "{} brings {}, which links {library}; keep it out, or leave {0} out of the \
                 default members",
                name(member),
                text(&package["name"]),
            ));
        }
    }
    if built.is_empty() {
        faults.insert("cargo names no default member".to_owned());
    }
    if faults.is_empty() { Ok(built.len()) } else { Err(faults.into_iter().collect()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_compiled_from_source_may_be_linked() {
        assert_eq!(judge(&workspace(&["cli"], "normal")), Ok(2));
    }

    #[test]
    fn a_default_member_that_brings_a_library_of_the_system_is_named() {
        for kind in ["normal", "build"] {
            let faults = judge(&workspace(&["cli", "desktop"], kind)).unwrap_err();
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(
                faults[0].starts_with("desktop brings gtk-sys, which links gtk-3"),
                "{faults:?}"
            );
        }
    }

    #[test]
    fn what_only_tests_link_is_not_built_by_default() {
        assert_eq!(judge(&workspace(&["cli", "desktop"], "dev")), Ok(4));
    }

    #[test]
    fn an_answer_without_members_is_a_fault() {
        assert!(judge(&json!({})).is_err());
    }

    /// A workspace of `cli`, and `desktop`, which uses `window`, which uses `gtk-sys`.
    fn workspace(default_members: &[&str], kind: &str) -> Value {
        let kind = if kind == "normal" { Value::Null } else { kind.into() };
        let uses =
            |used: &str, kind: &Value| json!({ "pkg": used, "dep_kinds": [{ "kind": kind }] });
        json!({
            "workspace_default_members": default_members,
            "packages": [
                { "id": "cli", "name": "cli", "links": null },
                { "id": "desktop", "name": "desktop", "links": null },
                { "id": "window", "name": "window", "links": null },
                { "id": "gtk-sys", "name": "gtk-sys", "links": "gtk-3" },
                { "id": "sqlite", "name": "sqlite", "links": "sqlite3" },
            ],
            "resolve": { "nodes": [
                { "id": "cli", "deps": [uses("sqlite", &Value::Null)] },
                { "id": "desktop", "deps": [uses("window", &Value::Null)] },
                { "id": "window", "deps": [uses("gtk-sys", &kind)] },
            ] },
        })
    }
}
