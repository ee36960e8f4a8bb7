//! A folder is granted where a person names it, listed, and taken back by its name or its path.

use std::path::Path;

use clap::Parser;
use oriel_daemon::Surroundings;
use oriel_runtime::config::Clock;
use oriel_runtime::settings::Folders;
use serde_json::Value;

use crate::Exit;
use crate::args::Args;
use crate::output::{Output, Paint};

#[test]
fn a_folder_is_granted_listed_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let oriel = |arguments: &[&str]| oriel(folder.path(), arguments);
    std::fs::create_dir(folder.path().join("work")).unwrap();
    let work = folder.path().join("work").canonicalize().unwrap().display().to_string();
    let (_, told) = oriel(&["files", "list"]).unwrap();
    assert!(told.contains("oriel files grant"), "it says how: {told}");

    let (exit, told) = oriel(&["files", "grant", "work"]).unwrap();
    assert_eq!(exit, Exit::Done);
    assert!(told.starts_with(&format!("workbench may read {work} (")), "{told}");
    let (_, wider) = oriel(&["files", "grant", &work, "--write", "--json"]).unwrap();
    let wider: Value = serde_json::from_str(&wider).unwrap();
    assert_eq!(
        (&wider["access"], &wider["granted_at"]),
        (&"read_write".into(), &1_772_366_400.into())
    );
    oriel(&["files", "grant", "work", "--page", "other"]).unwrap();
    let (_, told) = oriel(&["files", "list"]).unwrap();
    assert!(told.contains("read and write") && told.contains("2026-03-01 12:00:00"), "{told}");
    assert!(told.ends_with("2 folders\n"), "{told}");

    let error = oriel(&["files", "revoke", "work"]).unwrap_err().to_string();
    assert!(error.contains("several pages"), "{error}");
    let id = wider["id"].as_str().unwrap();
    oriel(&["files", "revoke", id]).unwrap();
    assert!(oriel(&["files", "revoke", id]).is_err(), "it is gone");
    let (_, told) = oriel(&["files", "revoke", "work"]).unwrap();
    assert_eq!(told, format!("other may not use {work} any more\n"));
    let (_, list) = oriel(&["files", "list", "--json"]).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["grants"], Value::Array(vec![]));

    let (_, audit) = oriel(&["audit"]).unwrap();
    assert!(audit.contains("oriel files grant") && audit.contains("may read and write"), "{audit}");
    assert!(audit.contains("POST /control/grants/revoke"), "{audit}");
}

#[test]
fn what_may_not_be_granted_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let oriel = |arguments: &[&str]| oriel(folder.path(), arguments);
    std::fs::create_dir(folder.path().join("home")).unwrap();
    for (path, why) in
        [("/", "belongs to the system"), ("home", "your home folder"), ("data", "Oriel keeps")]
    {
        let error = oriel(&["files", "grant", path]).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("; grant a"), "{path}: {error}");
    }
    let file = folder.path().join("data/files/grants.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "{").unwrap();
    let (exit, told) = oriel(&["files", "list"]).unwrap();
    assert_eq!(exit, Exit::Failed);
    assert!(told.contains("grants.json") && told.contains("damaged"), "{told}");
}

#[test]
fn the_types_are_printed_without_a_data_directory() {
    let (exit, text) = oriel(Path::new("/nowhere"), &["files", "types"]).unwrap();
    assert_eq!(exit, Exit::Done);
    assert!(text.contains("export const MAGIC"), "{text}");
}

fn oriel(folder: &Path, arguments: &[&str]) -> anyhow::Result<(Exit, String)> {
    let data = folder.join("data").display().to_string();
    let line = ["oriel", "--data-dir", &data].into_iter();
    let args = Args::try_parse_from(line.chain(arguments.iter().copied()))?;
    let surroundings = Surroundings {
        environment: std::collections::BTreeMap::new(),
        folders: Folders { home: Some(folder.join("home")), working: folder.to_owned() },
        clock: Clock::new(|| {
            std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_772_366_400)
        }),
        program: None,
    };
    let mut text = Vec::new();
    let exit = {
        let mut output = Output::new(&mut text, Paint::new(false));
        crate::commands::run(args, &surroundings, &mut output)?
    };
    Ok((exit, String::from_utf8(text)?))
}
