//! What two people did to a text is in the merged text, as Git would have it and a little better.

use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;

#[test]
fn what_only_one_side_changed_is_taken_from_it() {
    let base = "a\nb\nc\nd\ne\nf\n";
    clean(base, "A\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\ne\nF\n", "A\nb\nc\nd\ne\nF\n");
    clean(base, "b\nc\nd\ne\nf\n", "a\nb\nc\nx\nd\ne\nf\n", "b\nc\nx\nd\ne\nf\n");
    clean(base, "a\nb\nX\nd\ne\nf\n", "a\nb\nX\nd\ne\nf\n", "a\nb\nX\nd\ne\nf\n");
    clean(base, "", base, "");
    clean("", "a\n", "", "a\n");
}

#[test]
fn what_both_changed_is_kept_twice_between_markers() {
    let merged = merged("a\nb\nc\n", "a\nB\nc\n", "a\nβ\nc\n");
    assert_eq!(merged.text, "a\n<<<<<<< local\nB\n=======\nβ\n>>>>>>> upstream\nc\n");
    let hunk = Hunk { merged: 1..6, base: 1..2, local: 1..2, upstream: 1..2 };
    assert_eq!(merged.conflicts, [hunk]);
    assert!(!merged.is_clean());
    conflict(
        "a\nb\n",
        "a\nb\nc\n",
        "a\nb\nd\n",
        "a\nb\n<<<<<<< local\nc\n=======\nd\n>>>>>>> upstream\n",
    );
    conflict(
        "a\nb\n",
        "x\nb\n",
        "a\ny\n",
        "<<<<<<< local\nx\nb\n=======\na\ny\n>>>>>>> upstream\n",
    );
    conflict("a\n", "", "b\n", "<<<<<<< local\n=======\nb\n>>>>>>> upstream\n");
}

#[test]
fn a_conflict_is_as_small_as_both_versions_allow_and_no_line_is_lost_between_two() {
    let far = "1\n2\n3\n4\n";
    let text = |first: &str, last: &str| format!("{first}\n{far}{last}\n");
    let found = merged("x\ny\n", &text("a", "b"), &text("c", "d"));
    assert_eq!(found.conflicts.len(), 2, "{}", found.text);
    let near = merged("x\ny\n", "a\n1\nb\n", "c\n1\nd\n");
    assert_eq!(near.text, "<<<<<<< local\na\n1\nb\n=======\nc\n1\nd\n>>>>>>> upstream\n");
}

#[test]
fn how_lines_end_is_a_change_of_its_own() {
    clean("a\nb\nc\n", "a\r\nb\r\nc\r\n", "a\nb\nC\n", "a\r\nb\r\nC\r\n");
    clean("a\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nc\r\n", "A\r\nb\r\nC\r\n");
    clean("a\r\nb\r\n", "a\nb\n", "a\r\nb\r\nc\r\n", "a\nb\nc\n");
    let found = merged("a\r\n", "b\r\n", "c\r\n").text;
    assert_eq!(found, "<<<<<<< local\r\nb\r\n=======\r\nc\r\n>>>>>>> upstream\r\n");
    // In a text that ends its lines in both ways, no line is turned.
    clean("a\r\nb\nc\nd\n", "a\r\nb\nc\nD\n", "A\r\nb\nc\nd\n", "A\r\nb\nc\nD\n");
}

#[test]
fn whether_the_last_line_ends_is_a_change_of_its_own() {
    clean("a\nb\nc", "a\nb\nc\n", "A\nb\nc", "A\nb\nc\n");
    clean("a\nb\nc\n", "a\nb\nc", "a\nb\nC\n", "a\nb\nC");
    clean("a\nb", "a\nb", "a\nb\nc", "a\nb\nc");
    // An empty line is only its end.
    clean("c\r\n", "c", "\r\n", "\r\n");
    clean("a\nc\n", "a\nc", "a\n\n", "a\n\n");
    let found = merged("a\nb", "a\nc", "a\nd").text;
    assert_eq!(found, "a\n<<<<<<< local\nc\n=======\nd\n>>>>>>> upstream\n");
}

