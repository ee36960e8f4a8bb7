//! What is done with names in a workspace.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oriel_wire::hostfs::{
    Answered, Changes, Code, Entries, List, Looked, MakeFolder, NAMES_MAX, Named, Remove, Rename,
    Replace, Stat, StatMany, Watch,
};

use super::{Page, Surface, bad_handle, revoked};
use crate::error::FileError;
use crate::grants::Grant;
use crate::handle::{Handle, Held};
use crate::root::Root;

/// The longest that [`Surface::changes`] waits.
const WAIT_MAX: Duration = Duration::from_secs(30);

impl Surface {
    /// Returns what is known of names, each in its place. It may be as old as 50 ms where another
    /// program changes something.
    ///
    /// # Errors
    /// Where the surface may not use the folder, or asks for too many names.
    pub fn stat(&self, wanted: &StatMany) -> Result<Looked, FileError> {
        if NAMES_MAX < wanted.paths.len() {
            let why = format!("{} names are more than {NAMES_MAX}", wanted.paths.len());
            return Err(FileError::new(Code::TooLarge, why).hint("ask for fewer at once"));
        }
        let engine = &self.page.engine;
        engine.flush_pages();
        self.page.with_root(&wanted.workspace, |grant, root| {
            let now = Instant::now();
            let look = |path: &String| {
                let known = engine.attributes.get(&grant.id, path, now, || root.stat(path));
                match known {
                    Ok(stat) => Ok(Answered::Stat(stat)),
                    Err(error) if error.code == Code::Gone => Err(error),
                    Err(error) => Ok(Answered::Failed(error.to_wire())),
                }
            };
            Ok(Looked { stats: wanted.paths.iter().map(look).collect::<Result<_, _>>()? })
        })
    }

    /// Returns what is known of one name.
    ///
    /// # Errors
    /// Where the surface may not, or there is nothing of that name.
    pub fn stat_one(&self, named: &Named) -> Result<Stat, FileError> {
        let engine = &self.page.engine;
        engine.flush_pages();
        self.page.with_root(&named.workspace, |grant, root| {
            let find = || root.stat(&named.path);
            engine.attributes.get(&grant.id, &named.path, Instant::now(), find)
        })
    }

    /// Returns what is in a folder.
    ///
    /// # Errors
    /// Where the surface may not, or there is no such folder.
    pub fn list(&self, list: &List) -> Result<Entries, FileError> {
        self.page.engine.flush_pages();
        let after = list.after.as_deref();
        self.page.with_root(&list.workspace, |_, root| root.list(&list.path, after))
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// Where the surface may not, or there is something of that name.
    pub fn make_folder(&self, make: &MakeFolder) -> Result<(), FileError> {
        self.page
            .change(&make.workspace, |root| root.make_folder(&make.path, make.parents).map(|_| ()))
    }

    /// Gives something another name in the same workspace.
    ///
    /// # Errors
    /// Where the surface may not, or something is in the way.
    pub fn rename(&self, rename: &Rename) -> Result<(), FileError> {
        let Rename { workspace, from, to, replace } = rename;
        self.page.change(workspace, |root| root.rename(from, to, *replace))
    }

    /// Removes something, for good or to the trash.
    ///
    /// # Errors
    /// Where the surface may not, or a folder is not empty and not all of it is to go.
    pub fn remove(&self, remove: &Remove) -> Result<(), FileError> {
        let Remove { workspace, path, all, trash } = remove;
        self.page.change(workspace, |root| root.remove(path, *all, *trash))
    }

    /// Puts a whole file in the place of another at once: whoever looks sees one or the other. An open
    /// handle of the earlier file keeps that.
    ///
    /// # Errors
    /// Where the surface may not, or the disk is full; then the earlier file is as it was.
    pub fn replace(&self, replace: &Replace, bytes: &[u8]) -> Result<Stat, FileError> {
        let Replace { workspace, path, create } = replace;
        self.page.change(workspace, |root| root.replace(path, *create, bytes))
    }

    /// Watches a folder and all below it.
    ///
    /// # Errors
    /// Where the surface may not, or too much is open.
    pub fn watch(&self, watch: &Watch) -> Result<Handle, FileError> {
        let generation = self.page.engine.grants.known_generation();
        let (grant, watching) = self.page.with_root(&watch.workspace, |grant, root| {
            Ok((Arc::clone(grant), root.watch(&watch.path)?))
        })?;
        let held = Held::Watch(Arc::clone(&grant), Arc::new(watching));
        self.page.insert(held, &grant, generation)
    }

    /// Returns what changed in a watched folder since the last time. It waits for a change at most so
    /// long, and never longer than 30 s, or until the handle is closed.
    ///
    /// # Errors
    /// Where the handle is of no watched folder, or that is gone.
    pub fn changes(&self, handle: Handle, wait: Duration) -> Result<Changes, FileError> {
        self.page.notice_grants();
        let watching = match self.page.table().get(handle) {
            Some(Held::Watch(_, watching)) => Arc::clone(watching),
            Some(Held::Revoked) => return Err(revoked()),
            Some(Held::File(_)) => {
                let why = "the handle is of a file and not of a watched folder";
                return Err(FileError::new(Code::BadHandle, why).hint("watch the folder it is in"));
            }
            None => return Err(bad_handle()),
        };
        let changes = watching.changes(wait.min(WAIT_MAX))?;
        if !changes.changes.is_empty() || changes.look_again {
            self.page.engine.attributes.change();
        }
        Ok(changes)
    }
}

impl Page {
    /// Does something in a granted folder.
    pub(super) fn with_root<T>(
        &self,
        workspace: &str,
        act: impl FnOnce(&Arc<Grant>, &Root) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        let (grant, root) = self.root(workspace)?;
        let done = act(&grant, &root);
        if done.as_ref().is_err_and(|error| error.code == Code::Gone) {
            self.forget_root(&grant.id);
        }
        done
    }

    /// Changes something in a granted folder. What is known of names ends, even if it fails half-way.
    fn change<T>(
        &self,
        workspace: &str,
        act: impl FnOnce(&Root) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        let done = self.with_root(workspace, |_, root| act(root));
        self.engine.attributes.change();
        done
    }
}
