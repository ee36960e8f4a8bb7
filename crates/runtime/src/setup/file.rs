//! A settings file: read whole, written whole, and kept as it was beside itself.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize as _;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value};

use super::claude::{self, Misfit};

/// A longer file is no file of settings, and is left alone.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// So many copies of one second are told apart; there is no need for more.
const COPIES_MAX: u32 = 100;

/// A settings file as it is on disk.
#[derive(Debug)]
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    /// What it holds; nothing where there is no file.
    pub(super) text: Option<String>,
}

/// A settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written, or its copy.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no JSON.
    #[error("{} is no JSON at line {line}, column {column}; mend it first, nothing was changed", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// It is JSON, but no object.
    #[error("{} is no JSON object; mend it first, nothing was changed", path.display())]
    NoObject {
        /// The file.
        path: PathBuf,
    },
    /// Our hooks have no place in it.
    #[error("in {} {place} is not {wanted}; mend it first, nothing was changed", path.display())]
    Misfit {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// What is needed there.
        wanted: &'static str,
    },
    /// It is too long.
    #[error("{} is longer than 8 MiB, which no file of settings is; nothing was changed", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else changed it.
    #[error("{} has just been changed by another program; try again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// How a file is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    indent: String,
    ends_with_newline: bool,
    crlf: bool,
}

impl SettingsFile {
    /// Reads a file. A link is followed, so that what it points to is changed and the link stays.
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let text = match File::open(&path) {
            Ok(file) => {
                let mut text = String::new();
                let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
                read.map(|_| Some(text))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(source),
        };
        match text {
            Ok(Some(text)) if FILE_BYTES_MAX < text.len() as u64 => {
                Err(FileError::TooLong { path })
            }
            Ok(text) => Ok(Self { path, text }),
            Err(source) => Err(FileError::Read { path, source }),
        }
    }

    /// Returns what it says. A file without anything says nothing.
    pub(super) fn settings(&self) -> Result<Map<String, Value>, FileError> {
        let text = self.text.as_deref().unwrap_or_default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Ok(Map::new());
        }
        let path = self.path.clone();
        match serde_json::from_str(text) {
            Ok(Value::Object(settings)) => Ok(settings),
            Ok(_) => Err(FileError::NoObject { path }),
            Err(error) => Err(FileError::Json { path, line: error.line(), column: error.column() }),
        }
    }

    /// Returns how it is laid out.
    pub(super) fn form(&self) -> Form {
        let text = self.text.as_deref().unwrap_or("{\n  \n}\n");
        let indented = text.lines().find(|line| line.starts_with([' ', '\t']));
        let indent = indented.map(|line| line.len() - line.trim_start().len()).unwrap_or(2);
        let indent = indented.and_then(|line| line.get(..indent)).unwrap_or("  ");
        Form {
            indent: indent.to_owned(),
            ends_with_newline: text.ends_with('\n') || text.is_empty(),
            crlf: text.contains("\r\n"),
        }
    }

    /// Says what is wrong with what it says.
    pub(super) fn misfit(&self, misfit: &Misfit) -> FileError {
        let (place, wanted) = (misfit.place.clone(), misfit.wanted);
        FileError::Misfit { path: self.path.clone(), place, wanted }
    }

    /// Returns the text of the newest copy that says just this, and so is what the file was before
    /// we came.
    pub(super) fn original(&self, settings: &Map<String, Value>) -> Option<String> {
        let wanted = written(&claude::essence(settings));
        self.backups().into_iter().rev().find_map(|path| {
            let copy = Self::read(&path).ok()?;
            let said = copy.settings().ok()?;
            let clean = claude::found(&said) == claude::Found::default();
            (clean && written(&claude::essence(&said)) == wanted).then_some(copy.text).flatten()
        })
    }

    /// Returns the copies beside it, the oldest first.
    fn backups(&self) -> Vec<PathBuf> {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Vec::new();
        };
        let beginning = format!("{}.bak.", name.to_string_lossy());
        let entries =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_copy = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&beginning))
        };
        let mut copies: Vec<_> = entries.filter(is_copy).collect();
        copies.sort();
        copies
    }

    /// Copies the file beside itself, under a name with the time in it.
    pub(super) fn back_up(&self, now: SystemTime) -> Result<Option<PathBuf>, FileError> {
        let Some(text) = &self.text else { return Ok(None) };
        let time = jiff::Timestamp::try_from(now).unwrap_or_default();
        let time = time.strftime("%Y%m%dT%H%M%SZ").to_string();
        for number in 0..COPIES_MAX {
            let tail = if number == 0 { String::new() } else { format!("-{number:02}") };
            let mut path = self.path.clone().into_os_string();
            path.push(format!(".bak.{time}{tail}"));
            let path = PathBuf::from(path);
            match write_new(&path, text, self.mode()) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(FileError::Write { path, source }),
                Ok(()) => return Ok(Some(path)),
            }
        }
        let source = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(FileError::Write { path: self.path.clone(), source })
    }

    /// Puts another text in its place, or removes the file. Readers see the old or the new. What
    /// somebody else wrote meanwhile is not overwritten.
    pub(super) fn replace(&self, text: Option<&str>) -> Result<(), FileError> {
        let fail = |source| FileError::Write { path: self.path.clone(), source };
        let Some(text) = text else {
            self.is_as_it_was()?;
            return fs::remove_file(&self.path).map_err(fail);
        };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(fail)?;
        }
        let mut fresh = self.path.clone().into_os_string();
        fresh.push(format!(".new.{}", std::process::id()));
        let fresh = PathBuf::from(fresh);
        // Only a process of the same number that was stopped half-way can have left one.
        _ = fs::remove_file(&fresh);
        write_new(&fresh, text, self.mode()).map_err(fail)?;
        let renamed =
            self.is_as_it_was().and_then(|()| fs::rename(&fresh, &self.path).map_err(fail));
        renamed.inspect_err(|_| {
            // Nobody needs it, and it may hold what the user keeps private.
            _ = fs::remove_file(&fresh);
        })
    }

    fn is_as_it_was(&self) -> Result<(), FileError> {
        let now = Self::read(&self.path)?;
        if now.text == self.text {
            return Ok(());
        }
        Err(FileError::Changed { path: self.path.clone() })
    }

    #[cfg(unix)]
    fn mode(&self) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(&self.path).map_or(0o600, |metadata| metadata.permissions().mode() & 0o777)
    }

    #[cfg(not(unix))]
    fn mode(&self) -> u32 {
        0
    }
}

