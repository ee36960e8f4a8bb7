//! What is signed here is shown, exported and checked elsewhere, and a change in it is found.

use std::path::Path;

use clap::Parser;
use oriel_runtime::config::Clock;
use oriel_runtime::settings::Folders;
use serde_json::Value;

use super::verify;
use crate::Exit;
use crate::args::Args;
use crate::output::{Output, Paint};
use oriel_daemon::Surroundings;

/// Records that others may hold.
const GOLDEN: &str = include_str!("../../../../sign/tests/golden/records.jsonl");

#[test]
fn opinions_are_signed_listed_shown_revised_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let error = oriel(
        folder.path(),
        &["opinions", "compose", "--kind", "url", "--id", "x", "--rating", "2"],
    );
    assert!(error.unwrap_err().to_string().contains("oriel keys create"));
    let (exit, told) = oriel(folder.path(), &["keys", "show"]).unwrap();
    assert_eq!((exit, told.contains("none")), (Exit::Failed, true), "{told}");
    let (exit, made) = oriel(folder.path(), &["keys", "create"]).unwrap();
    assert_eq!((exit, made.contains("did:key:z6Mk")), (Exit::Done, true), "{made}");
    assert_eq!(oriel(folder.path(), &["keys", "show"]).unwrap(), (Exit::Done, made));
    assert!(oriel(folder.path(), &["keys", "create"]).is_err());

    let error = oriel(
        folder.path(),
        &["opinions", "compose", "--kind", "URL", "--id", "x", "--rating", "9"],
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("resource/kind") && error.contains("opinion/rating"), "{error}");
    let said = ["--text", "Good\u{1b}[2J", "--tag", "a"];
    let bad = [&["opinions", "compose", "--kind", "session", "--id", "s1"], &said[..]].concat();
    assert!(oriel(folder.path(), &bad).unwrap_err().to_string().contains("opinion/text"));
    let said = ["--text", "-Good", "--tag", "a", "--tag", "b", "--json"];
    let good = [&["opinions", "compose", "--kind", "session", "--id", "s1"], &said[..]].concat();
    let (_, record) = oriel(folder.path(), &good).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let id = record["record/id"].as_str().unwrap().to_owned();
    let beginning = &id["sha256:".len()..][..10];
    let error = oriel(
        folder.path(),
        &["opinions", "compose", "--kind", "session", "--id", "s1", "--rating", "1"],
    );
    assert!(error.unwrap_err().to_string().contains(&id));
    let (_, shown) =
        oriel(folder.path(), &["opinions", "revise", beginning, "--rating", "4", "--preview"])
            .unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["record"]["content"]["opinion/text"], "-Good", "what is not given stays");
    oriel(folder.path(), &["opinions", "revise", &id, "--rating", "4"]).unwrap();
    assert!(oriel(folder.path(), &["opinions", "revise", &id, "--rating", "5"]).is_err());

    let (_, listed) = oriel(folder.path(), &["opinions", "list", "--kind", "session"]).unwrap();
    assert!(listed.contains("4/5") && listed.ends_with("1 opinion\n"), "{listed}");
    let (_, listed) =
        oriel(folder.path(), &["opinions", "list", "--all", "--find", "good"]).unwrap();
    assert!(listed.ends_with("2 opinions\n"), "{listed}");
    let (_, shown) = oriel(folder.path(), &["opinions", "show", beginning]).unwrap();
    assert!(shown.contains("verifies  yes") && shown.contains("revisions"), "{shown}");
    assert!(oriel(folder.path(), &["opinions", "show", "zzz"]).is_err());

    let (_, lines) = oriel(folder.path(), &["opinions", "export"]).unwrap();
    assert_eq!(lines.lines().count(), 2);
    oriel(folder.path(), &["opinions", "export", "--output", "out.jsonl"]).unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap(), lines);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first, record, "the oldest first, as it was signed");
}

#[test]
fn records_are_checked_with_no_daemon_no_folder_and_no_settings() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("file");
    std::fs::write(&nowhere, "").unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let pretty = |line: &str| {
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(line).unwrap()).unwrap()
    };
    let first = GOLDEN.lines().next().unwrap();
    write("lines", GOLDEN);
    write("one", &pretty(first));
    write("changed", &GOLDEN.replace("Careful", "Careless"));
    write("pretty-changed", &pretty(first).replace("Careful", "Careless"));
    write("broken", &format!("{{\n{GOLDEN}"));
    write("long", &format!("{first}\n\"{}\"\n\n{first}", "x".repeat(600_000)));
    write("empty", "\n \n");
    for (files, good, bad, first_bad) in [
        (&["lines"][..], 3, 0, ""),
        (&["one", "lines"], 4, 0, ""),
        (&["changed"], 2, 1, "changed:1: the id does not match"),
        (&["pretty-changed"], 0, 1, "pretty-changed:1: the id does not match"),
        (&["broken"], 3, 1, "broken:1: it cannot be read as JSON"),
        (&["long"], 2, 1, "long:2: it is longer than"),
        (&["missing", "lines"], 3, 1, "missing:1: it cannot be read"),
        (&["empty"], 0, 0, "there is no record"),
    ] {
        // A data directory that is a file would stop whoever opened it.
        let arguments = [&["opinions", "verify"], files].concat();
        let (exit, told) = oriel(&nowhere, &arguments_in(folder.path(), &arguments)).unwrap();
        let expected = if bad == 0 && good > 0 { Exit::Done } else { Exit::Failed };
        assert_eq!(exit, expected, "{files:?}: {told}");
        assert_eq!(told.matches("good ").count(), good, "{told}");
        assert_eq!(told.matches("bad  ").count(), bad, "{told}");
        assert!(told.contains(first_bad), "{told}");
    }
    let json = arguments_in(folder.path(), &["opinions", "verify", "--json", "changed"]);
    let (_, told) = oriel(&nowhere, &json).unwrap();
    let first: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!((&first["verifies"], &first["code"]), (&Value::from(false), &"id-mismatch".into()));
}

#[test]
fn standard_input_is_read_like_a_file() {
    let mut told = Vec::new();
    let mut keep = |checked| {
        told.push(serde_json::to_value(&checked).unwrap());
        Ok(())
    };
    verify::check("-", GOLDEN.as_bytes(), &mut keep).unwrap();
    verify::check("-", "".as_bytes(), &mut keep).unwrap();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|checked| checked["verifies"] == true));
}

fn arguments_in<'a>(folder: &Path, arguments: &[&'a str]) -> Vec<String> {
    let place = |argument: &&'a str| match *argument {
        "opinions" | "verify" | "--json" => (*argument).to_owned(),
        file => folder.join(file).display().to_string(),
    };
    arguments.iter().map(place).collect()
}

fn oriel<S: AsRef<str>>(folder: &Path, arguments: &[S]) -> anyhow::Result<(Exit, String)> {
    let data = folder.join("data").display().to_string();
    let line = ["oriel", "--data-dir", &data].into_iter();
    let args = Args::try_parse_from(line.chain(arguments.iter().map(AsRef::as_ref)))?;
    let surroundings = Surroundings {
        environment: std::collections::BTreeMap::new(),
        folders: Folders { home: None, working: folder.to_owned() },
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
