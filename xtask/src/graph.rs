//! Which packages are built from which, as cargo knows it.

use std::collections::BTreeMap;

use serde_json::Value;

/// What dependencies are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// To become part of a program, or of what builds it.
    Build,
    /// To become part of a program.
    Program,
}

/// Follows `roots` to every package that they are built from, themselves among them. Returns each
/// package's id with the root that brought it first.
pub(crate) fn reach<'a>(
    metadata: &'a Value,
    roots: impl IntoIterator<Item = &'a str>,
    wanted: For,
) -> BTreeMap<&'a str, &'a str> {
    let uses: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
        .map(|node| (text(&node["id"]), &node["deps"]))
        .collect();
    let mut way: Vec<(&str, &str)> = roots.into_iter().map(|root| (root, root)).collect();
    let mut reached: BTreeMap<&str, &str> = BTreeMap::new();
    while let Some((id, root)) = way.pop() {
        if reached.insert(id, root).is_none() {
            let used = uses.get(id).into_iter().flat_map(|deps| list(deps));
            let used = used.filter(|used| is_wanted(used, wanted));
            way.extend(used.map(|used| (text(&used["pkg"]), root)));
        }
    }
    reached
}

/// Whether a dependency is followed. Those of tests never are.
fn is_wanted(dependency: &Value, wanted: For) -> bool {
    list(&dependency["dep_kinds"]).any(|kind| match kind["kind"].as_str() {
        None => true,
        Some("build") => wanted == For::Build,
        Some(_) => false,
    })
}

pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_builds_a_program_is_no_part_of_it_and_what_tests_it_is_neither() {
        let uses =
            |used: &str, kind: Value| json!({ "pkg": used, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({ "resolve": { "nodes": [
            { "id": "a", "deps": [uses("b", Value::Null), uses("c", "build".into())] },
            { "id": "b", "deps": [uses("a", Value::Null), uses("d", "dev".into())] },
        ] } });
        let reached = |wanted| reach(&metadata, ["a"], wanted).into_keys().collect::<Vec<_>>();
        assert_eq!(reached(For::Program), ["a", "b"]);
        assert_eq!(reached(For::Build), ["a", "b", "c"]);
    }
}
