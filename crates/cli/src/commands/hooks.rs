//! `oriel hooks`: our hooks in an agent's settings, put there and taken out again.

use std::path::{Path, PathBuf};

use anyhow::bail;
use oriel_link::spool::Spool;
use oriel_runtime::setup::{self, CLAUDE_EVENTS, Change, Wanted};

use crate::Exit;
use crate::args::{Global, Hooks, HooksChange, HooksFile, Scope};
use crate::daemon::{self, Reached};
use crate::output::Output;
use crate::{platform, text};
use oriel_daemon::Surroundings;

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
            output.print(&setup::codex_config(&platform::program()?, &flags, &url))?;
            Ok(Exit::Done)
        }
        Hooks::PrintClaudeOtel { url } => {
            output.print(&setup::claude_otel(&address(url.as_deref())))?;
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
    let path = path(&change.file, surroundings)?;
    let wanted = Wanted {
        program: platform::program()?,
        flags: flags(change.url.as_deref(), global),
        statusline: change.statusline,
    };
    match setup::installing(&path, &wanted)? {
        None => {
            output.print(&format!("{} has our hooks already\n", shown(&setup::target(&path))))?;
            Ok(Exit::Done)
        }
        Some(found) => finish(&found, change.dry_run, surroundings, output),
    }
}

fn uninstall(
    change: &HooksChange,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let path = path(&change.file, surroundings)?;
    match setup::uninstalling(&path)? {
        None => {
            output.print(&format!("{} has none of our hooks\n", shown(&setup::target(&path))))?;
            Ok(Exit::Done)
        }
        Some(found) => finish(&found, change.dry_run, surroundings, output),
    }
}

/// Shows a change, and makes it unless it is only to be shown.
fn finish(
    change: &Change,
    dry_run: bool,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let place = shown(change.path());
    if dry_run {
        output.print(&format!("--- {place}\n+++ {place}\n{}", change.diff()))?;
        return Ok(Exit::Done);
    }
    let made = change.make(surroundings.clock.now())?;
    let what = if made.is_removed { "removed" } else { "changed" };
    let backup = made.backup.map(|path| format!("; the old one is {}", shown(&path)));
    output.print(&format!("{what} {place}{}\n", backup.unwrap_or_default()))?;
    Ok(Exit::Done)
}

fn status(
    file: &HooksFile,
    global: &Global,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let path = path(file, surroundings)?;
    let found = setup::found(&path)?;
    let place = shown(&setup::target(&path));
    let mut lines = Vec::new();
    let mut exit = Exit::Done;
    if found.events.is_empty() {
        lines.push(format!(
            "{place} has none of our hooks; `oriel hooks install claude-code` adds them"
        ));
        exit = Exit::Failed;
    } else {
        let all = CLAUDE_EVENTS.len();
        lines.push(format!("{place} has our hooks for {} of {all} events", found.events.len()));
        let missing: Vec<_> = CLAUDE_EVENTS
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
