//! Whoever is connected, and what goes to them.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;

use oriel_wire::sync::Digest;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;

use super::Message;
use crate::side::Side;
use crate::upstream::Peer;

/// Something for whoever speaks with a peer. What waits there is what the engine says of things that
/// have happened, one word for each path at most that it has under way or tells of.
#[derive(Debug)]
pub(crate) enum ToPeer<W> {
    /// Say this.
    Say(W),
    /// Send a content from a place in it on.
    Blob(Digest, u64),
    /// So many bytes of content were kept.
    Kept(usize),
}

/// What a peer said.
#[derive(Debug)]
pub(crate) struct Heard<H> {
    pub(crate) said: H,
    /// How many bytes of content came with it.
    pub(crate) bytes: usize,
    /// Gives room for the next word once this one was taken in.
    pub(crate) _room: Option<OwnedSemaphorePermit>,
}

/// All of them.
pub(super) struct Peers<E: Side> {
    there: BTreeMap<Peer, UnboundedSender<ToPeer<E::Says>>>,
    /// Bytes of content that were taken in and not told of yet.
    taken: BTreeMap<Peer, usize>,
    desk: Sender<Message<E>>,
}

impl<E: Side> Peers<E> {
    pub(super) const fn new(desk: Sender<Message<E>>) -> Self {
        Self { there: BTreeMap::new(), taken: BTreeMap::new(), desk }
    }

    pub(super) fn join(&mut self, peer: Peer, to: UnboundedSender<ToPeer<E::Says>>) {
        self.there.insert(peer, to);
    }

    /// Ends a connection: whoever speaks there finds nobody any more.
    pub(super) fn drop_one(&mut self, peer: Peer) -> bool {
        self.taken.remove(&peer);
        self.there.remove(&peer).is_some()
    }

    pub(super) fn drop_all(&mut self) {
        self.there.clear();
        self.taken.clear();
    }

    pub(super) fn has(&self, peer: Peer) -> bool {
        self.there.contains_key(&peer)
    }

    pub(super) fn tell(&self, peer: Peer, word: ToPeer<E::Says>) {
        if let Some(to) = self.there.get(&peer)
            && to.send(word).is_err()
        {
            _ = self.desk.send(Message::Left(peer));
        }
    }

    pub(super) fn took(&mut self, peer: Peer, bytes: usize) {
        if 0 < bytes && self.has(peer) {
            *self.taken.entry(peer).or_default() += bytes;
        }
    }

    /// Tells everyone that what came of them was kept.
    pub(super) fn kept(&mut self) {
        for (peer, bytes) in std::mem::take(&mut self.taken) {
            self.tell(peer, ToPeer::Kept(bytes));
        }
    }
}
