//! The local side of a connection: it says hello, proposes and hears what there is.
#![forbid(unsafe_code)]

use oriel_wire::sync as wire;
use oriel_wire::sync::{
    Ack, ByeReason, CAP_VERIFY, CAP_ZSTD, Digest, Entry, Hello, LateKnown, MOMENT_BYTES_MAX,
    MOMENT_CHANGES_MAX, PROPOSALS_MAX, PROTOCOL_VERSION, Propose, RelPath, Seq, SnapEnd, Start,
    Verify, WINDOW_BYTES, Welcome,
};

use super::lane::Lane;
use super::words::{begin_in, change_in, epoch_in, epoch_out, op_in, op_out, proposal_out, why_in};
use super::{CAPS, Heard, SpeechError, VERIFIES_MAX, Who};
use crate::talk::{Change, Down, Up};
use crate::vfs::Blobs;

/// The local side of one connection.
#[derive(Debug)]
pub struct Local {
    who: Who,
    /// What this side can, then what both can.
    caps: u32,
    stage: Stage,
    hello: Option<Vec<u8>>,
    lane: Lane<wire::Up>,
    /// Proposals for one frame.
    proposals: Vec<wire::Proposal>,
    /// Part of a moment.
    moment: Option<Moment>,
    verifies: usize,
}

/// How far the connection is.
#[derive(Debug)]
enum Stage {
    /// Nothing was said.
    Silent,
    /// Hello was said, by one that knows a tree or knows none.
    Greeting { knows: bool },
    /// Pages come.
    Pages(Pages),
    /// What changes is told.
    Live,
    /// The tree is another one, and nothing is told of it.
    Apart,
}

/// Holds the order of pages: folders come before what is in them.
///
/// What is in a new folder may have been seen and told of a moment before the folder itself. So what a path is in
/// need not be told of.
#[derive(Debug)]
struct Pages {
    /// Whether they tell of a whole tree, and so only of what is there.
    is_tree: bool,
    last: Option<RelPath>,
    paths: u64,
}

/// A moment that comes in several frames.
#[derive(Debug)]
struct Moment {
    seq: Seq,
    changes: Vec<wire::Change>,
    bytes: usize,
}

impl Local {
    /// Begins a connection that can all this program can.
    #[must_use]
    pub const fn new(who: Who) -> Self {
        Self::with_caps(who, CAPS)
    }

    /// Begins a connection that can less.
    #[must_use]
    pub const fn with_caps(who: Who, caps: u32) -> Self {
        Self {
            who,
            caps,
            stage: Stage::Silent,
            hello: None,
            lane: Lane::new(WINDOW_BYTES, false),
            proposals: Vec::new(),
            moment: None,
            verifies: 0,
        }
    }

    /// Says what the engine says. What is said before the welcome waits for it, but for hello.
    ///
    /// # Errors
    /// Where it cannot be said, or too much waits. Then the connection is over.
    pub fn say(&mut self, up: Up) -> Result<(), SpeechError> {
        if self.is_over() {
            return Err(SpeechError::Over);
        }
        let said = self.put(up);
        self.lane.fail(said)
    }

    fn put(&mut self, up: Up) -> Result<(), SpeechError> {
        if let Up::Propose(proposal) = up {
            self.proposals.push(proposal_out(proposal));
            return if PROPOSALS_MAX <= self.proposals.len() { self.propose() } else { Ok(()) };
        }
        self.propose()?;
        match up {
            Up::Hello { epoch, seq } => self.greet(epoch, seq),
            Up::Want { digest, from } => {
                self.lane.takings.want(digest, from);
                Ok(())
            }
            Up::Gone(digest) => self.lane.say_gone(digest),
            Up::LateKnown(id) => {
                self.lane.say(&wire::Up::LateKnown(LateKnown { id: op_out(id) })).map(drop)
            }
            Up::Propose(_) => Ok(()),
            Up::Chunk(_) => Err(SpeechError::Content),
        }
    }

    fn greet(&mut self, epoch: Option<u64>, seq: u64) -> Result<(), SpeechError> {
        if !matches!(self.stage, Stage::Silent) {
            return Err(SpeechError::Order("a second hello"));
        }
        let Who { client, session, root } = self.who.clone();
        let hello = Hello {
            proto: PROTOCOL_VERSION,
            client,
            session,
            root,
            epoch: epoch.map(epoch_out),
            cursor: epoch.map(|_| Seq(seq)),
            caps: self.caps,
        };
        self.hello = Some(wire::Up::Hello(hello).encode()?);
        self.stage = Stage::Greeting { knows: epoch.is_some() };
        Ok(())
    }

