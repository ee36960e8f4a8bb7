//! What goes over the connection, and what becomes of it when that ends.

use oriel_wire::sync::Digest;

use super::jobs::Job;
use super::run::{LOCAL, Sim};
use crate::local;
use crate::talk::{Chunk, Down, Up};
use crate::upstream;

impl Sim {
    pub(super) fn send_blob(&mut self, side: usize, peer: Option<u64>, digest: Digest, from: u64) {
        if !self.link.is_up || peer.is_some_and(|peer| peer != self.link.peer) {
            return;
        }
        let state = self.state.borrow();
        let Some(data) = state.sides[side].blobs.get(&digest) else {
            match side {
                LOCAL => self.link.up.push_back(Up::Gone(digest)),
                _ => self.link.down.push_back(Down::Gone(digest)),
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
        let queue =
            if side == LOCAL { &mut self.link.up_chunks } else { &mut self.link.down_chunks };
        queue.extend(chunks);
    }

    /// Lets something arrive that was said.
    pub(super) fn arrive(&mut self) -> bool {
        if !self.link.is_up {
            return false;
        }
        if self.rng.bool()
            && let Some(up) = self.link.next_up(&mut self.rng)
        {
            self.tell_upstream(upstream::Input::Said(self.link.peer, up));
            return true;
        }
        if let Some(down) = self.link.next_down(&mut self.rng) {
            self.tell_local(local::Input::Said(down));
            return true;
        }
        !self.link.is_empty()
    }

    pub(super) fn connect(&mut self) {
        self.link.is_up = true;
        self.link.peer += 1;
        self.tell_upstream(upstream::Input::Joined(self.link.peer));
        self.tell_local(local::Input::Connected);
    }

    pub(super) fn cut(&mut self) {
        if self.link.is_up {
            self.link.cut();
            self.forget_unsaid();
            self.tell_upstream(upstream::Input::Left(self.link.peer));
            self.tell_local(local::Input::Disconnected);
        }
    }

    /// What was to be said on a connection is not said on the next one.
    pub(super) fn forget_unsaid(&mut self) {
        let is_task =
            |job: &Job| matches!(job, Job::Task(_) | Job::Down(..) | Job::Blob(Some(_), ..));
        self.jobs[LOCAL].retain(is_task);
    }
}
