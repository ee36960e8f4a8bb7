//! The crate map in `ARCHITECTURE.md`, held against what cargo knows.
//!
//! The map is a table of floor, crate and purpose. It must name every crate, and a crate may use
//! only floors below its own, so that no change to one crate can reach its neighbours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::say;
use crate::workspace::Workspace;

const FILE: &str = "ARCHITECTURE.md";
const START: &str = "<!-- crate map -->";
const END: &str = "<!-- /crate map -->";

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let text = fs::read_to_string(workspace.root.join(FILE))
        .with_context(|| format!("could not read {FILE}, which holds the crate map"))?;
    match compare(&text, &workspace.metadata()?) {
        Ok(count) => say(&format!("{count} crates stand as {FILE} says")),
        Err(faults) => bail!("{FILE} and cargo disagree:\n  {}", faults.join("\n  ")),
    }
    Ok(())
}

/// Compares the map in `text` with the answer of `cargo metadata --no-deps`. Returns how many
/// crates stand in both, or every fault.
fn compare(text: &str, metadata: &Value) -> Result<usize, Vec<String>> {
    let mut faults = Vec::new();
    let floors = floors(text, &mut faults);
    let crates = crates(metadata, &mut faults);

    for name in crates.keys().filter(|name| !floors.contains_key(*name)) {
        faults.push(format!("the crate {name} is not in the map; give it a row"));
    }
    for name in floors.keys().filter(|name| !crates.contains_key(*name)) {
        faults.push(format!("the map names {name}, and there is no crates/{name}; drop its row"));
    }
    for (name, uses) in &crates {
        for used in uses {
            let (Some(own), Some(other)) = (floors.get(name), floors.get(used)) else { continue };
            if other >= own {
                faults.push(format!(
                    "{name} (floor {own}) uses {used} (floor {other}); a crate uses only floors \
                     below its own"
                ));
            }
        }
    }
    if faults.is_empty() { Ok(crates.len()) } else { Err(faults) }
}

/// Reads each crate's floor from the map.
fn floors(text: &str, faults: &mut Vec<String>) -> BTreeMap<String, u32> {
    let mut floors = BTreeMap::new();
    let Some((map, _)) = text.split_once(START).and_then(|(_, rest)| rest.split_once(END)) else {
        faults.push(format!("there is no map between the lines {START} and {END}"));
        return floors;
    };
    // A table's first two lines are its heading and the rule below it.
    for line in map.lines().map(str::trim).filter(|line| line.starts_with('|')).skip(2) {
        let Some((floor, name)) = row(line) else {
            faults.push(format!("`{line}` is no row like `| 1 | model | what it does |`"));
            continue;
        };
        if floors.insert(name.to_owned(), floor).is_some() {
            faults.push(format!("the map names {name} twice"));
        }
    }
    floors
}

fn row(line: &str) -> Option<(u32, &str)> {
    let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.splitn(3, '|').map(str::trim);
    let floor = cells.next()?.parse().ok()?;
    let name = cells.next()?.trim_matches('`');
    let purpose = cells.next()?;
    (!name.is_empty() && !purpose.is_empty()).then_some((floor, name))
}

