//! Ignore files count wherever sync itself looks, and nowhere else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::op::OpId;
use crate::rules::left_out;
use crate::stat::Stat;
use crate::vfs::Named;

#[test]
fn what_ignore_files_say_is_left_out_by_both_engines() {
    let tree = Tree::of(&[
        (".orielignore", "*.log\n"),
        ("a/.orielignore", "!keep.log\nout/\n"),
        ("a/keep.log", ""),
    ]);
    let found = find(&tree, false).unwrap();
    assert!(found.errors.is_empty());
    let left_out = left_out(Arc::new(found.rules));
    for (text, is_folder, wanted) in [
        ("x.log", false, true),
        ("a/x.log", false, true),
        ("a/keep.log", false, false),
        ("a/out", true, true),
        ("a/out/x", false, true),
        ("a/out", false, false),
        (".git/config", false, true),
        ("node_modules/a/b", false, true),
        ("a/b", false, false),
    ] {
        assert_eq!(left_out.has(&path(text), is_folder), wanted, "{text}");
    }
}

#[test]
fn no_folder_is_entered_that_is_left_out() {
    let tree = Tree::of(&[
        (".orielignore", "gone/\n"),
        ("gone/.orielignore", "!*\n"),
        ("node_modules/deep/.orielignore", "!*\n"),
        (".git/.orielignore", "!*\n"),
        ("kept/inner/.orielignore", "x\n"),
    ]);
    find(&tree, false).unwrap();
    assert_eq!(*tree.listed.borrow(), ["", "kept", "kept/inner"]);
}

#[test]
fn other_ignore_files_have_another_digest_and_other_files_have_not() {
    let digest = |files: &[(&str, &str)]| find(&Tree::of(files), true).unwrap().digest();
    let first = digest(&[("a/.gitignore", "x\n"), ("b", "1")]);
    assert_eq!(digest(&[("a/.gitignore", "x\n"), ("b", "2"), ("c", "3")]), first);
    assert_ne!(digest(&[("a/.gitignore", "y\n")]), first);
    assert_ne!(digest(&[("b/.gitignore", "x\n")]), first);
    assert_eq!(digest(&[("target/.gitignore", "y\n"), ("a/.gitignore", "x\n")]), first);
}

#[test]
fn what_is_wrong_with_ignore_files_is_told_and_bounded() {
    let long = "x\n".repeat(FILE_BYTES_MAX);
    let tree = Tree::of(&[(".orielignore", &long), ("a/.orielignore", "a{b\n*.x\n")]);
    let found = find(&tree, false).unwrap();
    let texts: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
    assert!(
        matches!(&texts[..], [a, b] if a.contains("262144") && b.contains("line 1")),
        "{texts:?}"
    );
    assert!(found.rules.is_ignored(&path("a/1.x"), false));
    let many: Vec<_> = (0..300).map(|number| format!("{number}/.orielignore")).collect();
    let files: Vec<_> = many.iter().map(|text| (text.as_str(), "a{b\nc{d\n")).collect();
    assert_eq!(find(&Tree::of(&files), false).unwrap().errors.len(), ERRORS_MAX);
}

#[test]
fn a_folder_that_is_gone_has_no_rules() {
    let tree = Tree { is_gone: true, ..Tree::of(&[]) };
    assert!(matches!(find(&tree, false), Err(Fault::RootGone)));
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

/// Files in memory.
#[derive(Debug, Default)]
struct Tree {
    files: BTreeMap<String, Vec<u8>>,
    listed: RefCell<Vec<String>>,
    is_gone: bool,
}

impl Tree {
    fn of(files: &[(&str, &str)]) -> Self {
        let file = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec());
        Self { files: files.iter().map(file).collect(), ..Self::default() }
    }
}

impl Vfs for Tree {
    type File = String;

    fn check_root(&self) -> Result<(), Fault> {
        if self.is_gone { Err(Fault::RootGone) } else { Ok(()) }
    }

    fn list(&self, folder: Option<&RelPath>) -> Result<Vec<Named>, Fault> {
        let folder = folder.map_or("", RelPath::as_str);
        self.listed.borrow_mut().push(folder.to_owned());
        let mut names = BTreeMap::new();
        for file in self.files.keys() {
            let within = if folder.is_empty() {
                Some(file.as_str())
            } else {
                file.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
            };
            let Some(within) = within else { continue };
            match within.split_once('/') {
                Some((name, _)) => names.insert(name.to_owned(), Kind::Dir),
                None => names.insert(within.to_owned(), Kind::File),
            };
        }
        let named = names.into_iter().map(|(name, kind)| {
            let (dev, ino, size) = (1, 1, 0);
            let stat = Stat { kind, dev, ino, size, mtime_ns: 0, ctime_ns: 0, mode: 0 };
            Named { name: Some(name), stat }
        });
        Ok(named.collect())
    }

    fn open(&self, at: Place<'_>) -> Result<String, Fault> {
        match at {
            Place::Tree(path) => Ok(path.to_string()),
            _ => Err(Fault::Io),
        }
    }

    fn read(&self, file: &String, at: u64, buffer: &mut [u8]) -> Result<usize, Fault> {
        let bytes = self.files.get(file).ok_or(Fault::NotThere)?;
        let rest = &bytes[bytes.len().min(at as usize)..];
        let count = rest.len().min(buffer.len()).min(7000);
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn now_ns(&self) -> i64 {
        0
    }

    fn granularity_ns(&self) -> i64 {
        0
    }

    fn lstat(&self, _: Place<'_>) -> Result<Option<Stat>, Fault> {
        Err(Fault::Io)
    }

    fn fstat(&self, _: &String) -> Result<Stat, Fault> {
        Err(Fault::Io)
    }

    fn read_link(&self, _: Place<'_>) -> Result<Option<String>, Fault> {
        Err(Fault::Io)
    }

    fn watch(&self, _: Option<&RelPath>) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn create(&self, _: OpId, _: u32) -> Result<String, Fault> {
        Err(Fault::Io)
    }

    fn write(&self, _: &mut String, _: &[u8]) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn sync(&self, _: &String) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn make_link(&self, _: OpId, _: &str) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn make_dir(&self, _: Place<'_>) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn rename_new(&self, _: Place<'_>, _: Place<'_>) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn exchange(&self, _: Place<'_>, _: Place<'_>) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn remove_dir(&self, _: Place<'_>) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn discard(&self, _: OpId) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn sync_names(&self, _: Place<'_>) -> Result<(), Fault> {
        Err(Fault::Io)
    }
}
