//! The git branch of a project, read from its `.git` without starting a program.
//!
//! A project's name comes from a sender. So it is one component of a path below the configured
//! folder, and what is read is the one line of `HEAD`.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How long an answer, or that there is none, is good for.
const FRESH_MS: i64 = 10_000;

/// Answers for more projects than this are forgotten all at once.
const REMEMBERED_MAX: usize = 1024;

/// The longest `HEAD` or `.git` file that is read.
const FILE_BYTES_MAX: u64 = 4096;

/// Branches of the projects in one folder.
pub(crate) struct Branches {
    folder: PathBuf,
    known: Mutex<HashMap<String, (i64, Option<String>)>>,
}

impl Branches {
    /// Looks below this folder.
    pub(crate) fn below(folder: PathBuf) -> Self {
        Self { folder, known: Mutex::default() }
    }

    /// Returns the branch that a project is on, as of at most ten seconds before `now_ms`.
    pub(crate) fn of(&self, project: &str, now_ms: i64) -> Option<String> {
        let known = |table: &HashMap<String, (i64, Option<String>)>| {
            let (at, branch) = table.get(project)?;
            (now_ms.abs_diff(*at) < FRESH_MS as u64).then(|| branch.clone())
        };
        if let Some(branch) = known(&self.known.lock().unwrap_or_else(PoisonError::into_inner)) {
            return branch;
        }
        let branch = self.read(project);
        let mut table = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= REMEMBERED_MAX {
            table.clear();
        }
        table.insert(project.to_owned(), (now_ms, branch.clone()));
        branch
    }

    fn read(&self, project: &str) -> Option<String> {
        let mut parts = Path::new(project).components();
        let (Some(Component::Normal(name)), None) = (parts.next(), parts.next()) else {
            return None;
        };
        if name != project {
            return None;
        }
        let head = first_line(&git_folder(&self.folder.join(name))?.join("HEAD"))?;
        // A detached head is on no branch.
        head.strip_prefix("ref: refs/heads/").map(str::to_owned).filter(|name| !name.is_empty())
    }
}

/// Returns the folder where a work tree keeps its `HEAD`.
fn git_folder(project: &Path) -> Option<PathBuf> {
    let git = project.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    // A linked work tree has a file that names its folder.
    let named = first_line(&git)?;
    Some(project.join(named.strip_prefix("gitdir: ")?))
}

fn first_line(path: &Path) -> Option<String> {
    // A pipe or a device would keep us waiting.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    fs::File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text.lines().next()?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branch_is_what_head_names() {
        let folder = tempfile::tempdir().unwrap();
        head(folder.path(), "oriel", "ref: refs/heads/feature/x\n");
        head(folder.path(), "detached", "0123456789abcdef\n");
        let branches = Branches::below(folder.path().to_owned());
        assert_eq!(branches.of("oriel", 0).as_deref(), Some("feature/x"));
        assert_eq!(branches.of("detached", 0), None);
        assert_eq!(branches.of("absent", 0), None);
    }

    #[test]
    fn a_linked_work_tree_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        head(folder.path(), "main", "ref: refs/heads/main\n");
        fs::create_dir(folder.path().join("tree")).unwrap();
        fs::write(folder.path().join("tree/.git"), "gitdir: ../main/.git\n").unwrap();
        let branches = Branches::below(folder.path().to_owned());
        assert_eq!(branches.of("tree", 0).as_deref(), Some("main"));
    }

    #[test]
    fn a_project_is_one_name_below_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        head(outer.path(), "secret", "ref: refs/heads/leak\n");
        head(outer.path(), "projects/inner", "ref: refs/heads/leak\n");
        fs::create_dir_all(outer.path().join("projects")).unwrap();
        let branches = Branches::below(outer.path().join("projects"));
        for name in ["../secret", "..", ".", "", "/", "inner/", "inner/..", "./inner"] {
            assert_eq!(branches.of(name, 0), None, "{name}");
        }
        let absolute = outer.path().join("secret");
        assert_eq!(branches.of(absolute.to_str().unwrap(), 0), None);
    }

    #[test]
    fn a_switch_of_branches_is_seen_when_the_answer_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        head(folder.path(), "p", "ref: refs/heads/a\n");
        let branches = Branches::below(folder.path().to_owned());
        assert_eq!(branches.of("p", 0).as_deref(), Some("a"));
        head(folder.path(), "p", "ref: refs/heads/b\n");
        assert_eq!(branches.of("p", FRESH_MS - 1).as_deref(), Some("a"));
        assert_eq!(branches.of("p", FRESH_MS).as_deref(), Some("b"));
    }

    fn head(folder: &Path, project: &str, line: &str) {
        let git = folder.join(project).join(".git");
        fs::create_dir_all(&git).unwrap();
        fs::write(git.join("HEAD"), line).unwrap();
    }
}
