//! Running other programs: what is said before, and what is said when one fails.
//!
//! A chore speaks on standard error. Standard output belongs to the programs it starts.

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

#[expect(clippy::print_stderr, reason = "a chore's only output is what it tells a person")]
pub(crate) fn say(line: &str) {
    eprintln!("xtask: {line}");
}

/// Says the command, runs it on this terminal, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    say(&describe(command));
    let status =
        command.status().with_context(|| format!("could not start `{}`", describe(command)))?;
    verdict(command, status)
}

/// Runs the command without a word and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start `{}`", describe(command)))?;
    verdict(command, output.status)?;
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something that is not UTF-8", describe(command)))
}

/// Whether the command can be started and succeeds. Nothing it prints is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A program that cannot be started is a program that is not there.
    command.status().is_ok_and(|status| status.success())
}

/// Says the command and becomes it, so signals and the exit code are the command's own.
#[cfg(unix)]
pub(crate) fn run_in_place(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    say(&describe(command));
    let error = command.exec();
    Err(error).with_context(|| format!("could not start `{}`", describe(command)))
}

/// Says the command, runs it and returns its exit code.
#[cfg(not(unix))]
pub(crate) fn run_in_place(command: &mut Command) -> Result<ExitCode> {
    say(&describe(command));
    let status =
        command.status().with_context(|| format!("could not start `{}`", describe(command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

pub(crate) fn verdict(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed with {status}; its own words stand above", describe(command));
    }
    Ok(())
}

/// The command as one would type it.
pub(crate) fn describe(command: &Command) -> String {
    // Cargo names itself by its whole path, which nobody types.
    let program = match Path::new(command.get_program()) {
        path if path.file_stem().is_some_and(|stem| stem == "cargo") => "cargo".into(),
        path => path.to_string_lossy(),
    };
    let mut words = vec![program];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    words
        .iter()
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.to_string() })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_one_would_type_it() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        command.args(["test", "--", "one name"]);
        assert_eq!(describe(&command), "cargo test -- 'one name'");
        assert_eq!(describe(&Command::new("/opt/bin/oriel")), "/opt/bin/oriel");
    }

    #[test]
    fn a_program_that_cannot_be_started_is_named() {
        let message = run(&mut Command::new("no-such-program-here")).unwrap_err().to_string();
        assert!(message.contains("`no-such-program-here`"), "{message}");
    }
}
