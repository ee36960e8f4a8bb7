//! What the engines want done, and what they are told.

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::flaw::{ECHO_MS, Flaw, delete_then_rename};
use super::run::{Sim, UPSTREAM, link_of};
use crate::apply::Rechecked;
use crate::local::{self, Notice};
use crate::look::look;
use crate::talk::{Down, Up};
use crate::task::{About, Done, Hands, Task};
use crate::upstream;
use crate::vfs::{Place, Vfs as _};

/// Something that an engine wants done.
#[derive(Debug)]
pub(super) enum Job {
    Task(Task),
    Up(Up),
    Down(u64, Down),
    Blob(Option<u64>, Digest, u64),
    /// Ends a connection: upstream that of somebody.
    Cut(Option<u64>),
}

impl Sim {
    pub(super) fn tell_local(&mut self, side: usize, input: local::Input) {
        self.trace(|| format!("local {side} <- {input:?}"), (side, 1));
        let now_ms = self.clock_ms(side);
        let effects = self.locals[link_of(side)].step(now_ms, input);
        self.queue_local(side, effects);
    }

    pub(super) fn queue_local(&mut self, side: usize, effects: Vec<local::Effect>) {
        for effect in effects {
            self.trace(|| format!("local {side} -> {effect:?}"), (side, 2));
            let job = match effect {
                local::Effect::Task(task) => {
                    self.changes += usize::from(matches!(task, Task::Apply(_)));
                    Job::Task(task)
                }
                local::Effect::Send(up) => {
                    self.changes += usize::from(matches!(up, Up::Propose(_)));
                    Job::Up(up)
                }
                local::Effect::SendBlob(digest, from) => Job::Blob(None, digest, from),
                local::Effect::Reconnect => Job::Cut(None),
                local::Effect::WakeAt(wake) => {
                    self.wake[side] = Some(wake);
                    continue;
                }
                local::Effect::Notice(notice) => {
                    self.notice(side, notice);
                    continue;
                }
            };
            self.jobs[side].push_back(job);
        }
    }

    pub(super) fn notice(&mut self, side: usize, notice: Notice) {
        match notice {
            Notice::CameBack(path) | Notice::KeptHere(path) => _ = self.noticed.insert(path),
            Notice::Conflict(id) => {
                self.conflicts += 1;
                let mut conflicts = self.local(side).conflicts();
                let conflict = conflicts.find(|(other, _)| *other == id);
                let path = conflict.map(|(_, conflict)| conflict.path.clone());
                drop(conflicts);
                self.clashed.extend(path);
            }
            Notice::Paused(_) => {}
        }
    }

    pub(super) fn tell_upstream(&mut self, input: upstream::Input) {
        self.trace(|| format!("upstream <- {input:?}"), 3);
        for effect in self.upstream.step(self.clock_ms(UPSTREAM), input) {
            self.trace(|| format!("upstream -> {effect:?}"), 4);
            let job = match effect {
                upstream::Effect::Task(task) => {
                    self.changes += usize::from(matches!(task, Task::Apply(_)));
                    Job::Task(task)
                }
                upstream::Effect::Send(peer, down) => {
                    self.changes += usize::from(matches!(down, Down::Delta { .. }));
                    Job::Down(peer, down)
                }
                upstream::Effect::SendBlob(peer, digest, from) => {
                    Job::Blob(Some(peer), digest, from)
                }
                upstream::Effect::Drop(peer) => Job::Cut(Some(peer)),
                upstream::Effect::WakeAt(wake) => {
                    self.wake[UPSTREAM] = Some(wake);
                    continue;
                }
                upstream::Effect::RootGone => {
                    self.is_upstream_gone = true;
                    continue;
                }
            };
            self.jobs[UPSTREAM].push_back(job);
        }
    }

    /// Does the next thing that an engine wants done, or hands it to somebody who does it in a while.
    pub(super) fn job(&mut self, side: usize) -> bool {
        if !self.handed[side].is_empty() && self.rng.bool() {
            return self.handed_job(side);
        }
        let Some(job) = self.jobs[side].pop_front() else { return self.handed_job(side) };
        match job {
            Job::Task(task) => match task.about() {
                Some(about) if self.is_handed(side, &about) || self.rng.bool() => {
                    self.handed[side].push(task);
                }
                _ => self.perform(side, task),
            },
            Job::Up(up) => {
                let link = &mut self.links[link_of(side)];
                if link.is_up {
                    link.up.push_back(up);
                }
            }
            Job::Down(peer, down) => {
                if let Some(at) = self.link_to(peer) {
                    self.links[at].down.push_back(down);
                }
            }
            Job::Blob(peer, digest, from) => self.send_blob(side, peer, digest, from),
            Job::Cut(None) => self.cut(link_of(side)),
            Job::Cut(Some(peer)) => {
                if let Some(at) = self.link_to(peer) {
                    self.cut(at);
                }
            }
        }
        self.see_whether_it_ended(side);
        true
    }

    /// Whether something about the same is still to be done: that is done in its order.
    fn is_handed(&self, side: usize, about: &About) -> bool {
        self.handed[side].iter().any(|task| task.about().as_ref() == Some(about))
    }