impl Form {
    /// Writes settings in this form.
    pub(super) fn write(&self, settings: &Map<String, Value>) -> String {
        let mut text = Vec::new();
        let formatter = PrettyFormatter::with_indent(self.indent.as_bytes());
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
        settings.serialize(&mut serializer).expect("settings that were read can be written");
        let mut text = String::from_utf8(text).expect("JSON is UTF-8");
        if self.ends_with_newline {
            text.push('\n');
        }
        if self.crlf { text.replace('\n', "\r\n") } else { text }
    }
}

fn written(settings: &Map<String, Value>) -> String {
    serde_json::to_string(settings).unwrap_or_default()
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
        // A full disk is not to be filled with half a file.
        _ = fs::remove_file(path);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_layout() {
        for text in [
            "{\n  \"a\": 1\n}\n",
            "{\n    \"a\": [\n        1\n    ]\n}",
            "{\n\t\"a\": {\n\t\t\"b\": null\n\t}\n}\n",
            "{\r\n  \"a\": 1\r\n}\r\n",
        ] {
            let file = SettingsFile { path: "x".into(), text: Some(text.to_owned()) };
            assert_eq!(file.form().write(&file.settings().unwrap()), text);
        }
    }

    #[test]
    fn what_is_no_settings_file_is_refused_with_the_place() {
        for (text, part) in
            [("{\n  \"a\": ,\n}", "line 2, column"), ("[]", "no JSON object"), ("{", "line 1")]
        {
            let file = SettingsFile { path: "/s.json".into(), text: Some(text.to_owned()) };
            let error = file.settings().unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("/s.json"), "{error}");
        }
        let empty = SettingsFile { path: "/s.json".into(), text: Some(" \n".to_owned()) };
        assert!(empty.settings().unwrap().is_empty());
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        fs::write(&path, "{}").unwrap();
        let file = SettingsFile::read(&path).unwrap();
        fs::write(&path, "{\"theirs\": 1}").unwrap();
        for text in [Some("{\"ours\": 1}"), None] {
            assert!(matches!(file.replace(text), Err(FileError::Changed { .. })));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"theirs\": 1}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_is_too_long_for_settings_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        File::create(&path).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
        assert!(matches!(SettingsFile::read(&path), Err(FileError::TooLong { .. })));
    }
}
