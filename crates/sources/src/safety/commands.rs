//! What each command would do to what it is given.

mod disks;
mod files;
mod wrappers;

use super::place::UNKNOWN;
use super::run::{Call, Shell, Stream};

/// Judges a command, and returns what it would print if that is plain.
pub(super) fn judge(shell: &mut Shell<'_>, call: Call) -> Stream {
    let Call { words, input } = call;
    let Some(words) = wrappers::inner(shell, &words) else { return Stream::Unknown };
    let Some((program, arguments)) = words.split_first() else { return Stream::Unknown };
    let name = program.rsplit('/').next().unwrap_or_default();
    match name {
        "echo" | "printf" => return echo(name, arguments),
        "pwd" => return Stream::Text(shell.folder.absolute().unwrap_or_else(|| shell.here())),
        "cat" | "tac" | "base64" | "sort" | "tee" | "head" | "tail" => {
            disks::written_to(shell, name, arguments);
            let plain = arguments.iter().all(|argument| argument == "-");
            return if plain && name != "base64" { input } else { Stream::Unknown };
        }
        "cd" | "pushd" | "chdir" => change_folder(shell, arguments),
        "export" | "declare" | "typeset" | "local" | "readonly" => {
            for (name, value) in arguments.iter().filter_map(|argument| argument.split_once('=')) {
                shell.set(name, vec![value.to_owned()]);
            }
        }
        "eval" => return shell.run(&arguments.join(" ")),
        "trap" => {
            if let Some(action) = arguments.first() {
                shell.run(action);
            }
        }
        "ssh" => wrappers::ssh(shell, arguments),
        "su" | "script" | "runuser" => wrappers::with_command_flag(shell, arguments),
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" | "fish" | "rbash" => {
            return wrappers::shell(shell, arguments, &input);
        }
        "xargs" | "parallel" => wrappers::xargs(shell, arguments, &input),
        "perl" | "ruby" => {
            if arguments.iter().any(|argument| argument.contains("fork while fork")) {
                shell.block(format!("{name} would start itself again and again"));
            }
        }
        "ls" => return Stream::Unknown,
        "find" => return files::find(shell, arguments),
        "rm" => files::remove(shell, arguments, false),
        "mv" => files::move_away(shell, arguments),
        "rsync" => files::sync(shell, arguments),
        "chmod" | "chown" | "chgrp" => files::change_all(shell, name, arguments),
        _ => disks::judge(shell, name, arguments),
    }
    Stream::Unknown
}

/// Returns what is left of arguments when flags are taken out: everything behind `--`, and what
/// does not begin with `-`.
fn operands(arguments: &[String]) -> Vec<&String> {
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let before = arguments[..end].iter().filter(|argument| !argument.starts_with('-'));
    before.chain(arguments.iter().skip(end + 1)).collect()
}

/// Returns the flags among arguments.
fn flags(arguments: &[String]) -> impl Iterator<Item = &str> {
    let before = arguments.iter().map(String::as_str).take_while(|argument| *argument != "--");
    before.filter(|argument| argument.starts_with('-') && 1 < argument.len())
}

/// Returns whether a short flag, or a long one that may be cut short, is given.
fn has_flag(arguments: &[String], letters: &str, long: &str) -> bool {
    flags(arguments).any(|flag| match flag.strip_prefix("--") {
        Some(name) => !name.is_empty() && long.starts_with(name),
        None => flag.chars().skip(1).any(|letter| letters.contains(letter)),
    })
}

fn echo(name: &str, arguments: &[String]) -> Stream {
    let text = arguments.iter().skip_while(|argument| {
        let flag = argument.strip_prefix('-').unwrap_or_default();
        !flag.is_empty() && flag.chars().all(|letter| "neE".contains(letter))
    });
    let text: Vec<&str> = text.map(String::as_str).collect();
    Stream::Text(match (name, text.as_slice()) {
        ("printf", [format, values @ ..]) if format.contains('%') && !values.is_empty() => {
            values.join("\n")
        }
        ("printf", [format, ..]) => format.replace("\\n", "\n").replace("\\0", "\n"),
        _ => text.join(" "),
    })
}

fn change_folder(shell: &mut Shell<'_>, arguments: &[String]) {
    let unknown = UNKNOWN.to_string();
    let home = if shell.home.is_empty() { unknown.as_str() } else { shell.home };
    let path =
        match arguments.iter().find(|argument| !matches!(argument.as_str(), "-P" | "-L" | "--")) {
            None => home,
            Some(path) if path == "-" || path.starts_with('+') => &unknown,
            Some(path) => path,
        };
    shell.folder = shell.folder.join(path);
}
