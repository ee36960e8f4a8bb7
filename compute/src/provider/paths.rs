//! From a path as a script says it to a path in the workspace.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Where the workspace lies.
#[derive(Debug)]
pub(super) struct Paths {
    root: PathBuf,
}

impl Paths {
    /// The workspace lies at an absolute path.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns where the workspace lies.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a path in the workspace, as `oriel_hostfs` wants it. What is relative begins at the
    /// workspace itself.
    pub(super) fn of(&self, path: &Path) -> io::Result<String> {
        let mut straight = PathBuf::new();
        for part in self.root.join(path).components() {
            match part {
                Component::ParentDir => _ = straight.pop(),
                Component::CurDir => {}
                part => straight.push(part),
            }
        }
        let inside = straight.strip_prefix(&self.root).map_err(|_| outside(path))?;
        let text = inside.to_str().filter(|text| !text.contains('\0')).ok_or_else(|| {
            let why = format!("{} is no name that can be said", path.display());
            io::Error::new(io::ErrorKind::InvalidFilename, why)
        })?;
        Ok(text.to_owned())
    }
}

fn outside(path: &Path) -> io::Error {
    let why = format!(
        "{} lies outside of the workspace, and a script reaches nothing there",
        path.display()
    );
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        let paths = Paths::new("/home/me/runs".into());
        assert_eq!(paths.of(Path::new(path)).ok().as_deref(), expected, "{path:?}");
    }

    #[test]
    fn only_what_lies_in_the_workspace_has_a_path_in_it() {
        check("", Some(""));
        check("a.csv", Some("a.csv"));
        check("./a//b/../c", Some("a/c"));
        check("/home/me/runs", Some(""));
        check("/home/me/runs/läufe/a", Some("läufe/a"));
        check("/home/me/runs/../runs/a", Some("a"));
        check("/home/me/x/../runs/a", Some("a"));
        check("..", None);
        check("../runs2/a", None);
        check("a/../../b", None);
        check("/home/me/runs2", None);
        check("/etc/passwd", None);
        check("/../../etc/passwd", None);
        check("a\0b", None);
    }
}
