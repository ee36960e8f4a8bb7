//! Our hooks in Claude Code's settings, as changes of a JSON object and nothing else.

use serde_json::{Map, Value, json};

use super::shell::{quote, words};

/// The events that are told. Not among them are `WorktreeCreate`, whose hooks take the place of what
/// Claude Code does itself, and `MessageDisplay`, which comes for every few letters of an answer.
pub const EVENTS: &[&str] = &[
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PermissionRequest",
    "PermissionDenied",
    "Notification",
    "Stop",
    "StopFailure",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "PostCompact",
    "InstructionsLoaded",
    "TaskCreated",
    "TaskCompleted",
    "PostModelSwitch",
    "CwdChanged",
    "ConfigChange",
];

/// The one event whose answer Claude Code must wait for, since it may be a veto.
const WAITED_FOR: &str = "PreToolUse";

/// Seconds after which Claude Code gives a hook up; ours never takes as long.
const TIMEOUT_SECONDS: u32 = 10;

/// What is to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The program that hooks run, by a path that holds from anywhere.
    pub program: String,
    /// What it is told so that it finds the daemon, each flag with its value.
    pub flags: Vec<(String, String)>,
    /// Whether our status line is shown as well.
    pub statusline: bool,
}

/// What is installed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The events that have a hook of ours.
    pub events: Vec<String>,
    /// The programs that those run.
    pub programs: Vec<String>,
    /// Whether the status line is ours.
    pub statusline: bool,
}

/// Settings that are none, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) place: String,
    pub(super) wanted: &'static str,
}

/// Adds our hooks behind those that are there, and replaces older ones of ours.
pub(super) fn install(settings: &mut Map<String, Value>, wanted: &Wanted) -> Result<(), Misfit> {
    check(settings)?;
    let command = command(wanted, "claude-code");
    let hooks = settings.entry("hooks").or_insert_with(|| json!({}));
    let Some(hooks) = hooks.as_object_mut() else { return Err(misfit("hooks", "an object")) };
    for event in EVENTS {
        let entry = entry(event, &command);
        let groups = hooks.entry(*event).or_insert_with(|| json!([]));
        let Some(groups) = groups.as_array_mut() else { continue };
        if groups.iter().filter(|group| has_ours(group)).eq([&entry]) {
            continue;
        }
        take_out(groups);
        groups.push(entry);
    }
    if wanted.statusline {
        install_statusline(settings, wanted);
    }
    Ok(())
}

/// Takes our hooks out, and what holds nothing without them.
pub(super) fn uninstall(settings: &mut Map<String, Value>) {
    if let Some(hooks) = settings.get_mut("hooks").and_then(Value::as_object_mut) {
        let mut emptied = Vec::new();
        for (event, groups) in hooks.iter_mut() {
            if let Some(groups) = groups.as_array_mut()
                && take_out(groups)
                && groups.is_empty()
            {
                emptied.push(event.clone());
            }
        }
        for event in &emptied {
            hooks.shift_remove(event);
        }
        if hooks.is_empty() && !emptied.is_empty() {
            settings.shift_remove("hooks");
        }
    }
    let Some(Ours { then, .. }) = statusline(settings) else { return };
    match (then, settings.get_mut("statusLine")) {
        (Some(then), Some(line)) => line["command"] = Value::String(then),
        _ => drop(settings.shift_remove("statusLine")),
    }
}

/// Returns what of ours is installed.
pub(super) fn found(settings: &Map<String, Value>) -> Found {
    let mut found = Found::default();
    let hooks = settings.get("hooks").and_then(Value::as_object);
    for (event, groups) in hooks.into_iter().flatten() {
        for hook in groups.as_array().into_iter().flatten().flat_map(hooks_of) {
            let Some(ours) = ours(hook, "claude-code") else { continue };
            if !found.events.contains(event) {
                found.events.push(event.clone());
            }
            if !found.programs.contains(&ours.program) {
                found.programs.push(ours.program);
            }
        }
    }
    found.statusline = statusline(settings).is_some();
    found
}

/// Returns settings without what is empty, so that two forms of the same can be compared.
pub(super) fn essence(settings: &Map<String, Value>) -> Map<String, Value> {
    let mut settings = settings.clone();
    if let Some(hooks) = settings.get_mut("hooks").and_then(Value::as_object_mut) {
        hooks.retain(|_, groups| groups.as_array().is_none_or(|groups| !groups.is_empty()));
        if hooks.is_empty() {
            settings.shift_remove("hooks");
        }
    }
    settings
}

