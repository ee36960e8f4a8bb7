//! What the engines mean, and how it is on the wire.
#![forbid(unsafe_code)]

use oriel_wire::sync as wire;
use oriel_wire::sync::{Epoch, Rev};

use crate::op::OpId;
use crate::talk::{Begin, Change, Proposal, Why};

pub(super) const fn op_out(id: OpId) -> wire::OpId {
    wire::OpId(id.0.to_be_bytes())
}

pub(super) const fn op_in(id: wire::OpId) -> OpId {
    OpId(u128::from_be_bytes(id.0))
}

pub(super) const fn epoch_out(epoch: u64) -> Epoch {
    Epoch(epoch.to_be_bytes())
}

pub(super) const fn epoch_in(epoch: Epoch) -> u64 {
    u64::from_be_bytes(epoch.0)
}

pub(super) fn change_out(change: Change) -> wire::Change {
    let Change { path, entry, rev } = change;
    wire::Change { path, entry, rev: Rev(rev), origin: None, renamed_from: None }
}

pub(super) fn change_in(change: wire::Change) -> Change {
    let wire::Change { path, entry, rev, .. } = change;
    Change { path, entry, rev: rev.0 }
}

pub(super) fn proposal_out(proposal: Proposal) -> wire::Proposal {
    let Proposal { op, path, base, base_rev, new } = proposal;
    let base = wire::Known { rev: Rev(base_rev), entry: base };
    wire::Proposal { op: op_out(op), path, base, new, renamed_from: None }
}

pub(super) fn proposal_in(proposal: wire::Proposal) -> Proposal {
    let wire::Proposal { op, path, base, new, .. } = proposal;
    Proposal { op: op_in(op), path, base: base.entry, base_rev: base.rev.0, new }
}

pub(super) const fn why_out(why: Why) -> wire::Refusal {
    match why {
        Why::Stale => wire::Refusal::Stale,
        Why::NotEmpty => wire::Refusal::NotEmpty,
        Why::Failed => wire::Refusal::Failed,
    }
}

pub(super) const fn why_in(why: wire::Refusal) -> Why {
    use wire::Refusal::{
        Busy, DiskFull, Failed, LeftOut, NoParent, NotEmpty, NotHere, Stale, TooLarge,
    };
    match why {
        // The folder that went away is told of, and what is in it with it.
        Stale | NoParent => Why::Stale,
        NotEmpty => Why::NotEmpty,
        NotHere | LeftOut | TooLarge | DiskFull | Busy | Failed => Why::Failed,
    }
}

pub(super) const fn begin_out(begin: Begin) -> wire::Start {
    match begin {
        Begin::Resume => wire::Start::Resume,
        Begin::Snapshot => wire::Start::Snapshot,
        Begin::Reset => wire::Start::Reset,
    }
}

pub(super) const fn begin_in(start: wire::Start) -> Begin {
    match start {
        wire::Start::Resume => Begin::Resume,
        wire::Start::Snapshot => Begin::Snapshot,
        wire::Start::Reset => Begin::Reset,
    }
}