    /// Says the proposals that were gathered.
    fn propose(&mut self) -> Result<(), SpeechError> {
        for proposals in wire::pages(std::mem::take(&mut self.proposals), PROPOSALS_MAX) {
            self.lane.say(&wire::Up::Propose(Propose { proposals }))?;
        }
        Ok(())
    }

    /// Sends a content that is needed, from a place in it on. What is not needed is not sent.
    pub fn send_blob(&mut self, digest: Digest, from: u64) {
        self.lane.givings.give(digest, from);
    }

    /// So many bytes of content that were heard are kept, or thrown away: as many may come again.
    pub fn received(&mut self, bytes: usize) {
        self.lane.takings.received(bytes);
    }

    /// Says that the log is taken in up to here.
    ///
    /// # Errors
    /// As [`Self::say`].
    pub fn ack(&mut self, seq: u64) -> Result<(), SpeechError> {
        let said = self.lane.say(&wire::Up::Ack(Ack { cursor: Seq(seq) })).map(drop);
        self.lane.fail(said)
    }

    /// Returns whether folders can be compared now.
    #[must_use]
    pub const fn can_verify(&self) -> bool {
        matches!(self.stage, Stage::Live)
            && self.caps & CAP_VERIFY != 0
            && self.verifies < VERIFIES_MAX
    }

    /// Asks whether a folder is the same. Where [`Self::can_verify`] says no, nothing is asked and no answer
    /// comes.
    ///
    /// # Errors
    /// As [`Self::say`].
    pub fn verify(&mut self, verify: Verify) -> Result<(), SpeechError> {
        if !self.can_verify() {
            return Ok(());
        }
        self.verifies += 1;
        let said = self.lane.say(&wire::Up::Verify(verify)).map(drop);
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
        if self.is_over() {
            return self.lane.next(contents);
        }
        if let Some(hello) = self.hello.take() {
            return Ok(Some(hello));
        }
        if matches!(self.stage, Stage::Silent | Stage::Greeting { .. } | Stage::Apart) {
            return Ok(None);
        }
        let said = self.propose();
        self.lane.fail(said)?;
        let next = self.lane.next(contents);
        self.lane.fail(next)
    }

    /// Hears a frame.
    ///
    /// # Errors
    /// Where it is none, or may not be said now. The connection is over then, and the next frame says so.
    pub fn hear(&mut self, frame: &[u8]) -> Result<Vec<Heard<Down>>, SpeechError> {
        if self.is_over() {
            return Err(SpeechError::Over);
        }
        let read = wire::Down::decode(frame).map_err(SpeechError::from);
        let heard = read.and_then(|down| self.heard(down, frame.len()));
        let heard = self.lane.fail(heard)?;
        Ok(heard.into_iter().collect())
    }

    fn heard(
        &mut self,
        down: wire::Down,
        bytes: usize,
    ) -> Result<Option<Heard<Down>>, SpeechError> {
        use wire::Down as D;
        match (down, &self.stage) {
            (D::Bye(bye), _) => {
                self.lane.left();
                return Ok(Some(Heard::Bye(bye)));
            }
            (D::Welcome(welcome), Stage::Greeting { knows }) => {
                let knows = *knows;
                return self.welcomed(&welcome, knows).map(|down| Some(Heard::Said(down)));
            }
            (D::Welcome(_), _) => return Err(SpeechError::Order("a welcome")),
            (_, Stage::Silent | Stage::Greeting { .. }) => {
                return Err(SpeechError::Order("what comes before a welcome"));
            }
            (_, Stage::Apart) => return Err(SpeechError::Order("what comes after a reset")),
            (D::SnapPage(page), _) => return self.page(page.changes).map(Some),
            (D::SnapEnd(end), _) => return self.page_end(end).map(Some),
            // These come while there are pages as well.
            (D::Credit(credit), _) => self.lane.givings.grant(credit.bytes)?,
            (D::Chunk(chunk), _) => {
                return Ok(Some(Heard::Said(Down::Chunk(self.lane.take(chunk)?))));
            }
            (D::Gone(gone), _) => {
                self.lane.takings.gone(gone.digest)?;
                return Ok(Some(Heard::Said(Down::Gone(gone.digest))));
            }
            (down, Stage::Live) => return self.live(down, bytes),
            (_, Stage::Pages(_)) => {
                return Err(SpeechError::Order("what comes before the last page"));
            }
        }
        Ok(None)
    }