/// Reads from cargo's answer each crate below `crates/` and the crates it uses, by folder.
fn crates(metadata: &Value, faults: &mut Vec<String>) -> BTreeMap<String, BTreeSet<String>> {
    let home = Path::new(text(&metadata["workspace_root"])).join("crates");
    let folder = |folder: &Path| Some(folder.strip_prefix(&home).ok()?.to_str()?.to_owned());

    let mut crates = BTreeMap::new();
    for package in list(&metadata["packages"]) {
        let manifest = Path::new(text(&package["manifest_path"]));
        let Some(name) = manifest.parent().and_then(folder) else { continue };
        let package_name = text(&package["name"]);
        if package_name != format!("oriel-{name}") {
            faults.push(format!("crates/{name} is the package {package_name}, not oriel-{name}"));
        }
        let mut uses = BTreeSet::new();
        for dependency in list(&package["dependencies"]) {
            // Tests may look anywhere, and what has no path is not ours.
            let Some(path) = dependency["path"].as_str() else { continue };
            if dependency["kind"] == "dev" {
                continue;
            }
            match folder(Path::new(path)) {
                Some(used) => drop(uses.insert(used)),
                None => faults.push(format!(
                    "{name} uses {}, which is outside crates/ and has no floor",
                    text(&dependency["name"])
                )),
            }
        }
        crates.insert(name, uses);
    }
    crates
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;

    use super::*;

    const MAP: &str = "\
        # Architecture\n\
        | 9 | elsewhere | another table |\n\
        <!-- crate map -->\n\
        \n\
        | floor | crate | what it does |\n\
        | ---: | --- | --- |\n\
        | 1 | model | what things are |\n\
        | 2 | `store` | events on disk \\| questions |\n\
        | 4 | cli | the program |\n\
        \n\
        <!-- /crate map -->\n";

    #[test]
    fn the_map_of_this_workspace_is_true() {
        let root = Path::new("..").canonicalize().unwrap();
        let text = fs::read_to_string(root.join(FILE)).expect("ARCHITECTURE.md holds the map");
        let mut cargo = Command::new("cargo");
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&root);
        let metadata = crate::command::output(&mut cargo).unwrap();
        let metadata = serde_json::from_str(&metadata).unwrap();
        let count = compare(&text, &metadata).expect("the map and the crates agree");
        assert!(0 < count, "a workspace without crates proves nothing");
    }

    #[test]
    fn a_map_that_is_true_has_no_fault() {
        check(MAP, &house(), Ok(3));
    }

    #[test]
    fn every_crate_stands_in_the_map_once_and_nothing_else_does() {
        let line = "| 2 | `store` | events on disk \\| questions |\n";
        let missing = "the crate store is not in the map; give it a row";
        check(&MAP.replace(line, ""), &house(), Err(&[missing]));

        let twice = MAP.replace(line, &format!("{line}{line}"));
        check(&twice, &house(), Err(&["the map names store twice"]));

        let unknown = MAP.replace(line, &format!("{line}| 2 | link | reaching |\n"));
        let fault = "the map names link, and there is no crates/link; drop its row";
        check(&unknown, &house(), Err(&[fault]));
    }

    #[test]
    fn a_crate_uses_only_floors_below_its_own() {
        let lift = |row: &str, lifted: &str| MAP.replace(row, lifted);

        let beside = lift("| 1 | model", "| 2 | model");
        let fault = "store (floor 2) uses model (floor 2); a crate uses only floors below its own";
        check(&beside, &house(), Err(&[fault]));

        let above = lift("| 1 | model", "| 3 | model");
        let fault = "store (floor 2) uses model (floor 3); a crate uses only floors below its own";
        check(&above, &house(), Err(&[fault]));
    }

    #[test]
    fn a_build_dependency_counts_and_a_dev_dependency_does_not() {
        let mut house = house();
        house["packages"][0]["dependencies"] = json!([uses("store", "dev")]);
        check(MAP, &house, Ok(3));

        house["packages"][0]["dependencies"] = json!([uses("store", "build")]);
        let fault = "model (floor 1) uses store (floor 2); a crate uses only floors below its own";
        check(MAP, &house, Err(&[fault]));
    }

    #[test]
    fn no_crate_uses_a_package_that_has_no_floor() {
        let mut house = house();
        let desktop = json!({ "name": "oriel-desktop", "kind": null, "path": "/w/desktop" });
        house["packages"][0]["dependencies"] = json!([desktop]);
        let fault = "model uses oriel-desktop, which is outside crates/ and has no floor";
        check(MAP, &house, Err(&[fault]));
    }

    #[test]
    fn a_folder_is_named_as_its_crate() {
        let mut house = house();
        house["packages"][0]["name"] = json!("oriel-words");
        let fault = "crates/model is the package oriel-words, not oriel-model";
        check(MAP, &house, Err(&[fault]));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_no_row() {
        for bad in ["| one | link | reaching |", "| 2 | link |  |", "| 2 | link |", "| 2 |"] {
            let map = MAP.replace(END, &format!("{bad}\n{END}"));
            let fault = format!("`{bad}` is no row like `| 1 | model | what it does |`");
            check(&map, &house(), Err(&[&fault]));
        }
    }

    #[test]
    fn a_document_without_a_map_is_told_where_it_belongs() {
        let faults = compare("# Architecture", &json!({})).unwrap_err();
        assert_eq!(
            faults,
            ["there is no map between the lines <!-- crate map --> and <!-- /crate map -->"]
        );
    }

    /// Three crates, each using the one below it, and a package that stands on no floor.
    fn house() -> Value {
        json!({
            "workspace_root": "/w",
            "packages": [
                package("model", &[json!({ "name": "serde", "kind": null, "path": null })]),
                package("store", &[uses("model", ())]),
                package("cli", &[uses("store", ()), uses("model", ())]),
                { "name": "xtask", "manifest_path": "/w/xtask/Cargo.toml", "dependencies": [] },
            ],
        })
    }

    fn package(folder: &str, dependencies: &[Value]) -> Value {
        json!({
            "name": format!("oriel-{folder}"),
            "manifest_path": format!("/w/crates/{folder}/Cargo.toml"),
            "dependencies": dependencies,
        })
    }

    fn uses(folder: &str, kind: impl Into<Value>) -> Value {
        json!({
            "name": format!("oriel-{folder}"),
            "kind": kind.into(),
            "path": format!("/w/crates/{folder}"),
        })
    }

    fn check(map: &str, metadata: &Value, expected: Result<usize, &[&str]>) {
        let expected = expected.map_err(|faults| faults.iter().map(ToString::to_string).collect());
        assert_eq!(compare(map, metadata), expected);
    }
}
