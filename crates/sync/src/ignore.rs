//! What is left out of both trees.
//!
//! Some names are left out whatever anyone writes: repositories' own folders and sync's. Then ignore files
//! decide, `.orielignore` before `.gitignore`, the nearest first; and last the built-in rules, which any
//! ignore file may take back. As in Git, nothing in a folder that is left out can be kept.
//!
//! Both sides decide by the same rules, and hold what comes from the other against them: an ignore file
//! that the other side sent opens no repository. Nothing here reads a file or walks a tree.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use oriel_wire::sync::{Digest, OWN_FOLDER, RelPath, same_somewhere};

use crate::digest::{Digester, digest_of};

/// The name of our own ignore files.
pub const OUR_FILE: &str = ".orielignore";

/// The name of Git's ignore files.
pub const GIT_FILE: &str = ".gitignore";

/// What no rule takes back, in any case that some file system takes for the same. A repository that is
/// copied file by file is a broken one, and one whose hooks another side can write is worse.
pub const NEVER: [&str; 4] = [OWN_FOLDER, ".git", ".hg", ".svn"];

/// How NTFS calls `.git` as well.
const SHORT_NAME: &str = "git~1";

/// What is left out as long as no ignore file takes it back: what is built or fetched, what editors leave
/// for a moment, what systems leave in every folder.
pub const BUILT_IN: [&str; 11] = [
    "node_modules",
    "target/",
    ".venv",
    "__pycache__",
    ".DS_Store",
    "*.swp",
    "*~",
    ".#*",
    "4913",
    "*.tmp",
    ".goutputstream-*",
];

/// The longest ignore file. What is in a longer one is not read, and told.
pub const FILE_BYTES_MAX: usize = 256 * 1024;

/// The most rules of one ignore file. Those after them are not read, and that is told.
pub const FILE_RULES_MAX: usize = 2000;

/// The most ignore files. Those beyond them are not read, and that is told.
pub const FILES_MAX: usize = 2000;

/// The most rules of all ignore files of a name. A file with which there would be more is not read, and that
/// is told.
pub const RULES_MAX: usize = 20_000;

/// What is left out of a tree.
#[derive(Debug, Clone)]
pub struct Rules {
    built_in: Gitignore,
    uses_gitignore: bool,
    /// By the folder; the root has no path. Our own files, then Git's.
    files: [BTreeMap<Option<RelPath>, File>; 2],
}

#[derive(Debug, Clone)]
struct File {
    matcher: Gitignore,
    rules: usize,
    digest: Digest,
}

/// Why something is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is never synced.
    Never,
    /// By a built-in rule.
    BuiltIn {
        /// The rule.
        rule: String,
    },
    /// By an ignore file.
    File {
        /// The file.
        file: RelPath,
        /// The rule, as it stands there.
        rule: String,
    },
}

/// Part of an ignore file is not heeded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is no ignore file.
    #[error("`{0}` is no ignore file; they are called `.orielignore` and `.gitignore`")]
    NoIgnoreFile(RelPath),
    /// A rule cannot be read.
    #[error("line {line} of `{file}` is no rule: {problem}")]
    Rule {
        /// The file.
        file: RelPath,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// It is no text, or too long.
    #[error("`{file}` is not heeded: {problem}")]
    File {
        /// The file.
        file: RelPath,
        /// What is wrong with it.
        problem: String,
    },
}

