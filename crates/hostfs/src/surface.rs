//! A page that asks: its handles, its grants, and its end.

mod bytes;
mod names;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use oriel_wire::hostfs::{Code, Mode, Use, Workspace, Workspaces};

use crate::error::FileError;
use crate::files::{Engine, Files};
use crate::grants::{Grant, GrantId};
use crate::handle::{Handle, Held, Opened, Table};
use crate::root::Root;

pub use bytes::Lock;

/// How often reads and writes look for what another process changed of the grants. Whatever is about a
/// name looks each time.
const LOOK_EVERY_MS: u64 = 20;

/// A page that asks. Its handles are its own, and are closed when it is dropped. Any number of threads
/// use it at once.
pub struct Surface {
    // The engine lives as long as its pages.
    _files: Arc<Files>,
    page: Arc<Page>,
}

/// What the engine knows of a page.
pub(crate) struct Page {
    label: String,
    engine: Arc<Engine>,
    table: RwLock<Table>,
    roots: Mutex<HashMap<GrantId, Used>>,
    /// Which state of the grants the handles were held against.
    generation: AtomicU64,
    /// When the grants were looked at, in milliseconds of the engine's age.
    looked_at_ms: AtomicU64,
    /// Bytes that are being worked on.
    flight: AtomicU64,
}

/// A folder that a page used.
struct Used {
    /// As it was granted.
    grant: Arc<Grant>,
    /// Which state of the grants said so last.
    generation: u64,
    /// Held open, unless it is gone.
    root: Option<Arc<Root>>,
}

impl Surface {
    pub(crate) fn new(files: Arc<Files>, page: Arc<Page>) -> Self {
        Self { _files: files, page }
    }

    /// Returns which surface this is a page of.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.page.label
    }

    /// Returns the folders that the surface was granted, in the order they were. One that cannot be
    /// used says why.
    #[must_use]
    pub fn workspaces(&self) -> Workspaces {
        let generation = self.page.notice_grants();
        let of = |grant: Grant| {
            let grant = Arc::new(grant);
            let problem = self.page.root_of(&grant, generation).err();
            let name = grant.root.file_name().unwrap_or(grant.root.as_os_str());
            Workspace {
                name: name.to_string_lossy().into_owned(),
                path: grant.root.to_string_lossy().into_owned(),
                id: grant.id.0.clone(),
                access: grant.access,
                problem: problem.map(|error| error.to_wire()),
            }
        };
        let grants = self.page.engine.grants.of(&self.page.label);
        Workspaces { workspaces: grants.into_iter().map(of).collect() }
    }

    /// Returns how much of each limit is used.
    #[must_use]
    pub fn limits_used(&self) -> Use {
        let engine = &self.page.engine;
        Use {
            handles: self.page.table().live(),
            handles_max: engine.limits.handles_max,
            behind_bytes: engine.behind.bytes(),
            behind_bytes_max: engine.limits.behind_bytes_max,
            mapped_bytes: engine.mapped.bytes(),
            mapped_bytes_max: engine.limits.mapped_bytes_max,
        }
    }

    /// Counts bytes that are being worked on, until what is returned is dropped. Messages are counted
    /// by who answers them; this is for who reads for a page in another way.
    ///
    /// # Errors
    /// Where that makes more than there may be.
    pub fn fly(&self, bytes: u64) -> Result<Flight<'_>, FileError> {
        let limit = self.page.engine.limits.flight_bytes_max;
        let flight = Flight { page: &self.page, bytes };
        if limit < self.page.flight.fetch_add(bytes, Ordering::Relaxed) + bytes {
            return Err(FileError {
                hint: Some("wait for answers that are on their way, then ask again"),
                ..FileError::new(
                    Code::Busy,
                    format!("more than {limit} bytes are being read and written for this page"),
                )
            });
        }
        Ok(flight)
    }
}

