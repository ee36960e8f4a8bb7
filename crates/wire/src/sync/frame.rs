//! Frames: one byte says which message it is, its fields follow in postcard, and a chunk's bytes after
//! these.
//!
//! The other side may be hostile. A frame is read whole or refused whole, there is one way to write each
//! message, and what was read is checked before anyone sees it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::limits::{CHUNK_BYTES_MAX, FILE_BYTES_MAX, FRAME_BYTES_MAX, WINDOW_BYTES};
use super::message::{Change, Chunk, Down, Known, Outline, Packing, Part, Proposal, Up, Want};
use super::{Entry, RelPath};

/// Bytes are no frame, or a message is none that may be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// There is nothing in it.
    #[error("a frame has at least one byte")]
    Empty,
    /// It is too long.
    #[error("a frame has at most {FRAME_BYTES_MAX} bytes, and this one has {0}; say it in several")]
    Long(usize),
    /// Nobody knows which message it is, or this side does not say it.
    #[error("there is no message {0} from this side")]
    Kind(u8),
    /// Its fields cannot be read.
    #[error("the fields of message {kind} cannot be read: {problem}")]
    Fields {
        /// Which message.
        kind: u8,
        /// What is wrong.
        problem: String,
    },
    /// It has a longer form than it needs to, or bytes after its end.
    #[error("message {0} is written otherwise than it is read")]
    Form(u8),
    /// What it says cannot be.
    #[error("{0}")]
    Sense(String),
}

/// Makes the reading and writing of one side's messages from the list of their numbers.
macro_rules! messages {
    ($side:ident, $($kind:literal = $name:ident),+ $(,)?) => {
        impl $side {
            /// Every number of this side's messages.
            pub const KINDS: &'static [u8] = &[$($kind),+];

            /// Returns its number on the wire.
            #[must_use]
            pub const fn kind(&self) -> u8 {
                match self { $(Self::$name(_) => $kind),+ }
            }

            /// Returns it as a frame.
            ///
            /// # Errors
            /// Where it is too long, or says what the other side would refuse.
            pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
                self.check()?;
                let mut frame = vec![self.kind()];
                match self { $(Self::$name(message) => write(message, &mut frame)?),+ }
                if let Self::Chunk(chunk) = self {
                    frame.extend_from_slice(&chunk.bytes);
                }
                if FRAME_BYTES_MAX < frame.len() {
                    return Err(FrameError::Long(frame.len()));
                }
                Ok(frame)
            }

            /// Reads a frame.
            ///
            /// # Errors
            /// Where it is none that [`Self::encode`] makes.
            pub fn decode(frame: &[u8]) -> Result<Self, FrameError> {
                if FRAME_BYTES_MAX < frame.len() {
                    return Err(FrameError::Long(frame.len()));
                }
                let (kind, fields) = frame.split_first().ok_or(FrameError::Empty)?;
                let (mut message, rest) = match *kind {
                    $($kind => {
                        let (message, rest) = read(*kind, fields)?;
                        (Self::$name(message), rest)
                    })+
                    kind => return Err(FrameError::Kind(kind)),
                };
                match &mut message {
                    Self::Chunk(chunk) => chunk.bytes = rest.to_vec(),
                    _ if !rest.is_empty() => return Err(FrameError::Form(*kind)),
                    _ => {}
                }
                message.check()?;
                Ok(message)
            }
        }
    };
}

messages!(
    Up,
    1 = Hello,
    2 = Propose,
    3 = Want,
    4 = Ack,
    5 = Verify,
    6 = LateKnown,
    32 = Chunk,
    33 = Outline,
    34 = Gone,
    35 = Credit,
    36 = Bye,
);

messages!(
    Down,
    16 = Welcome,
    17 = SnapPage,
    18 = SnapEnd,
    19 = Delta,
    20 = Need,
    21 = Committed,
    22 = Rejected,
    23 = VerifyDiff,
    24 = Late,
    32 = Chunk,
    33 = Outline,
    34 = Gone,
    35 = Credit,
    36 = Bye,
);