impl Rules {
    /// Returns the built-in rules. `.gitignore` files are heeded where `uses_gitignore` says so.
    #[must_use]
    pub fn new(uses_gitignore: bool) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for rule in BUILT_IN {
            builder.add_line(None, rule).expect("the built-in rules are rules");
        }
        let built_in = builder.build().expect("the built-in rules go together");
        Self { built_in, uses_gitignore, files: [BTreeMap::new(), BTreeMap::new()] }
    }

    /// Returns whether what is at this path says what is left out.
    #[must_use]
    pub fn is_ignore_file(&self, path: &RelPath) -> bool {
        self.place(path).is_some()
    }

    /// Takes what an ignore file says, or that it is gone. Returns all that is wrong with it; the rest of
    /// it counts.
    pub fn set(&mut self, path: &RelPath, content: Option<&[u8]>) -> Vec<RuleError> {
        let Some(place) = self.place(path) else {
            return vec![RuleError::NoIgnoreFile(path.clone())];
        };
        let files = &mut self.files[place];
        // Whatever comes of the new content, the old one counts no longer.
        files.remove(&path.parent());
        let Some(content) = content else { return Vec::new() };
        if FILES_MAX <= files.len() {
            let problem = format!("there are more than {FILES_MAX} ignore files");
            return vec![RuleError::File { file: path.clone(), problem }];
        }
        let (matcher, errors) = match read(path, content) {
            Ok(read) => read,
            Err(error) => return vec![error],
        };
        let rules = matcher.len();
        if RULES_MAX < rules + files.values().map(|file| file.rules).sum::<usize>() {
            let problem = format!("with it there are more than {RULES_MAX} rules");
            return vec![RuleError::File { file: path.clone(), problem }];
        }
        files.insert(path.parent(), File { matcher, rules, digest: digest_of(content) });
        errors
    }

    /// Returns whether something is left out, by its own name or by that of a folder it is in.
    #[must_use]
    pub fn is_ignored(&self, path: &RelPath, is_folder: bool) -> bool {
        self.why(path, is_folder).is_some()
    }

    /// Returns why something is left out, if it is.
    #[must_use]
    pub fn why(&self, path: &RelPath, is_folder: bool) -> Option<Why> {
        let mut above: Vec<_> = path.ancestors().collect();
        above.reverse();
        let above = above.iter().find_map(|folder| self.why_itself(folder, true));
        above.or_else(|| self.why_itself(path, is_folder))
    }

    /// Returns why something is left out, if it is, where the folders it is in are known to be kept: for
    /// who walks a tree from the top and never enters what is left out.
    #[must_use]
    pub fn why_itself(&self, path: &RelPath, is_folder: bool) -> Option<Why> {
        if is_never(path.name_str()) {
            return Some(Why::Never);
        }
        for (place, name) in [OUR_FILE, GIT_FILE].into_iter().enumerate() {
            let files = &self.files[place];
            if files.is_empty() {
                continue;
            }
            let folders = path.ancestors().map(Some).chain([None]);
            for folder in folders {
                let Some(file) = files.get(&folder) else { continue };
                let beneath = beneath(path, folder.as_ref());
                match file.matcher.matched(beneath, is_folder) {
                    ignore::Match::None => {}
                    ignore::Match::Whitelist(_) => return None,
                    ignore::Match::Ignore(glob) => {
                        let file = folder
                            .map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
                        let file = RelPath::parse(&file).ok()?;
                        return Some(Why::File { file, rule: glob.original().to_owned() });
                    }
                }
            }
        }
        match self.built_in.matched(path.as_str(), is_folder) {
            ignore::Match::Ignore(glob) => Some(Why::BuiltIn { rule: glob.original().to_owned() }),
            _ => None,
        }
    }

    /// Returns what changes whenever another path may be left out than before.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new();
        let mut add = |bytes: &[u8]| {
            digester.update(&(bytes.len() as u64).to_le_bytes());
            digester.update(bytes);
        };
        add(b"oriel ignore rules 1");
        NEVER.iter().chain(&BUILT_IN).for_each(|rule| add(rule.as_bytes()));
        add(&[u8::from(self.uses_gitignore)]);
        for files in &self.files {
            add(&(files.len() as u64).to_le_bytes());
            for (folder, file) in files {
                add(folder.as_ref().map_or(b"", |folder| folder.as_str().as_bytes()));
                add(&file.digest.0);
            }
        }
        digester.finish()
    }

    /// Which files this is one of.
    fn place(&self, path: &RelPath) -> Option<usize> {
        match path.name_str() {
            OUR_FILE => Some(0),
            GIT_FILE if self.uses_gitignore => Some(1),
            _ => None,
        }
    }
}

fn is_never(name: &str) -> bool {
    NEVER.iter().any(|never| same_somewhere(name, never)) || same_somewhere(name, SHORT_NAME)
}

fn beneath<'a>(path: &'a RelPath, folder: Option<&RelPath>) -> &'a str {
    folder.map_or(path.as_str(), |folder| &path.as_str()[folder.as_str().len() + 1..])
}

