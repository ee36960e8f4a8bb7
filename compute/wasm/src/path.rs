//! Where a script's path leads. The attached workspace is a script's `/`, and there is nothing above it.

use std::path::{Component, Path};

/// Returns the path as messages have it: relative to the workspace, in `/`, and without `.` and `..`.
/// Above the workspace there is the workspace, as above `/` there is `/`. A path that no text can say
/// is none.
pub(crate) fn within(path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => {
                parts.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_the_workspace() {
        for (path, told) in [
            ("/", ""),
            (".", ""),
            ("a.bin", "a.bin"),
            ("/data/./a.bin", "data/a.bin"),
            ("data//a.bin/", "data/a.bin"),
            ("/data/../a.bin", "a.bin"),
            ("/../../a.bin", "a.bin"),
        ] {
            assert_eq!(within(Path::new(path)).as_deref(), Some(told), "{path}");
        }
    }
}
