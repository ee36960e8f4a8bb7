//! A look at every file of a workspace, but for those that tools make and keep for themselves.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use cap_std::fs::Dir;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::look::{Look, Looks};
use super::path::WorkspacePath;
use super::workspace::{Workspace, joined};

/// In a workspace with more files than this, only those are looked at that the agent names.
pub(super) const FILES_MAX: usize = 50_000;

/// And so in one with more folders than this.
const FOLDERS_MAX: usize = 20_000;

/// Deeper folders are not looked into.
const DEPTH_MAX: usize = 64;

/// A longer list of what to ignore is not read.
const IGNORE_BYTES_MAX: u64 = 64 * 1024;

/// Folders, and files in their place, that are made by tools and can be made again: what version
/// control keeps, what package managers fetch and what compilers write.
const IGNORED: [&str; 17] = [
    oriel_wire::sync::OWN_FOLDER,
    ".git",
    ".hg",
    ".svn",
    ".jj",
    "node_modules",
    "target",
    ".venv",
    "venv",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".gradle",
    ".next",
    ".DS_Store",
];

/// Where version control is told what it does not keep.
pub(super) const IGNORE_FILE: &str = ".gitignore";

/// What a look at a workspace found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The files; none where there are too many.
    pub(super) looks: Looks,
    /// Whether these are all that are not ignored.
    pub(super) is_whole: bool,
    /// What is ignored.
    pub(super) ignored: Ignored,
}

/// What is ignored, by the folder that says so.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeMap<String, Arc<Gitignore>>);

/// Looks at the files of a workspace. Links are not followed, so nothing is met twice.
///
/// # Errors
/// Where the workspace itself cannot be read.
pub(super) fn scan(workspace: &Workspace, files_max: usize) -> io::Result<Scan> {
    let scan = Scan { is_whole: true, ..Scan::default() };
    let mut walk = Walk { workspace, scan, files_max, folders: 0 };
    walk.folder(workspace.dir(), "", &mut Vec::new())?;
    if !walk.scan.is_whole {
        walk.scan.looks.clear();
    }
    Ok(walk.scan)
}

impl Ignored {
    /// Returns whether a file is ignored, by itself or with a folder that it lies in.
    pub(super) fn covers(&self, path: &WorkspacePath) -> bool {
        let path = path.as_str();
        let mut rules = Vec::new();
        let mut from = 0;
        loop {
            if let Some(more) = self.0.get(path[..from].trim_end_matches('/')) {
                rules.push((from, Arc::clone(more)));
            }
            let end = path[from..].find('/').map(|at| from + at);
            let upto = end.unwrap_or(path.len());
            if is_ignored(&path[..upto], &path[from..upto], end.is_some(), &rules) {
                return true;
            }
            match end {
                Some(end) => from = end + 1,
                None => return false,
            }
        }
    }
}

/// The rules that hold in a folder: where the path begins that each speaks of, and what it says.
type Rules = Vec<(usize, Arc<Gitignore>)>;

struct Walk<'a> {
    workspace: &'a Workspace,
    scan: Scan,
    files_max: usize,
    folders: usize,
}

impl Walk<'_> {
    fn folder(&mut self, dir: &Dir, path: &str, rules: &mut Rules) -> io::Result<()> {
        self.folders += 1;
        if self.folders > FOLDERS_MAX {
            self.scan.is_whole = false;
            return Ok(());
        }
        let known = rules.len();
        if let Some(more) = read_rules(dir) {
            let more = Arc::new(more);
            self.scan.ignored.0.insert(path.to_owned(), Arc::clone(&more));
            rules.push((if path.is_empty() { 0 } else { path.len() + 1 }, more));
        }
        let walked = self.entries(dir, path, rules);
        rules.truncate(known);
        walked
    }

    fn entries(&mut self, dir: &Dir, path: &str, rules: &mut Rules) -> io::Result<()> {
        let mut folders = Vec::new();
        for entry in dir.entries()? {
            // What vanishes while it is looked at is gone.
            let Ok(entry) = entry else { continue };
            let name = entry.file_name();
            // Clients cannot ask for a name that is no text, so nothing is told of it.
            let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else { continue };
            let is_folder = kind.is_dir();
            if !is_folder && !kind.is_file() {
                continue;
            }
            let below = joined(path, name);
            if is_ignored(&below, name, is_folder, rules) || self.workspace.hides(&below) {
                continue;
            }
            if is_folder {
                folders.push((below, name.to_owned()));
                continue;
            }
            if let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                self.scan.looks.insert(below, Look::of(&metadata));
            }
            if self.scan.looks.len() > self.files_max {
                self.scan.is_whole = false;
            }
            if !self.scan.is_whole {
                return Ok(());
            }
        }
        for (below, name) in folders {
            if rules_depth(&below) > DEPTH_MAX || !self.scan.is_whole {
                continue;
            }
            // A folder that is closed to us is one that is not looked into.
            if let Ok(dir) = dir.open_dir(&name) {
                let _ = self.folder(&dir, &below, rules);
            }
        }
        Ok(())
    }
}

