//! What stands in a ledger: a version, four bytes that tell whether the rest and its key are as they were
//! written, and the fields in postcard.
//!
//! The disk is not believed: an entry that changed under way would be taken for what both sides agreed on, and
//! what is really there for a change.
#![forbid(unsafe_code)]

use oriel_wire::sync::{Entry, RelPath};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::conflict::{Conflict, ConflictId, ConflictKind};
use crate::digest_of;
use crate::journal::{Head, Pause, Proposed, Row};
use crate::look::Seen;
use crate::op::{Left, Op, OpId};
use crate::reconcile::Clash;
use crate::slots::Kept;
use crate::stat::{Kind, Stat};

/// The version of the fields. With another one the ledger is of another version.
const VERSION: u8 = 1;

const CHECK_BYTES: usize = 4;

fn check(key: &[u8], fields: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = digest_of(&[&(key.len() as u64).to_le_bytes(), key, fields].concat());
    let [a, b, c, d, ..] = digest.0;
    [a, b, c, d]
}

fn seal(key: &[u8], form: &impl Serialize) -> Vec<u8> {
    let fields = postcard::to_allocvec(form).expect("plain fields can be written");
    [&[VERSION][..], &check(key, &fields), &fields].concat()
}

fn unseal<T: DeserializeOwned>(key: &[u8], body: &[u8]) -> Option<T> {
    let (version, rest) = body.split_first()?;
    let (sum, fields) = rest.split_first_chunk::<CHECK_BYTES>()?;
    if *version != VERSION || *sum != check(key, fields) {
        return None;
    }
    let (form, rest) = postcard::take_from_bytes(fields).ok()?;
    rest.is_empty().then_some(form)
}

#[derive(Serialize, Deserialize)]
struct StatForm {
    kind: u8,
    dev: u64,
    ino: u64,
    size: u64,
    mtime_ns: i64,
    ctime_ns: i64,
    mode: u32,
}

impl StatForm {
    fn of(stat: Stat) -> Self {
        let Stat { kind, dev, ino, size, mtime_ns, ctime_ns, mode } = stat;
        let kind = match kind {
            Kind::File => 0,
            Kind::Dir => 1,
            Kind::Symlink => 2,
            Kind::Special => 3,
        };
        Self { kind, dev, ino, size, mtime_ns, ctime_ns, mode }
    }

    fn stat(self) -> Option<Stat> {
        let Self { kind, dev, ino, size, mtime_ns, ctime_ns, mode } = self;
        let kind = match kind {
            0 => Kind::File,
            1 => Kind::Dir,
            2 => Kind::Symlink,
            3 => Kind::Special,
            _ => return None,
        };
        Some(Stat { kind, dev, ino, size, mtime_ns, ctime_ns, mode })
    }
}

fn stat_in(form: Option<StatForm>) -> Option<Option<Stat>> {
    form.map_or(Some(None), |form| form.stat().map(Some))
}

/// Mostly all three are the same, and are written once.
#[derive(Serialize, Deserialize)]
struct RowForm {
    here: Entry,
    stat: Option<StatForm>,
    agreed: Option<Entry>,
    there: Option<Entry>,
    rev: u64,
    proposed: Option<(u128, Entry, Entry, u64)>,
}

pub(super) fn row(path: &RelPath, row: &Row) -> Vec<u8> {
    let Row { agreed, here, there, rev, proposed } = row;
    let other = |entry: &Entry| (*entry != here.entry).then(|| entry.clone());
    let form = RowForm {
        here: here.entry.clone(),
        stat: here.stat.map(StatForm::of),
        agreed: other(agreed),
        there: other(there),
        rev: *rev,
        proposed: proposed
            .as_ref()
            .map(|it| (it.op.0, it.new.clone(), it.base.clone(), it.base_rev)),
    };
    seal(path.as_str().as_bytes(), &form)
}

pub(super) fn read_row(key: &[u8], body: &[u8]) -> Option<(RelPath, Row)> {
    let RowForm { here, stat, agreed, there, rev, proposed } = unseal(key, body)?;
    let path = RelPath::parse(std::str::from_utf8(key).ok()?).ok()?;
    let row = Row {
        agreed: agreed.unwrap_or_else(|| here.clone()),
        there: there.unwrap_or_else(|| here.clone()),
        here: Seen { entry: here, stat: stat_in(stat)? },
        rev,
        proposed: proposed.map(|(op, new, base, base_rev)| Proposed {
            op: OpId(op),
            new,
            base,
            base_rev,
        }),
    };
    Some((path, row))
}

#[derive(Serialize, Deserialize)]
struct OpForm {
    path: RelPath,
    expected: Entry,
    stat: Option<StatForm>,
    new: Entry,
    agreed: Entry,
    proposal: Option<u128>,
}