/// Puts things that go into frames of `count_max` each into as many lists as they need.
///
/// What is longer than a frame by itself, which no checked path or link is, has a list for itself.
#[must_use]
pub fn pages<T: Serialize>(things: impl IntoIterator<Item = T>, count_max: usize) -> Vec<Vec<T>> {
    // The rest is for the fields around the list.
    const BYTES_MAX: usize = FRAME_BYTES_MAX - 1024;
    let mut pages: Vec<Vec<T>> = Vec::new();
    let mut used = BYTES_MAX;
    for thing in things {
        // What cannot be written says so when its frame is made.
        let bytes = postcard::to_allocvec(&thing).map_or(0, |bytes| bytes.len());
        match pages.last_mut() {
            Some(page) if page.len() < count_max && used + bytes <= BYTES_MAX => {
                used += bytes;
                page.push(thing);
            }
            _ => {
                used = bytes;
                pages.push(vec![thing]);
            }
        }
    }
    pages
}

fn write(message: &impl Serialize, frame: &mut Vec<u8>) -> Result<(), FrameError> {
    let kind = frame[0];
    let fields = postcard::to_allocvec(message)
        .map_err(|problem| FrameError::Fields { kind, problem: problem.to_string() })?;
    frame.extend_from_slice(&fields);
    Ok(())
}

fn read<T: Serialize + DeserializeOwned>(kind: u8, bytes: &[u8]) -> Result<(T, &[u8]), FrameError> {
    let failed =
        |problem: postcard::Error| FrameError::Fields { kind, problem: problem.to_string() };
    let (message, rest) = postcard::take_from_bytes::<T>(bytes).map_err(failed)?;
    let fields = &bytes[..bytes.len() - rest.len()];
    // Postcard reads numbers that are longer than they need to be.
    if postcard::to_allocvec(&message).map_err(failed)? != fields {
        return Err(FrameError::Form(kind));
    }
    Ok((message, rest))
}

fn sense(holds: bool, problem: impl FnOnce() -> String) -> Result<(), FrameError> {
    if holds { Ok(()) } else { Err(FrameError::Sense(problem())) }
}

impl Up {
    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Hello(hello) => {
                sense(!hello.session.is_empty(), || "a session has an id".to_owned())?;
                sense(hello.epoch.is_some() || hello.cursor.is_none(), || {
                    "a cursor is of a known life of the tree".to_owned()
                })
            }
            Self::Propose(propose) => propose.proposals.iter().try_for_each(proposal),
            Self::Want(want) => wanted(want),
            Self::Chunk(chunk) => content(chunk),
            Self::Outline(outline) => outlined(outline),
            Self::Ack(_)
            | Self::Verify(_)
            | Self::LateKnown(_)
            | Self::Gone(_)
            | Self::Credit(_)
            | Self::Bye(_) => Ok(()),
        }
    }
}

impl Down {
    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::SnapPage(page) => {
                page.changes.iter().try_for_each(change)?;
                let rising = page.changes.is_sorted_by(|a, b| a.path < b.path);
                sense(rising, || "the paths of a page rise".to_owned())
            }
            Self::Delta(delta) => {
                sense(delta.seq.0 != 0, || "the log begins with 1".to_owned())?;
                let goes_on = !delta.more || !delta.changes.is_empty();
                sense(goes_on, || "there is no more after nothing".to_owned())?;
                delta.changes.iter().try_for_each(change)
            }
            Self::Rejected(rejected) => known_size(&rejected.current.entry),
            Self::VerifyDiff(diff) => {
                let rising = diff.children.is_sorted_by(|a, b| a.name < b.name);
                sense(rising, || "the names of a folder rise".to_owned())?;
                let has_more = diff.has_more && diff.children.is_empty();
                sense(!has_more, || "there is no more after nothing".to_owned())?;
                let is_there = diff.digest.is_some() || diff.children.is_empty();
                sense(is_there, || "nothing is in a folder that is not there".to_owned())
            }
            Self::Welcome(welcome) => {
                let holds = (1..=WINDOW_BYTES).contains(&welcome.limits.window_bytes);
                sense(holds, || format!("a window has 1 to {WINDOW_BYTES} bytes"))
            }
            Self::Late(late) => placed(&late.path, &late.entry),
            Self::Need(want) => wanted(want),
            Self::Chunk(chunk) => content(chunk),
            Self::Outline(outline) => outlined(outline),
            Self::SnapEnd(_)
            | Self::Committed(_)
            | Self::Gone(_)
            | Self::Credit(_)
            | Self::Bye(_) => Ok(()),
        }
    }
}

