//! Every setting as a page shows it: what runs, what the file says by now, and what it may be.

use std::path::Path;

use oriel_wire::settings::{SettingAllowed, SettingEntry, SettingsList};

use super::table::{Setting, TABLE};
use super::value::{Allowed, Raw};
use super::write::{WriteError, check, read};
use super::{ConfigFile, Origin, Resolved, SettingRow, file, resolve};
use crate::config::{Clock, SetupConfig};

/// Returns every setting, or nothing where the runtime was not started from settings.
pub(crate) fn list(setup: &SetupConfig, data_dir: &Path, clock: &Clock) -> Option<SettingsList> {
    let given = setup.given.as_ref()?;
    let path = data_dir.join("config.toml");
    let (text, mut problem) = match read(&path) {
        Ok(text) => (text, None),
        Err(WriteError::Io { source, .. }) => {
            (None, Some(format!("cannot read {}: {source}", path.display())))
        }
        Err(error) => (None, Some(error.to_string())),
    };
    let file_exists = text.is_some() || problem.is_some();
    let file = text.map(|text| ConfigFile { path: path.clone(), text });
    let says = file.as_ref().map(file::read).transpose().unwrap_or_default().unwrap_or_default();
    if let Err(error) = check(&says, &path) {
        problem.get_or_insert(error.to_string());
    }
    let next = match &problem {
        Some(_) => None,
        None => match resolve(&given.with_file(file, clock.clone())) {
            Ok(next) => Some(next),
            Err(error) => {
                problem = Some(error.to_string());
                None
            }
        },
    };
    let entries = setup.rows.iter().filter_map(|row| {
        let setting = TABLE.iter().find(|setting| setting.key == row.key)?;
        let file_value = says.get(row.key).map(|value| {
            // What cannot be used is shown as it stands, so that it can be put right.
            let stands = || value.as_str().map(str::to_owned);
            match setting.allowed.read(Raw::Toml(value)) {
                Some(value) => value.typed(setting.allowed),
                None => stands().unwrap_or_else(|| Raw::Toml(value).to_string()),
            }
        });
        Some(entry(setting, row, file_value, next.as_ref()))
    });
    let settings: Vec<SettingEntry> = entries.collect();
    Some(SettingsList {
        file: path.display().to_string(),
        file_exists,
        problem,
        restart_needed: settings.iter().any(|entry| entry.pending),
        warnings: setup.warnings.clone(),
        settings,
    })
}

fn entry(
    setting: &Setting,
    row: &SettingRow,
    file_value: Option<String>,
    next: Option<&Resolved>,
) -> SettingEntry {
    let next = next.and_then(|next| next.rows.iter().find(|next| next.key == row.key));
    let over = next.map_or(&row.origin, |next| &next.origin);
    SettingEntry {
        key: row.key.to_owned(),
        value: row.value.clone(),
        origin: row.origin.to_string(),
        default: setting.default.to_owned(),
        help: setting.help.to_owned(),
        allowed: allowed(setting.allowed),
        in_file: setting.in_file,
        file_value,
        pending: next.is_some_and(|next| next.value != row.value),
        next_value: next.map(|next| next.value.clone()),
        overridden_by: matches!(over, Origin::Flag(_) | Origin::Env(_)).then(|| over.to_string()),
    }
}

fn allowed(allowed: Allowed) -> SettingAllowed {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let form = SettingAllowed { text: allowed.to_string(), ..SettingAllowed::default() };
    let of = |kind: &str| SettingAllowed { kind: kind.to_owned(), ..form.clone() };
    let list = |kind: &str, separator: &str| SettingAllowed {
        separator: Some(separator.to_owned()),
        ..of(kind)
    };
    match allowed {
        Allowed::Whole { min, max } => {
            SettingAllowed { min: Some(min as f64), max: Some(max as f64), ..of("whole") }
        }
        Allowed::Amount { max } => {
            SettingAllowed { min: Some(0.0), max: Some(max), ..of("amount") }
        }
        Allowed::Word(all @ ["true", "false"]) => {
            SettingAllowed { words: words(all), ..of("flag") }
        }
        Allowed::Word(all) => SettingAllowed { words: words(all), ..of("word") },
        Allowed::Address => of("address"),
        Allowed::Path => of("path"),
        Allowed::Name => of("name"),
        Allowed::Minute => of("minute"),
        Allowed::Hosts => list("hosts", ","),
        Allowed::Origins => list("origins", ","),
        Allowed::Words => list("words", ","),
        Allowed::Patterns => list("patterns", "\n"),
    }
}
