//! What whoever runs an engine sees of it, whichever side it is of.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use oriel_wire::sync::{Digest, RelPath};

use crate::journal::{Pause, Saved};
use crate::local::Notice;
use crate::op::OpId;
use crate::rules::LeftOut;
use crate::slots::RecheckTimes;
use crate::task::{Done, Task};
use crate::upstream::Peer;
use crate::{local, talk, upstream};

/// The other side of whoever has only one.
pub(crate) const UPSTREAM: Peer = 0;

/// What an engine is made with anew each time.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) launch: u64,
    pub(crate) is_same_boot: bool,
    pub(crate) left_out: LeftOut,
}

/// Something happened.
#[derive(Debug)]
pub(crate) enum Input<H> {
    Tick,
    Hint(Vec<RelPath>),
    Rescan,
    Done(Done),
    Joined(Peer),
    Left(Peer),
    Said(Peer, H),
    RootBack,
}

/// Something is to be done.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are tasks")]
pub(crate) enum Effect<W> {
    Task(Task),
    Say(Peer, W),
    Blob(Peer, Digest, u64),
    Drop(Peer),
    WakeAt(u64),
    Notice(Notice),
}

/// An engine.
pub(crate) trait Side: Send + Sized + 'static {
    /// What its side says.
    type Says: Send + 'static;
    /// What it hears.
    type Hears: Send + 'static;
    /// What it is made with each time alike.
    type Setup: Clone + Send + 'static;

    fn begin(setup: &Self::Setup, start: Start, saved: Saved) -> Self;
    fn take(&mut self, now_ms: u64, input: Input<Self::Hears>) -> Vec<Effect<Self::Says>>;
    /// The folder is not where it was, and nothing is done before it is back.
    fn is_root_gone(&self) -> bool;
    /// What was told by the other side was told by other rules, and is to be told anew.
    fn distrust(&mut self);
    /// All is known that is to be told by the other side.
    fn has_heard_all(&self) -> bool;
    /// Every folder is watched.
    fn is_watching(&self) -> bool;
    /// Returns what is proposed by this, and where.
    fn proposes(said: &Self::Says) -> Option<(OpId, &RelPath)>;
    /// Returns which proposal this answers.
    fn answers(heard: &Self::Hears) -> Option<OpId>;
    /// Returns paths at which a content was last seen.
    fn paths_of(&self, digest: &Digest) -> Vec<RelPath>;
    /// Returns whether a content is needed that may be nowhere else.
    fn pins(&self) -> BTreeSet<Digest>;
}

/// What the local side's engine is made with each time alike.
#[derive(Debug, Clone, Default)]
pub(crate) struct LocalSetup {
    pub(crate) folds: bool,
    pub(crate) recheck: RecheckTimes,
    pub(crate) deletes: local::DeleteLimits,
}

impl Side for local::Engine {
    type Says = talk::Up;
    type Hears = talk::Down;
    type Setup = LocalSetup;

    fn begin(setup: &LocalSetup, start: Start, saved: Saved) -> Self {
        let Start { launch, is_same_boot, left_out } = start;
        let LocalSetup { folds, recheck, deletes } = setup.clone();
        let setup = local::Setup { launch, is_same_boot, left_out, folds, recheck, deletes };
        Self::new(setup, saved)
    }

    fn take(&mut self, now_ms: u64, input: Input<talk::Down>) -> Vec<Effect<talk::Up>> {
        let input = match input {
            Input::Tick => local::Input::Tick,
            Input::Hint(paths) => local::Input::Hint(paths),
            Input::Rescan => local::Input::Rescan,
            Input::Done(done) => local::Input::Done(done),
            Input::Joined(_) => local::Input::Connected,
            Input::Left(_) => local::Input::Disconnected,
            Input::Said(_, down) => local::Input::Said(down),
            Input::RootBack => local::Input::RootBack,
        };
        self.step(now_ms, input).into_iter().map(Effect::from).collect()
    }

    fn is_root_gone(&self) -> bool {
        self.paused() == Some(Pause::RootGone)
    }

    fn distrust(&mut self) {
        Self::distrust(self);
    }

