//! The licences of the libraries that the programs and their pages contain, which ask to be handed on with them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::clients;
use crate::desktop::{EXTENSION, PROGRAMS};
use crate::graph::{For, list, reach, text};
use crate::workspace::Workspace;

/// How the names of files begin that are handed on.
const NAMES: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];

/// The most of one file that is taken. Longer ones hold something else too.
const BYTES_MAX: u64 = 200_000;

/// Returns the notices of all libraries, each text once, with those that it is of.
pub(crate) fn collect(workspace: &Workspace) -> Result<String> {
    let metadata = workspace.metadata_with_dependencies()?;
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list_of_all = String::new();
    let mut add = |name: String, licence: &str, manifest: &Path| {
        list_of_all.push_str(&format!("{name}: {licence}\n"));
        for notice in notices(manifest) {
            texts.entry(notice).or_default().push(name.clone());
        }
    };
    for package in contained(&metadata) {
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        let licence = package["license"].as_str().unwrap_or("see its text below");
        add(name, licence, Path::new(text(&package["manifest_path"])));
    }
    for package in clients::contained(workspace)? {
        add(package.name, &package.licence, &package.manifest);
    }
    let mut all = format!("The programs contain these libraries.\n\n{list_of_all}");
    for (notice, names) in texts {
        all.push_str(&format!("\n\n==== {}\n\n{notice}\n", names.join(", ")));
    }
    Ok(all)
}

/// The packages of others that the programs are built from, in order of their names.
fn contained(metadata: &Value) -> Vec<&Value> {
    let is_program = |package: &&Value| {
        PROGRAMS.iter().chain([&EXTENSION]).any(|(_, name)| package["name"] == **name)
    };
    let roots = list(&metadata["packages"]).filter(is_program).map(|package| text(&package["id"]));
    let reached = reach(metadata, roots, For::Program);
    let is_reached = |package: &&Value| reached.contains_key(text(&package["id"]));
    // What has no source is of this workspace.
    let is_foreign = |package: &&Value| !package["source"].is_null();
    let mut packages: Vec<_> =
        list(&metadata["packages"]).filter(is_reached).filter(is_foreign).collect();
    packages.sort_by_key(|package| (text(&package["name"]), text(&package["version"])));
    packages
}

/// The texts beside a manifest. A library that brings none is named with its licence all the same.
fn notices(manifest: &Path) -> Vec<String> {
    let Some(entries) = manifest.parent().and_then(|folder| fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        NAMES.iter().any(|start| name.starts_with(start))
            && path.metadata().is_ok_and(|file| file.is_file() && file.len() <= BYTES_MAX)
    });
    paths.sort();
    let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
    texts.map(|text| text.replace('\r', "").trim().to_owned()).filter(|t| !t.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_of_others_and_in_a_program_is_named() {
        let uses =
            |used: &str, kind: Value| json!({ "pkg": used, "dep_kinds": [{ "kind": kind }] });
        let package =
            |name: &str, source: Value| json!({ "id": name, "name": name, "source": source });
        let metadata = json!({
            "packages": [
                package("oriel-cli", Value::Null),
                package("oriel-store", Value::Null),
                package("serde", "registry".into()),
                package("cc", "registry".into()),
                package("proptest", "registry".into()),
            ],
            "resolve": { "nodes": [
                { "id": "oriel-cli", "deps": [uses("oriel-store", Value::Null), uses("cc", "build".into())] },
                { "id": "oriel-store", "deps": [uses("serde", Value::Null), uses("proptest", "dev".into())] },
            ] },
        });
        let names: Vec<_> = contained(&metadata).iter().map(|one| text(&one["name"])).collect();
        assert_eq!(names, ["serde"]);
    }
}