fn rules_depth(path: &str) -> usize {
    path.split('/').count()
}

fn is_ignored(path: &str, name: &str, is_folder: bool, rules: &[(usize, Arc<Gitignore>)]) -> bool {
    if IGNORED.contains(&name) {
        return true;
    }
    // The rules nearest to a file have the last word.
    for (from, rules) in rules.iter().rev() {
        match rules.matched(&path[*from..], is_folder) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => {}
        }
    }
    false
}

fn read_rules(dir: &Dir) -> Option<Gitignore> {
    let metadata = dir.symlink_metadata(IGNORE_FILE).ok()?;
    if !metadata.is_file() {
        return None;
    }
    let mut text = String::new();
    // A list that cannot be read says nothing, and then more is looked at.
    dir.open(IGNORE_FILE).ok()?.take(IGNORE_BYTES_MAX).read_to_string(&mut text).ok()?;
    let mut rules = GitignoreBuilder::new("");
    for line in text.lines() {
        // A line that is no rule is passed over, as version control does.
        let _ = rules.add_line(None, line);
    }
    rules.build().ok().filter(|rules| !rules.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_tools_make_for_themselves_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for path in [
            "src/a.rs",
            ".git/config",
            "x/node_modules/y/z.js",
            "target/debug/a",
            "out/kept",
            "out/b",
            "x/c.log",
            "x/d.txt",
            "deep/out/e",
            "x/out",
            "deep/f.log",
        ] {
            write(path, "1");
        }
        write(".gitignore", "/out/*\n!/out/kept\n*.log\n");
        write("deep/.gitignore", "!f.log\nout/\n");
        let workspace = Workspace::open(folder.path()).unwrap();
        let found = scan(&workspace, 100).unwrap();
        let paths: Vec<_> = found.looks.keys().map(String::as_str).collect();
        let expected = [
            ".gitignore",
            "deep/.gitignore",
            "deep/f.log",
            "out/kept",
            "src/a.rs",
            "x/d.txt",
            "x/out",
        ];
        assert_eq!(paths, expected);
        assert!(found.is_whole);
        for (path, is_ignored) in [
            ("src/a.rs", false),
            ("src/new.rs", false),
            ("src/new.log", true),
            ("out/kept", false),
            ("out/b", true),
            ("deep/f.log", false),
            ("deep/out/e", true),
            ("a/.git/config", true),
        ] {
            let covered = found.ignored.covers(&WorkspacePath::parse(path).unwrap());
            assert_eq!(covered, is_ignored, "{path}");
        }
    }

    #[test]
    fn of_too_many_files_none_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        for nth in 0..5 {
            fs::create_dir(folder.path().join(format!("{nth}"))).unwrap();
            fs::write(folder.path().join(format!("{nth}/f")), "").unwrap();
        }
        let workspace = Workspace::open(folder.path()).unwrap();
        assert!(scan(&workspace, 5).unwrap().is_whole);
        let found = scan(&workspace, 4).unwrap();
        assert!(!found.is_whole && found.looks.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_are_no_files_and_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("up")).unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("round")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("file")).unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        assert!(scan(&workspace, 100).unwrap().looks.is_empty());
    }
}
