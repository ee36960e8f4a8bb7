//! The engine: what all pages of a process share.

mod keeper;
mod node;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Instant;

use crate::behind::Behind;
use crate::cache::Attributes;
use crate::grants::Grants;
use crate::mapped::MappedFiles;
use crate::surface::{Page, Surface};

pub(crate) use keeper::Keeper;
pub(crate) use node::{Node, Nodes};

/// How much of everything there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open handles of one page, watched folders among them; one more is refused.
    pub handles_max: u32,
    /// Bytes of requests and answers that are being worked on for one page; a request beyond that is
    /// refused, and does well when it is made again a little later.
    pub flight_bytes_max: u64,
    /// Bytes that were written and are not with the system yet, of all pages; a write beyond that waits
    /// until it is with the system itself.
    pub behind_bytes_max: u64,
    /// Bytes that are kept mapped, of all pages; those that were read longest ago go. A file that is
    /// longer is never mapped.
    pub mapped_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handles_max: 1024,
            flight_bytes_max: 128 << 20,
            behind_bytes_max: 64 << 20,
            mapped_bytes_max: 1 << 30,
        }
    }
}

/// What an engine is made of.
#[derive(Debug)]
pub struct Config {
    /// Who may use which folder.
    pub grants: Grants,
    /// How much of everything there may be.
    pub limits: Limits,
}

/// The engine of a process. What is held behind is written when it goes.
pub struct Files {
    engine: Arc<Engine>,
}

/// What pages and the keeper share.
pub(crate) struct Engine {
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(crate) nodes: Nodes,
    pub(crate) behind: Behind,
    pub(crate) mapped: MappedFiles,
    pub(crate) attributes: Attributes,
    pub(crate) keeper: Keeper,
    began: Instant,
    /// Open handles of all pages.
    pub(crate) handles: AtomicUsize,
    pages: Mutex<Vec<Weak<Page>>>,
    on_revoked: RwLock<Vec<OnRevoked>>,
}

type OnRevoked = Arc<dyn Fn(&str) + Send + Sync>;

impl Files {
    /// Makes one.
    #[must_use]
    pub fn new(config: Config) -> Arc<Self> {
        let Config { grants, limits } = config;
        let engine = Arc::new(Engine {
            grants,
            limits,
            nodes: Nodes::default(),
            behind: Behind::new(limits.behind_bytes_max),
            mapped: MappedFiles::new(limits.mapped_bytes_max),
            attributes: Attributes::default(),
            keeper: Keeper::default(),
            began: Instant::now(),
            handles: AtomicUsize::new(0),
            pages: Mutex::default(),
            on_revoked: RwLock::default(),
        });
        Arc::new(Self { engine })
    }

    /// Returns who may use which folder.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.engine.grants
    }

    /// Returns a page of a surface, which has nothing open yet. Each load of a page gets its own; its
    /// handles are closed when it is dropped.
    #[must_use]
    pub fn surface(self: &Arc<Self>, label: &str) -> Surface {
        let page = Arc::new(Page::new(label, Arc::clone(&self.engine)));
        let mut pages = self.engine.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|page| page.strong_count() != 0);
        pages.push(Arc::downgrade(&page));
        Surface::new(Arc::clone(self), page)
    }

    /// Has this called with a surface's label when one of its pages has lost handles because a grant was
    /// taken back. A descriptor that such a page got works on, so whoever hosts the page ends it.
    ///
    /// It is called on the thread that notices, and holds up what that does.
    pub fn on_revoked(&self, callback: impl Fn(&str) + Send + Sync + 'static) {
        let mut all = self.engine.on_revoked.write().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::new(callback));
    }

    /// Closes the handles of grants that were taken back. This also happens whenever a page asks for
    /// something, and each second while anything is open; whoever takes a grant back calls it to have it
    /// at once.
    pub fn notice_grants(&self) {
        self.engine.notice_grants();
    }

    /// Writes all that is held behind. From then on nothing is held, and all else works.
    pub fn shutdown(&self) {
        self.engine.behind.stop();
        self.engine.keeper.end();
        self.engine.flush_pages();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("limits", &self.engine.limits).finish_non_exhaustive()
    }
}

impl Engine {
    /// How old it is.
    pub(crate) fn age_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether anybody has anything open.
    pub(crate) fn is_in_use(&self) -> bool {
        self.handles.load(Ordering::SeqCst) != 0
    }

    /// Looks at what nobody asks for, and returns whether to look again.
    pub(crate) fn look(&self) -> bool {
        self.notice_grants();
        let has_mappings = self.mapped.look();
        has_mappings || self.is_in_use()
    }

    fn notice_grants(&self) {
        for page in self.pages() {
            page.notice_grants();
        }
    }

    /// Hands all that is held behind to the system, where anything is.
    pub(crate) fn flush_pages(&self) {
        if self.behind.bytes() != 0 {
            for page in self.pages() {
                page.flush();
            }
        }
    }

    pub(crate) fn tell_revoked(&self, label: &str) {
        let callbacks = self.on_revoked.read().unwrap_or_else(PoisonError::into_inner).clone();
        for callback in callbacks {
            callback(label);
        }
    }

    /// The pages that there are. Nothing is locked while they are looked at.
    fn pages(&self) -> Vec<Arc<Page>> {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.iter().filter_map(Weak::upgrade).collect()
    }
}