fn change(change: &Change) -> Result<(), FrameError> {
    placed(&change.path, &change.entry)
}

fn proposal(proposal: &Proposal) -> Result<(), FrameError> {
    let Proposal { path, base: Known { entry, .. }, new, .. } = proposal;
    sense(new.is_known(), || format!("`{path}` cannot become what is not synced"))?;
    placed(path, entry)?;
    placed(path, new)
}

/// Whether this can be at the path.
fn placed(path: &RelPath, entry: &Entry) -> Result<(), FrameError> {
    if let Entry::Symlink { target } = entry {
        sense(target.is_inside(path), || format!("the link `{path}` leads out of the folder"))?;
    }
    known_size(entry)
}

fn known_size(entry: &Entry) -> Result<(), FrameError> {
    match entry {
        Entry::File { size, .. } => size_held(*size),
        _ => Ok(()),
    }
}

fn size_held(size: u64) -> Result<(), FrameError> {
    sense(size <= FILE_BYTES_MAX, || format!("a file has at most {FILE_BYTES_MAX} bytes"))
}

fn wanted(want: &Want) -> Result<(), FrameError> {
    let spans = match &want.part {
        Part::Outline { .. } => return Ok(()),
        Part::From { offset } => {
            return sense(*offset <= FILE_BYTES_MAX, || "no file is so long".to_owned());
        }
        Part::Bytes { spans } => spans,
    };
    sense(!spans.is_empty(), || "at least one span is wanted".to_owned())?;
    let mut free = 0;
    for span in spans {
        let holds = 0 < span.length && free <= span.offset && span.end() <= FILE_BYTES_MAX;
        sense(holds, || "spans rise, have bytes, and end in the file".to_owned())?;
        free = span.end();
    }
    Ok(())
}

fn content(chunk: &Chunk) -> Result<(), FrameError> {
    size_held(chunk.size)?;
    let length = chunk.length as usize;
    let in_file = chunk.offset.saturating_add(u64::from(chunk.length)) <= chunk.size;
    // Where nothing is left, that is what is said.
    let is_end = length == 0 && chunk.offset == chunk.size && chunk.packing == Packing::Plain;
    let fits = match chunk.packing {
        Packing::Plain => chunk.bytes.len() == length,
        Packing::Zstd => !chunk.bytes.is_empty() && chunk.bytes.len() <= length,
    };
    let holds = (is_end || (1..=CHUNK_BYTES_MAX).contains(&length)) && in_file && fits;
    sense(holds, || format!("a chunk has 1 to {CHUNK_BYTES_MAX} bytes, and as many as it says"))
}

fn outlined(outline: &Outline) -> Result<(), FrameError> {
    size_held(outline.size)?;
    let lengths = outline.marks.iter().map(|mark| mark.length as usize);
    let held = lengths.clone().all(|length| (1..=CHUNK_BYTES_MAX).contains(&length));
    sense(held, || format!("a chunk has 1 to {CHUNK_BYTES_MAX} bytes"))?;
    let bytes: usize = lengths.sum();
    let count = u32::try_from(outline.marks.len()).unwrap_or(u32::MAX);
    let end = outline.first.saturating_add(count);
    let is_whole = outline.first == 0 && end == outline.total;
    let holds = bytes as u64 <= outline.size
        && end <= outline.total
        && u64::from(outline.total) <= outline.size
        && (!is_whole || bytes as u64 == outline.size);
    sense(holds, || "the chunks of an outline make the content".to_owned())
}
