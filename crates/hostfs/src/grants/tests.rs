//! What was granted is kept, what was taken back is gone at once, and nobody is granted too much.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oriel_wire::hostfs::{Code, WorkspaceAccess};

use super::{GRANTS_MAX, Grant, Grants};
use crate::root::Root;

const READ: WorkspaceAccess = WorkspaceAccess::Read;
const WRITE: WorkspaceAccess = WorkspaceAccess::ReadWrite;

#[test]
fn a_grant_is_kept_and_private_and_another_process_sees_it() {
    let bench = Bench::new();
    let (one, other) = (bench.grants(), bench.grants());
    let before = other.generation();
    let granted = one.add("workbench", &bench.folder("a"), READ, at(5)).unwrap();
    assert_eq!(other.of("workbench"), std::slice::from_ref(&granted));
    assert_eq!(other.of("else"), []);
    assert_ne!(other.generation(), before);
    assert_eq!(other.generation(), other.generation(), "it changes only with the grants");
    assert_eq!(granted.since, Some(at(5)));
    assert_eq!(granted.root, bench.folder("a").canonicalize().unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.file()), 0o600);
    assert_eq!(mode(bench.file().parent().unwrap()), 0o700);

    let wider = other.add("workbench", &bench.folder("a"), WRITE, at(6)).unwrap();
    assert_eq!((&wider.id, wider.access), (&granted.id, WRITE), "it is the same grant");
    assert!(one.revoke(&granted.id.0).unwrap());
    assert!(!other.revoke(&granted.id.0).unwrap(), "it is gone");
    assert_eq!(other.all().unwrap(), []);
}

#[test]
fn a_damaged_file_grants_nothing_and_is_named() {
    let bench = Bench::new();
    let grants = bench.grants();
    let id = grants.add("page", &bench.folder("a"), READ, at(0)).unwrap().id;
    let good = fs::read(bench.file()).unwrap();
    for bad in
        [&b"{"[..], b"", b"{\"version\":2,\"grants\":[]}", &[0xff; 8], &good[..good.len() / 2]]
    {
        fs::write(bench.file(), bad).unwrap();
        assert_eq!(grants.of("page"), []);
        for error in [grants.all().unwrap_err(), Grants::stored(bench.file()).unwrap_err()] {
            assert!(error.message.contains("grants.json"), "{error}");
            assert!(error.hint.is_some());
        }
        // Nothing that a person granted is overwritten, and nothing is added to what cannot be read.
        assert!(grants.add("page", &bench.folder("b"), READ, at(0)).is_err());
        assert!(grants.revoke(&id.0).is_err());
        assert_eq!(fs::read(bench.file()).unwrap(), bad);
    }
    let twice = String::from_utf8(good.clone()).unwrap().replacen("\"grants\": [", "\"grants\": [{\"id\":\"x\",\"label\":\"l\",\"root\":\"r\",\"access\":\"read\",\"since_ms\":null,\"device\":null,\"inode\":null,\"made_ns\":null},", 1);
    fs::write(bench.file(), twice).unwrap();
    assert!(grants.all().unwrap_err().message.contains("absolute"));
    fs::write(bench.file(), good).unwrap();
    assert_eq!(grants.of("page").len(), 1, "put back, it holds again");
}

#[test]
fn too_much_is_never_granted() {
    let bench = Bench::new();
    let home = bench.folder("home/me");
    let data = bench.folder("home/me/oriel");
    let grants = bench.grants().home(Some(home.clone())).hiding(vec![data.clone()]);
    let file = home.join("file");
    fs::write(&file, "").unwrap();
    let link = home.join("link");
    symlink(&home, &link).unwrap();
    for (folder, code) in [
        (Path::new("/"), Code::Denied),
        (Path::new("/proc/self"), Code::Denied),
        (Path::new("/dev"), Code::Denied),
        (&home, Code::Denied),
        (home.parent().unwrap(), Code::Denied),
        (&link, Code::Denied),
        (&data, Code::Denied),
        (&bench.folder("home/me/oriel/files"), Code::Denied),
        (&file, Code::NotAFolder),
        (Path::new("relative"), Code::BadName),
        (Path::new("/is/not/there"), Code::NotFound),
    ] {
        for access in [READ, WRITE] {
            let error = grants.add("page", folder, access, at(0)).unwrap_err();
            assert_eq!(error.code, code, "{folder:?}: {error}");
        }
    }
    assert_eq!(grants.add("", &bench.folder("a"), READ, at(0)).unwrap_err().code, Code::BadName);
    grants.add("page", &bench.folder("home/me/work"), WRITE, at(0)).unwrap();
}

#[test]
fn another_folder_in_its_place_is_not_the_one_that_was_granted() {
    let bench = Bench::new();
    let folder = bench.folder("a");
    let grants = bench.grants();
    let grant = grants.add("page", &folder, READ, at(0)).unwrap();
    let held = Root::open(&grant).unwrap();
    held.stat("").unwrap();
    fs::rename(&folder, bench.folder("b").join("moved")).unwrap();
    let makers: [fn(&Path); 2] =
        [|path| fs::create_dir(path).unwrap(), |path| symlink("b/moved", path).unwrap()];
    for make in makers {
        make(&folder);
        assert_eq!(Root::open(&grants.of("page")[0]).unwrap_err().code, Code::Gone);
        assert_eq!(held.stat("").unwrap_err().code, Code::Gone);
        fs::remove_dir(&folder).or_else(|_| fs::remove_file(&folder)).unwrap();
        assert_eq!(held.stat("").unwrap_err().code, Code::Gone);
    }
    fs::rename(bench.folder("b").join("moved"), &folder).unwrap();
    held.stat("").unwrap();
    Root::open(&grants.of("page")[0]).unwrap();
}

#[test]
fn many_at_once_lose_nothing() {
    let bench = Bench::new();
    let folders: Vec<PathBuf> = (0..32).map(|number| bench.folder(&number.to_string())).collect();
    std::thread::scope(|scope| {
        for part in folders.chunks(8) {
            let grants = bench.grants();
            scope.spawn(move || {
                for folder in part {
                    grants.add("page", folder, READ, at(0)).unwrap();
                }
            });
        }
    });
    assert_eq!(bench.grants().of("page").len(), 32);
}

#[test]
fn there_is_an_end_to_grants() {
    let bench = Bench::new();
    let grants = bench.grants();
    let folder = bench.folder("a").canonicalize().unwrap();
    let many = (0..GRANTS_MAX).map(|id| Grant::new(&id.to_string(), "page", folder.clone(), READ));
    let many: Vec<Grant> = many.collect();
    fs::create_dir_all(bench.file().parent().unwrap()).unwrap();
    fs::write(bench.file(), super::file::write(&many).unwrap()).unwrap();
    let error = grants.add("page", &bench.folder("b"), READ, at(0)).unwrap_err();
    assert_eq!(error.code, Code::TooMany);
}

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("data/files/grants.json")
    }

    fn grants(&self) -> Grants {
        Grants::stored(self.file()).unwrap()
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