impl fmt::Debug for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surface").field("label", &self.page.label).finish_non_exhaustive()
    }
}

impl Surface {
    /// Closes all that the page has open, since it is gone. Dropping the surface does so too; this is for
    /// who cannot wait until everyone who still answers for it is done.
    pub fn leave(&self) {
        let gone = self.page.table_to_change().clear();
        self.page.end(gone);
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Bytes that are being worked on.
pub struct Flight<'a> {
    page: &'a Page,
    bytes: u64,
}

impl fmt::Debug for Flight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.page.flight.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Page {
    pub(crate) fn new(label: &str, engine: Arc<Engine>) -> Self {
        Self {
            label: label.to_owned(),
            generation: AtomicU64::new(engine.grants.generation()),
            looked_at_ms: AtomicU64::new(engine.age_ms()),
            engine,
            table: RwLock::default(),
            roots: Mutex::default(),
            flight: AtomicU64::new(0),
        }
    }

    /// Returns a folder that the surface was granted, and what the grant says now.
    fn root(&self, workspace: &str) -> Result<(Arc<Grant>, Arc<Root>), FileError> {
        let generation = self.notice_grants();
        if let Some(Used { grant, generation: known, root: Some(root) }) =
            self.roots().get(workspace)
            && *known == generation
        {
            return Ok((Arc::clone(grant), Arc::clone(root)));
        }
        let grants = self.engine.grants.of(&self.label);
        let Some(grant) = grants.into_iter().find(|grant| grant.id.0 == workspace) else {
            return Err(FileError {
                hint: Some("ask for the workspaces again, or have the user grant a folder"),
                ..FileError::new(
                    Code::NoGrant,
                    format!("no folder `{}` is granted to this surface", shown(workspace)),
                )
            });
        };
        let grant = Arc::new(grant);
        let root = self.root_of(&grant, generation)?;
        Ok((grant, root))
    }

    /// Opens a granted folder, or returns it as it was opened before. `generation` is of before the grant
    /// was read, so that a grant that was taken back meanwhile is not taken for one of now.
    fn root_of(&self, grant: &Arc<Grant>, generation: u64) -> Result<Arc<Root>, FileError> {
        if let Some(Used { grant: earlier, generation: known, root: Some(root) }) =
            self.roots().get_mut(&grant.id)
            && earlier == grant
        {
            *known = generation;
            return Ok(Arc::clone(root));
        }
        let root = Arc::new(Root::open(grant)?);
        let used = Used { grant: Arc::clone(grant), generation, root: Some(Arc::clone(&root)) };
        self.roots().insert(grant.id.clone(), used);
        Ok(root)
    }

    fn roots(&self) -> MutexGuard<'_, HashMap<GrantId, Used>> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a folder that is not there any more, so that it is found when it comes back.
    fn forget_root(&self, grant: &GrantId) {
        if let Some(used) = self.roots().get_mut(grant) {
            used.root = None;
        }
    }

    /// As [`Self::notice_grants`], for each read and write: what another process changed is looked for
    /// only now and then, since that is a call of the system.
    fn notice_grants_often(&self) {
        let now = self.engine.age_ms();
        let looked_at = self.looked_at_ms.load(Ordering::Relaxed);
        if LOOK_EVERY_MS <= now.saturating_sub(looked_at) {
            self.looked_at_ms.store(now, Ordering::Relaxed);
            self.notice_grants();
        } else if self.generation.load(Ordering::Acquire) != self.engine.grants.known_generation() {
            self.notice_grants();
        }
    }

