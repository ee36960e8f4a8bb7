//! Which chunks are here already, and where.

use std::collections::{BTreeMap, HashMap};

use oriel_wire::sync::{ChunkMark, Digest, Span};

use super::spans;

/// The most chunks that are known: of 64 GiB. When there are more, the contents that were added first are
/// forgotten, and what is in them is sent once more if it is needed.
pub const CHUNKS_MAX: usize = 1024 * 1024;

/// Where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The content it is in.
    pub content: Digest,
    /// Where it is in it.
    pub span: Span,
}

/// The chunks of the contents that are here.
///
/// A place says where bytes were when they were added. Who takes them from there takes their digest too.
#[derive(Debug, Clone)]
pub struct ChunkIndex {
    /// By the chunk, one place for each content that has it.
    places: HashMap<Digest, Vec<Place>>,
    contents: HashMap<Digest, Content>,
    /// Contents in the order in which they were added.
    order: BTreeMap<u64, Digest>,
    added: u64,
    chunks: usize,
    chunks_max: usize,
}

#[derive(Debug, Clone)]
struct Content {
    number: u64,
    marks: Vec<ChunkMark>,
}

/// How a content is made here of what is here and what has to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Where bytes of it are here, and where they go.
    pub have: Vec<(Place, Span)>,
    /// What of it has to be sent. What touches is one.
    pub want: Vec<Span>,
}

impl Default for ChunkIndex {
    fn default() -> Self {
        Self::with_chunks_max(CHUNKS_MAX)
    }
}

impl ChunkIndex {
    /// Begins with no contents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins with no contents, and forgets some when there are more chunks than this.
    #[must_use]
    pub fn with_chunks_max(chunks_max: usize) -> Self {
        Self {
            places: HashMap::new(),
            contents: HashMap::new(),
            order: BTreeMap::new(),
            added: 0,
            chunks: 0,
            chunks_max,
        }
    }

    /// Takes a content and how it is cut. One that is known already is not taken again, and one with more
    /// chunks than the index holds is not taken at all.
    pub fn add(&mut self, content: Digest, marks: &[ChunkMark]) {
        if self.contents.contains_key(&content) || self.chunks_max < marks.len() {
            return;
        }
        while self.chunks_max < self.chunks + marks.len() {
            let Some((_, oldest)) = self.order.first_key_value() else { break };
            self.remove(*oldest);
        }
        for (mark, span) in spans(marks) {
            let places = self.places.entry(mark.digest).or_default();
            // A content that repeats itself needs to be found in one place only.
            if places.last().is_none_or(|place| place.content != content) {
                places.push(Place { content, span });
            }
        }
        self.chunks += marks.len();
        self.order.insert(self.added, content);
        self.contents.insert(content, Content { number: self.added, marks: marks.to_vec() });
        self.added += 1;
    }

    /// Forgets a content that is here no longer.
    pub fn remove(&mut self, content: Digest) {
        let Some(Content { number, marks }) = self.contents.remove(&content) else { return };
        self.order.remove(&number);
        self.chunks -= marks.len();
        for mark in marks {
            let Some(places) = self.places.get_mut(&mark.digest) else { continue };
            places.retain(|place| place.content != content);
            if places.is_empty() {
                self.places.remove(&mark.digest);
            }
        }
    }

    /// Returns where a chunk is: in the content that was added last of those that have it.
    #[must_use]
    pub fn find(&self, chunk: Digest) -> Option<Place> {
        self.places.get(&chunk).and_then(|places| places.last()).copied()
    }

    /// Returns how a content is made of what is here.
    #[must_use]
    pub fn plan(&self, marks: &[ChunkMark]) -> Plan {
        let mut plan = Plan::default();
        for (mark, span) in spans(marks) {
            match self.find(mark.digest).filter(|place| place.span.length == span.length) {
                Some(place) => plan.have.push((place, span)),
                None => match plan.want.last_mut() {
                    Some(last) if last.end() == span.offset => last.length += span.length,
                    _ => plan.want.push(span),
                },
            }
        }
        plan
    }

    /// Returns how many chunks the contents have together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks
    }

    /// Returns whether no content is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }
}
