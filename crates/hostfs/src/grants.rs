//! Which surface may use which folder. The operator says so in a dialog, and takes it back in the
//! settings.
//!
//! A grant is to one folder of one surface, and never to all that a person has: the top of the file
//! system, the home folder and what is above it are refused, to be read as well, because what a
//! browser, a mail program and a keyring keep there is plain files. A folder in the home folder is
//! granted like any other.

mod file;
mod mark;
mod stored;

#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use oriel_wire::grants::GrantRow;
use oriel_wire::hostfs::{Code, WorkspaceAccess};

use crate::error::{FileError, system};
use crate::root::Root;
use crate::sys::Resolving;
use stored::Stored;

pub use mark::Mark;

/// The most grants that are kept. One more is refused.
pub const GRANTS_MAX: usize = 256;

/// The longest label of a surface, in bytes.
const LABEL_BYTES_MAX: usize = 64;

/// Folders of the system that hold no files of anybody.
const NO_WORKSPACES: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The name of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(pub String);

impl Borrow<str> for GrantId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A folder that a surface was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name, which is the workspace's id in requests.
    pub id: GrantId,
    /// The surface it was granted to.
    pub label: String,
    /// The folder: absolute, and without links.
    pub root: PathBuf,
    /// What may be done in it.
    pub access: WorkspaceAccess,
    /// When it was granted, where that is known.
    pub since: Option<SystemTime>,
    /// Which folder it was then, so that another one in its place is noticed.
    pub mark: Option<Mark>,
    pub(crate) rules: Arc<Rules>,
}

/// What holds for every grant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Folders that are as if they were not there.
    pub(crate) hidden: Vec<PathBuf>,
    /// The home folder, which is not granted as a whole.
    pub(crate) home: Option<PathBuf>,
    /// The user's own trash.
    pub(crate) trash: Option<PathBuf>,
    /// What new files and folders are not allowed, where that is not the process's own umask.
    pub(crate) umask: Option<u32>,
    pub(crate) resolving: Resolving,
}

/// The grants that there are.
#[derive(Debug, Default)]
pub struct Grants {
    kept: Kept,
    rules: Arc<Rules>,
}

#[derive(Debug)]
enum Kept {
    Fixed(Vec<Grant>),
    Stored(Stored),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Fixed(Vec::new())
    }
}

impl Grant {
    /// Makes one that says nothing of when, or of which folder it was.
    #[must_use]
    pub fn new(id: &str, label: &str, root: impl Into<PathBuf>, access: WorkspaceAccess) -> Self {
        Self {
            id: GrantId(id.to_owned()),
            label: label.to_owned(),
            root: root.into(),
            access,
            since: None,
            mark: None,
            rules: Arc::default(),
        }
    }

    /// Returns why it cannot be used now, where it cannot.
    #[must_use]
    pub fn problem(&self) -> Option<FileError> {
        Root::open(self).err()
    }

    /// Returns it as the operator sees it.
    #[must_use]
    pub fn row(&self) -> GrantRow {
        let access = match self.access {
            WorkspaceAccess::Read => "read",
            WorkspaceAccess::ReadWrite => "read_write",
        };
        let since = self.since.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        GrantRow {
            id: self.id.0.clone(),
            label: self.label.clone(),
            root: self.root.display().to_string(),
            access: access.to_owned(),
            granted_at: since.and_then(|since| i64::try_from(since.as_secs()).ok()),
            problem: self.problem().map(|error| error.to_string()),
        }
    }
}

impl Grants {
    /// Grants that are kept nowhere and never change. Those that do not say which folder it was mean
    /// the one that is there now.
    #[must_use]
    pub fn fixed(mut grants: Vec<Grant>) -> Self {
        for grant in &mut grants {
            // One that is not there is told when it is used.
            grant.mark = grant.mark.or_else(|| Mark::read(&grant.root).ok());
        }
        Self { kept: Kept::Fixed(grants), rules: Arc::default() }
    }

