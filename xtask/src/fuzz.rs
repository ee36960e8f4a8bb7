//! `fuzz`: made-up request bodies, and whether anything that reads them breaks.
//!
//! A run starts from the committed seeds and from whatever earlier runs here found worth keeping, so
//! many short runs reach as far as a long one.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::command::{describe, run, say};
use crate::packages;
use crate::tools::Tool;
use crate::workspace::Workspace;

const CARGO_FUZZ: Tool = Tool { subcommand: "fuzz", version: "0.13.2", minutes: "1 to 3" };

/// Whatever bodies are read for fits into this many times over; longer ones only take longer.
const BODY_BYTES_MAX: u32 = 65_536;

/// A body that takes longer is a finding. The time is that of the clock on the wall, so this is much
/// longer than a busy machine keeps a program waiting.
const INPUT_SECONDS_MAX: u32 = 120;

/// What there is to fuzz, each under the name of its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Target {
    /// A runtime that bodies are posted to.
    Ingest,
    /// JSON as JavaScript writes it.
    CanonicalJson,
    /// The fields of an event.
    RawEvent,
    /// What agents export, as JSON.
    OtlpJson,
    /// What agents export, in binary form.
    OtlpProtobuf,
    /// Histories of Claude Code.
    ClaudeFile,
    /// Hooks, status lines and the register of Claude Code.
    ClaudeHook,
    /// Rollouts of Codex.
    CodexRollout,
    /// What Codex tells hooks and `notify`.
    CodexHook,
    /// Chats of Gemini CLI.
    GeminiChat,
    /// Chats of Qwen Code.
    QwenChat,
    /// Rows of OpenCode's database.
    OpencodeTable,
    /// Events of Copilot CLI.
    CopilotEvents,
    /// Shell commands, judged before they run.
    Safety,
    /// Frames of the gateway's protocol, from either end.
    GatewayFrames,
    /// Where pages may lead.
    BridgePolicy,
    /// What passes of headers and policies.
    BridgeHeaders,
    /// Cookies that a service sets.
    BridgeJar,
    /// Addresses of the app, and where answers lead.
    BridgeOrigin,
    /// Names under which files are saved.
    BridgeDownload,
    /// What a page asks of the host's files.
    HostfsMessage,
    /// Frames of sync, from either side.
    SyncFrame,
}

/// Fuzzes one target, or all of them in turn, for so long in all. Fails if anything is found.
pub(crate) fn fuzz(workspace: &Workspace, target: Option<Target>, seconds: u32) -> Result<()> {
    packages::ensure_for_fuzzer()?;
    let targets = target.as_ref().map_or(Target::value_variants(), std::slice::from_ref);
    let seconds = share(seconds, targets.len());
    let mut findings = Vec::new();
    for target in targets {
        let name = name(*target)?;
        say(&format!("== {name}: {seconds} s"));
        findings.extend(attack(workspace, &name, seconds)?);
    }
    if !findings.is_empty() {
        bail!("the fuzzer found what breaks\n  {}", findings.join("\n  "));
    }
    say("the fuzzer found nothing");
    Ok(())
}

/// Runs one target and returns where each input that breaks it is, and how to run it alone.
fn attack(workspace: &Workspace, name: &str, seconds: u32) -> Result<Vec<String>> {
    let path = |folder: &str| Path::new("fuzz").join(folder).join(name);
    let (seeds, kept, artifacts) = (path("seeds"), path("target/corpus"), path("artifacts"));
    let made_here = workspace.root.join("fuzz/target/tmp");
    for folder in [&workspace.root.join(&kept), &made_here] {
        fs::create_dir_all(folder)
            .with_context(|| format!("could not make {}", folder.display()))?;
    }
    let broken_before = files(&workspace.root.join(&artifacts))?;

    let mut fuzzer = cargo_fuzz(workspace, name)?;
    // The fuzzer leaves without tidying up, so its temporary files go where they can be found.
    fuzzer.env("TMPDIR", &made_here);
    // What is worth keeping goes into the first folder.
    fuzzer.args([&kept, &seeds]);
    fuzzer.args(["--", "-dict=fuzz/words.dict"]);
    // A line for every input worth keeping would be thousands; the figures at the end say enough.
    fuzzer.args(["-verbosity=0", "-print_funcs=0", "-print_final_stats=1"]);
    fuzzer.arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-max_len={BODY_BYTES_MAX}"));
    fuzzer.arg(format!("-timeout={INPUT_SECONDS_MAX}"));
    let outcome = run(&mut fuzzer);
    match fs::remove_dir_all(&made_here) {
        // Another run beside this one has removed it.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        removed => {
            removed.with_context(|| format!("could not remove {}", made_here.display()))?;
        }
    }

    let broken = files(&workspace.root.join(&artifacts))?;
    let broken: Vec<_> = broken.difference(&broken_before).collect();
    // A fuzzer that fails and leaves no input was not built, or is itself at fault.
    if outcome.is_ok() || broken.is_empty() {
        return outcome.map(|()| Vec::new());
    }
    let tell = |(file, _): &(PathBuf, SystemTime)| {
        let file = file.strip_prefix(&workspace.root).unwrap_or(file);
        let mut alone = cargo_fuzz(workspace, name)?;
        alone.arg(file);
        Ok(format!("{name}: the input is {}; `{}` runs it alone", file.display(), describe(&alone)))
    };
    broken.into_iter().map(tell).collect()
}

fn cargo_fuzz(workspace: &Workspace, name: &str) -> Result<Command> {
    let mut command = CARGO_FUZZ.command(workspace)?;
    // A sanitizer takes a nightly compiler, and finds what only unsafe code can do, of which there
    // is none here. Without one, the compiler that builds everything else builds this too.
    command.args(["run", name, "--fuzz-dir", "fuzz", "--sanitizer", "none"]);
    Ok(command)
}

/// The files of a folder and when each was written: an input that breaks again is written again,
/// under the name that it had.
fn files(folder: &Path) -> Result<BTreeSet<(PathBuf, SystemTime)>> {
    let context = || format!("could not read {}", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.with_context(context)?,
    };
    let mut files = BTreeSet::new();
    for entry in entries {
        let entry = entry.with_context(context)?;
        let written = entry.metadata().and_then(|file| file.modified()).with_context(context)?;
        files.insert((entry.path(), written));
    }
    Ok(files)
}

/// Every target's part of the time; the fuzzer would take none at all for no limit.
fn share(seconds: u32, targets: usize) -> u32 {
    let targets = u32::try_from(targets).unwrap_or(u32::MAX);
    (seconds / targets.max(1)).max(1)
}

fn name(target: Target) -> Result<String> {
    let value = target.to_possible_value().context("every target has a name")?;
    Ok(value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_program_and_seeds_and_no_program_is_forgotten() {
        let fuzz = Path::new("../fuzz");
        let mut names = BTreeSet::new();
        for target in Target::value_variants() {
            let name = name(*target).unwrap();
            assert!(!files(&fuzz.join("seeds").join(&name)).unwrap().is_empty(), "{name}");
            names.insert(name);
        }
        let stem =
            |(file, _): &(PathBuf, _)| file.file_stem().unwrap().to_str().unwrap().to_owned();
        let programs = files(&fuzz.join("fuzz_targets")).unwrap().iter().map(stem).collect();
        assert_eq!(names, programs);
    }

    #[test]
    fn targets_share_the_time_and_each_gets_some() {
        assert_eq!([share(60, 1), share(60, 3), share(1, 3)], [60, 20, 1]);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_files() {
        assert_eq!(files(Path::new("no-such-folder-here")).unwrap(), BTreeSet::new());
    }
}