    fn welcomed(&mut self, welcome: &Welcome, knows: bool) -> Result<Down, SpeechError> {
        let Welcome { proto, epoch, start, caps, limits } = *welcome;
        if proto != PROTOCOL_VERSION {
            return Err(SpeechError::Version(proto));
        }
        if caps & !self.caps != 0 {
            return Err(SpeechError::Order("more than this side can"));
        }
        self.caps = caps;
        self.lane.agree(limits.window_bytes, caps & CAP_ZSTD != 0);
        self.stage = match start {
            Start::Resume if !knows => return Err(SpeechError::Order("to go on from nothing")),
            Start::Resume => Stage::Pages(Pages::new(false)),
            Start::Snapshot => Stage::Pages(Pages::new(true)),
            Start::Reset => {
                // What was to be said is of a tree that is no more.
                self.lane.forget();
                self.proposals.clear();
                Stage::Apart
            }
        };
        Ok(Down::Welcome { epoch: epoch_in(epoch), begin: begin_in(start) })
    }

    fn page(&mut self, changes: Vec<wire::Change>) -> Result<Heard<Down>, SpeechError> {
        let Stage::Pages(pages) = &mut self.stage else {
            return Err(SpeechError::Order("a page"));
        };
        changes.iter().try_for_each(|change| pages.admit(change))?;
        Ok(Heard::Said(Down::Page(changes_in(changes))))
    }

    fn page_end(&mut self, end: SnapEnd) -> Result<Heard<Down>, SpeechError> {
        let Stage::Pages(Pages { paths: came, .. }) = self.stage else {
            return Err(SpeechError::Order("the end of pages"));
        };
        if came != end.paths {
            return Err(SpeechError::Paths { told: end.paths, came });
        }
        self.stage = Stage::Live;
        Ok(Heard::Said(Down::PageEnd { seq: end.seq.0 }))
    }

    fn live(&mut self, down: wire::Down, bytes: usize) -> Result<Option<Heard<Down>>, SpeechError> {
        use wire::Down as D;
        Ok(Some(Heard::Said(match down {
            D::Delta(delta) => return self.delta(delta, bytes),
            D::Need(want) => {
                let from = self.lane.wanted(&want)?;
                Down::Need { digest: want.digest, from }
            }
            D::Committed(wire::Committed { op, rev }) => {
                Down::Committed { op: op_in(op), rev: rev.0 }
            }
            D::Rejected(wire::Rejected { op, why, current }) => {
                let wire::Known { rev, entry: current } = current;
                Down::Rejected { op: op_in(op), why: why_in(why), current, rev: rev.0 }
            }
            D::Late(wire::Late { id, path, entry }) => Down::Late { id: op_in(id), path, entry },
            D::VerifyDiff(diff) => {
                let asked = self.verifies.checked_sub(1);
                self.verifies = asked.ok_or(SpeechError::Order("a folder nobody asked about"))?;
                return Ok(Some(Heard::Differs(diff)));
            }
            _ => return Err(SpeechError::Order("something that is not understood")),
        })))
    }

    /// Puts the parts of a moment together.
    fn delta(
        &mut self,
        delta: wire::Delta,
        bytes: usize,
    ) -> Result<Option<Heard<Down>>, SpeechError> {
        let wire::Delta { seq, more, changes } = delta;
        let mut moment = match self.moment.take() {
            None => Moment { seq, changes, bytes },
            Some(mut moment) if moment.seq == seq => {
                moment.changes.extend(changes);
                moment.bytes += bytes;
                moment
            }
            Some(_) => return Err(SpeechError::Order("another moment within one")),
        };
        if MOMENT_BYTES_MAX < moment.bytes || MOMENT_CHANGES_MAX < moment.changes.len() {
            return Err(SpeechError::Moment);
        }
        if more {
            self.moment = Some(moment);
            return Ok(None);
        }
        let changes = changes_in(std::mem::take(&mut moment.changes));
        Ok(Some(Heard::Said(Down::Delta { seq: seq.0, changes })))
    }
}

impl Pages {
    const fn new(is_tree: bool) -> Self {
        Self { is_tree, last: None, paths: 0 }
    }

    fn admit(&mut self, change: &wire::Change) -> Result<(), SpeechError> {
        let is_late = self.last.as_ref().is_some_and(|last| change.path <= *last);
        if is_late || (self.is_tree && change.entry == Entry::Absent) {
            return Err(SpeechError::Path(change.path.clone()));
        }
        self.last = Some(change.path.clone());
        self.paths += 1;
        Ok(())
    }
}

fn changes_in(changes: Vec<wire::Change>) -> Vec<Change> {
    changes.into_iter().map(change_in).collect()
}

#[cfg(test)]
impl Local {
    pub(super) const fn lane(&self) -> &Lane<wire::Up> {
        &self.lane
    }
}