/// Reads an ignore file, and all that is wrong with its rules.
fn read(path: &RelPath, content: &[u8]) -> Result<(Gitignore, Vec<RuleError>), RuleError> {
    let refused = |problem| RuleError::File { file: path.clone(), problem };
    if FILE_BYTES_MAX < content.len() {
        return Err(refused(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(content).map_err(|_| refused("it is no text".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = GitignoreBuilder::new("");
    let (mut rules, mut errors) = (0, Vec::new());
    let error = |line, problem| RuleError::Rule { file: path.clone(), line, problem };
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if rules == FILE_RULES_MAX {
            errors.push(error(index + 1, format!("only {FILE_RULES_MAX} rules of a file count")));
            break;
        }
        rules += 1;
        if let Err(problem) = builder.add_line(None, line) {
            errors.push(error(index + 1, problem.to_string()));
        }
    }
    let matcher = builder.build().map_err(|problem| refused(problem.to_string()))?;
    Ok((matcher, errors))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_built_fetched_or_an_editors_own_is_left_out() {
        let rules = Rules::new(false);
        for path in [
            "node_modules/",
            "a/node_modules/b/c",
            "target/",
            "target/debug/x",
            "a/.venv/",
            "x.swp",
            "a/b~",
            ".#lock",
            "4913",
            "a/x.tmp",
            ".goutputstream-AB12",
            "a/.DS_Store",
            "a/__pycache__/x.pyc",
        ] {
            assert!(ignored(&rules, path), "{path}");
        }
        for path in [
            "a",
            "src/main.rs",
            "target",
            "targets/",
            "49130",
            "x.tmpl",
            ".gitignore",
            ".orielignore",
            ".github/x",
        ] {
            assert!(!ignored(&rules, path), "{path}");
        }
    }

    #[test]
    fn a_repository_is_left_out_whatever_is_written() {
        let mut rules = Rules::new(true);
        assert!(set(&mut rules, ".orielignore", "!.git\n!.git/**\n!*\n!**\n").is_empty());
        for path in [
            ".git/",
            ".git",
            "a/.git/hooks/x",
            ".GIT/config",
            "a/.Hg/",
            ".svn/x",
            "git~1/x",
            ".gi\u{200c}t/x",
            ".git./x",
            ".git::$INDEX_ALLOCATION/x",
        ] {
            assert_eq!(rules.why(&named(path).0, named(path).1), Some(Why::Never), "{path}");
        }
        assert!(!ignored(&rules, "node_modules/x"), "a built-in rule is taken back");
    }

    #[test]
    fn the_nearest_ignore_file_decides_and_ours_before_gits() {
        let mut rules = Rules::new(true);
        set(&mut rules, ".gitignore", "*.log\n/out\nbuild/\n");
        set(&mut rules, "a/.gitignore", "!keep.log\n/only\n");
        check(
            &rules,
            &["x.log", "b/x.log", "a/x.log", "out/", "build/x", "c/build/x", "a/only"],
            true,
        );
        check(&rules, &["a/keep.log", "a/b/keep.log", "b/out", "build", "only", "a/b/only"], false);
        set(&mut rules, ".orielignore", "!x.log\nkeep.log\n");
        check(&rules, &["a/keep.log", "y.log"], true);
        check(&rules, &["x.log", "a/x.log"], false);
        let why = Why::File { file: named("a/.gitignore").0, rule: "/only".to_owned() };
        assert_eq!(rules.why(&named("a/only").0, false), Some(why));
    }

    #[test]
    fn nothing_in_a_folder_that_is_left_out_can_be_kept() {
        let mut rules = Rules::new(false);
        set(&mut rules, ".orielignore", "gone/\n!gone/kept\nsome/*\n!some/kept\n");
        set(&mut rules, "gone/.orielignore", "!*\n");
        check(&rules, &["gone/", "gone/kept", "gone/a/b", "some/x"], true);
        check(&rules, &["some/", "some/kept", "some/kept/x"], false);
    }

    #[test]
    fn gits_files_count_where_that_is_asked_for_only() {
        let mut rules = Rules::new(false);
        assert!(!rules.is_ignore_file(&named(".gitignore").0));
        assert_eq!(set(&mut rules, ".gitignore", "*\n").len(), 1);
        check(&rules, &["a"], false);
    }

    #[test]
    fn a_file_that_is_wrong_is_told_and_the_rest_of_it_counts() {
        let mut rules = Rules::new(false);
        let errors = set(&mut rules, ".orielignore", "# rules\n\na{b\n*.x\n");
        assert!(matches!(errors.as_slice(), [RuleError::Rule { line: 3, .. }]), "{errors:?}");
        check(&rules, &["1.x"], true);
        let many = "a\n".repeat(FILE_RULES_MAX + 1);
        assert!(set(&mut rules, ".orielignore", &many)[0].to_string().contains("line 2001"));
        check(&rules, &["1.x"], false);
        let path = named(".orielignore").0;
        assert_eq!(rules.set(&path, Some(b"\xff")).len(), 1);
        assert_eq!(rules.set(&path, Some(&vec![b'\n'; FILE_BYTES_MAX + 1])).len(), 1);
        check(&rules, &["a"], false);
        assert!(set(&mut rules, ".orielignore", "\u{feff}first\r\nsecond \n").is_empty());
        check(&rules, &["first", "second"], true);
    }

    #[test]
    fn no_more_rules_count_than_can_be_asked_for_each_path() {
        let mut rules = Rules::new(false);
        let many = "a\n".repeat(FILE_RULES_MAX);
        let full = RULES_MAX / FILE_RULES_MAX;
        for folder in 0..full {
            assert!(set(&mut rules, &format!("{folder}/.orielignore"), &many).is_empty());
        }
        assert_eq!(set(&mut rules, "b/.orielignore", "x\n").len(), 1);
        check(&rules, &["b/x"], false);
        rules.set(&named("0/.orielignore").0, None);
        assert!(set(&mut rules, "b/.orielignore", "x\n").is_empty());
        check(&rules, &["b/x"], true);
    }

    #[test]
    fn the_digest_tells_of_other_rules() {
        let mut rules = Rules::new(false);
        let mut seen = vec![rules.digest(), Rules::new(true).digest()];
        for (path, text) in
            [(".orielignore", "a\n"), (".orielignore", "b\n"), ("a/.orielignore", "b\n")]
        {
            set(&mut rules, path, text);
            seen.push(rules.digest());
        }
        rules.set(&named(".orielignore").0, None);
        seen.push(rules.digest());
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
        rules.set(&named("a/.orielignore").0, None);
        assert_eq!(rules.digest(), Rules::new(false).digest());
    }

    proptest! {
        #[test]
        fn no_rules_let_sync_see_its_own_folder_or_a_repository(
            text in "([!/]?[a.*?gito/{}\\[\\]~-]{1,8}\n){0,6}", below in "[a-c]{0,2}(/[a-c]{1,2}){0,2}",
        ) {
            let mut rules = Rules::new(true);
            for file in [".orielignore", "a/.orielignore", ".gitignore", ".git/.orielignore"] {
                set(&mut rules, file, &text);
            }
            for name in NEVER {
                for path in [format!("a/{name}"), format!("{name}/{below}"), format!("a/b/{name}/{below}")] {
                    // Nobody has a path into sync's own folder at the root.
                    if let Ok(path) = RelPath::parse(path.trim_end_matches('/')) {
                        prop_assert!(rules.is_ignored(&path, true) && rules.is_ignored(&path, false));
                    }
                }
            }
        }
    }

    /// A path that ends with `/` is a folder.
    fn named(text: &str) -> (RelPath, bool) {
        (RelPath::parse(text.trim_end_matches('/')).unwrap(), text.ends_with('/'))
    }

    fn ignored(rules: &Rules, text: &str) -> bool {
        let (path, is_folder) = named(text);
        rules.is_ignored(&path, is_folder)
    }

    fn check(rules: &Rules, paths: &[&str], wanted: bool) {
        for path in paths {
            assert_eq!(ignored(rules, path), wanted, "{path}");
        }
    }

    fn set(rules: &mut Rules, path: &str, text: &str) -> Vec<RuleError> {
        rules.set(&named(path).0, Some(text.as_bytes()))
    }
}
