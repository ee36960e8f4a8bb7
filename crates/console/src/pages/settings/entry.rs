//! A setting as its row shows it: in its group, with a control that fits what it may be.

use oriel_wire::settings::{SettingEntry, SettingsList};
use serde::Serialize;

use super::{Ask, Refused};

/// The headings of groups, by the first word of their keys.
const HEADINGS: [(&str, &str); 18] = [
    ("general", "General"),
    ("listen", "Listening"),
    ("console", "Console"),
    ("desktop", "Desktop"),
    ("access", "Access"),
    ("store", "Store"),
    ("ingest", "Taking events"),
    ("session", "Sessions"),
    ("stream", "Stream"),
    ("usage", "Usage windows"),
    ("prices", "Prices"),
    ("budget", "Budgets"),
    ("privacy", "Privacy"),
    ("retention", "Retention"),
    ("notify", "Notices"),
    ("import", "Imports"),
    ("archive", "Archive"),
    ("audit", "Audit"),
];

/// Settings whose keys begin with one word.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    id: String,
    heading: String,
    pub(super) settings: Vec<Row>,
}

/// One setting.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    key: String,
    value: String,
    origin: String,
    /// The first word of the origin, which is its kind.
    origin_kind: String,
    default: String,
    help: String,
    /// What it may be, in words.
    allowed: String,
    /// `select`, `number`, `time`, `lines` or `text`; nothing where no file may set it.
    control: Option<&'static str>,
    words: Vec<String>,
    min: Option<String>,
    max: Option<String>,
    step: &'static str,
    /// What the control holds.
    holds: String,
    in_file: bool,
    pending: bool,
    next_value: Option<String>,
    overridden_by: Option<String>,
    wrong: Option<String>,
}

/// Returns the settings that are asked for, in their groups. One that was refused is always there.
pub(super) fn groups(list: &SettingsList, ask: &Ask, refused: Option<&Refused<'_>>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for setting in &list.settings {
        let refused = refused.filter(|refused| refused.key == setting.key);
        if refused.is_none() && !fits(setting, ask) {
            continue;
        }
        let id = group_of(&setting.key);
        let at = groups.iter().position(|group| group.id == id).unwrap_or_else(|| {
            groups.push(Group { id: id.to_owned(), heading: heading(id), settings: Vec::new() });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.settings.push(row(setting, refused));
        }
    }
    groups
}

fn group_of(key: &str) -> &str {
    match key.split_once('.') {
        Some((word, _)) => word,
        None if key == "access" => "access",
        None => "general",
    }
}

fn heading(id: &str) -> String {
    let known = HEADINGS.iter().find(|(word, _)| *word == id);
    known.map_or_else(
        || {
            let mut letters = id.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        },
        |(_, heading)| (*heading).to_owned(),
    )
}

fn fits(setting: &SettingEntry, ask: &Ask) -> bool {
    let is_asked_for = match ask.only.as_str() {
        "set" => setting.origin != "default" || setting.file_value.is_some(),
        "pending" => setting.pending,
        _ => true,
    };
    let has = |word: &str| {
        [&setting.key, &setting.help, &setting.value, &setting.origin]
            .iter()
            .any(|text| text.to_lowercase().contains(word))
    };
    is_asked_for && ask.q.to_lowercase().split_whitespace().all(has)
}

fn row(setting: &SettingEntry, refused: Option<&Refused<'_>>) -> Row {
    let allowed = &setting.allowed;
    let control = match allowed.kind.as_str() {
        "flag" | "word" => "select",
        "whole" | "amount" => "number",
        "minute" => "time",
        "path" if allowed.separator.is_none() => "path",
        _ if allowed.separator.is_some() => "lines",
        _ => "text",
    };
    let stands = setting.file_value.as_ref().unwrap_or(&setting.default);
    let holds = match (refused, allowed.separator.as_deref()) {
        (Some(refused), _) => refused.typed.to_owned(),
        (None, Some(",")) => stands.split(',').map(str::trim).collect::<Vec<_>>().join("\n"),
        (None, _) => stands.clone(),
    };
    // A browser that is given something else than a number or a time shows an empty field, and a list
    // to choose from shows its first word.
    let is_odd = match control {
        "number" => !holds.is_empty() && holds.parse::<f64>().is_err(),
        "time" => !holds.is_empty() && holds.parse::<jiff::civil::Time>().is_err(),
        "select" => !allowed.words.contains(&holds),
        _ => false,
    };
    Row {
        key: setting.key.clone(),
        value: setting.value.clone(),
        origin: setting.origin.clone(),
        origin_kind: setting.origin.split(' ').next().unwrap_or_default().to_owned(),
        default: setting.default.clone(),
        help: setting.help.clone(),
        allowed: allowed.text.clone(),
        control: setting.in_file.then_some(if is_odd { "text" } else { control }),
        words: allowed.words.clone(),
        min: allowed.min.map(|number| number.to_string()),
        max: allowed.max.map(|number| number.to_string()),
        step: if allowed.kind == "whole" { "1" } else { "any" },
        holds,
        in_file: setting.file_value.is_some(),
        pending: setting.pending,
        next_value: setting.next_value.clone(),
        overridden_by: setting.overridden_by.clone(),
        wrong: refused.map(|refused| refused.problem.clone()),
    }
}

/// Returns what a form posted as the runtime reads it. A browser ends lines in its own way, and a list
/// has one item a line there.
pub(super) fn posted(setting: &SettingEntry, typed: &str) -> String {
    let Some(separator) = setting.allowed.separator.as_deref() else {
        return typed.trim().to_owned();
    };
    let lines = typed.lines().map(|line| line.trim_end_matches('\r'));
    match separator {
        "," => {
            let items = lines.flat_map(|line| line.split(',')).map(str::trim);
            items.filter(|item| !item.is_empty()).collect::<Vec<_>>().join(",")
        }
        separator => {
            lines.filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(separator)
        }
    }
}
