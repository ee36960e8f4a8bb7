//! A file as the engine knows it, whatever names and handles it has: by device and inode.
//!
//! All handles of a file in this engine meet here, so what one wrote and is still held behind is seen by
//! the others, and a file is mapped once.

use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::behind::Pending;
use crate::mapped::Mapping;
use crate::sys::Id;

/// A file that is open, or was until just now.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// Writes that are not with the system yet.
    pub(crate) pending: Pending,
    /// The file as memory, where it is read often.
    pub(crate) mapping: Mapping,
    /// How many handles gave a descriptor away. Nothing is held behind while there are any, since who
    /// reads by a descriptor would not see it.
    pub(crate) directs: AtomicU32,
}

/// The files that are open.
#[derive(Debug, Default)]
pub(crate) struct Nodes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    nodes: HashMap<Id, Weak<Node>>,
    /// At how many the forgotten ones are removed.
    tidy_at: usize,
}

/// How many there are before anybody looks for forgotten ones.
const TIDY_AT_LEAST: usize = 64;

impl Nodes {
    /// Returns what is known of an open file.
    pub(crate) fn of(&self, file: Id) -> Arc<Node> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.tidy_at <= known.nodes.len() {
            known.nodes.retain(|_, node| node.strong_count() != 0);
            known.tidy_at = TIDY_AT_LEAST.max(2 * known.nodes.len());
        }
        let place = known.nodes.entry(file).or_default();
        place.upgrade().unwrap_or_else(|| {
            let node = Arc::new(Node::default());
            *place = Arc::downgrade(&node);
            node
        })
    }
}
