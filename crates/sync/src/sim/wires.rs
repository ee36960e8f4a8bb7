//! What goes over the connection, and what becomes of it when that ends.

use oriel_wire::sync::Digest;

use super::jobs::Job;
use super::run::{Sim, UPSTREAM, link_of, side_of};
use crate::local;
use crate::talk::{Chunk, Down, Up};
use crate::upstream;

impl Sim {
    /// Sends a content over the connection of a side, or upstream over that of somebody.
    pub(super) fn send_blob(&mut self, side: usize, peer: Option<u64>, digest: Digest, from: u64) {
        let at = match peer {
            None => self.links[link_of(side)].is_up.then_some(link_of(side)),
            Some(peer) => self.link_to(peer),
        };
        let Some(at) = at else { return };
        let link = &mut self.links[at];
        let state = self.state.borrow();
        let Some(data) = state.sides[side].blobs.get(&digest) else {
            match side {
                UPSTREAM => link.down.push_back(Down::Gone(digest)),
                _ => link.up.push_back(Up::Gone(digest)),
            }
            return;
        };
        let size = data.len() as u64;
        let from = usize::try_from(from).unwrap().min(data.len());
        let pieces = data[from..].chunks(11).enumerate();
        let mut chunks: Vec<_> = pieces
            .map(|(number, bytes)| Chunk {
                digest,
                size,
                at: (from + number * 11) as u64,
                bytes: bytes.to_vec(),
            })
            .collect();
        if chunks.is_empty() {
            chunks.push(Chunk { digest, size, at: size, bytes: Vec::new() });
        }
        let queue = if side == UPSTREAM { &mut link.down_chunks } else { &mut link.up_chunks };
        queue.extend(chunks);
    }

    /// Returns the connection that upstream has with somebody, if it still does.
    pub(super) fn link_to(&self, peer: u64) -> Option<usize> {
        self.links.iter().position(|link| link.is_up && link.peer == peer)
    }

    /// Lets something arrive that was said on a connection.
    pub(super) fn arrive(&mut self, at: usize) -> bool {
        let link = &mut self.links[at];
        if !link.is_up {
            return false;
        }
        let peer = link.peer;
        if self.rng.bool()
            && let Some(up) = link.next_up(&mut self.rng)
        {
            self.tell_upstream(upstream::Input::Said(peer, up));
            return true;
        }
        if let Some(down) = link.next_down(&mut self.rng) {
            self.tell_local(side_of(at), local::Input::Said(down));
            return true;
        }
        !self.links[at].is_empty()
    }

    pub(super) fn connect(&mut self, at: usize) {
        self.last_peer += 1;
        (self.links[at].is_up, self.links[at].peer) = (true, self.last_peer);
        self.tell_upstream(upstream::Input::Joined(self.last_peer));
        self.tell_local(side_of(at), local::Input::Connected);
    }

    pub(super) fn cut(&mut self, at: usize) {
        if self.links[at].is_up {
            self.links[at].cut();
            self.forget_unsaid(at);
            self.tell_upstream(upstream::Input::Left(self.links[at].peer));
            self.tell_local(side_of(at), local::Input::Disconnected);
        }
    }

    /// What was to be said on a connection is not said on the next one.
    pub(super) fn forget_unsaid(&mut self, at: usize) {
        self.jobs[side_of(at)].retain(|job| matches!(job, Job::Task(_)));
    }
}
