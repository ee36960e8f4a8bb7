//! `generate`: files that are made from code and committed, so that a reader has them without a
//! build and a review shows how they change.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result, bail};

use crate::command::{output, say};
use crate::workspace::{Programs, Workspace};

/// A committed file and the arguments with which `oriel` prints what belongs in it.
struct Generated {
    path: &'static str,
    oriel: &'static [&'static str],
}

const FILES: &[Generated] = &[
    Generated { path: "docs/openapi.json", oriel: &["openapi"] },
    Generated { path: "config.example.toml", oriel: &["config", "example"] },
    Generated { path: "clients/shared/src/generated/gateway.ts", oriel: &["gateway", "types"] },
    Generated { path: "clients/fs-bindings/src/generated/hostfs.ts", oriel: &["files", "types"] },
    Generated { path: "clients/shared/src/generated/compute.ts", oriel: &["compute", "types"] },
    Generated { path: "clients/shared/src/generated/sync.ts", oriel: &["sync", "types"] },
];

/// Builds what makes the files, and nothing that needs a library of the system.
pub(crate) fn programs(workspace: &Workspace) -> Result<Programs> {
    workspace.build(&["-p", "oriel-cli"])
}

/// Writes every file that is not what the code makes.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    for (file, wanted) in produce(workspace, &programs(workspace)?)? {
        let Some(staleness) = staleness(committed(workspace, file)?.as_deref(), &wanted) else {
            say(&format!("{} is fresh", file.path));
            continue;
        };
        let path = workspace.root.join(file.path);
        let folder = path.parent().context("a generated file lies in a folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, &wanted))
            .with_context(|| format!("could not write {}", path.display()))?;
        say(&format!("{} {staleness}; wrote it", file.path));
    }
    Ok(())
}

/// Fails with the name of every file that is not what the code makes.
pub(crate) fn compare(workspace: &Workspace, programs: &Programs) -> Result<()> {
    let mut stale = Vec::new();
    for (file, wanted) in produce(workspace, programs)? {
        match staleness(committed(workspace, file)?.as_deref(), &wanted) {
            None => say(&format!("{} is fresh", file.path)),
            Some(staleness) => stale.push(format!("{} {staleness}", file.path)),
        }
    }
    if !stale.is_empty() {
        bail!("{}; run `cargo xtask generate` and commit what it writes", stale.join(", "));
    }
    Ok(())
}

fn produce(
    workspace: &Workspace,
    programs: &Programs,
) -> Result<Vec<(&'static Generated, String)>> {
    let oriel = programs.path("oriel")?;
    let produce = |file: &'static Generated| {
        let wanted = output(workspace.command(oriel).args(file.oriel))
            .with_context(|| format!("could not produce {}", file.path))?;
        Ok((file, wanted))
    };
    FILES.iter().map(produce).collect()
}

fn committed(workspace: &Workspace, file: &Generated) -> Result<Option<String>> {
    match fs::read_to_string(workspace.root.join(file.path)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read {}", file.path)),
    }
}

fn staleness(committed: Option<&str>, wanted: &str) -> Option<String> {
    let Some(committed) = committed else { return Some("is missing".to_owned()) };
    if committed == wanted {
        return None;
    }
    let same = committed.split('\n').zip(wanted.split('\n')).take_while(|(a, b)| a == b).count();
    Some(format!("is stale from line {}", same + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_text_is_fresh() {
        check(Some("a\nb\n"), None);
        check(Some("a\nc\n"), Some("is stale from line 2"));
        check(Some("a\nb"), Some("is stale from line 3"));
        check(Some("a\nb\n\n"), Some("is stale from line 4"));
        check(Some(""), Some("is stale from line 1"));
        check(None, Some("is missing"));
    }

    fn check(committed: Option<&str>, expected: Option<&str>) {
        assert_eq!(staleness(committed, "a\nb\n").as_deref(), expected, "{committed:?}");
    }
}
