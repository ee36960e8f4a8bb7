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
use utoipa::ToSchema;

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
#[derive(Clone, PartialEq, Eq, Hash, TS, ToSchema)]
#[ts(type = "string")]
#[schema(as = SyncPath, value_type = String)]
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
    let visible: String = part.chars().filter(|c| !is_shapeless(*c)).collect();
    fold(visible.trim_end_matches(['.', ' '])) == name
}

/// The characters that HFS+ leaves out when it compares names.
fn is_shapeless(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Lower, upper and lower case again brings together what one of them alone would not, such as the two small
/// sigmas, or the two forms of `ß` and what stands for both.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let cased = text.nfd().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    // A letter's other case can have accents of its own, and these can be in another order.
    cased.flat_map(char::to_lowercase).nfd().nfc().collect()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_leads_nowhere_else() {
        for text in
            ["a", "a/b", "ä/日本", ".git/x", "...", "a:b", "a b/ c", "x/.oriel", "oriel", "a\nb"]
        {
            assert_eq!(RelPath::parse(text).map(|path| path.to_string()), Ok(text.to_owned()));
        }
        let long = "x".repeat(PART_BYTES_MAX + 1);
        let deep = "a/".repeat(PATH_BYTES_MAX / 2) + "b";
        for (text, error) in [
            ("", "at least one part"),
            ("/etc/passwd", "begins with `/`"),
            ("a//b", "without a name"),
            ("a/", "without a name"),
            ("../a", "`.` or `..`"),
            ("a/..", "`.` or `..`"),
            ("a/./b", "`.` or `..`"),
            ("a\0", "zero byte"),
            ("..\\a", "backslash"),
            (".oriel", ".oriel"),
            (".Oriel/sync/x", ".oriel"),
            (".or\u{200d}iel/x", ".oriel"),
            (".oriel . /x", ".oriel"),
            (".oriel::$INDEX_ALLOCATION/x", ".oriel"),
            (&long, "255 bytes"),
            (&deep, "4096 bytes"),
        ] {
            let told = RelPath::parse(text).unwrap_err().to_string();
            assert!(told.contains(error), "{text:.20}: {told}");
        }
        assert!(RelPath::parse(&"x".repeat(PART_BYTES_MAX)).is_ok());
        assert!(RelPath::parse(&deep[2..]).is_ok());
    }

    #[test]
    fn a_path_knows_its_parts() {
        let path = path("a/b/c");
        assert_eq!(path.parts().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((path.depth(), path.name_str()), (3, "c"));
        assert_eq!(path.ancestors().map(|a| a.to_string()).collect::<Vec<_>>(), ["a/b", "a"]);
        let name = path.name();
        assert_eq!(path.parent().unwrap().join(&name), Ok(path.clone()));
        assert_eq!(RelPath::in_folder(None, &name).unwrap().to_string(), "c");
        assert!(RelPath::in_folder(None, &Name::parse(".oriel").unwrap()).is_err());
        assert!(path.starts_with(&self::path("a/b")) && path.starts_with(&path));
        assert!(!self::path("a/bc").starts_with(&self::path("a/b")));
        for wrong in ["", "a/b", "..", "x\0"] {
            assert!(Name::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_in_a_folder_follows_it_at_once() {
        let mut paths: Vec<_> =
            ["a-b", "a/b", "b", "a", "a/b/c", "a.b", "a/a", "a b"].map(path).into();
        paths.sort();
        let texts: Vec<_> = paths.iter().map(RelPath::as_str).collect();
        assert_eq!(texts, ["a", "a/a", "a/b", "a/b/c", "a b", "a-b", "a.b", "b"]);
    }

    #[test]
    fn names_that_some_system_takes_for_the_same_fold_to_the_same() {
        for (a, b) in [
            ("README", "readme"),
            ("\u{e4}", "A\u{308}"),
            ("Σας", "ΣΑΣ"),
            ("\u{1e9b}\u{323}", "\u{1e69}"),
            ("ſ", "S"),
        ] {
            assert_eq!(path(a).fold(), path(b).fold(), "{a} {b}");
        }
        assert_ne!(path("a").fold(), path("ä").fold());
    }

    #[test]
    fn every_character_folds_once() {
        // Where scripts with two cases and letters with accents are; the rest is ideographs and syllables.
        let scripts = [1..0x3400, 0xa640..0xac00, 0xf900..0x1_2000, 0x1_d000..0x1_f000];
        for c in scripts.into_iter().flatten().filter_map(char::from_u32) {
            let once = fold(&format!("{c}\u{345}x"));
            assert_eq!(fold(&once), once, "{c:?}");
            assert_eq!(fold(&format!("{c}").to_uppercase()), fold(&format!("{c}")), "{c:?}");
            assert_eq!(fold(&format!("{c}").to_lowercase()), fold(&format!("{c}")), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn paths_are_ordered_as_their_parts_are(
            a in "[ab.-]{1,2}(/[ab.-]{1,2}){0,3}", b in "[ab.-]{1,2}(/[ab.-]{1,2}){0,3}",
        ) {
            if let (Ok(a), Ok(b)) = (RelPath::parse(&a), RelPath::parse(&b)) {
                prop_assert_eq!(a.cmp(&b), a.parts().cmp(b.parts()));
                prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
            }
        }

        #[test]
        fn no_path_that_is_read_leads_out(text in any::<String>()) {
            if let Ok(path) = RelPath::parse(&text) {
                let joined = std::path::Path::new("/root").join(path.as_str());
                let usual = |part| matches!(part, std::path::Component::Normal(_) | std::path::Component::RootDir);
                prop_assert!(joined.starts_with("/root") && joined.components().all(usual));
            }
        }
    }

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }
}
