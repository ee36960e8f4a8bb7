//! The configuration file as a flat list of keys, each known to the table.

use std::collections::BTreeMap;

use super::table::{self, TABLE};
use super::{ConfigFile, SettingsError};

/// Returns every key that the file sets.
///
/// # Errors
/// Refuses what is no TOML and every key that is no setting of the file.
pub(super) fn read(file: &ConfigFile) -> Result<BTreeMap<String, toml::Value>, SettingsError> {
    let table = file.text.parse::<toml::Table>().map_err(|error| syntax(file, &error))?;
    let mut flat = BTreeMap::new();
    flatten(file, "", table, &mut flat)?;
    Ok(flat)
}

/// Returns the line of a key, counted from 1.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = toml_edit::Document::parse(text).ok()?;
    let mut table: &dyn toml_edit::TableLike = document.as_table();
    let mut rest = key;
    loop {
        // A name may hold dots itself, so the longest that is there is taken.
        let ends = rest.match_indices('.').map(|(at, _)| at).chain([rest.len()]);
        let (end, name, item) = ends.rev().find_map(|end| {
            let (name, item) = table.get_key_value(rest.get(..end)?)?;
            Some((end, name, item))
        })?;
        if end == rest.len() {
            let start = name.span().or_else(|| item.span())?.start;
            return Some(1 + text.get(..start)?.matches('\n').count());
        }
        table = item.as_table_like()?;
        rest = rest.get(end + 1..)?;
    }
}

fn flatten(
    file: &ConfigFile,
    prefix: &str,
    table: toml::Table,
    flat: &mut BTreeMap<String, toml::Value>,
) -> Result<(), SettingsError> {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            toml::Value::Table(inner) if table::is_group(&key) => {
                flatten(file, &format!("{key}."), inner, flat)?;
            }
            _ => {
                check(file, &key)?;
                flat.insert(key, value);
            }
        }
    }
    Ok(())
}

fn check(file: &ConfigFile, key: &str) -> Result<(), SettingsError> {
    match TABLE.iter().find(|setting| setting.key == key) {
        Some(setting) if setting.in_file => Ok(()),
        Some(setting) => Err(SettingsError::NotInFile {
            key: setting.key,
            path: file.path.clone(),
            flag: setting.flag(),
            variable: setting.variable_name(),
        }),
        None => Err(SettingsError::UnknownInFile {
            key: key.to_owned(),
            path: file.path.clone(),
            hint: table::hint_key(key),
        }),
    }
}

pub(super) fn syntax(file: &ConfigFile, error: &toml::de::Error) -> SettingsError {
    let start = error.span().map_or(0, |span| span.start);
    let before = file.text.get(..start).unwrap_or(&file.text);
    SettingsError::Syntax {
        path: file.path.clone(),
        line: 1 + before.matches('\n').count(),
        problem: error.message().trim().replace('\n', ", "),
    }
}
