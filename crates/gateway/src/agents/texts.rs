//! Text files that an agent reads and writes through the gateway: those of its workspace, and no others,
//! wherever links lead.

use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use agent_client_protocol::Error;
use agent_client_protocol::v1::schema::{ReadTextFileRequest, WriteTextFileRequest};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::terminals::refusal;

/// A longer file is not read for an agent: what it holds would stand in one message.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// How many names are tried for the file that is written before it takes another's place.
const NAMES_MAX: u32 = 16;

/// The files of a workspace.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    workspace: PathBuf,
}

impl Texts {
    pub(super) fn new(workspace: PathBuf) -> Self {
        Self { workspace }
    }

    /// Reads a file, or some of its lines.
    pub(super) fn read(&self, request: &ReadTextFileRequest) -> Result<String, Error> {
        let (folder, path) = self.open(&request.path)?;
        let told = |error: io::Error| failure("read", &request.path, &error);
        let file = folder.open(&path).map_err(told)?;
        if !file.metadata().map_err(told)?.is_file() {
            return Err(refusal(&format!("{} is no file", request.path.display())));
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(told)?;
        if FILE_BYTES_MAX < text.len() as u64 {
            let long = "is longer than 8 MiB; read it with a tool of your own";
            return Err(refusal(&format!("{} {long}", request.path.display())));
        }
        if request.line.is_none() && request.limit.is_none() {
            return Ok(text);
        }
        let first = request.line.unwrap_or(1).saturating_sub(1) as usize;
        let count = request.limit.map_or(usize::MAX, |limit| limit as usize);
        Ok(text.split_inclusive('\n').skip(first).take(count).collect())
    }

    /// Writes a file whole. Returns where it lies.
    pub(super) fn write(&self, request: &WriteTextFileRequest) -> Result<PathBuf, Error> {
        let (folder, path) = self.open(&request.path)?;
        let told = |error: io::Error| failure("write", &request.path, &error);
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            folder.create_dir_all(parent).map_err(told)?;
        }
        // A link stays a link: what it leads to is written.
        let target = match folder.canonicalize(&path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path,
            Err(error) => return Err(told(error)),
        };
        replace(&folder, &target, request.content.as_bytes()).map_err(told)?;
        Ok(self.workspace.join(target))
    }

    fn open(&self, path: &Path) -> Result<(Dir, PathBuf), Error> {
        let outside = || {
            let told = "lies outside of the workspace";
            refusal(&format!("{} {told} {}", path.display(), self.workspace.display()))
        };
        let path = if path.is_absolute() {
            path.strip_prefix(&self.workspace).map_err(|_| outside())?
        } else {
            path
        };
        let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.as_os_str().is_empty() || !path.components().all(is_plain) {
            return Err(outside());
        }
        let folder = Dir::open_ambient_dir(&self.workspace, ambient_authority());
        let folder = folder.map_err(|error| failure("open", &self.workspace, &error))?;
        Ok((folder, path.to_owned()))
    }
}

/// Puts a file in the place of another, so that whoever reads it meets one of them whole.
fn replace(folder: &Dir, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let before = match folder.metadata(path) {
        Ok(found) if found.is_file() => Some(found.permissions()),
        Ok(_) => return Err(io::Error::other("there is something that is no file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
    let (aside, mut file) = new_beside(folder, path, &name.to_string_lossy())?;
    let written = file.write_all(bytes).and_then(|()| match before {
        Some(permissions) => file.set_permissions(permissions),
        None => Ok(()),
    });
    let replaced = written.and_then(|()| folder.rename(&aside, folder, path));
    if replaced.is_err() {
        // What went wrong is told; what is left is only in the way.
        _ = folder.remove_file(&aside);
    }
    replaced
}

fn new_beside(folder: &Dir, path: &Path, name: &str) -> io::Result<(PathBuf, cap_std::fs::File)> {
    let mut last = io::Error::other("no name is free");
    for number in 0..NAMES_MAX {
        let aside = path.with_file_name(format!(".{name}.{number}.new"));
        match folder.open_with(&aside, OpenOptions::new().write(true).create_new(true)) {
            Ok(file) => return Ok((aside, file)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn failure(what: &str, path: &Path, error: &io::Error) -> Error {
    refusal(&format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_workspace_are_read_and_written() {
        let outer = tempfile::tempdir().unwrap();
        let outer = outer.path().canonicalize().unwrap();
        let workspace = outer.join("w");
        std::fs::create_dir(&workspace).unwrap();
        std::fs::write(outer.join("secret"), "s").unwrap();
        std::os::unix::fs::symlink("../secret", workspace.join("link")).unwrap();
        std::os::unix::fs::symlink("..", workspace.join("up")).unwrap();
        std::fs::write(workspace.join("own"), "one\ntwo\nthree\n").unwrap();
        let texts = Texts::new(workspace.clone());
        for path in ["link", "up/secret", "../secret", "sub/../../secret", "", "."] {
            let path = workspace.join(path);
            assert!(read(&texts, &path).is_err(), "{path:?} was read");
            assert!(write(&texts, &path, "x").is_err(), "{path:?} was written");
        }
        assert!(read(&texts, &outer.join("secret")).is_err());
        assert_eq!(std::fs::read_to_string(outer.join("secret")).unwrap(), "s");
        assert_eq!(read(&texts, &workspace.join("own")).unwrap(), "one\ntwo\nthree\n");
        let lines = ReadTextFileRequest::new("s", workspace.join("own")).line(2).limit(1);
        assert_eq!(texts.read(&lines).unwrap(), "two\n");
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_a_link() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().canonicalize().unwrap();
        let texts = Texts::new(workspace.clone());
        let script = workspace.join("script");
        std::fs::write(&script, "old").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("script", workspace.join("link")).unwrap();
        assert_eq!(write(&texts, &workspace.join("link"), "new").unwrap(), script);
        assert_eq!(std::fs::read_to_string(&script).unwrap(), "new");
        assert_eq!(script.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert!(workspace.join("link").symlink_metadata().unwrap().is_symlink());
        write(&texts, &workspace.join("a/b/new"), "made").unwrap();
        assert_eq!(std::fs::read_to_string(workspace.join("a/b/new")).unwrap(), "made");
        let names = std::fs::read_dir(&workspace).unwrap().count();
        assert_eq!(names, 3, "nothing is left beside");
    }

    fn read(texts: &Texts, path: &Path) -> Result<String, Error> {
        texts.read(&ReadTextFileRequest::new("s", path))
    }

    fn write(texts: &Texts, path: &Path, content: &str) -> Result<PathBuf, Error> {
        texts.write(&WriteTextFileRequest::new("s", path, content))
    }
}