    /// Grants that are kept in a file, such as `<data_dir>/files/grants.json`. What another process
    /// changes there holds from the next use on.
    ///
    /// # Errors
    /// Where there is a file that is none of ours, or it cannot be read.
    pub fn stored(path: PathBuf) -> Result<Self, FileError> {
        Ok(Self { kept: Kept::Stored(Stored::open(path)?), rules: Arc::default() })
    }

    /// The grants of a data directory, which is hidden from every page.
    ///
    /// # Errors
    /// As [`Self::stored`].
    pub fn of_data_dir(data_dir: &Path) -> Result<Self, FileError> {
        let grants = Self::stored(data_dir.join("files").join("grants.json"))?;
        Ok(grants.hiding(vec![data_dir.to_owned()]))
    }

    /// Has these folders be as if they were not there, such as the one where Oriel keeps its own things.
    #[must_use]
    pub fn hiding(mut self, hidden: Vec<PathBuf>) -> Self {
        Arc::make_mut(&mut self.rules).hidden = hidden;
        self
    }

    /// Says which folder is the user's home, which is not granted as a whole.
    #[must_use]
    pub fn home(mut self, home: Option<PathBuf>) -> Self {
        Arc::make_mut(&mut self.rules).home = home;
        self
    }

    /// Says where the user's own trash is: `Trash` in the folder of `XDG_DATA_HOME`. Without it only
    /// other disks have one.
    #[must_use]
    pub fn trash(mut self, trash: Option<PathBuf>) -> Self {
        Arc::make_mut(&mut self.rules).trash = trash;
        self
    }

    /// Says which umask new files and folders are made with. Without it that is the process's own: one
    /// that keeps its own files private says here what its user's other programs make files with.
    #[must_use]
    pub fn umask(mut self, umask: Option<u32>) -> Self {
        Arc::make_mut(&mut self.rules).umask = umask;
        self
    }

    /// Has paths be resolved in a certain way.
    #[must_use]
    pub fn resolving(mut self, resolving: Resolving) -> Self {
        Arc::make_mut(&mut self.rules).resolving = resolving;
        self
    }

    /// Returns a surface's grants, in the order in which they were granted. There are none while the
    /// file cannot be read; [`Self::all`] says why.
    #[must_use]
    pub fn of(&self, label: &str) -> Vec<Grant> {
        let mut all = self.all().unwrap_or_default();
        all.retain(|grant| grant.label == label);
        all
    }

    /// Returns all grants, in the order in which they were granted.
    ///
    /// # Errors
    /// Where the file cannot be read or is damaged. Then nothing is granted.
    pub fn all(&self) -> Result<Vec<Grant>, FileError> {
        let mut all = match &self.kept {
            Kept::Fixed(grants) => grants.clone(),
            Kept::Stored(stored) => stored.all()?,
        };
        for grant in &mut all {
            grant.rules = Arc::clone(&self.rules);
        }
        Ok(all)
    }

    /// Returns a number that changes whenever the grants do.
    #[must_use]
    pub fn generation(&self) -> u64 {
        match &self.kept {
            Kept::Fixed(_) => 0,
            Kept::Stored(stored) => stored.generation(),
        }
    }

    /// Returns that number as it was at the last look at the file, without looking: what this process
    /// changes is in it at once.
    pub(crate) fn known_generation(&self) -> u64 {
        match &self.kept {
            Kept::Fixed(_) => 0,
            Kept::Stored(stored) => stored.known_generation(),
        }
    }

