//! The ignore files of a tree, found and read.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use oriel_wire::sync::{Digest, Name, RelPath};

use crate::ignore::{FILE_BYTES_MAX, FILES_MAX, RuleError, Rules};
use crate::stat::Kind;
use crate::vfs::{Fault, Place, Vfs};

/// The most that is told of what is wrong with ignore files. What is wrong beyond that is not.
pub const ERRORS_MAX: usize = 200;

/// The most folders that are looked through. Ignore files in those beyond them do not count, and that is told.
pub const FOLDERS_MAX: usize = 1_000_000;

/// What the ignore files of a tree say.
#[derive(Debug, Clone)]
pub struct Found {
    /// What is left out.
    pub rules: Rules,
    /// What is wrong with the files. The rest of them counts.
    pub errors: Vec<RuleError>,
}

impl Found {
    /// Returns what changes whenever another path may be left out than before.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.rules.digest()
    }

    fn tell(&mut self, errors: Vec<RuleError>) {
        let room = ERRORS_MAX - self.errors.len();
        self.errors.extend(errors.into_iter().take(room));
    }

    fn refuse(&mut self, path: &RelPath, problem: &str) {
        let (file, problem) = (path.clone(), problem.to_owned());
        self.tell(vec![RuleError::File { file, problem }]);
    }
}

/// Reads all ignore files of a tree, those at the top first, and enters no folder that they leave out.
///
/// # Errors
/// Where the folder is not there, or the system fails, so that nothing is known. What goes away meanwhile, or
/// may not be read, is no failure.
pub fn find<V: Vfs>(vfs: &V, uses_gitignore: bool) -> Result<Found, Fault> {
    let mut found = Found { rules: Rules::new(uses_gitignore), errors: Vec::new() };
    vfs.check_root()?;
    let mut folders = VecDeque::from([None::<RelPath>]);
    let (mut seen, mut files) = (1, 0);
    while let Some(folder) = folders.pop_front() {
        let names = match vfs.list(folder.as_ref()) {
            Err(Fault::NotThere | Fault::NotPermitted) => continue,
            names => names?,
        };
        let mut inner = Vec::new();
        for named in names {
            let name = named.name.as_deref().and_then(|name| Name::parse(name).ok());
            let path = name.and_then(|name| RelPath::in_folder(folder.as_ref(), &name).ok());
            let Some(path) = path else { continue };
            match named.stat.kind {
                Kind::Dir => inner.push(path),
                Kind::File if found.rules.is_ignore_file(&path) => {
                    files += 1;
                    // Each of the two names has so many, and the rules say which are too many.
                    if files <= 2 * FILES_MAX {
                        read(vfs, &path, &mut found)?;
                    }
                }
                _ => {}
            }
        }
        // In one order, since a limit may be reached; and after the folder's own rules, which decide.
        inner.sort();
        inner.retain(|path| found.rules.why_itself(path, true).is_none());
        for path in inner {
            if seen == FOLDERS_MAX {
                let problem = format!("only {FOLDERS_MAX} folders are looked through");
                found.refuse(&path, &problem);
                break;
            }
            seen += 1;
            folders.push_back(Some(path));
        }
    }
    vfs.check_root()?;
    Ok(found)
}

fn read<V: Vfs>(vfs: &V, path: &RelPath, found: &mut Found) -> Result<(), Fault> {
    let file = match vfs.open(Place::Tree(path)) {
        Err(Fault::NotThere) => return Ok(()),
        Err(Fault::NotPermitted) => {
            found.refuse(path, "the system does not let it be read");
            return Ok(());
        }
        file => file?,
    };
    // One byte more than may be, so that what is too long is known to be.
    let mut content = vec![0; FILE_BYTES_MAX + 1];
    let mut filled = 0;
    while filled < content.len() {
        match vfs.read(&file, filled as u64, &mut content[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    let errors = found.rules.set(path, Some(&content[..filled]));
    found.tell(errors);
    Ok(())
}

#[cfg(test)]
mod tests;