    /// Does one of the things that were handed on, the first about whatever it is about.
    fn handed_job(&mut self, side: usize) -> bool {
        if self.handed[side].is_empty() {
            return false;
        }
        let drawn = self.rng.usize(..self.handed[side].len());
        let about = self.handed[side][drawn].about();
        let first = self.handed[side].iter().position(|task| task.about() == about);
        let task = self.handed[side].remove(first.unwrap_or(drawn));
        self.perform(side, task);
        self.see_whether_it_ended(side);
        true
    }

    fn see_whether_it_ended(&mut self, side: usize) {
        if self.state.borrow().sides[side].is_stopped {
            let is_power = self.plan.stop_at.is_some_and(|(_, _, is_power)| is_power);
            self.end_process(side, is_power);
            self.state.borrow_mut().stop_at[side] =
                self.plan.stop_again.take().map(|again| again + self.state.borrow().calls[side]);
        }
    }

    pub(super) fn perform(&mut self, side: usize, task: Task) {
        self.trace(|| format!("{side} performs {task:?}"), 5);
        let process = self.process(side);
        let unclear = match &task {
            Task::Recover(op) if op.expected == Entry::Absent => Some(op.path.clone()),
            _ => None,
        };
        let secured = match &task {
            Task::Secure(paths) => paths.clone(),
            _ => Vec::new(),
        };
        let failed_calls = self.state.borrow().failed_calls;
        let done = match (task, self.plan.flaw) {
            (Task::Apply(op), Some(Flaw::DeleteThenRename)) => {
                Some(Done::Applied(op.id, delete_then_rename(&process, &op)))
            }
            (Task::Recheck(id, path, left), Some(Flaw::NoLateRecheck)) => {
                let seen = look(&process, &process, Place::Slot(id), &path, None);
                let same = crate::look::Seen { entry: left.holds, stat: None };
                seen.ok().map(|_| Done::Rechecked(id, Rechecked::Same(same)))
            }
            (Task::Discard(id, ..), Some(Flaw::NoLateRecheck)) => {
                let _ = process.discard(id);
                Some(Done::Rechecked(id, Rechecked::Gone))
            }
            (task, _) => {
                let (vfs, blobs, journal) = (&process, &process, &process);
                let hands = Hands { vfs, blobs, journal, left_out: &self.left_out };
                match hands.perform(task) {
                    Ok(done) => done,
                    Err(_) => {
                        self.state.borrow_mut().sides[side].is_stopped = true;
                        None
                    }
                }
            }
        };
        let has_failed = self.state.borrow().failed_calls != failed_calls;
        if has_failed {
            self.state.borrow_mut().unsecured(side, &secured);
        }
        self.excuse(done.as_ref(), unclear);
        self.results[side].extend(done);
    }

    /// Where a process ended just when a file was made, and somebody else changed that file before the
    /// next process began, nobody can tell any more that it had been made. It is made again then, which
    /// loses nothing, but may undo a delete.
    pub(super) fn excuse(&mut self, done: Option<&Done>, unclear: Option<RelPath>) {
        if let Some(Done::Applied(_, applied)) = done
            && applied.outcome == crate::op::Outcome::Changed
        {
            self.noticed.extend(unclear);
        }
    }

    /// Hands in what came of some task.
    pub(super) fn result(&mut self, side: usize) -> bool {
        if self.results[side].is_empty() {
            return false;
        }
        let at = self.rng.usize(..self.results[side].len());
        let mut done = self.results[side].swap_remove(at);
        if let Done::Looked(look, _) = &mut done
            && self.plan.flaw == Some(Flaw::StaleGeneration)
        {
            let disk = match side {
                UPSTREAM => &self.upstream.disk,
                _ => &self.local(side).disk,
            };
            look.generation = disk.generation(&look.path);
        }
        match side {
            UPSTREAM => self.tell_upstream(upstream::Input::Done(done)),
            _ => self.tell_local(side, local::Input::Done(done)),
        }
        true
    }

    /// Hands in what a watcher told.
    pub(super) fn event(&mut self, side: usize) -> bool {
        let (mut paths, is_lost, now_ms) = {
            let mut state = self.state.borrow_mut();
            let now_ms = state.now_ms;
            let watch = &mut state.sides[side].watch;
            let is_lost = std::mem::take(&mut watch.has_overflowed);
            let count = self.rng.usize(..=watch.events.len().min(5));
            let count = if self.is_calm { watch.events.len() } else { count };
            let paths: Vec<_> = watch.events.drain(..count).collect();
            (paths, is_lost, now_ms)
        };
        if self.plan.flaw == Some(Flaw::TimedEcho) {
            let state = self.state.borrow();
            let echoes = &state.sides[side].watch.echoes;
            paths.retain(|path| echoes.get(path).is_none_or(|at| at + ECHO_MS < now_ms));
        }
        if paths.len() > 1 && self.rng.bool() {
            paths.push(paths[0].clone());
        }
        let moved = is_lost || !paths.is_empty();
        if is_lost && self.plan.flaw != Some(Flaw::DroppedRescan) {
            self.rescan(side);
        }
        let paths: Vec<_> = paths.iter().filter_map(|path| RelPath::parse(path).ok()).collect();
        if paths.is_empty() {
            return moved;
        }
        match side {
            UPSTREAM => self.tell_upstream(upstream::Input::Hint(paths)),
            _ => self.tell_local(side, local::Input::Hint(paths)),
        }
        true
    }

    pub(super) fn rescan(&mut self, side: usize) {
        match side {
            UPSTREAM => self.tell_upstream(upstream::Input::Rescan),
            _ => self.tell_local(side, local::Input::Rescan),
        }
    }
}
