//! What a page has open, and the numbers by which it says so.
//!
//! A number is random, so that nobody guesses one, and stands for one opening only: it is never given
//! again. It is looked up in the table of the page that asks, so one of another page means nothing.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use oriel_wire::hostfs::{Code, Mode};

use crate::error::FileError;
use crate::files::Node;
use crate::grants::Grant;
use crate::watch::Watching;

/// The most folders that one page watches. The system gives a user few watchers (128 on many), and other
/// programs want some too.
const WATCHES_MAX: usize = 16;

/// So many random numbers are asked of the system at once.
const NUMBERS_AT_ONCE: usize = 64;

/// The name of an open file or a watched folder. It cannot be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(pub u64);

/// What a handle stands for.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    File(Arc<Opened>),
    Watch(Arc<Grant>, Arc<Watching>),
    /// It was open until the grant was taken back.
    Revoked,
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) pen: Arc<Pen>,
    pub(crate) mode: Mode,
    pub(crate) node: Arc<Node>,
    /// The grant as it was then. A handle ends where it says something else now.
    pub(crate) grant: Arc<Grant>,
    /// Whether a descriptor of it was given away.
    pub(crate) is_direct: AtomicBool,
    /// Whether it was locked, and so has to be unlocked: a descriptor that was given away would keep
    /// the lock.
    pub(crate) is_locked: AtomicBool,
}

/// What writes that are held behind need once nobody has the handle any more.
#[derive(Debug)]
pub(crate) struct Pen {
    pub(crate) file: File,
    pub(crate) late: Late,
}

/// What went wrong after a write was answered. It is told once, on the handle that wrote.
#[derive(Debug, Default)]
pub(crate) struct Late {
    is_there: AtomicBool,
    error: Mutex<Option<FileError>>,
}

/// The handles of one page.
#[derive(Debug, Default)]
pub(crate) struct Table {
    held: HashMap<u64, Held>,
    live: u32,
    /// Random numbers that nobody has yet.
    numbers: Vec<u64>,
}

impl Late {
    /// Keeps an error to be told. The first one is what the others follow from.
    pub(crate) fn keep(&self, error: FileError) {
        let mut kept = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert(error);
        self.is_there.store(true, Ordering::Release);
    }

    /// Fails with what there is to tell.
    pub(crate) fn tell(&self) -> Result<(), FileError> {
        self.take().map_or(Ok(()), Err)
    }

    /// Takes what there is to tell.
    pub(crate) fn take(&self) -> Option<FileError> {
        if !self.is_there.load(Ordering::Acquire) {
            return None;
        }
        let mut kept = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_there.store(false, Ordering::Release);
        kept.take()
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        // The handle was closed by another thread while the write was on its way.
        if let Some(error) = self.late.take() {
            tracing::warn!(%error, "a write failed after its file was closed");
        }
    }
}

impl Table {
    /// Adds one, unless that makes more than so many.
    pub(crate) fn insert(&mut self, held: Held, handles_max: u32) -> Result<Handle, FileError> {
        if matches!(held, Held::Watch(..)) && WATCHES_MAX <= self.watches() {
            return Err(FileError {
                hint: Some("watch a folder above them, or close what is not needed any more"),
                ..FileError::new(
                    Code::TooMany,
                    format!("{WATCHES_MAX} folders are watched, which is as many as a page may"),
                )
            });
        }
        self.has_room(handles_max)?;
        loop {
            let number = self.number()?;
            // In a head, zero says that there is no handle.
            if number != 0 && !self.held.contains_key(&number) {
                self.held.insert(number, held);
                self.live += 1;
                return Ok(Handle(number));
            }
        }
    }

    /// Refuses where there are as many as there may be.
    pub(crate) fn has_room(&self, handles_max: u32) -> Result<(), FileError> {
        if self.live < handles_max {
            return Ok(());
        }
        let why = format!("{handles_max} handles are open, which is as many as a page may have");
        Err(FileError::new(Code::TooMany, why).hint("close handles that are not needed any more"))
    }

    fn number(&mut self) -> Result<u64, FileError> {
        if self.numbers.is_empty() {
            let mut bytes = [[0; 8]; NUMBERS_AT_ONCE];
            getrandom::fill(bytes.as_flattened_mut()).map_err(|error| {
                let why = format!("the system gives no random numbers: {error}");
                FileError::new(Code::System, why).hint("restart the machine if it goes on")
            })?;
            self.numbers.extend(bytes.map(u64::from_ne_bytes));
        }
        Ok(self.numbers.pop().unwrap_or_default())
    }

    fn watches(&self) -> usize {
        self.held.values().filter(|held| matches!(held, Held::Watch(..))).count()
    }

    pub(crate) fn get(&self, handle: Handle) -> Option<&Held> {
        self.held.get(&handle.0)
    }

    /// Takes one out. Of one that was revoked, nothing stays either.
    pub(crate) fn remove(&mut self, handle: Handle) -> Option<Held> {
        let gone = self.held.remove(&handle.0);
        if matches!(gone, Some(Held::File(_) | Held::Watch(..))) {
            self.live -= 1;
        }
        gone
    }

    /// Takes out all of which the grant says no, and leaves word that they were revoked. So many of
    /// those words are kept as there may be handles; after that, such a handle is simply unknown.
    pub(crate) fn revoke(
        &mut self,
        is_granted: impl Fn(&Held) -> bool,
        handles_max: u32,
    ) -> Vec<Held> {
        let mut words = self.held.len() - self.live as usize;
        let lost: Vec<u64> = (self.held.iter())
            .filter(|(_, held)| !matches!(held, Held::Revoked) && !is_granted(held))
            .map(|(number, _)| *number)
            .collect();
        let mut gone = Vec::with_capacity(lost.len());
        for number in lost {
            gone.extend(self.remove(Handle(number)));
            if words < handles_max as usize {
                self.held.insert(number, Held::Revoked);
                words += 1;
            }
        }
        gone
    }

    /// Takes out everything.
    pub(crate) fn clear(&mut self) -> Vec<Held> {
        self.live = 0;
        self.held.drain().map(|(_, held)| held).collect()
    }

    /// The open files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<Opened>> {
        self.held.values().filter_map(|held| match held {
            Held::File(opened) => Some(opened),
            Held::Watch(..) | Held::Revoked => None,
        })
    }

    /// How many are open.
    pub(crate) fn live(&self) -> u32 {
        self.live
    }
}
