//! A path in a workspace, as a page gives it. It is checked here, once, and carried as a type.

mod kept;

use oriel_wire::hostfs::{Code, PATH_BYTES_MAX};

use crate::error::FileError;

pub(crate) use kept::{fold, is_kept_from_reading, is_kept_from_writing};

/// The longest name of one thing, in bytes. It is what Linux takes.
const NAME_BYTES_MAX: usize = 255;

/// A refused path is told in so many bytes.
const TOLD_BYTES_MAX: usize = 200;

/// A path from the workspace on, with `/` between its parts; the workspace itself is the empty one. No
/// part of it leads anywhere but down. Where links lead is seen when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InnerPath<'a>(&'a str);

impl<'a> InnerPath<'a> {
    /// Checks a path.
    ///
    /// # Errors
    /// Where it leads up or out, or no file can be called so.
    pub(crate) fn parse(text: &'a str) -> Result<Self, FileError> {
        match fault(text) {
            None => Ok(Self(text)),
            Some((code, why)) => {
                let shown = &text[..text.floor_char_boundary(TOLD_BYTES_MAX)];
                let error = FileError::new(code, format!("`{}` {why}", shown.escape_debug()));
                Err(error.about(shown).hint("name it from the folder on, with / between the parts"))
            }
        }
    }

    /// Returns the path.
    pub(crate) const fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns the path of the folder it is in, and its name there. The workspace has none.
    pub(crate) fn split(self) -> Option<(Self, &'a str)> {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => Some((Self(folder), name)),
            None if self.0.is_empty() => None,
            None => Some((Self(""), self.0)),
        }
    }

    /// Returns each folder on the way to it and then itself, from the top on.
    pub(crate) fn ways(self) -> impl Iterator<Item = Self> {
        let ends = self.0.match_indices('/').map(|(at, _)| at);
        let all = ends.chain((!self.0.is_empty()).then_some(self.0.len()));
        all.map(move |end| Self(&self.0[..end]))
    }
}

/// Puts a folder's path and a name together.
pub(crate) fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn fault(text: &str) -> Option<(Code, &'static str)> {
    if text.is_empty() {
        return None;
    }
    if text.len() > PATH_BYTES_MAX {
        return Some((Code::BadName, "… is longer than a path can be"));
    }
    if text.contains('\0') {
        return Some((Code::BadName, "holds a NUL"));
    }
    if text.starts_with('/') {
        return Some((Code::Outside, "is absolute"));
    }
    if cfg!(windows) && text.contains(['\\', ':']) {
        return Some((Code::BadName, "holds a \\ or a :"));
    }
    text.split('/').find_map(|part| match part {
        "" => Some((Code::BadName, "has an empty part")),
        "." => Some((Code::BadName, "has a part that is .")),
        ".." => Some((Code::Outside, "has a part that is ..")),
        part if part.len() > NAME_BYTES_MAX => {
            Some((Code::BadName, "has a name that is longer than 255 bytes"))
        }
        part if cfg!(windows) && is_reserved_on_windows(part) => {
            Some((Code::BadName, "has a name that Windows keeps for itself"))
        }
        _ => None,
    })
}

/// Windows takes these for devices, with whatever ending, and drops dots and spaces at the end of a name.
fn is_reserved_on_windows(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        let rest = stem.strip_prefix(device);
        rest.is_some_and(|rest| {
            let mut rest = rest.chars();
            matches!(rest.next(), Some('0'..='9' | '¹' | '²' | '³')) && rest.next().is_none()
        })
    };
    let devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    devices.contains(&stem.as_str())
        || numbered("COM")
        || numbered("LPT")
        || part.ends_with(['.', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_lead_down_are_taken() {
        for good in ["", "a", "a/b.rs", "..a", "a/...", "ä/ö", "a b", "-", "~", "CON"] {
            assert_eq!(InnerPath::parse(good).unwrap().as_str(), good);
        }
        for (bad, code) in [
            ("/", Code::Outside),
            ("/etc/passwd", Code::Outside),
            ("..", Code::Outside),
            ("a/..", Code::Outside),
            ("a/../b", Code::Outside),
            ("a//b", Code::BadName),
            ("a/", Code::BadName),
            ("./a", Code::BadName),
            ("a/.", Code::BadName),
            ("a\0", Code::BadName),
            (&"x".repeat(256), Code::BadName),
            (&"x/".repeat(3000), Code::BadName),
        ] {
            let error = InnerPath::parse(bad).unwrap_err();
            assert_eq!(error.code, code, "{bad:?}");
            assert!(error.message.len() < 400, "{error}");
        }
    }

    #[test]
    fn a_path_is_walked_from_the_top() {
        let path = InnerPath::parse("a/b/c").unwrap();
        let way: Vec<_> = path.ways().map(InnerPath::as_str).collect();
        assert_eq!(way, ["a", "a/b", "a/b/c"]);
        assert_eq!(InnerPath("").ways().count(), 0);
        assert_eq!(path.split().unwrap(), (InnerPath("a/b"), "c"));
        assert_eq!(InnerPath("a").split().unwrap(), (InnerPath(""), "a"));
        assert_eq!(InnerPath("").split(), None);
    }

    #[test]
    fn windows_has_names_of_its_own() {
        for name in ["CON", "nul.txt", "Aux", "com1", "LPT9.log", "COM¹", "a.", "a "] {
            assert!(is_reserved_on_windows(name), "{name}");
        }
        for name in ["CONSOLE", "com", "com10", "null", "a.b"] {
            assert!(!is_reserved_on_windows(name), "{name}");
        }
    }
}
