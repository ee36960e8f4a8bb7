//! Two speeches back to back, and stores of contents in memory.

use std::collections::BTreeMap;

use oriel_wire::sync::{ClientId, Digest, Limits, RootId};

use crate::digest_of;
use crate::speech::{Heard, Local, Terms, Upstream, Who};
use crate::talk::{Begin, Down, Up};
use crate::vfs::{Blobs, Fault, Have};

#[derive(Debug)]
pub(super) struct Pair {
    pub(super) local: Local,
    pub(super) upstream: Upstream,
    pub(super) here: Store,
    pub(super) there: Store,
    pub(super) heard_up: Vec<Heard<Up>>,
    pub(super) heard_down: Vec<Heard<Down>>,
    /// What comes is kept at once.
    pub(super) keeps: bool,
}

pub(super) fn who() -> Who {
    let (client, root) = (ClientId([1; 16]), RootId([2; 16]));
    Who { client, session: "s1".to_owned(), root }
}

impl Pair {
    pub(super) fn new(window_bytes: u32) -> Self {
        let terms = Terms::default();
        let limits = Limits { window_bytes, ..terms.limits };
        Self {
            local: Local::new(who()),
            upstream: Upstream::new(Terms { limits, ..terms }),
            here: Store::default(),
            there: Store::default(),
            heard_up: Vec::new(),
            heard_down: Vec::new(),
            keeps: true,
        }
    }

    /// Two that have met.
    pub(super) fn live(window_bytes: u32) -> Self {
        let mut pair = Self::new(window_bytes);
        pair.meet();
        pair
    }

    pub(super) fn meet(&mut self) {
        self.local.say(Up::Hello { epoch: None, seq: 0 }).unwrap();
        self.run();
        assert_eq!(self.heard_up.remove(0), Heard::Who(who()));
        self.upstream.say(Down::Welcome { epoch: 1, begin: Begin::Snapshot }).unwrap();
        self.upstream.say(Down::PageEnd { seq: 7 }).unwrap();
        self.run();
        self.heard_up.clear();
        self.heard_down.clear();
    }

    /// Lets a frame go up, if there is one.
    pub(super) fn up(&mut self) -> bool {
        let Some(frame) = self.local.next_frame(&self.here).unwrap() else { return false };
        for heard in self.upstream.hear(&frame).unwrap() {
            match &heard {
                Heard::Said(Up::Want { digest, from }) => self.upstream.send_blob(*digest, *from),
                Heard::Said(Up::Chunk(chunk)) if self.keeps => {
                    self.upstream.received(chunk.bytes.len());
                }
                _ => {}
            }
            self.heard_up.push(heard);
        }
        true
    }

    /// Lets a frame go down, if there is one.
    pub(super) fn down(&mut self) -> bool {
        let Some(frame) = self.upstream.next_frame(&self.there).unwrap() else { return false };
        for heard in self.local.hear(&frame).unwrap() {
            match &heard {
                Heard::Said(Down::Need { digest, from }) => self.local.send_blob(*digest, *from),
                Heard::Said(Down::Chunk(chunk)) if self.keeps => {
                    self.local.received(chunk.bytes.len());
                }
                _ => {}
            }
            self.heard_down.push(heard);
        }
        true
    }

    /// Lets all frames cross.
    pub(super) fn run(&mut self) {
        while self.up() | self.down() {}
    }

    /// Nobody sends more than the other has room for, and nobody has more room than the window.
    pub(super) fn check(&self, window: u32) {
        let (here, there) = (self.local.lane(), self.upstream.lane());
        for (giver, taker) in [(here.givings.credit(), there.takings.open())]
            .into_iter()
            .chain([(there.givings.credit(), here.takings.open())])
        {
            assert!(giver <= taker && taker <= window, "{giver} {taker} {window}");
        }
    }

    pub(super) fn ups(&self) -> Vec<Up> {
        said(&self.heard_up)
    }

    pub(super) fn downs(&self) -> Vec<Down> {
        said(&self.heard_down)
    }
}

fn said<T: Clone>(heard: &[Heard<T>]) -> Vec<T> {
    let said = |heard: &Heard<T>| match heard {
        Heard::Said(said) => Some(said.clone()),
        _ => None,
    };
    heard.iter().filter_map(said).collect()
}

/// Adds a content, and returns it with a part of it from where on it is wanted.
pub(super) fn content(
    store: &mut Store,
    size: usize,
    part: u8,
    byte: u8,
) -> (Digest, u64, Vec<u8>) {
    let bytes = vec![byte; size];
    let from = size * usize::from(part) / 39;
    let rest = bytes[from..].to_vec();
    (store.add_bytes(bytes), from as u64, rest)
}

#[derive(Debug)]
enum Content {
    Bytes(Vec<u8>),
    Noise(u64),
}

/// Contents in memory, or made up as they are read.
#[derive(Debug, Default)]
pub(super) struct Store(BTreeMap<Digest, Content>);

impl Store {
    pub(super) fn add_bytes(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = digest_of(&bytes);
        self.0.insert(digest, Content::Bytes(bytes));
        digest
    }

    pub(super) fn add_noise(&mut self, size: u64) -> Digest {
        let digest = digest_of(&size.to_le_bytes());
        self.0.insert(digest, Content::Noise(size));
        digest
    }

    pub(super) fn is_noise(at: u64, bytes: &[u8]) -> bool {
        bytes.iter().zip(at..).all(|(byte, at)| *byte == noise(at))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "noise may be any byte")]
const fn noise(at: u64) -> u8 {
    (at ^ at >> 8 ^ at >> 16) as u8
}

impl Blobs for Store {
    type Draft = ();

    fn have(&self, digest: &Digest) -> Result<Have, Fault> {
        Ok(if self.0.contains_key(digest) { Have::All } else { Have::Part(0) })
    }

    fn read(&self, digest: &Digest, at: u64, buffer: &mut [u8]) -> Result<usize, Fault> {
        match self.0.get(digest).ok_or(Fault::NoBlob)? {
            Content::Bytes(bytes) => {
                let rest = bytes.get(at as usize..).unwrap_or_default();
                // Less than was asked for, now and then.
                let count = rest.len().min(buffer.len()).min(999);
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
            Content::Noise(size) => {
                let count = size.saturating_sub(at).min(buffer.len() as u64) as usize;
                buffer[..count].iter_mut().zip(at..).for_each(|(byte, at)| *byte = noise(at));
                Ok(count)
            }
        }
    }

    fn begin(&self) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn add(&self, (): &mut (), _: &[u8]) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn keep(&self, (): (), _: Digest) -> Result<(), Fault> {
        Err(Fault::Io)
    }

    fn receive(&self, _: &Digest, _: u64, _: u64, _: &[u8]) -> Result<Have, Fault> {
        Err(Fault::Io)
    }
}
