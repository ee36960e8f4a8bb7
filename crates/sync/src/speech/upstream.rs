//! The upstream side of a connection: it welcomes, tells what there is and hears what is proposed.
#![forbid(unsafe_code)]

use oriel_wire::sync as wire;
use oriel_wire::sync::{
    ByeReason, CAP_VERIFY, CAP_ZSTD, CHANGES_MAX, Digest, Hello, MOMENT_BYTES_MAX,
    MOMENT_CHANGES_MAX, PROTOCOL_VERSION, Rev, Seq, SnapEnd, SnapPage, VerifyDiff, WINDOW_BYTES,
    Welcome,
};

use super::lane::Lane;
use super::words::{
    begin_out, change_out, epoch_in, epoch_out, op_in, op_out, proposal_in, why_out,
};
use super::{Heard, SpeechError, Terms, VERIFIES_MAX, Who};
use crate::talk::{Begin, Change, Down, Up};
use crate::vfs::Blobs;

/// The upstream side of one connection.
#[derive(Debug)]
pub struct Upstream {
    terms: Terms,
    /// What both can.
    caps: u32,
    stage: Stage,
    lane: Lane<wire::Down>,
    /// How many paths were on the pages.
    paths: u64,
    verifies: usize,
}

/// How far the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nobody said hello.
    Silent,
    /// Somebody did, and nobody welcomed them.
    Greeted,
    /// Pages are told.
    Pages,
    /// What changes is told.
    Live,
    /// The tree is another than the one that they know, and nothing is told of it.
    Apart,
}

