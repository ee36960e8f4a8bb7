//! Commands that run another one: what is run is what counts.

use super::super::place::UNKNOWN;
use super::super::run::{Shell, Stream};
use super::files;

/// A command in front of another: its name, the short flags that take a value, and how many words
/// of its own come before the other command.
const WRAPPERS: &[(&str, &str, usize)] = &[
    ("builtin", "", 0),
    ("busybox", "", 0),
    ("caffeinate", "tw", 0),
    ("chroot", "", 1),
    ("chrt", "TPD", 1),
    ("command", "", 0),
    ("doas", "uC", 0),
    ("env", "uC", 0),
    ("exec", "a", 0),
    ("flock", "wE", 1),
    ("ionice", "cnpPu", 0),
    ("nice", "n", 0),
    ("nohup", "", 0),
    ("pkexec", "", 0),
    ("setsid", "", 0),
    ("stdbuf", "ioe", 0),
    ("strace", "eopsu", 0),
    ("sudo", "ugpCDRrtThU", 0),
    ("systemd-run", "pu", 0),
    ("taskset", "", 1),
    ("time", "fo", 0),
    ("timeout", "ks", 1),
    ("toybox", "", 0),
    ("unbuffer", "", 0),
    ("unshare", "", 0),
    ("watch", "nd", 0),
    ("xvfb-run", "ens", 0),
    ("{", "", 0),
    ("!", "", 0),
];

/// Long flags that take their value as the next word.
const LONG_WITH_VALUE: &[&str] = &[
    "--user",
    "--group",
    "--host",
    "--prompt",
    "--chdir",
    "--chroot",
    "--signal",
    "--kill-after",
    "--unset",
    "--adjustment",
    "--output",
    "--format",
    "--input",
    "--error",
    "--interval",
    "--class",
    "--other-user",
    "--timeout",
    "--property",
    "--unit",
];

/// Returns the command behind `sudo`, `env` and their like; nothing where none is run.
pub(super) fn inner(shell: &mut Shell<'_>, words: &[String]) -> Option<Vec<String>> {
    let mut words = words;
    loop {
        let (program, rest) = words.split_first()?;
        let name = program.rsplit('/').next().unwrap_or_default();
        let Some((_, valued, own)) = WRAPPERS.iter().find(|(known, ..)| *known == name) else {
            return Some(words.to_vec());
        };
        if name == "command" && rest.first().is_some_and(|flag| flag == "-v" || flag == "-V") {
            return None;
        }
        if name == "env"
            && let Some(text) = split_string(rest)
        {
            shell.run(&text);
            return None;
        }
        let mut rest = &rest[after_flags(rest, valued)..];
        while rest.first().is_some_and(|word| is_assignment(word)) {
            rest = &rest[1..];
        }
        words = rest.get(*own..)?;
    }
}