    /// Grants a folder. What was granted already keeps its name, and has the new access from now on.
    ///
    /// # Errors
    /// Where it is no folder, or none that may be granted, or it cannot be kept.
    pub fn add(
        &self,
        label: &str,
        root: &Path,
        access: WorkspaceAccess,
        now: SystemTime,
    ) -> Result<Grant, FileError> {
        let stored = self.stored_ones()?;
        check_label(label)?;
        let root = self.check_root(root)?;
        let mark = Mark::read(&root).map_err(|error| system(&error, root.to_str()))?;
        let added = stored.change(|grants| {
            let of_it = |grant: &&mut Grant| grant.label == label && grant.root == root;
            if let Some(grant) = grants.iter_mut().find(of_it) {
                (grant.access, grant.since, grant.mark) = (access, Some(now), Some(mark));
                return Ok(grant.clone());
            }
            if grants.len() >= GRANTS_MAX {
                let why = format!("there are {GRANTS_MAX} granted folders already");
                return Err(FileError::new(Code::TooMany, why).hint("revoke one that is not used"));
            }
            let new = Grant {
                since: Some(now),
                mark: Some(mark),
                ..Grant::new(&new_id(grants)?, label, root.clone(), access)
            };
            grants.push(new.clone());
            Ok(new)
        })?;
        Ok(Grant { rules: Arc::clone(&self.rules), ..added })
    }

    /// Takes a grant back, and says whether there was one.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub fn revoke(&self, id: &str) -> Result<bool, FileError> {
        self.stored_ones()?.change(|grants| {
            let before = grants.len();
            grants.retain(|grant| grant.id.0 != id);
            Ok(grants.len() < before)
        })
    }

    fn stored_ones(&self) -> Result<&Stored, FileError> {
        match &self.kept {
            Kept::Stored(stored) => Ok(stored),
            Kept::Fixed(_) => {
                Err(FileError::new(Code::Unsupported, "these grants are fixed and do not change"))
            }
        }
    }

    /// Returns where a folder really is, if it may be granted.
    fn check_root(&self, root: &Path) -> Result<PathBuf, FileError> {
        let shown = root.display();
        let refused = |code, why: &str, hint| {
            Err(FileError::new(code, format!("`{shown}` {why}")).hint(hint))
        };
        if !root.is_absolute() {
            return refused(Code::BadName, "is no absolute path", "name the folder from / on");
        }
        let real = root.canonicalize().map_err(|error| system(&error, root.to_str()))?;
        if !real.is_dir() {
            return refused(Code::NotAFolder, "is no folder", "grant the folder that it is in");
        }
        if real.to_str().is_none() {
            return refused(Code::BadName, "has a name that no text can say", "rename it");
        }
        if real.parent().is_none() || NO_WORKSPACES.iter().any(|top| real.starts_with(top)) {
            return refused(Code::Denied, "belongs to the system", "grant a folder of your own");
        }
        if self.rules.home.as_deref().is_some_and(|home| really(home).starts_with(&real)) {
            let hint = "grant a folder in it; what other programs keep there is not for pages";
            return refused(Code::Denied, "is your home folder, or has it in it", hint);
        }
        if self.rules.hidden.iter().any(|hidden| real.starts_with(really(hidden))) {
            let hint = "grant another folder";
            return refused(Code::Denied, "is where Oriel keeps its own things", hint);
        }
        Ok(real)
    }
}

/// Returns where a folder is, links followed, as far as it is there.
pub(crate) fn really(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn check_label(label: &str) -> Result<(), FileError> {
    let is_fine = !label.is_empty()
        && label.len() <= LABEL_BYTES_MAX
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:/".contains(&byte));
    if is_fine {
        return Ok(());
    }
    let why = format!("`{}` is no surface", label.escape_debug());
    Err(FileError::new(Code::BadName, why).hint("name a surface, such as `workbench`"))
}

/// Returns a name that no grant has. Pages name it, and it says nothing of the folder.
fn new_id(grants: &[Grant]) -> Result<String, FileError> {
    loop {
        let number = getrandom::u64()
            .map_err(|error| FileError::new(Code::System, format!("no randomness: {error}")))?;
        let id = format!("f{:010x}", number & 0xff_ffff_ffff);
        if grants.iter().all(|grant| grant.id.0 != id) {
            return Ok(id);
        }
    }
}
