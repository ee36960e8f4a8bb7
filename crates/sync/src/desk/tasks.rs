//! Tasks and who performs them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use oriel_wire::sync::{Digest, RelPath};

use super::{Message, Plan};
use crate::crew::Crew;
use crate::journal::{Journal, Write};
use crate::look::look;
use crate::rules::LeftOut;
use crate::side::Side;
use crate::task::{About, Hands, Task};
use crate::upstream::Peer;
use crate::vfs::{Blobs, Fault, Have, Place, Vfs};

/// While so many bytes of content wait to be written, nobody is told that more may come.
const RECEIVING_MAX: usize = 8 * 1024 * 1024;

/// Something for the crew.
pub(super) enum Chore {
    /// A task of an era's engine.
    Task(u64, Task),
    /// A content is to be in the store again, which is at one of these paths.
    Refill { era: u64, peer: Peer, digest: Digest, from: u64, paths: Vec<RelPath> },
}

/// Those who perform tasks, and what they work with.
pub(super) struct Tasks<V, B, J> {
    crew: Crew<Chore>,
    means: Arc<Means<V, B, J>>,
    receiving: Arc<AtomicUsize>,
}

struct Means<V, B, J> {
    vfs: Arc<V>,
    blobs: Arc<B>,
    journal: Arc<J>,
    left_out: Arc<RwLock<LeftOut>>,
}

impl<V, B, J> Tasks<V, B, J>
where
    V: Vfs + Send + Sync + 'static,
    B: Blobs + Send + Sync + 'static,
    J: Journal + Send + Sync + 'static,
{
    pub(super) fn new<E: Side>(
        plan: &Plan<E, V, B, J>,
        left_out: Arc<RwLock<LeftOut>>,
        desk: Sender<Message<E>>,
    ) -> std::io::Result<Self> {
        let (vfs, blobs, journal) =
            (Arc::clone(&plan.vfs), Arc::clone(&plan.blobs), Arc::clone(&plan.journal));
        let means = Arc::new(Means { vfs, blobs, journal, left_out });
        let receiving = Arc::new(AtomicUsize::new(0));
        let (with, received) = (Arc::clone(&means), Arc::clone(&receiving));
        let inbox = Arc::clone(&plan.inbox);
        let perform = move |chore: Chore| match chore {
            Chore::Task(era, task) => {
                let bytes = received_bytes(&task);
                let (is_whole, begin) = (is_whole(&task), Instant::now());
                let done = with.perform(task);
                received.fetch_sub(bytes, Ordering::AcqRel);
                if is_whole {
                    inbox.rescanned(begin.elapsed());
                }
                if let Ok(Some(done)) = done {
                    // Whoever stopped waits for nothing.
                    _ = desk.send(Message::Done(era, done));
                }
            }
            Chore::Refill { era, peer, digest, from, paths } => {
                with.refill(&digest, &paths);
                _ = desk.send(Message::Refilled(era, peer, digest, from));
            }
        };
        let crew = Crew::gather("sync-work", plan.surroundings.threads, perform)?;
        Ok(Self { crew, means, receiving })
    }

    /// Sees to it that this is on disk, and writes that down. Nothing that follows is begun before.
    pub(super) fn commit(&self, secure: Vec<RelPath>, writes: Vec<Write>) -> Result<(), Fault> {
        if !secure.is_empty() {
            self.means.perform(Task::Secure(secure))?;
        }
        if !writes.is_empty() {
            self.means.perform(Task::Commit(writes))?;
        }
        Ok(())
    }

    pub(super) fn hand_on(&self, chore: Chore) {
        let about = match &chore {
            Chore::Task(_, task) => {
                self.receiving.fetch_add(received_bytes(task), Ordering::AcqRel);
                task.about()
            }
            Chore::Refill { digest, .. } => Some(About::Content(*digest)),
        };
        if let Some(about) = about {
            self.crew.hand_on(&about, chore);
        }
    }

    /// Returns whether more content may come.
    pub(super) fn has_room(&self) -> bool {
        self.receiving.load(Ordering::Acquire) < RECEIVING_MAX
    }

    pub(super) fn has_blob(&self, digest: &Digest) -> bool {
        self.means.blobs.have(digest) == Ok(Have::All)
    }

    /// Waits until all is done that was handed on.
    pub(super) fn finish(&self) {
        self.crew.finish();
    }
}

impl<V: Vfs, B: Blobs, J: Journal> Means<V, B, J> {
    fn perform(&self, task: Task) -> Result<Option<crate::task::Done>, Fault> {
        let left_out = self.left_out.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (vfs, blobs, journal) = (&*self.vfs, &*self.blobs, &*self.journal);
        Hands { vfs, blobs, journal, left_out: &left_out }.perform(task)
    }

    /// Reads a content into the store again from where it was last seen. If it is not there any more, that
    /// is found out by whoever reads it.
    fn refill(&self, digest: &Digest, paths: &[RelPath]) {
        for path in paths {
            let at = Place::Tree(path);
            let seen = look(&*self.vfs, &*self.blobs, at, path, None);
            if seen.is_ok_and(|seen| seen.entry.digest() == Some(*digest)) {
                return;
            }
        }
    }
}

fn received_bytes(task: &Task) -> usize {
    match task {
        Task::Receive { bytes, .. } => bytes.len(),
        _ => 0,
    }
}

/// Whether the whole tree is looked through.
fn is_whole(task: &Task) -> bool {
    matches!(task, Task::List(list) if list.folder.is_none() && list.is_deep)
}
