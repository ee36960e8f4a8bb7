//! Where something is in a synced tree: a path that was checked once and is safe from then on.
//!
//! Whoever holds a [`RelPath`] may join it to a root: nothing in it leads elsewhere, on any system but
//! Windows, where [`RelPath::windows_problem`] is asked first. A name that is not Unicode has no path;
//! who observes one reports it and leaves it alone.

use std::cmp::Ordering;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ts_rs::TS;
use unicode_normalization::UnicodeNormalization;

use super::windows;

/// The longest path, in bytes. What is longer is reported where it is and not synced.
pub const PATH_BYTES_MAX: usize = 4096;

/// The longest part of a path, in bytes: what every usual file system takes.
pub const PART_BYTES_MAX: usize = 255;

/// The folder in a root that is sync's own. It is never synced, whatever its case.
pub const OWN_FOLDER: &str = ".oriel";

/// A path beneath the root, its parts joined by `/`. It is never empty: the root itself is no path.
///
/// Paths are ordered part by part, so what is in a folder follows the folder at once:
/// `a`, `a/b`, `a-b`.
#[derive(Clone, PartialEq, Eq, Hash, TS)]
#[ts(type = "string")]
pub struct RelPath(Arc<str>);

/// One part of a path: what something is called in its folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
#[ts(type = "string")]
pub struct Name(Arc<str>);

/// A text is no path, or no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is nothing in it.
    #[error("a path has at least one part")]
    Empty,
    /// It begins with `/`.
    #[error("a path is relative to the root, and `{0}` begins with `/`")]
    Absolute(String),
    /// Two `/` follow each other, or it ends with one.
    #[error("`{0}` has a part without a name")]
    EmptyPart(String),
    /// A part is `.` or `..`.
    #[error("`{0}` has `.` or `..` for a part")]
    Dots(String),
    /// It has a zero byte.
    #[error("a path has no zero byte")]
    Nul,
    /// It has a backslash, which parts paths on Windows.
    #[error("`{0}` has a backslash, which not every system takes; give it another name")]
    Backslash(String),
    /// It is in the folder that is sync's own.
    #[error("`{0}` is in `.oriel`, which sync keeps for itself")]
    Own(String),
    /// It is too long.
    #[error("a path has at most {PATH_BYTES_MAX} bytes, and this one has {0}")]
    Long(usize),
    /// A part is too long.
    #[error("a part of a path has at most {PART_BYTES_MAX} bytes, and one of this has {0}")]
    LongPart(usize),
    /// It is a path, where a name is wanted.
    #[error("`{0}` is more than one part")]
    Parts(String),
}

impl RelPath {
    /// Reads a path.
    ///
    /// # Errors
    /// Where it leads out of the root, into what is sync's own, or is no path on some system.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// Returns it as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns its parts, of which there is at least one.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Returns how many parts it has.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.parts().count()
    }

    /// Returns what it is called in its folder.
    #[must_use]
    pub fn name(&self) -> Name {
        Name(self.name_str().into())
    }

    /// Returns what it is called in its folder, as text.
    #[must_use]
    pub fn name_str(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the folder it is in; nothing where that is the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.into()))
    }

    /// Returns the folders it is in, the nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// Returns what is called so in this folder.
    ///
    /// # Errors
    /// Where that is too long.
    pub fn join(&self, name: &Name) -> Result<Self, PathError> {
        Self::parse(&format!("{self}/{name}"))
    }

    /// Returns what is called so in this folder, or in the root where there is none.
    ///
    /// # Errors
    /// Where that is too long, or is sync's own folder.
    pub fn in_folder(folder: Option<&Self>, name: &Name) -> Result<Self, PathError> {
        folder.map_or_else(|| Self::parse(name.as_str()), |folder| folder.join(name))
    }

    /// Returns whether it is this folder or in it, however deep.
    #[must_use]
    pub fn starts_with(&self, folder: &Self) -> bool {
        let rest = self.0.strip_prefix(&*folder.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns what it has in common with every path that a file system blind to case and to
    /// Unicode's forms takes for the same.
    #[must_use]
    pub fn fold(&self) -> String {
        fold(&self.0)
    }

    /// Returns its one form where accents are part of their letters.
    #[must_use]
    pub fn nfc(&self) -> String {
        self.0.nfc().collect()
    }

    /// Returns why Windows could not have it, if so.
    #[must_use]
    pub fn windows_problem(&self) -> Option<windows::NameProblem> {
        self.parts().find_map(windows::problem)
    }
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// Where it is no part of a path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.contains('/') {
            return Err(PathError::Parts(text.to_owned()));
        }
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        check_part(text, text)?;
        check_characters(text)?;
        Ok(Self(text.into()))
    }

    /// Returns it as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what it has in common with every name that is taken for the same where case and
    /// Unicode's forms are not told apart.
    #[must_use]
    pub fn fold(&self) -> String {
        fold(&self.0)
    }
}