/// A command that we wrote.
struct Ours {
    program: String,
    /// The status line that was there before.
    then: Option<String>,
}

fn command(wanted: &Wanted, agent: &str) -> String {
    let mut command = format!("{} hook {agent}", quote(&wanted.program));
    for (name, value) in &wanted.flags {
        command.push_str(&format!(" {name} {}", quote(value)));
    }
    command
}

fn entry(event: &str, command: &str) -> Value {
    let mut hook = json!({ "type": "command", "command": command });
    if event != WAITED_FOR {
        hook["async"] = Value::Bool(true);
    }
    hook["timeout"] = TIMEOUT_SECONDS.into();
    json!({ "hooks": [hook] })
}

fn install_statusline(settings: &mut Map<String, Value>, wanted: &Wanted) {
    let mut command = command(wanted, "statusline");
    // What was there before goes on being shown, and is remembered here for when we leave.
    let before = match statusline(settings) {
        Some(ours) => ours.then,
        None => {
            let line = settings.get("statusLine").and_then(|line| line.get("command"));
            line.and_then(Value::as_str).map(str::to_owned)
        }
    };
    if let Some(before) = before.filter(|before| !before.trim().is_empty()) {
        command.push_str(&format!(" --then {}", quote(&before)));
    }
    match settings.get_mut("statusLine").and_then(Value::as_object_mut) {
        Some(line) => drop(line.insert("command".to_owned(), Value::String(command))),
        None => {
            let line = json!({ "type": "command", "command": command });
            settings.insert("statusLine".to_owned(), line);
        }
    }
}

fn statusline(settings: &Map<String, Value>) -> Option<Ours> {
    ours(settings.get("statusLine")?, "statusline")
}

/// Returns the command of a hook if it is one that we wrote: this program, told to be this hook.
fn ours(hook: &Value, agent: &str) -> Option<Ours> {
    let mut words = words(hook.get("command")?.as_str()?)?.into_iter();
    let program = words.next()?;
    let name = program.rsplit('/').next().unwrap_or_default();
    if !name.starts_with("oriel") || words.next()? != "hook" || words.next()? != agent {
        return None;
    }
    let mut then = None;
    while let Some(flag) = words.next() {
        let value = words.next()?;
        match flag.as_str() {
            "--then" => then = Some(value),
            "--url" | "--data-dir" | "--profile" => {}
            _ => return None,
        }
    }
    Some(Ours { program, then })
}

fn hooks_of(group: &Value) -> impl Iterator<Item = &Value> {
    group.get("hooks").and_then(Value::as_array).into_iter().flatten()
}

fn has_ours(group: &Value) -> bool {
    hooks_of(group).any(|hook| ours(hook, "claude-code").is_some())
}

/// Takes our hooks out of the groups of an event, and returns whether there were any.
fn take_out(groups: &mut Vec<Value>) -> bool {
    let mut any = false;
    groups.retain_mut(|group| {
        if !has_ours(group) {
            return true;
        }
        any = true;
        let Some(hooks) = group.get_mut("hooks").and_then(Value::as_array_mut) else { return true };
        hooks.retain(|hook| ours(hook, "claude-code").is_none());
        !hooks.is_empty()
    });
    any
}

/// Refuses settings in which our hooks have no place.
fn check(settings: &Map<String, Value>) -> Result<(), Misfit> {
    let Some(hooks) = settings.get("hooks") else { return Ok(()) };
    let Some(hooks) = hooks.as_object() else { return Err(misfit("hooks", "an object")) };
    let lists = hooks.iter().filter(|(event, _)| EVENTS.contains(&event.as_str()));
    for (event, groups) in lists {
        let place = format!("hooks.{event}");
        let Some(groups) = groups.as_array() else { return Err(misfit(&place, "a list")) };
        for (index, group) in groups.iter().enumerate() {
            let place = format!("{place}[{index}]");
            if !group.is_object() {
                return Err(misfit(&place, "an object"));
            }
            if group.get("hooks").is_some_and(|hooks| !hooks.is_array()) {
                return Err(misfit(&format!("{place}.hooks"), "a list"));
            }
        }
    }
    Ok(())
}

fn misfit(place: &str, wanted: &'static str) -> Misfit {
    Misfit { place: place.to_owned(), wanted }
}

#[cfg(test)]
mod tests;
