//! A path within a workspace, as clients give it. It is checked here, once, and carried as a type.

use std::path::{Component, Path};

use super::error::FileError;

/// The longest path that is taken.
const PATH_BYTES_MAX: usize = 4096;

/// A refused path is told in so many bytes.
const TOLD_BYTES_MAX: usize = 200;

/// A path from the workspace on, with `/` between its parts. It has no part that leads anywhere but
/// down; what links do is seen when it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct WorkspacePath(String);

impl WorkspacePath {
    /// Checks a path that names something in the workspace.
    ///
    /// # Errors
    /// Where it is empty, absolute, or has parts that are empty, `.` or `..`, or holds what no path does.
    pub(crate) fn parse(text: &str) -> Result<Self, FileError> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => {
                let shown = &text[..text.floor_char_boundary(TOLD_BYTES_MAX)];
                Err(FileError::Refused { path: shown.to_owned(), why })
            }
        }
    }

    /// Returns the path of something of the system that lies in the workspace at `root`, without asking
    /// the disk.
    pub(crate) fn within(root: &Path, path: &Path) -> Option<Self> {
        let below = if path.is_absolute() { path.strip_prefix(root).ok()? } else { path };
        let mut parts: Vec<&str> = Vec::new();
        for part in below.components() {
            match part {
                Component::Normal(name) => parts.push(name.to_str()?),
                Component::CurDir => {}
                // Up from a name is back to where it stood, as long as that is in the workspace.
                Component::ParentDir => drop(parts.pop()?),
                Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        Self::parse(&parts.join("/")).ok()
    }

    /// Returns the path.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > PATH_BYTES_MAX {
        return Some("it is longer than 4096 bytes");
    }
    if text.contains('\0') {
        return Some("it holds a NUL");
    }
    if text.starts_with('/') {
        return Some("it is absolute");
    }
    if cfg!(windows) && (text.contains('\\') || text.contains(':')) {
        return Some("it holds a \\ or a :");
    }
    text.split('/').find_map(|part| match part {
        "" => Some("a part of it is empty"),
        "." => Some("a part of it is ."),
        ".." => Some("a part of it is .."),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_paths_that_lead_down_are_taken() {
        for good in ["a", "a/b.rs", "..a", "a/...", "ä/ö", "a b", "a\\b", "-", "~"] {
            assert_eq!(WorkspacePath::parse(good).unwrap().as_str(), good);
        }
        for bad in
            ["", "/", "/etc/passwd", "..", "a/..", "../a", "a//b", "a/", "./a", "a/./b", "a\0"]
        {
            let error = WorkspacePath::parse(bad).unwrap_err();
            assert_eq!(error.code(), oriel_wire::gateway::ErrorCode::PathRefused, "{bad:?}");
        }
        let long = WorkspacePath::parse(&"ä".repeat(4000)).unwrap_err().to_string();
        assert!(long.len() < 400, "{long}");
    }

    #[test]
    fn what_agents_name_is_found_where_it_lies_in_the_workspace() {
        let within = |path: &str| {
            WorkspacePath::within(Path::new("/w/p"), Path::new(path)).map(|path| path.0)
        };
        assert_eq!(within("/w/p/a/b.rs").as_deref(), Some("a/b.rs"));
        assert_eq!(within("a/./b/../c").as_deref(), Some("a/c"));
        assert_eq!(within("/w/p/../p/a"), None, "it is not asked where it leads");
        for outside in ["/w/p", "/w/q/a", "/w", "../a", "a/../../b", "", "."] {
            assert_eq!(within(outside), None, "{outside}");
        }
    }

    proptest! {
        #[test]
        fn no_path_that_is_taken_can_lead_up(text in "[a./\0ä]{0,12}") {
            if let Ok(path) = WorkspacePath::parse(&text) {
                let parts: Vec<_> = Path::new(path.as_str()).components().collect();
                prop_assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(parts.len(), text.split('/').count());
                prop_assert_eq!(WorkspacePath::within(Path::new("/w"), Path::new(&text)), Some(path));
            }
        }
    }
}
