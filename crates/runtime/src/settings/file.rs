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

fn syntax(file: &ConfigFile, error: &toml::de::Error) -> SettingsError {
    let start = error.span().map_or(0, |span| span.start);
    let before = file.text.get(..start).unwrap_or(&file.text);
    SettingsError::Syntax {
        path: file.path.clone(),
        line: 1 + before.matches('\n').count(),
        problem: error.message().trim().replace('\n', ", "),
    }
}
