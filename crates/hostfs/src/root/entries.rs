//! What is in a folder.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use oriel_wire::hostfs::{Entries, Entry, NAMES_MAX};

use super::{Root, Use, kind_of, length_of, modified_ms};
use crate::error::{FileError, resolving, system};
use crate::path::joined;
use crate::sys;

impl Root {
    /// Lists a folder in the order of names as bytes, from after a name on. Links are not followed. What
    /// a page may not read is listed, and what is hidden is not.
    ///
    /// # Errors
    /// Where it is no folder that may be listed.
    pub(crate) fn list(&self, path: &str, after: Option<&str>) -> Result<Entries, FileError> {
        let path = self.enter(path, Use::Read)?;
        let folder =
            self.base.folder(path.as_str()).map_err(|error| resolving(error, path.as_str()))?;
        self.guard(&folder.real, path, Use::Read)?;
        let failed = |error: rustix::io::Errno| system(&error.into(), Some(path.as_str()));
        let fd = sys::readable(&folder.fd).map_err(failed)?;
        let (names, unnameable) = self.names(&fd, &folder.real, after).map_err(failed)?;
        let has_more = names.len() > NAMES_MAX;
        let entries = names.into_iter().take(NAMES_MAX).filter_map(|name| {
            // What vanished meanwhile is not there.
            let stat = sys::look(&folder.fd, &name).ok()?;
            Some(Entry {
                kind: kind_of(&stat),
                length: length_of(&stat),
                modified_ms: modified_ms(&stat),
                name,
            })
        });
        Ok(Entries { entries: entries.collect(), has_more, unnameable })
    }

    /// Returns the first names after one, and one more than fit in an answer where there are more. So a
    /// folder of millions is never held as a whole.
    fn names(
        &self,
        fd: &OwnedFd,
        real: &str,
        after: Option<&str>,
    ) -> Result<(BTreeSet<String>, u32), rustix::io::Errno> {
        let mut names = BTreeSet::new();
        let mut unnameable = 0;
        for entry in rustix::fs::Dir::read_from(fd)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                unnameable += 1;
                continue;
            };
            let is_asked_for = after.is_none_or(|after| name > after);
            if matches!(name, "." | "..") || !is_asked_for || self.hides(&joined(real, name)) {
                continue;
            }
            let is_full = names.len() > NAMES_MAX;
            if is_full && names.last().is_some_and(|last: &String| name > last.as_str()) {
                continue;
            }
            names.insert(name.to_owned());
            if names.len() > NAMES_MAX + 1 {
                names.pop_last();
            }
        }
        Ok((names, unnameable))
    }
}