pub(super) fn op(op: &Op) -> Vec<u8> {
    let Op { id, path, expected, stat, new, agreed, proposal } = op.clone();
    let (stat, proposal) = (stat.map(StatForm::of), proposal.map(|id| id.0));
    seal(&id.0.to_be_bytes(), &OpForm { path, expected, stat, new, agreed, proposal })
}

pub(super) fn read_op(key: &[u8], body: &[u8]) -> Option<Op> {
    let OpForm { path, expected, stat, new, agreed, proposal } = unseal(key, body)?;
    let (id, stat) = (id_in(key)?, stat_in(stat)?);
    Some(Op { id, path, expected, stat, new, agreed, proposal: proposal.map(OpId) })
}

fn id_in(key: &[u8]) -> Option<OpId> {
    Some(OpId(u128::from_be_bytes(key.try_into().ok()?)))
}

#[derive(Serialize, Deserialize)]
struct KeptForm {
    path: RelPath,
    holds: Entry,
    stat: Option<StatForm>,
    is_rescued: bool,
    since_ms: u64,
    checks: u8,
}

pub(super) fn kept(id: OpId, kept: &Kept) -> Vec<u8> {
    let Kept { path, left: Left { holds, stat, is_rescued }, since_ms, checks } = kept.clone();
    let stat = stat.map(StatForm::of);
    let form = KeptForm { path, holds, stat, is_rescued, since_ms, checks };
    seal(&id.0.to_be_bytes(), &form)
}

pub(super) fn read_kept(key: &[u8], body: &[u8]) -> Option<(OpId, Kept)> {
    let KeptForm { path, holds, stat, is_rescued, since_ms, checks } = unseal(key, body)?;
    let left = Left { holds, stat: stat_in(stat)?, is_rescued };
    Some((id_in(key)?, Kept { path, left, since_ms, checks }))
}

#[derive(Serialize, Deserialize)]
enum KindForm {
    BothEdit,
    BothType,
    LateHere,
    LateThere,
}

#[derive(Serialize, Deserialize)]
struct ConflictForm {
    path: RelPath,
    kind: KindForm,
    base: Entry,
    local: Entry,
    upstream: Entry,
    opened_ms: u64,
}

pub(super) fn conflict(id: ConflictId, conflict: &Conflict) -> Vec<u8> {
    let Conflict { path, kind, base, local, upstream, opened_ms } = conflict.clone();
    let kind = match kind {
        ConflictKind::Both(Clash::Edit) => KindForm::BothEdit,
        ConflictKind::Both(Clash::Type) => KindForm::BothType,
        ConflictKind::LateHere => KindForm::LateHere,
        ConflictKind::LateThere => KindForm::LateThere,
    };
    let form = ConflictForm { path, kind, base, local, upstream, opened_ms };
    seal(&id.0.to_be_bytes(), &form)
}

pub(super) fn read_conflict(key: &[u8], body: &[u8]) -> Option<(ConflictId, Conflict)> {
    let ConflictForm { path, kind, base, local, upstream, opened_ms } = unseal(key, body)?;
    let kind = match kind {
        KindForm::BothEdit => ConflictKind::Both(Clash::Edit),
        KindForm::BothType => ConflictKind::Both(Clash::Type),
        KindForm::LateHere => ConflictKind::LateHere,
        KindForm::LateThere => ConflictKind::LateThere,
    };
    Some((id_in(key)?, Conflict { path, kind, base, local, upstream, opened_ms }))
}

#[derive(Serialize, Deserialize)]
enum PauseForm {
    MassDelete { files: u64, here: bool },
    RemoteReset,
    RootGone,
}

#[derive(Serialize, Deserialize)]
struct HeadForm {
    epoch: Option<u64>,
    seq: u64,
    pause: Option<PauseForm>,
}

pub(super) fn head(head: &Head) -> Vec<u8> {
    let Head { epoch, seq, pause } = head.clone();
    let pause = pause.map(|pause| match pause {
        Pause::MassDelete { files, here } => PauseForm::MassDelete { files: files as u64, here },
        Pause::RemoteReset => PauseForm::RemoteReset,
        Pause::RootGone => PauseForm::RootGone,
    });
    seal(&[], &HeadForm { epoch, seq, pause })
}

pub(super) fn read_head(_: &[u8], body: &[u8]) -> Option<Head> {
    let HeadForm { epoch, seq, pause } = unseal(&[], body)?;
    let pause = match pause {
        None => None,
        Some(PauseForm::MassDelete { files, here }) => {
            Some(Pause::MassDelete { files: usize::try_from(files).ok()?, here })
        }
        Some(PauseForm::RemoteReset) => Some(Pause::RemoteReset),
        Some(PauseForm::RootGone) => Some(Pause::RootGone),
    };
    Some(Head { epoch, seq, pause })
}