impl Upstream {
    /// Begins a connection.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        let window = terms.limits.window_bytes.clamp(1, WINDOW_BYTES);
        let terms =
            Terms { limits: wire::Limits { window_bytes: window, ..terms.limits }, ..terms };
        Self {
            terms,
            caps: 0,
            stage: Stage::Silent,
            lane: Lane::new(window, false),
            paths: 0,
            verifies: 0,
        }
    }

    /// Says what the engine says.
    ///
    /// # Errors
    /// Where it cannot be said, or too much waits. Then the connection is over.
    pub fn say(&mut self, down: Down) -> Result<(), SpeechError> {
        if self.is_over() {
            return Err(SpeechError::Over);
        }
        let said = self.put(down);
        self.lane.fail(said)
    }

    fn put(&mut self, down: Down) -> Result<(), SpeechError> {
        use wire::Down as D;
        match down {
            Down::Welcome { epoch, begin } => self.welcome(epoch, begin),
            Down::Page(changes) => self.page(changes),
            Down::PageEnd { seq } => {
                self.stage = Stage::Live;
                self.lane.say(&D::SnapEnd(SnapEnd { seq: Seq(seq), paths: self.paths })).map(drop)
            }
            Down::Delta { seq, changes } => self.delta(seq, changes),
            Down::Need { digest, from } => {
                self.lane.takings.want(digest, from);
                Ok(())
            }
            Down::Committed { op, rev } => self
                .lane
                .say(&D::Committed(wire::Committed { op: op_out(op), rev: Rev(rev) }))
                .map(drop),
            Down::Rejected { op, why, current, rev } => {
                let current = wire::Known { rev: Rev(rev), entry: current };
                let rejected = wire::Rejected { op: op_out(op), why: why_out(why), current };
                self.lane.say(&D::Rejected(rejected)).map(drop)
            }
            Down::Late { id, path, entry } => {
                self.lane.say(&D::Late(wire::Late { id: op_out(id), path, entry })).map(drop)
            }
            Down::Gone(digest) => self.lane.say_gone(digest),
            Down::Chunk(_) => Err(SpeechError::Content),
        }
    }

    fn welcome(&mut self, epoch: u64, begin: Begin) -> Result<(), SpeechError> {
        if self.stage != Stage::Greeted {
            return Err(SpeechError::Order("a welcome"));
        }
        self.stage = if begin == Begin::Reset { Stage::Apart } else { Stage::Pages };
        let (proto, epoch, start) = (PROTOCOL_VERSION, epoch_out(epoch), begin_out(begin));
        let (caps, limits) = (self.caps, self.terms.limits);
        self.lane.say(&wire::Down::Welcome(Welcome { proto, epoch, start, caps, limits })).map(drop)
    }

    fn page(&mut self, changes: Vec<Change>) -> Result<(), SpeechError> {
        self.paths += changes.len() as u64;
        for changes in wire::pages(changes.into_iter().map(change_out), CHANGES_MAX) {
            self.lane.say_page(&wire::Down::SnapPage(SnapPage { changes }))?;
        }
        Ok(())
    }

    /// Tells of a moment, in as many frames as it needs.
    fn delta(&mut self, seq: u64, changes: Vec<Change>) -> Result<(), SpeechError> {
        if MOMENT_CHANGES_MAX < changes.len() {
            return Err(SpeechError::Moment);
        }
        let mut parts = wire::pages(changes.into_iter().map(change_out), CHANGES_MAX);
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let last = parts.len() - 1;
        let mut bytes = 0;
        for (number, changes) in parts.into_iter().enumerate() {
            let delta = wire::Delta { seq: Seq(seq), more: number < last, changes };
            bytes += self.lane.say(&wire::Down::Delta(delta))?;
            if MOMENT_BYTES_MAX < bytes {
                return Err(SpeechError::Moment);
            }
        }
        Ok(())
    }

    /// Sends a content that is wanted, from a place in it on. What is not wanted is not sent.
    pub fn send_blob(&mut self, digest: Digest, from: u64) {
        self.lane.givings.give(digest, from);
    }

    /// So many bytes of content that were heard are kept, or thrown away: as many may come again.
    pub fn received(&mut self, bytes: usize) {
        self.lane.takings.received(bytes);
    }

    /// Answers what was asked about a folder.
    ///
    /// # Errors
    /// As [`Self::say`].
    pub fn differs(&mut self, diff: VerifyDiff) -> Result<(), SpeechError> {
        self.verifies = self.verifies.saturating_sub(1);
        let said = self.lane.say(&wire::Down::VerifyDiff(diff)).map(drop);
        self.lane.fail(said)
    }

    /// Ends the connection, with one more frame.
    pub fn end(&mut self, why: ByeReason, message: &str) {
        self.lane.end(why, message);
    }

    /// Returns whether it is over. There may be one more frame to send.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.lane.is_over()
    }

    /// Returns the next frame to send, if there is one: of contents only when nothing else waits.
    ///
    /// # Errors
    /// Where what was said cannot be written.
    pub fn next_frame(&mut self, contents: &impl Blobs) -> Result<Option<Vec<u8>>, SpeechError> {
        let next = self.lane.next(contents);
        self.lane.fail(next)
    }

    /// Hears a frame.
    ///
    /// # Errors
    /// Where it is none, or may not be said now. The connection is over then, and the next frame says so.
    pub fn hear(&mut self, frame: &[u8]) -> Result<Vec<Heard<Up>>, SpeechError> {
        if self.is_over() {
            return Err(SpeechError::Over);
        }
        let read = wire::Up::decode(frame).map_err(SpeechError::from);
        let heard = read.and_then(|up| self.heard(up));
        self.lane.fail(heard)
    }

    fn heard(&mut self, up: wire::Up) -> Result<Vec<Heard<Up>>, SpeechError> {
        use wire::Up as U;
        Ok(vec![match (up, self.stage) {
            (U::Bye(bye), _) => {
                self.lane.left();
                Heard::Bye(bye)
            }
            (U::Hello(hello), Stage::Silent) => return self.greeted(hello),
            (U::Hello(_), _) => return Err(SpeechError::Order("a second hello")),
            (_, Stage::Silent) => return Err(SpeechError::Order("what comes before hello")),
            (_, Stage::Greeted) => return Err(SpeechError::Order("what comes before the welcome")),
            (_, Stage::Apart) => return Err(SpeechError::Order("what comes after a reset")),
            (U::Credit(credit), _) => {
                self.lane.givings.grant(credit.bytes)?;
                return Ok(Vec::new());
            }
            (U::Want(want), _) => {
                let from = self.lane.wanted(&want)?;
                Heard::Said(Up::Want { digest: want.digest, from })
            }
            (U::Chunk(chunk), _) => Heard::Said(Up::Chunk(self.lane.take(chunk)?)),
            (U::Gone(gone), _) => {
                self.lane.takings.gone(gone.digest)?;
                Heard::Said(Up::Gone(gone.digest))
            }
            (U::LateKnown(known), _) => Heard::Said(Up::LateKnown(op_in(known.id))),
            (U::Ack(ack), _) => Heard::Acked(ack.cursor.0),
            (U::Propose(propose), Stage::Live) => {
                let proposals = propose.proposals.into_iter().map(proposal_in);
                return Ok(proposals.map(|it| Heard::Said(Up::Propose(it))).collect());
            }
            (U::Propose(_), _) => {
                return Err(SpeechError::Order("a proposal by who does not know the tree"));
            }
            (U::Verify(verify), Stage::Live) if self.caps & CAP_VERIFY != 0 => {
                self.verifies += 1;
                if VERIFIES_MAX < self.verifies {
                    return Err(SpeechError::Order("one folder too many to compare"));
                }
                Heard::Verify(verify)
            }
            (U::Verify(_), _) => return Err(SpeechError::Order("a folder to compare")),
            (U::Outline(_), _) => return Err(SpeechError::Order("an outline nobody asked for")),
        }])
    }

    fn greeted(&mut self, hello: Hello) -> Result<Vec<Heard<Up>>, SpeechError> {
        let Hello { proto, client, session, root, epoch, cursor, caps } = hello;
        if proto != PROTOCOL_VERSION {
            return Err(SpeechError::Version(proto));
        }
        self.caps = caps & self.terms.caps;
        self.lane.agree(self.terms.limits.window_bytes, self.caps & CAP_ZSTD != 0);
        self.stage = Stage::Greeted;
        let (epoch, seq) = (epoch.map(epoch_in), cursor.unwrap_or_default().0);
        let who = Who { client, session, root };
        Ok(vec![Heard::Who(who), Heard::Said(Up::Hello { epoch, seq })])
    }
}

#[cfg(test)]
impl Upstream {
    pub(super) const fn lane(&self) -> &Lane<wire::Down> {
        &self.lane
    }
}
