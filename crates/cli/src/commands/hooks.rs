//! `oriel hooks`: our hooks in an agent's settings, put there and taken out again.

mod claude;
mod codex;
mod diff;
mod file;
mod shell;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use oriel_link::spool::Spool;

use crate::Exit;
use crate::args::{Global, Hooks, HooksChange, HooksFile, Scope};
use crate::config::Surroundings;
use crate::daemon::{self, Reached};
use crate::output::Output;
use crate::text;
use claude::Wanted;
use file::SettingsFile;

/// The daemon's address where nobody says another.
const URL: &str = "http://127.0.0.1:3142";

/// Does what was asked with an agent's hooks.
pub(super) fn run(
    command: &Hooks,
    global: &Global,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    match command {
        Hooks::Install(change) => install(change, global, surroundings, output),
        Hooks::Uninstall(change) => uninstall(change, surroundings, output),
        Hooks::Status(file) => status(file, global, surroundings, output),
        Hooks::PrintCodexConfig { url } => {
            let url = address(url.as_deref());
            let flags = flags(None, global);
            output.print(&codex::config(&program()?, &flags, &url))?;
            Ok(Exit::Done)
        }
        Hooks::PrintClaudeOtel { url } => {
            output.print(&codex::claude_otel(&address(url.as_deref())))?;
            Ok(Exit::Done)
        }
    }
}

fn install(
    change: &HooksChange,
    global: &Global,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let file = SettingsFile::read(&path(&change.file, surroundings)?)?;
    let wanted = Wanted {
        program: program()?,
        flags: flags(change.url.as_deref(), global),
        statusline: change.statusline,
    };
    let mut settings = file.settings()?;
    claude::install(&mut settings, &wanted).map_err(|problem| file.misfit(&problem))?;
    if settings == file.settings()? {
        output.print(&format!("{} has our hooks already\n", shown(&file.path)))?;
        return Ok(Exit::Done);
    }
    let text = file.form().write(&settings);
    finish(&file, Some(&text), change.dry_run, surroundings, output)
}

fn uninstall(
    change: &HooksChange,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let file = SettingsFile::read(&path(&change.file, surroundings)?)?;
    let before = file.settings()?;
    let mut settings = before.clone();
    claude::uninstall(&mut settings);
    if settings == before {
        output.print(&format!("{} has none of our hooks\n", shown(&file.path)))?;
        return Ok(Exit::Done);
    }
    // Where nothing else changed since, the file becomes what it was, to the byte.
    let text = match file.original(&settings) {
        Some(original) => Some(original),
        None if settings.is_empty() => None,
        None => Some(file.form().write(&settings)),
    };
    finish(&file, text.as_deref(), change.dry_run, surroundings, output)
}

/// Shows a change, and makes it unless it is only to be shown. No text is no file.
fn finish(
    file: &SettingsFile,
    text: Option<&str>,
    dry_run: bool,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let place = shown(&file.path);
    if dry_run {
        let after = text.unwrap_or_default();
        let difference = diff::lines(file.text.as_deref().unwrap_or_default(), after);
        output.print(&format!("--- {place}\n+++ {place}\n{difference}"))?;
        return Ok(Exit::Done);
    }
    let backup = file.back_up(surroundings.clock.now())?;
    file.replace(text)?;
    let what = if text.is_some() { "changed" } else { "removed" };
    let kept = backup.map(|path| format!("; the old one is {}", shown(&path))).unwrap_or_default();
    output.print(&format!("{what} {place}{kept}\n"))?;
    Ok(Exit::Done)
}

fn status(
    file: &HooksFile,
    global: &Global,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let file = SettingsFile::read(&path(file, surroundings)?)?;
    let settings = file.settings()?;
    let found = claude::found(&settings);
    let place = shown(&file.path);
    let mut lines = Vec::new();
    let mut exit = Exit::Done;
    if found.events.is_empty() {
        lines.push(format!(
            "{place} has none of our hooks; `oriel hooks install claude-code` adds them"
        ));
        exit = Exit::Failed;
    } else {
        let all = claude::EVENTS.len();
        lines.push(format!("{place} has our hooks for {} of {all} events", found.events.len()));
        let missing: Vec<_> = claude::EVENTS
            .iter()
            .filter(|event| !found.events.iter().any(|has| has == *event))
            .collect();
        if !missing.is_empty() {
            let missing: Vec<&str> = missing.into_iter().copied().collect();
            lines.push(format!("missing are {}; install again to add them", missing.join(", ")));
            exit = Exit::Failed;
        }
    }
    lines.push(format!("status line: {}", if found.statusline { "ours" } else { "not ours" }));
    for program in &found.programs {
        if Path::new(program).is_file() {
            lines.push(format!("program: {}", text::clean(program)));
        } else {
            let program = text::clean(program);
            lines.push(format!("program: {program} is not there; install again to mend that"));
            exit = Exit::Failed;
        }
    }
    let data_dir = surroundings.locate(&global.flags())?.data_dir;
    let reached = super::wait(async { Ok(daemon::find(&data_dir).await?) })?;
    lines.push(match reached {
        Reached::Live(live) => format!("daemon: answers, process {}", live.status.pid),
        _ => "daemon: does not answer; events wait until `oriel serve` runs".to_owned(),
    });
    if let Ok(waiting) = Spool::at(&data_dir).len()
        && 0 < waiting
    {
        lines.push(format!(
            "waiting: {}",
            text::counted(i64::try_from(waiting)?, "event", "events")
        ));
    }
    output.print(&(lines.join("\n") + "\n"))?;
    Ok(exit)
}

/// Returns the settings file that is meant.
fn path(file: &HooksFile, surroundings: &Surroundings) -> anyhow::Result<PathBuf> {
    let working = &surroundings.folders.working;
    if let Some(path) = &file.settings {
        return Ok(working.join(path));
    }
    if file.scope == Scope::Project {
        return Ok(working.join(".claude").join("settings.json"));
    }
    let named = surroundings.environment.get("CLAUDE_CONFIG_DIR").filter(|path| !path.is_empty());
    let folder = match (named, &surroundings.folders.home) {
        (Some(path), _) => working.join(path),
        (None, Some(home)) => home.join(".claude"),
        (None, None) => bail!("there is no home folder; name the file with --settings"),
    };
    Ok(folder.join("settings.json"))
}

/// Returns this program, by a path that holds from anywhere.
fn program() -> anyhow::Result<String> {
    let path = std::env::current_exe().context("cannot tell where this program is")?;
    let path = path.to_str().context("the path of this program is not valid UTF-8")?;
    Ok(path.to_owned())
}

/// Returns what a hook needs to be told so that it finds the daemon that was meant here.
fn flags(url: Option<&str>, global: &Global) -> Vec<(String, String)> {
    let folder = global.folder_flags().into_iter().map(|(name, value)| (name.to_owned(), value));
    folder.chain(url.map(|url| ("--url".to_owned(), url.to_owned()))).collect()
}

fn address(url: Option<&str>) -> String {
    url.unwrap_or(URL).trim_end_matches('/').to_owned()
}

fn shown(path: &Path) -> String {
    text::clean(&path.display().to_string())
}