    fn has_heard_all(&self) -> bool {
        Self::has_heard_all(self)
    }

    fn is_watching(&self) -> bool {
        !self.disk.is_unwatched
    }

    fn proposes(said: &talk::Up) -> Option<(OpId, &RelPath)> {
        match said {
            talk::Up::Propose(proposal) => Some((proposal.op, &proposal.path)),
            _ => None,
        }
    }

    fn answers(heard: &talk::Down) -> Option<OpId> {
        match heard {
            talk::Down::Committed { op, .. } | talk::Down::Rejected { op, .. } => Some(*op),
            _ => None,
        }
    }

    fn paths_of(&self, digest: &Digest) -> Vec<RelPath> {
        self.disk.paths_of(digest)
    }

    fn pins(&self) -> BTreeSet<Digest> {
        self.pinned()
    }
}

impl From<local::Effect> for Effect<talk::Up> {
    fn from(effect: local::Effect) -> Self {
        match effect {
            local::Effect::Task(task) => Self::Task(task),
            local::Effect::Send(up) => Self::Say(UPSTREAM, up),
            local::Effect::SendBlob(digest, from) => Self::Blob(UPSTREAM, digest, from),
            local::Effect::Reconnect => Self::Drop(UPSTREAM),
            local::Effect::WakeAt(wake_ms) => Self::WakeAt(wake_ms),
            local::Effect::Notice(notice) => Self::Notice(notice),
        }
    }
}

/// What the upstream side's engine is made with each time alike.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UpstreamSetup {
    pub(crate) epoch: u64,
    pub(crate) recheck: RecheckTimes,
}

impl Side for upstream::Engine {
    type Says = talk::Down;
    type Hears = talk::Up;
    type Setup = UpstreamSetup;

    fn begin(setup: &UpstreamSetup, start: Start, saved: Saved) -> Self {
        let Start { launch, is_same_boot, left_out } = start;
        let UpstreamSetup { epoch, recheck } = *setup;
        Self::new(upstream::Setup { launch, epoch, is_same_boot, left_out, recheck }, saved)
    }

    fn take(&mut self, now_ms: u64, input: Input<talk::Up>) -> Vec<Effect<talk::Down>> {
        let input = match input {
            Input::Tick => upstream::Input::Tick,
            Input::Hint(paths) => upstream::Input::Hint(paths),
            // It begins anew with whatever is there.
            Input::Rescan | Input::RootBack => upstream::Input::Rescan,
            Input::Done(done) => upstream::Input::Done(done),
            Input::Joined(peer) => upstream::Input::Joined(peer),
            Input::Left(peer) => upstream::Input::Left(peer),
            Input::Said(peer, up) => upstream::Input::Said(peer, up),
        };
        let effects = self.step(now_ms, input).into_iter();
        effects.filter_map(upstream_effect).collect()
    }

    fn is_root_gone(&self) -> bool {
        upstream::Engine::is_root_gone(self)
    }

    fn distrust(&mut self) {}

    fn has_heard_all(&self) -> bool {
        true
    }

    fn is_watching(&self) -> bool {
        !self.disk.is_unwatched
    }

    fn proposes(_: &talk::Down) -> Option<(OpId, &RelPath)> {
        None
    }

    fn answers(_: &talk::Up) -> Option<OpId> {
        None
    }

    fn paths_of(&self, digest: &Digest) -> Vec<RelPath> {
        self.disk.paths_of(digest)
    }

    fn pins(&self) -> BTreeSet<Digest> {
        self.pinned()
    }
}

fn upstream_effect(effect: upstream::Effect) -> Option<Effect<talk::Down>> {
    Some(match effect {
        upstream::Effect::Task(task) => Effect::Task(task),
        upstream::Effect::Send(peer, down) => Effect::Say(peer, down),
        upstream::Effect::SendBlob(peer, digest, from) => Effect::Blob(peer, digest, from),
        upstream::Effect::Drop(peer) => Effect::Drop(peer),
        upstream::Effect::WakeAt(wake_ms) => Effect::WakeAt(wake_ms),
        // The engine is asked whether it is.
        upstream::Effect::RootGone => return None,
    })
}
