//! The contents that were read last are held open, so that one that is sent in many pieces is opened once.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, Mutex};

use oriel_wire::sync::Digest;

use super::locked;

/// How many are held open. When there is one more, the one that was not used for longest is closed.
const OPEN_MAX: usize = 64;

/// Those files, the last used last.
#[derive(Debug, Default)]
pub(super) struct Handles(Mutex<VecDeque<(Digest, Arc<File>)>>);

impl Handles {
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<File>> {
        let mut open = locked(&self.0);
        let found = open.iter().rposition(|(other, _)| other == digest)?;
        let used = open.remove(found)?;
        let file = Arc::clone(&used.1);
        open.push_back(used);
        Some(file)
    }

    pub(super) fn put(&self, digest: Digest, file: File) -> Arc<File> {
        let file = Arc::new(file);
        let mut open = locked(&self.0);
        open.retain(|(other, _)| *other != digest);
        if OPEN_MAX <= open.len() {
            open.pop_front();
        }
        open.push_back((digest, Arc::clone(&file)));
        file
    }

    pub(super) fn forget(&self, digest: &Digest) {
        locked(&self.0).retain(|(other, _)| other != digest);
    }
}
