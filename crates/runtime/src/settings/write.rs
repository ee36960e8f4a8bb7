//! Writing one setting into the file: the whole file is checked as the next start would check it, and
//! nobody else's change is lost.
//!
//! Whoever writes holds a lock beside the file. An editor takes none, so the file is read again just
//! before it is replaced, and the change is made anew where it is another by then.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::table::{Setting, TABLE, hint_key};
use super::value::{Raw, Value};
use super::{ConfigFile, Given, Origin, SettingsError, edit, file, resolve};
use crate::config::Clock;
use crate::home;

/// A longer file is no file of settings; it is neither read nor written.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Another program holds the lock for milliseconds. After this long it is told that somebody does.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A file that changes this often while it is written is left to whoever changes it.
const TRIES: u32 = 5;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// What it says now, as text; nothing where it says nothing.
    pub file_value: Option<String>,
    /// The value after a restart.
    pub next_value: String,
    /// What comes before the file, where anything does.
    pub overridden_by: Option<Origin>,
    /// Whether the file is another than before.
    pub changed: bool,
}

/// A setting was not written, and the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no such setting.
    #[error("there is no setting {key:?}{hint}; `oriel config` lists them all")]
    Unknown {
        /// What was asked for.
        key: String,
        /// The nearest key, as a question, or nothing.
        hint: String,
    },
    /// The settings would not hold.
    #[error(transparent)]
    Unfit(SettingsError),
    /// The file is no TOML as it is.
    #[error("{0}; mend it first, nothing was changed")]
    Broken(SettingsError),
    /// The file is too long.
    #[error("{} is longer than 1 MiB, which no file of settings is; nothing was changed", .0.display())]
    TooLong(PathBuf),
    /// There is no way to write this key into this file.
    #[error("cannot write {key} into {} without changing more of it; edit it by hand", path.display())]
    Layout {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// Somebody else writes it all the time.
    #[error("another program writes {}; try again", .0.display())]
    Busy(PathBuf),
    /// The file cannot be read or written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl WriteError {
    /// Returns the setting that cannot be so, where that is the reason.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Unknown { key, .. } => Some(key),
            Self::Unfit(error) => error.key(),
            _ => None,
        }
    }
}

/// Writes a value into the file of this data directory or, without one, takes the key out of it. The
/// value is text, as after a flag. A value that a flag or a variable comes before is written all the
/// same, and told of.
///
/// # Errors
/// Where nothing was written: the settings would not hold, or the file cannot be used.
pub fn write(
    given: &Given,
    data_dir: &Path,
    key: &str,
    value: Option<&str>,
) -> Result<Written, WriteError> {
    let setting = TABLE
        .iter()
        .find(|setting| setting.key == key)
        .ok_or_else(|| WriteError::Unknown { key: key.to_owned(), hint: hint_key(key) })?;
    let path = data_dir.join("config.toml");
    let value = value.map(|text| wanted(setting, text, &path)).transpose()?;
    let io = |source| WriteError::Io { path: path.clone(), source };
    home::create_private_dir(data_dir).map_err(io)?;
    let _held = lock(&data_dir.join("config.toml.lock"), &path)?;
    // What a link leads to is changed, and the link stays.
    let target = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
    for _ in 0..TRIES {
        let before = read(&target)?;
        let text = before.as_deref().unwrap_or_default();
        let after = change(&path, text, setting, value.as_ref())?;
        let written = judge(given, &path, setting, text, &after)?;
        if !written.changed {
            return Ok(written);
        }
        if read(&target)? == before {
            home::replace_private(&target, after.as_bytes()).map_err(io)?;
            return Ok(written);
        }
    }
    Err(WriteError::Busy(path))
}

/// Reads the text of a value, or says what it must be.
fn wanted(setting: &Setting, text: &str, path: &Path) -> Result<toml_edit::Value, WriteError> {
    if !setting.in_file {
        return Err(WriteError::Unfit(SettingsError::NotInFile {
            key: setting.key,
            path: path.to_owned(),
            flag: setting.flag(),
            variable: setting.variable_name(),
        }));
    }
    let raw = Raw::Text(text);
    let origin = Origin::File(path.to_owned());
    let value = setting.allowed.read(raw);
    Ok(value.ok_or_else(|| WriteError::Unfit(setting.refuse(raw, &origin)))?.in_file())
}

fn change(
    path: &Path,
    text: &str,
    setting: &Setting,
    value: Option<&toml_edit::Value>,
) -> Result<String, WriteError> {
    if let Err(error) = text.parse::<toml::Table>() {
        let file = ConfigFile { path: path.to_owned(), text: text.to_owned() };
        return Err(WriteError::Broken(file::syntax(&file, &error)));
    }
    edit::edited(text, setting.key, value)
        .ok_or_else(|| WriteError::Layout { key: setting.key.to_owned(), path: path.to_owned() })
}

/// Checks the file that is to be, and says what it would come to.
fn judge(
    given: &Given,
    path: &Path,
    setting: &Setting,
    before: &str,
    after: &str,
) -> Result<Written, WriteError> {
    let file = ConfigFile { path: path.to_owned(), text: after.to_owned() };
    let says = file::read(&file).map_err(WriteError::Unfit)?;
    let values = check(&says, path).map_err(WriteError::Unfit)?;
    // The time decides nothing here.
    let clock = Clock::new(|| std::time::SystemTime::UNIX_EPOCH);
    let input = given.with_file(Some(file), clock);
    let resolved = resolve(&input).map_err(WriteError::Unfit)?;
    let row = resolved.rows.iter().find(|row| row.key == setting.key);
    let row = row.expect("every setting has a row");
    let file_value = values.get(setting.key).map(|value| value.typed(setting.allowed));
    Ok(Written {
        path: path.to_owned(),
        next_value: row.value.clone(),
        overridden_by: matches!(row.origin, Origin::Flag(_) | Origin::Env(_))
            .then(|| row.origin.clone()),
        file_value,
        changed: before != after,
    })
}

/// Checks every value of a file, also those that a flag or a variable comes before.
pub(super) fn check(
    says: &BTreeMap<String, toml::Value>,
    path: &Path,
) -> Result<BTreeMap<&'static str, Value>, SettingsError> {
    let mut values = BTreeMap::new();
    for setting in TABLE {
        let Some(value) = says.get(setting.key) else { continue };
        let raw = Raw::Toml(value);
        let read = setting.allowed.read(raw);
        let origin = || Origin::File(path.to_owned());
        values.insert(setting.key, read.ok_or_else(|| setting.refuse(raw, &origin()))?);
    }
    Ok(values)
}

/// Reads the file; nothing where there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, WriteError> {
    use std::io::Read as _;
    let io = |source| WriteError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(io)?,
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(io)?;
    if FILE_BYTES_MAX < text.len() as u64 {
        return Err(WriteError::TooLong(path.to_owned()));
    }
    Ok(Some(text))
}

/// Waits for the lock, which is let go when the file is dropped or the process dies.
fn lock(lock: &Path, path: &Path) -> Result<File, WriteError> {
    let io = |source| WriteError::Io { path: lock.to_owned(), source };
    let file = home::private().create(true).truncate(false).open(lock).map_err(io)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => pause(),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
    }
    Err(WriteError::Busy(path.to_owned()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a lock of another process tells nobody when it is free"
)]
fn pause() {
    std::thread::sleep(LOCK_PAUSE);
}

#[cfg(test)]
mod tests;
