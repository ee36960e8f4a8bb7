//! Whoever sits at the desk: takes in what happens, asks the engine, and sees to what it wants.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use oriel_wire::sync::RelPath;

use super::tasks::Chore;
use super::{
    AT_ONCE_MAX, Batch, JOURNAL_EVERY, Keeper, LOOK_THROUGH_EVERY, Message, NowLeftOut, ROOT_EVERY,
    ToPeer, UNWATCHED_EVERY,
};
use crate::journal::{Journal, Write};
use crate::op::OpId;
use crate::rules::LeftOut;
use crate::side::{Effect, Input, Side, Start};
use crate::vfs::{Blobs, Fault, Vfs};

/// What was proposed, and when: what a proposal took is what the path is left alone for afterwards.
pub(super) type Proposed = BTreeMap<OpId, (RelPath, Instant)>;

/// Something that came in.
#[expect(clippy::large_enum_variant, reason = "there is one of it at a time")]
enum Came<E: Side> {
    One(Message<E>),
    Nothing,
    Over,
}

impl<E: Side, V, B, J> Keeper<E, V, B, J>
where
    V: Vfs + Send + Sync + 'static,
    B: Blobs + Send + Sync + 'static,
    J: Journal + Send + Sync + 'static,
{
    pub(super) fn keep(mut self) {
        self.renew();
        loop {
            let mut batch = Batch::default();
            let mut came = self.wait();
            let mut count = 0;
            loop {
                match came {
                    Came::One(Message::Stop) | Came::Over => {
                        self.settle(batch);
                        return;
                    }
                    Came::One(message) => self.take(message, &mut batch),
                    Came::Nothing => break,
                }
                count += 1;
                if AT_ONCE_MAX <= count {
                    break;
                }
                came = match self.messages.try_recv() {
                    Ok(message) => Came::One(message),
                    Err(TryRecvError::Empty) => Came::Nothing,
                    Err(TryRecvError::Disconnected) => Came::Over,
                };
            }
            self.take_due(&mut batch);
            self.see_to(batch);
            if self.are_rules_doubtful {
                self.see_rules();
            }
            self.see_heard();
            if self.tasks.has_room() {
                self.peers.kept();
            }
            (self.plan.surroundings.changed)();
        }
    }

    /// Waits until something happens or is due.
    fn wait(&self) -> Came<E> {
        let now_ms = (self.plan.surroundings.now_ms)();
        let until = |at: Instant| at.saturating_duration_since(Instant::now());
        let wake = self.wake_ms.map(|wake| Duration::from_millis(wake.saturating_sub(now_ms)));
        let due = [
            wake,
            self.plan.inbox.next(),
            self.root_at.map(until),
            self.journal_at.map(until),
            Some(until(self.looked_at + self.look_through_every())),
        ];
        let soonest = due.into_iter().flatten().min().unwrap_or(LOOK_THROUGH_EVERY);
        match self.messages.recv_timeout(soonest) {
            Ok(message) => Came::One(message),
            Err(RecvTimeoutError::Timeout) => Came::Nothing,
            Err(RecvTimeoutError::Disconnected) => Came::Over,
        }
    }

    fn take(&mut self, message: Message<E>, batch: &mut Batch<E::Says>) {
        match message {
            Message::Done(era, done) if era == self.era => self.step(Input::Done(done), batch),
            Message::Refilled(era, peer, digest, from) if era == self.era => {
                self.peers.tell(peer, ToPeer::Blob(digest, from));
            }
            Message::Done(..) | Message::Refilled(..) | Message::Inbox | Message::Stop => {}
            Message::Joined(peer, to) => {
                // Without an engine nobody is listened to: they hear at once that nobody is there.
                if self.engine.is_some() {
                    self.peers.join(peer, to);
                    self.step(Input::Joined(peer), batch);
                }
            }
            Message::Left(peer) => {
                if self.peers.drop_one(peer) {
                    self.step(Input::Left(peer), batch);
                }
            }
            Message::Said(peer, heard) => {
                // What comes from somebody who was sent away is not listened to.
                if self.peers.has(peer) {
                    self.peers.took(peer, heard.bytes);
                    if let Some(op) = E::answers(&heard.said)
                        && let Some((path, since)) = self.proposed.remove(&op)
                    {
                        self.plan.inbox.transferred(&path, since.elapsed());
                    }
                    self.step(Input::Said(peer, heard.said), batch);
                }
            }
            Message::Ask(ask) => {
                if let Some(engine) = &mut self.engine {
                    batch.add(ask(engine, (self.plan.surroundings.now_ms)()));
                }
            }
        }
    }

    /// Takes in what is due by now.
    fn take_due(&mut self, batch: &mut Batch<E::Says>) {
        let due = self.plan.inbox.due();
        if !due.paths.is_empty() {
            self.step(Input::Hint(due.paths), batch);
        }
        let now = Instant::now();
        let every = self.look_through_every();
        if due.rescan || self.looked_at + every <= now {
            self.looked_at = now;
            self.step(Input::Rescan, batch);
        }
        if self.wake_ms.is_some_and(|wake| wake <= (self.plan.surroundings.now_ms)()) {
            self.wake_ms = None;
            self.step(Input::Tick, batch);
        }
        if self.journal_at.is_some_and(|at| at <= now) {
            self.renew();
        }
        self.look_for_root(now, batch);
    }

    fn look_through_every(&self) -> Duration {
        let is_watching = self.engine.as_ref().is_none_or(Side::is_watching);
        if is_watching { LOOK_THROUGH_EVERY } else { UNWATCHED_EVERY.max(self.plan.inbox.pause()) }
    }

    fn look_for_root(&mut self, now: Instant, batch: &mut Batch<E::Says>) {
        let is_gone = self.engine.as_ref().is_some_and(Side::is_root_gone);
        match self.root_at {
            None if is_gone => self.root_at = Some(now + ROOT_EVERY),
            Some(_) if !is_gone => self.root_at = None,
            Some(at) if at <= now => {
                if self.plan.vfs.check_root().is_ok() {
                    self.root_at = None;
                    self.are_rules_doubtful = true;
                    self.step(Input::RootBack, batch);
                } else {
                    self.root_at = Some(now + ROOT_EVERY);
                }
            }
            _ => {}
        }
    }

    fn step(&mut self, input: Input<E::Hears>, batch: &mut Batch<E::Says>) {
        if let Some(engine) = &mut self.engine {
            batch.add(engine.take((self.plan.surroundings.now_ms)(), input));
        }
    }

    /// Writes down what was decided, and then does it.
    fn see_to(&mut self, batch: Batch<E::Says>) {
        let Some(rest) = self.commit(batch) else { return self.give_up_engine() };
        let mut after = Batch::default();
        for effect in rest {
            match effect {
                Effect::Task(task) => self.tasks.hand_on(Chore::Task(self.era, task)),
                Effect::Say(peer, word) => {
                    if let Some((op, path)) = E::proposes(&word) {
                        self.proposed.insert(op, (path.clone(), Instant::now()));
                    }
                    self.peers.tell(peer, ToPeer::Say(word));
                }
                Effect::Blob(peer, digest, from) => self.send(peer, digest, from),
                Effect::Drop(peer) => {
                    if self.peers.drop_one(peer) {
                        self.step(Input::Left(peer), &mut after);
                    }
                }
                // It takes the place of what was said before, and is said once.
                Effect::WakeAt(wake_ms) => self.wake_ms = Some(wake_ms),
                Effect::Notice(notice) => (self.plan.surroundings.notice)(notice),
            }
        }
        if !after.is_empty() {
            self.see_to(after);
        }
    }

    fn commit(&mut self, batch: Batch<E::Says>) -> Option<Vec<Effect<E::Says>>> {
        let Batch { secure, writes, rest } = batch;
        let is_rule = self.plan.surroundings.is_rule;
        self.are_rules_doubtful |=
            writes.iter().any(|write| matches!(write, Write::Row(path, _) if is_rule(path)));
        let has_versions =
            |write: &Write| matches!(write, Write::Conflict(_, Some(_)) | Write::Kept(_, Some(_)));
        if writes.iter().any(has_versions) {
            (self.plan.surroundings.secure_blobs)();
        }
        let has_writes = !writes.is_empty();
        match self.tasks.commit(secure, writes) {
            Ok(()) => {
                self.has_committed |= has_writes;
                Some(rest)
            }
            Err(fault) => {
                tracing::error!(%fault, "what sync decided could not be written down; it begins again from what was");
                None
            }
        }
    }

    fn send(&self, peer: crate::upstream::Peer, digest: oriel_wire::sync::Digest, from: u64) {
        if self.tasks.has_blob(&digest) {
            return self.peers.tell(peer, ToPeer::Blob(digest, from));
        }
        let paths = self.engine.as_ref().map(|engine| engine.paths_of(&digest)).unwrap_or_default();
        let era = self.era;
        self.tasks.hand_on(Chore::Refill { era, peer, digest, from, paths });
    }

    /// The engine knows more than the disk does.
    fn give_up_engine(&mut self) {
        self.engine = None;
        self.peers.drop_all();
        self.journal_at = Some(Instant::now() + JOURNAL_EVERY);
    }

    /// Begins an engine from what is written down, once nothing of the one before is under way any more.
    fn renew(&mut self) {
        self.tasks.finish();
        self.peers.drop_all();
        self.proposed.clear();
        (self.engine, self.wake_ms, self.journal_at) = (None, None, None);
        self.era += 1;
        let saved = match self.plan.journal.load() {
            Ok(saved) => saved,
            Err(fault) => {
                tracing::error!(%fault, "what sync wrote down cannot be read; it is tried again");
                self.journal_at = Some(Instant::now() + JOURNAL_EVERY);
                return;
            }
        };
        let Some(NowLeftOut { rule: left_out, digest, is_as_heard }) = self.read_rules() else {
            self.journal_at = Some(Instant::now() + JOURNAL_EVERY);
            return;
        };
        *self.left_out.write().unwrap_or_else(PoisonError::into_inner) = left_out.clone();
        (self.rules, self.are_rules_doubtful, self.has_heard_all) = (digest, false, is_as_heard);
        let is_same_boot = self.plan.is_same_boot || self.has_committed;
        let launch = (self.plan.surroundings.launch)();
        let start = Start { launch, is_same_boot, left_out };
        let mut engine = E::begin(&self.plan.setup, start, saved);
        if !is_as_heard {
            engine.distrust();
        }
        self.engine = Some(engine);
        self.looked_at = Instant::now();
        let mut batch = Batch::default();
        self.step(Input::Tick, &mut batch);
        self.see_to(batch);
    }

    /// Reads what is left out. Where there is no folder there are no rules of its own, and nothing is done
    /// about what is in it either.
    fn read_rules(&self) -> Option<NowLeftOut> {
        match (self.plan.surroundings.rules)() {
            Ok(rules) => Some(rules),
            Err(Fault::RootGone) => {
                let (rule, digest) = (LeftOut::nothing(), Vec::new());
                Some(NowLeftOut { rule, digest, is_as_heard: false })
            }
            Err(fault) => {
                tracing::error!(%fault, "what sync leaves out cannot be read; it is tried again");
                None
            }
        }
    }

    /// Begins anew where something else is left out now.
    fn see_rules(&mut self) {
        self.are_rules_doubtful = false;
        match self.read_rules() {
            Some(rules) if rules.digest == self.rules => {}
            // With rules that are not known nothing is done.
            _ => self.renew(),
        }
    }

    /// Remembers that all was told by the other side, so that the next time only changes are told.
    fn see_heard(&mut self) {
        if !self.has_heard_all && self.engine.as_ref().is_some_and(Side::has_heard_all) {
            self.has_heard_all = true;
            (self.plan.surroundings.heard_all)(&self.rules);
        }
    }

    /// Ends: what was begun is finished, and what came of it is written down.
    fn settle(&mut self, batch: Batch<E::Says>) {
        // What this decided is not begun any more; what it knows is kept.
        let mut batch = batch;
        loop {
            batch.rest.clear();
            if self.commit(batch).is_none() {
                return;
            }
            self.tasks.finish();
            batch = Batch::default();
            let mut is_over = true;
            while let Ok(message) = self.messages.try_recv() {
                if let Message::Done(era, done) = message
                    && era == self.era
                {
                    is_over = false;
                    self.step(Input::Done(done), &mut batch);
                }
            }
            if is_over {
                return;
            }
        }
    }
}
