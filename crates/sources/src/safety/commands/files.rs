//! Commands that remove, move or change files.

use super::super::place::{Loss, UNKNOWN};
use super::super::run::{Shell, Stream, shown};
use super::wrappers::with_operands;
use super::{flags, has_flag, operands};

/// Judges `rm`. Where all files below a folder are given, it takes no flag to lose them.
pub(super) fn remove(shell: &mut Shell<'_>, arguments: &[String], below: bool) {
    if !below && !has_flag(arguments, "rR", "recursive") {
        return;
    }
    let insists = |flag: &str| 4 < flag.len() && "--no-preserve-root".starts_with(flag);
    if flags(arguments).any(insists) {
        shell.block("rm is told to remove even the root folder".to_owned());
    }
    for path in operands(arguments) {
        if let Some(loss) = loss(shell, path) {
            shell.block(format!("rm would remove {loss} (`{}`)", shown(path)));
        }
    }
}

/// Judges `mv`: what is moved away is gone from where it is needed.
pub(super) fn move_away(shell: &mut Shell<'_>, arguments: &[String]) {
    let into_folder = has_flag(arguments, "t", "target-directory");
    let operands = operands(arguments);
    let moved = if into_folder { operands.len() } else { operands.len().saturating_sub(1) };
    for path in operands.into_iter().take(moved) {
        if let Some(loss) = loss(shell, path).filter(|loss| *loss != Loss::Parent) {
            shell.block(format!("mv would move away {loss} (`{}`)", shown(path)));
        }
    }
}

/// Judges `rsync --delete`, which empties where it copies to.
pub(super) fn sync(shell: &mut Shell<'_>, arguments: &[String]) {
    if !flags(arguments).any(|flag| flag.starts_with("--del"))
        || has_flag(arguments, "n", "dry-run")
    {
        return;
    }
    if let Some(path) = operands(arguments).last()
        && let Some(loss) = loss(shell, path)
    {
        shell.block(format!("rsync would delete in {loss} (`{}`)", shown(path)));
    }
}

/// Judges `chmod -R`, `chown -R` and `chgrp -R`.
pub(super) fn change_all(shell: &mut Shell<'_>, name: &str, arguments: &[String]) {
    if !has_flag(arguments, "R", "recursive") {
        return;
    }
    let what = if name == "chmod" { "the modes" } else { "the owners" };
    for path in operands(arguments).into_iter().skip(1) {
        let loss = shell.folder.join(path).system_loss(shell.home, shell.start);
        if let Some(loss) = loss {
            shell.block(format!("{name} would change {what} of {loss} (`{}`)", shown(path)));
        }
    }
}

/// Tests of `find` that leave most files alone.
const NARROW: &[&str] = &[
    "-amin",
    "-anewer",
    "-atime",
    "-cmin",
    "-cnewer",
    "-ctime",
    "-empty",
    "-fstype",
    "-gid",
    "-group",
    "-ilname",
    "-iname",
    "-inum",
    "-ipath",
    "-iregex",
    "-iwholename",
    "-lname",
    "-links",
    "-mmin",
    "-mtime",
    "-name",
    "-newer",
    "-nogroup",
    "-nouser",
    "-path",
    "-perm",
    "-regex",
    "-samefile",
    "-size",
    "-uid",
    "-user",
    "-wholename",
    "-xtype",
];

/// Judges `find` with what it would do to what it finds.
pub(super) fn find(shell: &mut Shell<'_>, arguments: &[String]) -> Stream {
    let options =
        arguments.iter().take_while(|word| matches!(word.as_str(), "-H" | "-L" | "-P")).count();
    let arguments = &arguments[options..];
    let begins_test = |word: &&String| !word.starts_with(['-', '(', '!', ')']);
    let mut starts: Vec<String> = arguments.iter().take_while(begins_test).cloned().collect();
    let tests = &arguments[starts.len()..];
    if starts.is_empty() {
        starts.push(".".to_owned());
    }
    let narrow = narrows(tests);
    if tests.iter().any(|word| word == "-delete") && !narrow {
        for path in &starts {
            if let Some(loss) = loss(shell, path) {
                shell.block(format!("find would delete {loss} (`{}`)", shown(path)));
            }
        }
    }
    let found = if narrow { vec![UNKNOWN.to_string()] } else { starts.clone() };
    let mut rest = tests.iter();
    while rest.any(|word| matches!(word.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir")) {
        let command = rest.by_ref().take_while(|word| *word != ";" && *word != "+");
        let command: Vec<String> = command.cloned().collect();
        let words = with_operands(&command, Some("{}"), &found);
        if words.first().is_some_and(|name| name == "rm" || name.ends_with("/rm")) && !narrow {
            remove(shell, &words[1..], true);
        } else {
            shell.nested(words);
        }
    }
    if narrow { Stream::Unknown } else { Stream::Below(starts) }
}

/// Returns whether the tests leave most files alone. A test that is turned around does not.
fn narrows(tests: &[String]) -> bool {
    tests.iter().enumerate().any(|(index, word)| {
        let turned = index.checked_sub(1).and_then(|before| tests.get(before));
        let turned = turned.is_some_and(|word| word == "!" || word == "-not");
        let any = tests.get(index + 1).is_some_and(|pattern| {
            !pattern.is_empty() && pattern.chars().all(|c| "*?./".contains(c))
        });
        NARROW.contains(&word.as_str()) && !turned && !any
    })
}

fn loss(shell: &Shell<'_>, path: &str) -> Option<Loss> {
    shell.folder.join(path).loss(shell.home, shell.start)
}