#[test]
fn what_is_no_text_or_too_long_is_refused_by_name() {
    let refused =
        |base: &[u8], local: &[u8]| merge(base, local, b"", Labels::default()).unwrap_err();
    assert_eq!(refused(b"a\0b", b""), Unmergeable::Binary { which: Which::Base });
    assert_eq!(refused(b"", b"\xff\xfe"), Unmergeable::Binary { which: Which::Local });
    let long = vec![b'a'; MERGE_BYTES_MAX + 1];
    let error = refused(b"", &long);
    assert_eq!(error, Unmergeable::Long { which: Which::Local, bytes: long.len() });
    assert!(error.to_string().contains("the local version has 4194305 bytes"));
    assert!(merge(b"", &long[1..], b"", Labels::default()).is_ok());
}

#[test]
fn a_label_stays_on_its_line() {
    let labels = Labels { local: "mine\n>>>>>>> x", upstream: "" };
    let text = merge(b"a\n", b"b\n", b"c\n", labels).unwrap().text;
    assert_eq!(text, "<<<<<<< mine\nb\n=======\nc\n>>>>>>>\n");
}

#[test]
fn more_lines_than_are_compared_in_time_are_refused() {
    // The same line over and over, and every other time: what takes a comparison longest.
    let (same, turn) = ("x\n".repeat(2000), "x\ny\n".repeat(1000));
    assert!(merged(&same, &turn, &same).is_clean());
    let most = "\n".repeat(MERGE_LINES_MAX);
    assert!(merged(&most, &most, &most).is_clean());
    let error = merge(most.as_bytes(), (most.clone() + "x").as_bytes(), b"", Labels::default());
    assert_eq!(
        error,
        Err(Unmergeable::ManyLines { which: Which::Local, lines: MERGE_LINES_MAX + 1 })
    );
}

proptest! {
    #[test]
    fn a_side_that_changed_nothing_has_no_say(base in text_of_few_lines(), other in text_of_few_lines()) {
        for (local, upstream) in [(&base, &other), (&other, &base), (&other, &other)] {
            let merged = merged(&base, local, upstream);
            prop_assert!(merged.is_clean());
            prop_assert_eq!(merged.text, other.as_str());
        }
    }

    #[test]
    fn every_line_that_a_side_added_is_in_the_text_and_conflicts_are_where_they_are_told(
        base in text_of_few_lines(), local in text_of_few_lines(), upstream in text_of_few_lines(),
    ) {
        let merged = merged(&base, &local, &upstream);
        let lines: Vec<&str> = merged.text.lines().collect();
        for line in local.lines().chain(upstream.lines()) {
            let line = line.trim_end_matches('\r');
            let is_old = base.lines().any(|old| old.trim_end_matches('\r') == line);
            prop_assert!(is_old || lines.iter().any(|found| found.trim_end_matches('\r') == line));
        }
        for hunk in &merged.conflicts {
            prop_assert!(lines[hunk.merged.start].starts_with("<<<<<<< local"));
            prop_assert!(lines[hunk.merged.end - 1].starts_with(">>>>>>> upstream"));
            prop_assert_eq!(hunk.merged.len(), hunk.local.len() + hunk.upstream.len() + 3);
        }
        let turned = merge(base.as_bytes(), upstream.as_bytes(), local.as_bytes(), Labels::default());
        prop_assert_eq!(turned.unwrap().is_clean(), merged.is_clean());
    }
}

/// Few different lines, so that they meet; some end otherwise, and the last one may not end.
fn text_of_few_lines() -> impl Strategy<Value = String> {
    let ending = prop_oneof![8 => Just("\n"), 1 => Just("\r\n")];
    let line = (prop_oneof!["[a-e]", Just(String::new())], ending);
    (proptest::collection::vec(line, 0..12), any::<bool>(), 0..6).prop_map(|(lines, ends, crlf)| {
        let text: String = lines.iter().map(|(line, end)| format!("{line}{end}")).collect();
        let text = if crlf == 0 { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text };
        if ends { text } else { text.trim_end_matches('\n').trim_end_matches('\r').to_owned() }
    })
}