fn check(text: &str) -> Result<(), PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    if PATH_BYTES_MAX < text.len() {
        return Err(PathError::Long(text.len()));
    }
    if text.starts_with('/') {
        return Err(PathError::Absolute(text.to_owned()));
    }
    check_characters(text)?;
    text.split('/').try_for_each(|part| check_part(part, text))?;
    let first = text.split('/').next().unwrap_or(text);
    if is_own(first) { Err(PathError::Own(text.to_owned())) } else { Ok(()) }
}

fn check_characters(text: &str) -> Result<(), PathError> {
    if text.contains('\0') {
        return Err(PathError::Nul);
    }
    if text.contains('\\') {
        return Err(PathError::Backslash(text.to_owned()));
    }
    Ok(())
}

fn check_part(part: &str, text: &str) -> Result<(), PathError> {
    match part {
        "" => Err(PathError::EmptyPart(text.to_owned())),
        "." | ".." => Err(PathError::Dots(text.to_owned())),
        part if PART_BYTES_MAX < part.len() => Err(PathError::LongPart(part.len())),
        _ => Ok(()),
    }
}

/// Whether a file system somewhere takes this for sync's own folder.
fn is_own(part: &str) -> bool {
    same_somewhere(part, OWN_FOLDER)
}

/// Returns whether some file system takes `part` for `name`: one that is blind to case or to Unicode's
/// forms, one that skips characters without a shape (HFS+), or one that drops dots and spaces at the
/// end and what follows a colon (NTFS). `name` is in lower-case ASCII.
#[must_use]
pub fn same_somewhere(part: &str, name: &str) -> bool {
    let part = part.split(':').next().unwrap_or(part);
    // A longer part can only be the same by characters that fall away.
    let visible: String = part.chars().filter(|c| !is_shapeless(*c)).collect();
    let trimmed = visible.trim_end_matches(['.', ' ']);
    name.len() == trimmed.len() && fold(trimmed) == name || fold(trimmed) == name
}

/// The characters that HFS+ leaves out when it compares names.
fn is_shapeless(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Upper and then lower case brings together what only one of them would, such as the two small sigmas.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let upper = text.nfd().flat_map(char::to_uppercase);
    // Large letters can have accents of their own, and these can be in another order.
    upper.flat_map(char::to_lowercase).nfd().nfc().collect()
}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RelPath {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mine, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        // No path has a zero byte, so `/` takes its place in front of all others.
        let place = |byte: u8| if byte == b'/' { 0 } else { byte };
        let first = mine.iter().zip(theirs).find(|(a, b)| a != b);
        first.map_or_else(|| mine.len().cmp(&theirs.len()), |(a, b)| place(*a).cmp(&place(*b)))
    }
}

struct TextOf<T>(&'static str, fn(&str) -> Result<T, PathError>);

impl<T> Visitor<'_> for TextOf<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

/// What a path and a name have in common as texts.
macro_rules! text {
    ($type:ident, $expected:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $type {
            type Err = PathError;

            fn from_str(text: &str) -> Result<Self, PathError> {
                Self::parse(text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(TextOf($expected, Self::parse))
            }
        }
    };
}

text!(RelPath, "a path beneath the root");
text!(Name, "a name");
