//! Modules: programs with pages of their own, which run only as the operator signed them.
//!
//! A module is a folder with a `module.toml`. What is signed is every file of the folder, so a
//! module that was changed in any way is no longer the one that was signed.

mod contents;
mod manifest;
mod signature;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use contents::{Contents, FileDigest};
pub use manifest::{CAPABILITIES, Manifest, NavEntry, Start};
pub use signature::Standing;

use crate::key::{Key, PublicKey};

/// The name of the manifest in a module's folder.
pub const MANIFEST_FILE: &str = "module.toml";

/// The name of the file that keeps the operator's word on a module.
pub const SIGNATURE_FILE: &str = "signature.json";

/// The most modules that are looked at. One more is told as an error behind them.
pub const MODULES_MAX: usize = 64;

/// An installed module, with a manifest that was checked.
#[derive(Debug, Clone)]
pub struct Module {
    /// Its name, which is its folder's.
    pub id: String,
    /// Where it stands.
    pub folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// A module that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("module {}: {fault}", folder.display())]
pub struct ModuleError {
    /// The module's folder.
    pub folder: PathBuf,
    /// What is wrong with it.
    pub fault: ModuleFault,
}

/// What is wrong with a module.
#[derive(Debug, thiserror::Error)]
pub enum ModuleFault {
    /// A file or folder cannot be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest is not what it should be.
    #[error("in module.toml, {0}")]
    Manifest(String),
    /// There is something that is neither a file, a folder nor a link within the folder.
    #[error("{0} is a link out of the folder or no plain file; put a plain file in its place")]
    Stray(PathBuf),
    /// Two files would have one name, or a name is no text.
    #[error("{0} has a name that is not UTF-8; give it another")]
    Name(PathBuf),
    /// More than what is signed at once.
    #[error(
        "the folder holds more than {} files or {} MiB; a module keeps its data elsewhere",
        contents::FILES_MAX,
        contents::BYTES_MAX / 1024 / 1024
    )]
    TooLarge,
    /// More modules than are looked at.
    #[error(
        "there are more than {MODULES_MAX} modules, and this one and those after it are left out"
    )]
    TooMany,
}

impl ModuleError {
    pub(crate) fn new(folder: &Path, fault: ModuleFault) -> Self {
        Self { folder: folder.to_owned(), fault }
    }

    /// Returns the name of the module's folder, which stands for its id where it has none.
    #[must_use]
    pub fn id(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Returns the modules of a folder, ordered by name, each with its manifest or what is wrong.
///
/// What is no folder, is a link or has no manifest is no module. A folder that is not there has
/// none.
#[must_use]
pub fn installed(modules_dir: &Path) -> Vec<Result<Module, ModuleError>> {
    let entries = match fs::read_dir(modules_dir) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(source) => {
            let fault = ModuleFault::Io { path: modules_dir.to_owned(), source };
            return vec![Err(ModuleError::new(modules_dir, fault))];
        }
    };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| {
            // An entry that vanishes while we look was removed.
            let entry = entry.ok()?;
            let folder = entry.file_type().ok()?.is_dir();
            (folder && fs::symlink_metadata(entry.path().join(MANIFEST_FILE)).is_ok())
                .then(|| entry.path())
        })
        .collect();
    folders.sort();
    let left_out = folders.get(MODULES_MAX).cloned();
    folders.truncate(MODULES_MAX);
    let mut modules: Vec<_> = folders.iter().map(|folder| Module::open(folder)).collect();
    modules.extend(left_out.map(|folder| Err(ModuleError::new(&folder, ModuleFault::TooMany))));
    modules
}

impl Module {
    /// Reads the module of a folder.
    ///
    /// # Errors
    /// When there is no manifest, or one that says what it must not.
    pub fn open(folder: &Path) -> Result<Self, ModuleError> {
        let fail = |fault| ModuleError::new(folder, fault);
        let manifest = Manifest::read(folder).map_err(fail)?;
        Ok(Self { id: manifest.id.clone(), folder: folder.to_owned(), manifest })
    }

    /// Returns every file of the module and the digest over all of them.
    ///
    /// # Errors
    /// When a file cannot be read, is a link out of the folder, or there is too much.
    pub fn contents(&self) -> Result<Contents, ModuleError> {
        Contents::read(&self.folder).map_err(|fault| ModuleError::new(&self.folder, fault))
    }

    /// Returns how the operator stands to the module, who is known by a key.
    ///
    /// The module must still be the folder of its name in `modules_dir`, and no link. One whose
    /// files cannot all be read is not signed.
    #[must_use]
    pub fn standing(&self, modules_dir: &Path, key: Option<&PublicKey>) -> Standing {
        let place = modules_dir.join(&self.id);
        let there = fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_dir());
        if !there || place != self.folder {
            return Standing::Unsigned;
        }
        signature::standing(self, key)
    }

    /// Signs the module as it is now, at a time in RFC 3339.
    ///
    /// # Errors
    /// As [`Self::contents`], and when the manifest changed since it was read or the signature
    /// cannot be written.
    pub fn sign(&self, key: &Key, now: &str) -> Result<(), ModuleError> {
        signature::sign(self, key, now).map_err(|fault| ModuleError::new(&self.folder, fault))
    }

    /// Denies the module, at a time in RFC 3339: it stays denied, whatever changes in it, until it
    /// is signed.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn deny(&self, now: &str) -> Result<(), ModuleError> {
        signature::deny(&self.folder, now).map_err(|fault| ModuleError::new(&self.folder, fault))
    }
}

fn io_fault(path: &Path, source: io::Error) -> ModuleFault {
    ModuleFault::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
