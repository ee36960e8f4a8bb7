//! Where the program is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The program's name.
pub const PROGRAM: &str = "oriel-compute";

/// Finds the program: the one that is named, else the one beside the program that runs, else the first on
/// the path. A name that leads to nothing is no reason to take another.
#[must_use]
pub fn find(named: Option<&Path>, running: Option<&Path>, path: Option<&OsStr>) -> Option<PathBuf> {
    if let Some(named) = named {
        return Some(named.to_owned()).filter(|program| program.is_file());
    }
    let beside = running.and_then(Path::parent).map(Path::to_owned);
    let folders = beside.into_iter().chain(path.into_iter().flat_map(std::env::split_paths));
    folders
        // A program that lies where somebody happens to stand is not started.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_first_then_the_neighbour_then_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = folder.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join(PROGRAM), "").unwrap();
            folder
        };
        let (beside, on_path) = (make("beside"), make("path"));
        let running = beside.join("oriel");
        let path = on_path.as_os_str();
        let named = on_path.join(PROGRAM);
        let none = folder.path().join("none");
        assert_eq!(find(Some(&named), Some(&running), None), Some(named));
        assert_eq!(find(Some(&none), Some(&running), Some(path)), None);
        assert_eq!(find(None, Some(&running), Some(path)), Some(beside.join(PROGRAM)));
        assert_eq!(find(None, Some(&none), Some(path)), Some(on_path.join(PROGRAM)));
        assert_eq!(find(None, None, Some(OsStr::new("."))), None);
        assert_eq!(find(None, None, None), None);
    }
}