    /// Closes the handles of grants that are not there any more, or allow other than they did. Returns
    /// which state of the grants that was.
    pub(crate) fn notice_grants(&self) -> u64 {
        let generation = self.engine.grants.generation();
        if self.generation.load(Ordering::Acquire) == generation {
            return generation;
        }
        let grants = self.engine.grants.of(&self.label);
        self.roots().retain(|_, used| grants.contains(&used.grant));
        let is_granted = |held: &Held| match held {
            Held::File(opened) => grants.contains(&opened.grant),
            Held::Watch(grant, _) => grants.contains(grant),
            Held::Revoked => true,
        };
        let handles_max = self.engine.limits.handles_max;
        let gone = self.table_to_change().revoke(is_granted, handles_max);
        self.generation.store(generation, Ordering::Release);
        if !gone.is_empty() {
            self.end(gone);
            self.engine.tell_revoked(&self.label);
        }
        generation
    }

    /// Hands what its handles hold behind to the system.
    pub(crate) fn flush(&self) {
        let is_any = |opened: &&Arc<Opened>| opened.node.pending.is_any();
        let files: Vec<_> = self.table().files().filter(is_any).cloned().collect();
        for opened in files {
            self.engine.behind.flush(&opened.node);
        }
    }

    /// Gives out a handle of what was opened by a grant, which was read when the grants were those of
    /// `generation`.
    fn insert(&self, held: Held, grant: &Grant, generation: u64) -> Result<Handle, FileError> {
        let handle = {
            let mut table = self.table_to_change();
            let handle = table.insert(held, self.engine.limits.handles_max)?;
            self.engine.handles.fetch_add(1, Ordering::SeqCst);
            handle
        };
        self.engine.keeper.wake(&self.engine);
        // Whoever noticed another generation before the handle was there did not close it.
        if self.engine.grants.known_generation() != generation
            && !self.engine.grants.of(&self.label).contains(grant)
        {
            let gone = self.table_to_change().remove(handle);
            self.end(gone.into_iter().collect());
            return Err(revoked());
        }
        Ok(handle)
    }

    /// Ends what handles stood for, when nobody is there to be told what went wrong.
    fn end(&self, gone: Vec<Held>) {
        for held in gone {
            // What was written by a handle that was taken back already was told then.
            if let Held::Revoked = held {
                continue;
            }
            if let Err(error) = self.close(held) {
                tracing::warn!(surface = self.label, %error, "what a page wrote is not in its file");
            }
        }
    }

    /// Ends what a handle stood for, and returns what went wrong since the last call on it.
    fn close(&self, held: Held) -> Result<(), FileError> {
        match held {
            Held::File(opened) => {
                self.engine.handles.fetch_sub(1, Ordering::SeqCst);
                self.engine.behind.flush(&opened.node);
                let told = opened.pen.late.tell();
                if opened.end() && opened.mode != Mode::Read {
                    self.engine.attributes.nobody_writes_unseen();
                }
                told
            }
            Held::Watch(_, watching) => {
                self.engine.handles.fetch_sub(1, Ordering::SeqCst);
                watching.close();
                Ok(())
            }
            Held::Revoked => Err(revoked()),
        }
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_to_change(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opened {
    /// Gives back what others would miss: the lock, and that writes may be held behind again. Returns
    /// whether a descriptor was given away.
    fn end(&self) -> bool {
        if self.is_locked.load(Ordering::SeqCst) {
            // The lock goes with the file anyway, where no descriptor was given away.
            let _ = self.pen.file.unlock();
        }
        let was_direct = self.is_direct.swap(false, Ordering::SeqCst);
        if was_direct {
            self.node.directs.fetch_sub(1, Ordering::SeqCst);
        }
        was_direct
    }
}

fn bad_handle() -> FileError {
    FileError {
        hint: Some("open the file again"),
        ..FileError::new(Code::BadHandle, "the handle is of no open file of this page")
    }
}

fn revoked() -> FileError {
    FileError {
        hint: Some("have the user grant the folder again, then open the file again"),
        ..FileError::new(Code::Revoked, "the grant of the folder that this is in was taken back")
    }
}

/// Returns so much of a page's text as fits into a message.
fn shown(text: &str) -> &str {
    let end = (0..=80.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}
