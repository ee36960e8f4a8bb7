//! Where a link leads. It is kept as it is written, since both sides must have the same link; whether
//! it stays in the root depends on where the link is.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::path::{OWN_FOLDER, same_somewhere};
use super::{PATH_BYTES_MAX, RelPath};

/// Where a link leads: a relative path as links have it, with `.` and `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkTarget(Arc<str>);

/// A text is no target, or none for that link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is nothing in it, or a zero byte, or a backslash.
    #[error("a link cannot lead to {0:?}")]
    NoPath(String),
    /// It is too long.
    #[error("where a link leads has at most {PATH_BYTES_MAX} bytes, and this has {0}")]
    Long(usize),
    /// It leads out of the root, or into what is sync's own.
    #[error("the link leads out of the folder, to {0:?}")]
    Outside(String),
}

impl LinkTarget {
    /// Reads where the link at `link` leads.
    ///
    /// # Errors
    /// Where that is out of the root, as far as the texts tell: no file is looked at.
    pub fn parse(link: &RelPath, text: &str) -> Result<Self, TargetError> {
        let target = Self::read(text)?;
        if target.is_inside(link) { Ok(target) } else { Err(TargetError::Outside(text.to_owned())) }
    }

    /// Returns it as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it stays in the root, and out of sync's own folder, where the link is at `link`.
    #[must_use]
    pub fn is_inside(&self, link: &RelPath) -> bool {
        let mut at: Vec<&str> = link.parts().collect();
        at.pop();
        for part in self.0.split('/') {
            match part {
                "" | "." => {}
                ".." if at.is_empty() => return false,
                ".." => _ = at.pop(),
                // Even to go out of it again: what is in there is nobody's to see.
                part if at.is_empty() && same_somewhere(part, OWN_FOLDER) => return false,
                part => at.push(part),
            }
        }
        true
    }

    /// What no link has, wherever it is.
    fn read(text: &str) -> Result<Self, TargetError> {
        if PATH_BYTES_MAX < text.len() {
            return Err(TargetError::Long(text.len()));
        }
        if text.starts_with('/') {
            return Err(TargetError::Outside(text.to_owned()));
        }
        if text.is_empty() || text.contains(['\0', '\\']) {
            return Err(TargetError::NoPath(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for LinkTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LinkTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for LinkTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Whether it stays in the root is held where the link's path is known: in a frame, with the frame.
impl<'de> Deserialize<'de> for LinkTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_in_the_root_however_it_is_written() {
        check("a", "b", true);
        check("a/b", "../c", true);
        check("a/b/c", "../../d/./e", true);
        check("a/b", ".", true);
        check("a/b", "..", true);
        check("a/b", "../", true);
        check("a/b", "x/../../c", true);
        check("a", "..", false);
        check("a/b", "../..", false);
        check("a/b", "x/../../../c", false);
        check("a", "b/../..", false);
        check("a/b", "../../a/c", false);
    }

    #[test]
    fn a_link_does_not_lead_into_what_is_syncs_own() {
        check("a", ".oriel/sync/stage", false);
        check("a/b", "../.ORIEL", false);
        check("a/b", "x/../../.oriel/../c", false);
        check("a/b", ".oriel", true);
    }

    #[test]
    fn what_no_link_can_lead_to_is_refused() {
        let link = RelPath::parse("a/b").unwrap();
        let long = "x".repeat(PATH_BYTES_MAX + 1);
        for text in ["", "/etc/passwd", "a\0b", "a\\b", &long] {
            assert!(LinkTarget::parse(&link, text).is_err(), "{text:.10}");
        }
        let text = serde_json::to_string("/etc").unwrap();
        assert!(serde_json::from_str::<LinkTarget>(&text).is_err());
    }

    fn check(link: &str, target: &str, is_inside: bool) {
        let link = RelPath::parse(link).unwrap();
        assert_eq!(LinkTarget::parse(&link, target).is_ok(), is_inside, "{link} -> {target}");
    }
}
