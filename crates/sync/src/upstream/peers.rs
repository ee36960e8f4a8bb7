//! Who is connected, and what they are told first.
#![forbid(unsafe_code)]

use oriel_wire::sync::Entry;

use super::{Effect, Engine, Peer};
use crate::conflict::Conflict;
use crate::journal::Write;
use crate::op::OpId;
use crate::talk::{Begin, Change, Down, Up};
use crate::task::Task;

/// How many changes one page has.
const PAGE_MAX: usize = 256;

impl Engine {
    pub(super) fn said(&mut self, peer: Peer, up: Up) {
        let Some(is_live) = self.peers.get(&peer) else { return };
        match up {
            Up::Hello { epoch, seq } => self.greetings.push((peer, epoch, seq)),
            // Whoever proposes something knows what there is.
            Up::Propose(_) if !is_live => self.effects.push(Effect::Drop(peer)),
            Up::Propose(proposal) => self.proposed(peer, proposal),
            Up::Want { digest, from } => self.effects.push(Effect::SendBlob(peer, digest, from)),
            Up::Chunk(chunk) => {
                if self.fetching.has(&chunk.digest) {
                    let crate::talk::Chunk { digest, size, at, bytes } = chunk;
                    self.effects.push(Effect::Task(Task::Receive { digest, size, at, bytes }));
                }
            }
            Up::Gone(digest) => {
                let next = self.fetching.have(&digest, None);
                self.fetch_on(digest, next);
            }
            Up::LateKnown(id) => {
                if self.late.remove(&id).is_some() {
                    self.writes.push(Write::Conflict(id, None));
                }
            }
        }
    }

    /// Answers first words, once the tree is known: what is not known yet would look as if it were gone.
    pub(super) fn greet(&mut self) {
        if !self.is_seen {
            return;
        }
        for (peer, epoch, seq) in std::mem::take(&mut self.greetings) {
            if self.peers.contains_key(&peer) {
                self.welcome(peer, epoch, seq);
            }
        }
    }

    fn welcome(&mut self, peer: Peer, epoch: Option<u64>, seq: u64) {
        let Some(own) = self.head.epoch else { return };
        let begin = match epoch {
            None => Begin::Snapshot,
            Some(epoch) if epoch == own && seq <= self.head.seq => Begin::Resume,
            Some(_) => Begin::Reset,
        };
        self.effects.push(Effect::Send(peer, Down::Welcome { epoch: own, begin }));
        if begin == Begin::Reset {
            return;
        }
        let is_wanted = |told: &super::Told| match begin {
            Begin::Resume => seq < told.rev,
            _ => told.entry != Entry::Absent,
        };
        let told = self.told.iter().filter(|(_, told)| is_wanted(told));
        let changes: Vec<_> = told
            .map(|(path, told)| Change {
                path: path.clone(),
                entry: told.entry.clone(),
                rev: told.rev,
            })
            .collect();
        for page in changes.chunks(PAGE_MAX) {
            self.effects.push(Effect::Send(peer, Down::Page(page.to_vec())));
        }
        self.effects.push(Effect::Send(peer, Down::PageEnd { seq: self.head.seq }));
        self.peers.insert(peer, true);
        let late: Vec<_> = self.late.iter().map(|(id, it)| (*id, it.clone())).collect();
        late.iter().for_each(|(id, conflict)| self.tell_late(*id, conflict));
    }

    pub(super) fn tell_late(&mut self, id: OpId, conflict: &Conflict) {
        for (peer, is_live) in &self.peers {
            if *is_live {
                let (path, entry) = (conflict.path.clone(), conflict.upstream.clone());
                self.effects.push(Effect::Send(*peer, Down::Late { id, path, entry }));
            }
        }
    }

    /// What somebody proposed and was not begun is proposed again when they come back.
    pub(super) fn left(&mut self, peer: Peer) {
        self.peers.remove(&peer);
        self.greetings.retain(|(other, ..)| *other != peer);
        self.refused.retain(|(other, _), _| *other != peer);
        let is_running =
            |proposal| self.running.values().any(|running| running.op.proposal == Some(proposal));
        for waiting in self.waiting.values_mut() {
            waiting.retain(|it| it.peer != peer || is_running(it.proposal.op));
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
        // Contents may have been on their way from this one; whoever else has them is asked.
        for path in self.fetching.clear() {
            self.pump(&path);
        }
    }
}
