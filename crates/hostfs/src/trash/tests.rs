//! What goes to the trash can be had back, and nothing else is touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use oriel_wire::hostfs::{Code, WorkspaceAccess};

use crate::grants::{Grant, Grants};
use crate::root::Root;

#[test]
fn a_thing_goes_to_the_users_trash_as_a_whole_and_says_where_it_was() {
    let bench = Bench::new();
    let root = bench.root();
    for number in 0..3 {
        fs::create_dir_all(bench.work("a b/.git")).unwrap();
        fs::write(bench.work("a b/.git/f"), number.to_string()).unwrap();
        root.remove("a b", false, true).unwrap();
        assert!(!bench.work("a b").exists());
    }
    for (number, name) in ["a b", "a b.2", "a b.3"].into_iter().enumerate() {
        let file = bench.trash().join("files").join(name).join(".git/f");
        assert_eq!(fs::read_to_string(file).unwrap(), number.to_string());
        let info = bench.trash().join("info").join(format!("{name}.trashinfo"));
        let info = fs::read_to_string(info).unwrap();
        let mut lines = info.lines();
        assert_eq!(lines.next(), Some("[Trash Info]"));
        let path = lines.next().unwrap().strip_prefix("Path=").unwrap();
        assert_eq!(path.replace("%20", " "), bench.work("a b").to_str().unwrap());
        let date = lines.next().unwrap().strip_prefix("DeletionDate=").unwrap();
        assert_eq!(date.len(), "2026-02-03T10:00:00".len());
    }
    let mode = fs::metadata(bench.trash().join("files")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_link_goes_and_what_it_leads_to_stays() {
    let bench = Bench::new();
    let outside = bench.0.path().join("outside");
    fs::write(&outside, "o").unwrap();
    symlink(&outside, bench.work("link")).unwrap();
    bench.root().remove("link", false, true).unwrap();
    assert!(fs::symlink_metadata(bench.work("link")).is_err());
    assert_eq!(fs::read_to_string(outside).unwrap(), "o");
}

#[test]
fn what_is_kept_from_pages_does_not_go_there_either() {
    let bench = Bench::new();
    fs::write(bench.work(".env"), "").unwrap();
    let error = bench.root().remove(".env", false, true).unwrap_err();
    assert_eq!(error.code, Code::Denied);
    assert!(!bench.trash().exists());
}

#[test]
fn a_trash_that_is_a_link_or_open_to_others_is_not_used() {
    let bench = Bench::new();
    let outside = bench.0.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::create_dir_all(bench.trash().parent().unwrap()).unwrap();
    symlink(&outside, bench.trash()).unwrap();
    assert!(super::own(&bench.trash(), device(&outside)).is_none());
    fs::remove_file(bench.trash()).unwrap();
    fs::create_dir(bench.trash()).unwrap();
    fs::set_permissions(bench.trash(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(super::own(&bench.trash(), device(&outside)).is_none());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

fn device(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::dev(&fs::metadata(path).unwrap())
}

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        fs::create_dir(bench.work("")).unwrap();
        bench
    }

    fn work(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join("work").join(name)
    }

    fn trash(&self) -> PathBuf {
        self.0.path().join("share/Trash")
    }

    fn root(&self) -> Root {
        let work = self.work("").canonicalize().unwrap();
        let grant = Grant::new("g", "page", work, WorkspaceAccess::ReadWrite);
        let grants = Grants::fixed(vec![grant]).trash(Some(self.trash()));
        Root::open(&grants.of("page")[0]).unwrap()
    }
}
