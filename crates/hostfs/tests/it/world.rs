//! A folder that a page may use, full of ways out of it, and what lies outside.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode};

/// What no page may ever see.
pub(crate) const SECRET: &[u8] = b"the secret that lies outside";

pub(crate) struct World {
    folder: tempfile::TempDir,
    _socket: UnixListener,
    outside_fd: fs::File,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let (inside, outside) = (top.join("inside"), top.join("outside"));
        for path in [
            "outside/folder",
            "inside/sub/deep",
            "inside/.git/hooks",
            "inside/.ssh",
            "inside/keys",
            "inside/data/files",
            "inside/holds/.git",
        ] {
            fs::create_dir_all(top.join(path)).unwrap();
        }
        for path in ["outside/secret", "outside/folder/secret", "outside/hard"] {
            fs::write(top.join(path), SECRET).unwrap();
        }
        for path in [
            "inside/file",
            "inside/sub/file",
            "inside/sub/deep/file",
            "inside/.git/config",
            "inside/.git/hooks/post-commit",
            "inside/.gitignore",
            "inside/holds/.git/config",
            "inside/holds/work",
        ] {
            fs::write(top.join(path), "theirs").unwrap();
        }
        for path in [
            "inside/.env",
            "inside/.ssh/id_ed25519",
            "inside/.ssh/known_hosts",
            "inside/keys/id_rsa",
            "inside/keys/server.pem",
            "inside/keys/SERVER.KEY",
            "inside/data/files/grants.json",
        ] {
            fs::write(top.join(path), SECRET).unwrap();
        }
        let outside_fd = fs::File::open(&outside).unwrap();
        for (link, target) in links(&inside, &outside, &outside_fd) {
            symlink(target, inside.join(link)).unwrap();
        }
        for number in 0..41 {
            let target =
                if number == 0 { "sub".to_owned() } else { format!("chain{}", number - 1) };
            symlink(target, inside.join(format!("chain{number}"))).unwrap();
        }
        fs::hard_link(outside.join("hard"), inside.join("hard")).unwrap();
        let fifo = Mode::RUSR | Mode::WUSR;
        rustix::fs::mknodat(CWD, inside.join("fifo"), FileType::Fifo, fifo, 0).unwrap();
        let socket = UnixListener::bind(inside.join("socket")).unwrap();
        // Only an administrator can make a device; without one that attempt finds nothing there.
        let null = rustix::fs::makedev(1, 3);
        let _ =
            rustix::fs::mknodat(CWD, inside.join("device"), FileType::CharacterDevice, fifo, null);
        Self { folder, _socket: socket, outside_fd }
    }

    pub(crate) fn inside(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("inside")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("outside")
    }

    pub(crate) fn hidden(&self) -> Vec<PathBuf> {
        vec![self.inside().join("data")]
    }

    /// Puts what is of this world into a path of the table.
    pub(crate) fn path(&self, pattern: &str) -> String {
        use std::os::fd::AsRawFd as _;
        let top = self.folder.path();
        pattern
            .replace("{outside}", self.outside().to_str().unwrap())
            .replace("{inside}", self.inside().to_str().unwrap())
            .replace("{top}", top.file_name().unwrap().to_str().unwrap())
            .replace("{fd}", &self.outside_fd.as_raw_fd().to_string())
    }

    /// Everything that no page may change: names, kinds, modes, times of change and bytes.
    pub(crate) fn untouchable(&self) -> Vec<String> {
        let mut all = Vec::new();
        fingerprint(&self.outside(), &mut all);
        for kept in [".git", ".ssh", ".env", ".gitignore", "keys", "data", "holds/.git"] {
            fingerprint(&self.inside().join(kept), &mut all);
        }
        let mut above: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        above.sort();
        all.extend(above);
        all
    }
}

fn links(inside: &Path, outside: &Path, outside_fd: &fs::File) -> Vec<(&'static str, String)> {
    use std::os::fd::AsRawFd as _;
    let (inside, outside) = (inside.to_str().unwrap(), outside.to_str().unwrap());
    let fd = outside_fd.as_raw_fd();
    vec![
        ("out", "../outside".to_owned()),
        ("out_abs", outside.to_owned()),
        ("out_file", "../outside/secret".to_owned()),
        ("out_file_abs", format!("{outside}/secret")),
        ("out_new", "../outside/new".to_owned()),
        ("sub/out", "../../outside".to_owned()),
        ("sub/deep/out", "../../../outside".to_owned()),
        ("sub/deep/out_abs", outside.to_owned()),
        ("twice", "sub/out".to_owned()),
        ("thrice", "twice/folder".to_owned()),
        ("up", "..".to_owned()),
        ("upup", "../..".to_owned()),
        ("sub/up", "../..".to_owned()),
        ("round", "../inside".to_owned()),
        ("here_abs", inside.to_owned()),
        ("file_abs", format!("{inside}/file")),
        ("root", "/".to_owned()),
        ("sneaky", "sub/deep/../../../outside".to_owned()),
        ("dotted", "./sub/.././../outside".to_owned()),
        ("proc_root", "/proc/self/root".to_owned()),
        ("proc_cwd", "/proc/self/cwd".to_owned()),
        ("proc_fd", format!("/proc/self/fd/{fd}")),
        ("proc_thread", format!("/proc/thread-self/fd/{fd}")),
        ("dev_fd", format!("/dev/fd/{fd}")),
        ("by_top", format!("/..{outside}/secret")),
        ("loop", "loop".to_owned()),
        ("loop_a", "loop_b".to_owned()),
        ("loop_b", "loop_a".to_owned()),
        ("nothing", "not/there".to_owned()),
        ("to_git", ".git".to_owned()),
        ("sub/to_git", "../.git".to_owned()),
        ("to_hooks", ".git/hooks".to_owned()),
        ("to_config", ".git/config".to_owned()),
        ("to_env", ".env".to_owned()),
        ("to_ssh", ".ssh".to_owned()),
        ("to_key", "keys/server.pem".to_owned()),
        ("new_hook", ".git/hooks/pre-commit".to_owned()),
        ("to_data", "data".to_owned()),
        ("sub/to_grants", "../data/files/grants.json".to_owned()),
        ("to_fifo", "fifo".to_owned()),
    ]
}

fn fingerprint(path: &Path, all: &mut Vec<String>) {
    let stat = fs::symlink_metadata(path).unwrap();
    let kind = stat.file_type();
    let what = if kind.is_file() {
        String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
    } else {
        String::new()
    };
    let changed = if kind.is_dir() { stat.mtime_nsec() } else { 0 };
    all.push(format!("{path:?} {:o} {changed} {what}", stat.mode()));
    if kind.is_dir() {
        let mut inner: Vec<_> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        inner.sort();
        inner.iter().for_each(|path| fingerprint(path, all));
    }
}