/// Counts the words that are flags and their values.
fn after_flags(words: &[String], valued: &str) -> usize {
    let mut index = 0;
    while let Some(word) = words.get(index).filter(|word| word.starts_with('-')) {
        index += 1;
        if word == "--" {
            break;
        }
        let takes_value = match word.strip_prefix("--") {
            Some(_) => LONG_WITH_VALUE.contains(&word.as_str()),
            None => {
                word.chars().skip(1).position(|letter| valued.contains(letter))
                    == Some(word.chars().count().saturating_sub(2))
                    && 1 < word.len()
            }
        };
        index += usize::from(takes_value);
    }
    index.min(words.len())
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Returns the command in `env -S 'command'`.
fn split_string(words: &[String]) -> Option<String> {
    let mut words = words.iter();
    while let Some(word) = words.next().filter(|word| word.starts_with('-') || is_assignment(word))
    {
        let rest = match word.as_str() {
            "-S" | "--split-string" | "-vS" | "-iS" => words.next()?,
            _ => match word.strip_prefix("--split-string=").or_else(|| word.strip_prefix("-S")) {
                Some(text) => text,
                None => continue,
            },
        };
        let more = words.map(String::as_str);
        return Some(std::iter::once(rest).chain(more).collect::<Vec<_>>().join(" "));
    }
    None
}

/// Follows `bash -c 'script'`, and a shell that reads its script.
pub(super) fn shell(shell: &mut Shell<'_>, arguments: &[String], input: &Stream) -> Stream {
    let mut index = 0;
    let mut given = false;
    while let Some(flag) = arguments.get(index).filter(|word| word.starts_with(['-', '+'])) {
        index += 1;
        let is_long = flag.starts_with("--");
        given |= !is_long && flag.contains('c');
        let takes_value = matches!(flag.as_str(), "--rcfile" | "--init-file")
            || !is_long && (flag.contains('o') || flag.contains('O'));
        index += usize::from(takes_value);
        if flag == "--" || flag == "-" {
            break;
        }
    }
    let rest = arguments.get(index..).unwrap_or_default();
    match (rest, input) {
        ([script, values @ ..], _) if given => {
            // `$0` and its followers mean what follows the script.
            for (number, value) in values.iter().enumerate().take(10) {
                shell.set(&number.to_string(), vec![value.clone()]);
            }
            let followers: Vec<_> = values.iter().skip(1).cloned().collect();
            if !followers.is_empty() {
                shell.set("@", followers.clone());
                shell.set("*", followers);
            }
            let folder = shell.folder.clone();
            let printed = shell.run(script);
            shell.folder = folder;
            printed
        }
        ([], Stream::Text(script)) => {
            let folder = shell.folder.clone();
            let printed = shell.run(script);
            shell.folder = folder;
            printed
        }
        _ => Stream::Unknown,
    }
}

/// Follows `su -c 'command'` and `script -c 'command'`.
pub(super) fn with_command_flag(shell: &mut Shell<'_>, arguments: &[String]) {
    let flags = ["-c", "--command"];
    let at = arguments.iter().position(|argument| flags.contains(&argument.as_str()));
    let next = at.and_then(|at| arguments.get(at + 1).cloned());
    let joined = arguments.iter().find_map(|argument| argument.strip_prefix("--command="));
    if let Some(script) = next.or(joined.map(str::to_owned)) {
        shell.run(&script);
    }
}

/// Follows what is to be run on another machine, which has a root of its own to lose.
pub(super) fn ssh(shell: &mut Shell<'_>, arguments: &[String]) {
    let start = after_flags(arguments, "BbcDEeFIiJLlmOopQRSWw");
    let command = arguments.get(start + 1..).unwrap_or_default().join(" ");
    shell.run(&command);
}

/// Follows `xargs command`, whose last arguments are what it reads.
pub(super) fn xargs(shell: &mut Shell<'_>, arguments: &[String], input: &Stream) {
    let start = after_flags(arguments, "nPLIdaEsJj");
    let placeholder =
        arguments[..start].iter().enumerate().find_map(|(index, flag)| match flag.as_str() {
            "-I" | "-J" => arguments.get(index + 1).cloned(),
            _ => flag.strip_prefix("-I").or(flag.strip_prefix("--replace=")).map(str::to_owned),
        });
    let (read, below) = match input {
        Stream::Text(text) => {
            (text.split_whitespace().take(64).map(str::to_owned).collect(), false)
        }
        Stream::Below(folders) => (folders.clone(), true),
        Stream::Unknown => (vec![UNKNOWN.to_string()], false),
    };
    let command = &arguments[start..];
    let words = with_operands(command, placeholder.as_deref(), &read);
    if below && words.first().is_some_and(|name| name.ends_with("rm")) {
        files::remove(shell, &words[1..], true);
    } else {
        shell.nested(words);
    }
}

/// Puts operands in the place of a placeholder, or behind the command where there is none.
pub(super) fn with_operands(
    command: &[String],
    placeholder: Option<&str>,
    operands: &[String],
) -> Vec<String> {
    let Some(placeholder) = placeholder.filter(|placeholder| !placeholder.is_empty()) else {
        return command.iter().chain(operands).cloned().collect();
    };
    let mut words = Vec::new();
    for word in command {
        if word.contains(placeholder) {
            words.extend(operands.iter().map(|operand| word.replace(placeholder, operand)));
        } else {
            words.push(word.clone());
        }
    }
    words
}
