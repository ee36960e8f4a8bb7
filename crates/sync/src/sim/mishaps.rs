//! What happens to the machines, and what people answer.

use std::collections::BTreeSet;

use oriel_wire::sync::{Digest, Entry};

use super::run::{LOCAL, OTHER, Sim, UPSTREAM, link_of, local_setup, side_of, upstream_setup};
use crate::conflict::{Choice, ConflictKind};
use crate::digest_of;
use crate::journal::{Journal as _, Pause};
use crate::local;
use crate::upstream;

impl Sim {
    /// Something happens that does not happen every day.
    pub(super) fn mishap(&mut self) {
        let side = self.rng.usize(..self.count());
        match self.rng.u8(..6) {
            0 => {
                let is_wiped = self.rng.bool();
                self.begin_anew(is_wiped);
            }
            // One jump may bring one look at a slot forward, so there is one.
            1..=3 if std::mem::take(&mut self.may_jump[side]) => {
                let skew_ns = self.rng.i64(-900_000_000_000..900_000_000_000);
                self.trace(|| format!("the clock of {side} jumps to {skew_ns}"), skew_ns);
                self.state.borrow_mut().sides[side].skew_ns = skew_ns;
            }
            _ => self.state.borrow_mut().lose_root(side),
        }
    }

    /// The upstream tree has another life: its journal is gone, and perhaps all that was in it.
    fn begin_anew(&mut self, is_wiped: bool) {
        self.trace(|| format!("upstream begins anew, wiped {is_wiped}"), is_wiped);
        let mut lost: BTreeSet<Digest> = BTreeSet::new();
        let local = self.locals.iter().flat_map(local::Engine::conflicts);
        let local = local.map(|(_, conflict)| &conflict.upstream);
        let late = self.upstream.late_writes().map(|(_, conflict)| &conflict.upstream);
        lost.extend(local.chain(late).filter_map(Entry::digest));
        {
            let mut state = self.state.borrow_mut();
            let kept = &state.standing(LOCAL) | &state.standing(OTHER);
            lost.extend(state.everything(UPSTREAM));
            if !is_wiped {
                lost = &lost - &state.contents(UPSTREAM);
            }
            // What the agent alone had is lost with the machine it was on.
            (&lost - &kept).iter().for_each(|digest| state.oracle.given_up(digest));
            state.begin_anew(UPSTREAM, is_wiped);
        }
        self.is_restored = true;
        self.epoch += 1;
        self.end_process(UPSTREAM, false);
    }

    /// A process ends, with the power of its machine or without, and another one begins.
    pub(super) fn end_process(&mut self, side: usize, is_power: bool) {
        self.trace(|| format!("{side} ends, power {is_power}"), (side, is_power));
        self.jobs[side].clear();
        self.handed[side].clear();
        self.results[side].clear();
        self.wake[side] = None;
        let links: Vec<_> = match side {
            UPSTREAM => (0..self.links.len()).collect(),
            _ => vec![link_of(side)],
        };
        let were_up: Vec<_> = links.iter().copied().filter(|at| self.links[*at].is_up).collect();
        for at in links {
            self.links[at].cut();
            self.forget_unsaid(at);
        }
        {
            let mut state = self.state.borrow_mut();
            state.unwatch(side);
            state.sides[side].is_stopped = false;
            if is_power {
                state.lose_power(side);
                state.actors[side].as_mut().unwrap().interrupted();
            }
        }
        self.launch += 1;
        let is_same_boot = self.state.borrow().sides[side].is_same_boot();
        let saved = self.process(side).load().unwrap();
        if side == UPSTREAM {
            let setup = upstream_setup(self.launch, self.epoch, is_same_boot, &self.left_out);
            self.upstream = upstream::Engine::new(setup, saved);
            for at in were_up {
                self.tell_local(side_of(at), local::Input::Disconnected);
            }
        } else {
            let setup = local_setup(self.launch, is_same_boot, &self.left_out);
            self.locals[link_of(side)] = local::Engine::new(setup, saved);
            for at in were_up {
                self.tell_upstream(upstream::Input::Left(self.links[at].peer));
            }
        }
        self.tick(side);
    }

    /// Somebody answers what is asked, and whoever runs the engines sees that a folder is there again.
    pub(super) fn answer_pause(&mut self) {
        let is_away = |side: usize| self.state.borrow().sides[side].is_root_away;
        if self.is_upstream_gone && !is_away(UPSTREAM) {
            self.is_upstream_gone = false;
            self.rescan(UPSTREAM);
        }
        for side in self.people() {
            let is_away = self.state.borrow().sides[side].is_root_away;
            let answer = match self.local(side).status().pause {
                Some(Pause::MassDelete { .. }) => {
                    let is_restored = self.rng.bool();
                    self.is_restored |= is_restored;
                    if is_restored { local::Input::Restore } else { local::Input::Confirm }
                }
                Some(Pause::RemoteReset) => local::Input::Confirm,
                Some(Pause::RootGone) if !is_away => local::Input::RootBack,
                Some(Pause::RootGone) | None => continue,
            };
            self.tell_local(side, answer);
        }
    }

    /// Somebody may choose a version where there are two.
    pub(super) fn choose(&mut self) {
        self.answer_pause();
        if self.rng.u8(..8) != 0 {
            return;
        }
        let people = self.people();
        let side = people[self.rng.usize(..people.len())];
        let first = self.local(side).conflicts().next();
        let Some((id, conflict)) = first.map(|(id, it)| (id, it.clone())) else { return };
        let is_local = self.rng.bool();
        let choice = if is_local { Choice::KeepLocal } else { Choice::AcceptUpstream };
        let now_ms = self.clock_ms(side);
        let chosen = self.locals[link_of(side)].choose(
            now_ms,
            id,
            choice,
            &conflict.local,
            &conflict.upstream,
        );
        let Ok(effects) = chosen else { return };
        self.trace(|| format!("chosen {id:?} local {is_local}"), is_local);
        let mut state = self.state.borrow_mut();
        let other = if is_local { &conflict.upstream } else { &conflict.local };
        let chosen = if is_local { &conflict.local } else { &conflict.upstream };
        state.oracle.chosen(chosen.digest());
        let mut given_up: Vec<_> = other.digest().into_iter().collect();
        if matches!(conflict.kind, ConflictKind::Both(_)) {
            // What is in a folder goes with it.
            let side = if is_local { UPSTREAM } else { side };
            let prefix = format!("{}/", conflict.path);
            let fs = &state.sides[side].fs;
            let within = fs.walk().into_iter().filter(|(path, _)| path.starts_with(&prefix));
            given_up.extend(within.map(|(_, ino)| digest_of(&fs.inodes[&ino].data)));
        }
        given_up.iter().for_each(|digest| state.oracle.given_up(digest));
        drop(state);
        self.queue_local(side, effects);
    }
}