/// How many triples are compared with Git.
const TRIPLES: u64 = 1600;

/// Git is asked the same. It may be that the two tell changes in different places; then one sees a conflict
/// where the other does not. That is seldom, and wherever both find no conflict they have the same text.
#[test]
fn git_merges_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut counts = [0_u64; 4];
    for seed in 0..TRIPLES {
        let mut random = fastrand::Rng::with_seed(seed);
        let base = lines(&mut random);
        let (local, upstream) = (edited(&base, &mut random), edited(&base, &mut random));
        let texts = [base, local, upstream].map(|lines| lines.concat());
        let ours = merged(&texts[0], &texts[1], &texts[2]);
        let (text, is_clean) = git(folder.path(), &texts);
        let kind = match (ours.is_clean(), is_clean) {
            (true, true) if ours.text == text => 0,
            (false, false) if ours.text == text => 1,
            (false, false) => 2,
            _ => 3,
        };
        assert!(!(ours.is_clean() && is_clean && ours.text != text), "seed {seed}: {texts:?}");
        counts[kind] += 1;
    }
    let [clean, same, other, disagree] = counts;
    println!("clean {clean}, same conflicts {same}, other conflicts {other}, disagree {disagree}");
    assert!(TRIPLES / 5 < clean && TRIPLES / 5 < same, "both are tried: {counts:?}");
    assert!((other + disagree) * 20 <= TRIPLES, "{counts:?}");
}

/// Up to 60 lines; some stand often and some once, as in programs.
fn lines(random: &mut fastrand::Rng) -> Vec<String> {
    let count = random.usize(0..60);
    (0..count).map(|_| line(random)).collect()
}

fn line(random: &mut fastrand::Rng) -> String {
    match random.u8(0..10) {
        0 => "\n".to_owned(),
        1 => "}\n".to_owned(),
        2 => format!("    return {};\n", random.u8(0..3)),
        _ => format!("    let x{} = {};\n", random.u8(0..200), random.u8(0..10)),
    }
}

/// Up to four places changed: lines added, left out or replaced.
fn edited(base: &[String], random: &mut fastrand::Rng) -> Vec<String> {
    let mut lines = base.to_vec();
    for _ in 0..random.usize(0..5) {
        let at = random.usize(0..=lines.len());
        let gone = random.usize(0..4).min(lines.len() - at);
        let new = random.usize(0..4);
        lines.splice(at..at + gone, (0..new).map(|_| line(random)).collect::<Vec<_>>());
    }
    lines
}

fn git(folder: &Path, [base, local, upstream]: &[String; 3]) -> (String, bool) {
    for (name, text) in [("base", base), ("local", local), ("upstream", upstream)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command.args(["merge-file", "-p", "-L", "local", "-L", "base", "-L", "upstream"]);
    let output = command.args(["local", "base", "upstream"]).output().unwrap();
    let code = output.status.code().unwrap();
    assert!((0..128).contains(&code), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), code == 0)
}

fn merged(base: &str, local: &str, upstream: &str) -> Merged {
    merge(base.as_bytes(), local.as_bytes(), upstream.as_bytes(), Labels::default()).unwrap()
}

fn clean(base: &str, local: &str, upstream: &str, wanted: &str) {
    for (local, upstream) in [(local, upstream), (upstream, local)] {
        let merged = merged(base, local, upstream);
        assert_eq!((merged.text.as_str(), merged.conflicts.as_slice()), (wanted, [].as_slice()));
    }
}

fn conflict(base: &str, local: &str, upstream: &str, wanted: &str) {
    let merged = merged(base, local, upstream);
    assert_eq!((merged.text.as_str(), merged.conflicts.len()), (wanted, 1));
}
