//! Step by step: each part of a path is looked at in the folder that it is in, which is held open, and a
//! link's text is taken apart and walked like the rest. So nothing is followed that was not looked at.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use cap_std::fs::{Dir, Metadata, MetadataExt as _};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::{Found, Held};

/// The most links on one way. It is what Linux takes.
const LINKS_MAX: usize = 40;

/// How often a step is tried again when somebody puts something else there. Beyond it the caller hears
/// `AGAIN`.
const TRIES: usize = 64;

pub(super) fn find(root: &OwnedFd, path: &str) -> Result<Found, Errno> {
    let top = Dir::from_std_file(root.try_clone().map_err(|error| errno(&error))?.into());
    // What is on another disk is not beneath: it is another place, which nobody granted.
    let disk = rustix::fs::fstat(root)?.st_dev;
    let mut todo = VecDeque::new();
    push(&mut todo, Path::new(path))?;
    let mut way: Vec<(Dir, String)> = Vec::new();
    let mut links = 0;
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            // Up from the workspace is out of it.
            way.pop().ok_or(Errno::XDEV)?;
            continue;
        }
        let here = way.last().map_or(&top, |(dir, _)| dir);
        match step(here, &part, disk)? {
            Step::Link(target) => {
                links += 1;
                if links > LINKS_MAX {
                    return Err(Errno::LOOP);
                }
                push(&mut todo, &target)?;
            }
            Step::Folder(dir) => way.push((dir, part)),
            Step::Else if todo.is_empty() => {
                let folder = here.try_clone().map_err(|error| errno(&error))?;
                let folder = OwnedFd::from(folder.into_std_file());
                let stat = super::look(&folder, &part)?;
                let kind = FileType::from_raw_mode(stat.st_mode);
                if matches!(kind, FileType::Symlink | FileType::Directory) || stat.st_dev != disk {
                    // It was something else a moment ago.
                    return Err(Errno::AGAIN);
                }
                let real = crate::path::joined(&real(&way), &part);
                return Ok(Found { stat, real, held: Held::Within(folder, part) });
            }
            Step::Else => return Err(Errno::NOTDIR),
        }
    }
    let real = real(&way);
    let dir = way.pop().map_or(top, |(dir, _)| dir);
    let fd = OwnedFd::from(dir.into_std_file());
    Ok(Found { stat: rustix::fs::fstat(&fd)?, real, held: Held::Open(fd) })
}

enum Step {
    Link(std::path::PathBuf),
    Folder(Dir),
    Else,
}

fn step(here: &Dir, part: &str, disk: u64) -> Result<Step, Errno> {
    for _ in 0..TRIES {
        let seen = here.symlink_metadata(part).map_err(|error| errno(&error))?;
        if seen.is_symlink() {
            match here.read_link_contents(part) {
                Ok(target) => return Ok(Step::Link(target)),
                // It is none any more.
                Err(error) if errno(&error) == Errno::INVAL => continue,
                Err(error) => return Err(errno(&error)),
            }
        }
        if seen.dev() != disk {
            return Err(Errno::XDEV);
        }
        if !seen.is_dir() {
            return Ok(Step::Else);
        }
        // A link may be there by now. What was opened has to be what was seen.
        let opened = here.open_dir(part).and_then(|dir| Ok((dir.dir_metadata()?, dir)));
        match opened {
            Ok((metadata, dir)) if id(&metadata) == id(&seen) => return Ok(Step::Folder(dir)),
            Ok(_) => {}
            // It led out, or was something else again.
            Err(error) => match errno(&error) {
                Errno::ACCESS | Errno::MFILE | Errno::NFILE => return Err(errno(&error)),
                _ => {}
            },
        }
    }
    Err(Errno::AGAIN)
}

fn push(todo: &mut VecDeque<String>, path: &Path) -> Result<(), Errno> {
    for part in path.components().rev() {
        match part {
            Component::Normal(name) => {
                todo.push_front(name.to_str().ok_or(Errno::ILSEQ)?.to_owned());
            }
            Component::ParentDir => todo.push_front("..".to_owned()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return Err(Errno::XDEV),
        }
    }
    Ok(())
}

fn real(way: &[(Dir, String)]) -> String {
    way.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join("/")
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(match error.kind() {
        // The library says so where a path would lead out of the folder.
        io::ErrorKind::PermissionDenied => Errno::XDEV,
        _ => Errno::IO,
    })
}
