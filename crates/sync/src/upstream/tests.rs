//! What is proposed is done once and only to what it was made against, everyone hears of it, and nothing is said
//! of a tree that is not there.

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::*;
use crate::conflict::ConflictKind;
use crate::look::{List, Listing};
use crate::op::{Applied, Left, Outcome};
use crate::stat::{Kind, Stat};
use crate::talk::{Begin, Proposal, Why};
use crate::vfs::Have;

const ONE: Peer = 1;
const TWO: Peer = 2;

#[test]
fn who_says_hello_first_hears_the_whole_tree_and_then_what_changes() {
    let mut side = Side::seen(&[("a", 1), ("b", 2)]);
    side.joins(ONE, None, 0);
    let welcome = Down::Welcome { epoch: 7, begin: Begin::Snapshot };
    let page = Down::Page(vec![change("a", file(1), 1), change("b", file(2), 2)]);
    assert_eq!(side.heard(ONE), [welcome, page, Down::PageEnd { seq: 2 }]);
    side.writes("a", file(3));
    let delta = Down::Delta { seq: 3, changes: vec![change("a", file(3), 3)] };
    assert_eq!(side.heard(ONE), [delta]);
}

#[test]
fn who_comes_back_hears_what_changed_and_what_is_gone() {
    let mut side = Side::seen(&[("a", 1), ("b", 2)]);
    side.writes("b", Entry::Absent);
    side.joins(ONE, Some(7), 2);
    let welcome = Down::Welcome { epoch: 7, begin: Begin::Resume };
    let page = Down::Page(vec![change("b", Entry::Absent, 3)]);
    assert_eq!(side.heard(ONE), [welcome, page, Down::PageEnd { seq: 3 }]);
    side.joins(TWO, Some(6), 1);
    assert_eq!(side.heard(TWO), [Down::Welcome { epoch: 7, begin: Begin::Reset }]);
    // Whoever knows more than there is knows another tree.
    side.joins(TWO, Some(7), 4);
    assert_eq!(side.heard(TWO), [Down::Welcome { epoch: 7, begin: Begin::Reset }]);
}

#[test]
fn nobody_is_welcomed_to_a_tree_that_was_not_seen_yet() {
    let mut side = Side::new();
    side.step(Input::Tick);
    let listing = std::mem::take(&mut side.effects);
    side.joins(ONE, None, 0);
    assert!(side.heard(ONE).is_empty());
    side.effects = listing;
    side.settles(&[("a", 1)]);
    assert_eq!(side.said_to(ONE).len(), 3);
}

#[test]
fn a_proposal_is_done_once_its_content_is_here_and_everyone_hears_of_it() {
    let mut side = Side::live(&[("a", 1)]);
    side.proposes(ONE, proposal(50, "a", (file(1), 1), file(2)));
    assert_eq!(side.heard(ONE), [Down::Need { digest: digest(2), from: 0 }]);
    assert!(side.applies().is_empty(), "its content is not here");
    side.have(digest(2));
    let [op] = &side.applies()[..] else { panic!("{:?}", side.effects) };
    assert_eq!((&op.expected, &op.new, op.proposal), (&file(1), &file(2), Some(OpId(50))));
    let id = op.id;
    side.applied(id, Outcome::Done);
    let delta = Down::Delta { seq: 2, changes: vec![change("a", file(2), 2)] };
    let done = Down::Committed { op: OpId(50), rev: 2 };
    assert_eq!(side.heard(ONE), [delta.clone(), done]);
    assert_eq!(side.heard(TWO), [delta]);
    let commit = side.effects.iter().position(|it| matches!(it, Effect::Task(Task::Commit(_))));
    let told = side.effects.iter().position(|it| matches!(it, Effect::Send(..)));
    assert!(commit < told, "it is written down before anyone is told");
}

#[test]
fn a_proposal_against_what_is_not_there_any_more_changes_nothing() {
    let mut side = Side::live(&[("a", 1)]);
    side.writes("a", file(3));
    side.proposes(ONE, proposal(50, "a", (file(1), 1), file(2)));
    let (why, current) = (Why::Stale, file(3));
    assert_eq!(side.heard(ONE), [Down::Rejected { op: OpId(50), why, current, rev: 2 }]);
    assert!(side.applies().is_empty());
    // The same is there again: it is another one all the same.
    side.writes("a", file(1));
    side.proposes(ONE, proposal(51, "a", (file(1), 1), file(2)));
    let (why, current) = (Why::Stale, file(1));
    assert_eq!(side.heard(ONE), [Down::Rejected { op: OpId(51), why, current, rev: 3 }]);
    // In a folder that is not there.
    side.proposes(ONE, proposal(52, "d/a", (Entry::Absent, 0), file(2)));
    let (why, current) = (Why::Stale, Entry::Absent);
    assert_eq!(side.heard(ONE), [Down::Rejected { op: OpId(52), why, current, rev: 0 }]);
}

#[test]
fn a_proposal_that_comes_again_is_answered_by_what_it_came_to() {
    let mut side = Side::live(&[("a", 1)]);
    let first = proposal(50, "a", (file(1), 1), file(2));
    side.proposes(ONE, first.clone());
    side.proposes(ONE, first.clone());
    side.have(digest(2));
    let [op] = &side.applies()[..] else { panic!("{:?}", side.effects) };
    let id = op.id;
    side.applied(id, Outcome::Done);
    // The agent goes on, and then the proposal comes once more.
    side.writes("a", file(4));
    side.proposes(ONE, first.clone());
    assert_eq!(side.heard(ONE), [Down::Committed { op: OpId(50), rev: 2 }]);
    assert!(side.applies().is_empty());
    // So it is after the process ended as well.
    let mut side = Side::again(&side);
    side.sees(&[("a", 4)]);
    side.joins(ONE, Some(7), 1);
    side.proposes(ONE, first);
    assert_eq!(side.heard(ONE), [Down::Committed { op: OpId(50), rev: 2 }]);
}

#[test]
fn what_is_there_already_is_no_change() {
    let mut side = Side::live(&[("a", 1)]);
    side.proposes(ONE, proposal(50, "a", (file(9), 0), file(1)));
    assert_eq!(side.heard(ONE), [Down::Committed { op: OpId(50), rev: 1 }]);
    assert!(side.applies().is_empty());
}

#[test]
fn the_second_of_two_proposals_for_a_path_meets_what_the_first_made() {
    let mut side = Side::live(&[("a", 1)]);
    side.proposes(ONE, proposal(50, "a", (file(1), 1), Entry::Absent));
    side.proposes(TWO, proposal(60, "a", (file(1), 1), file(3)));
    let [op] = &side.applied_all[..] else { panic!("{:?}", side.applied_all) };
    let id = op.id;
    side.applied(id, Outcome::Done);
    let delta = Down::Delta { seq: 2, changes: vec![change("a", Entry::Absent, 2)] };
    assert_eq!(side.heard(ONE), [delta.clone(), Down::Committed { op: OpId(50), rev: 2 }]);
    let (op, why, current) = (OpId(60), Why::Stale, Entry::Absent);
    assert_eq!(side.heard(TWO), [delta, Down::Rejected { op, why, current, rev: 2 }]);
}

#[test]
fn a_full_disk_refuses_a_proposal_and_leaves_the_tree_as_it_was() {
    let mut side = Side::live(&[("a", 1)]);
    side.proposes(ONE, proposal(50, "a", (file(1), 1), file(2)));
    side.have(digest(2));
    let id = side.applies()[0].id;
    side.applied(id, Outcome::Failed(Fault::Full));
    side.settles(&[("a", 1)]);
    let (why, current) = (Why::Failed, file(1));
    let refused = Down::Rejected { op: OpId(50), why, current, rev: 1 };
    assert_eq!(side.said_to(ONE).last(), Some(&refused));
    assert!(side.said_to(TWO).is_empty());
    // It may be proposed again, and succeed.
    side.proposes(ONE, proposal(51, "a", (file(1), 1), file(2)));
    side.have(digest(2));
    assert_eq!(side.applies().len(), 1);
}

#[test]
fn a_folder_that_is_gone_is_not_a_tree_without_files() {
    let mut side = Side::live(&[("a", 1), ("b", 2)]);
    side.step(Input::Rescan);
    let list = List { folder: None, is_deep: true };
    side.step(Input::Done(Done::Listed(list, Err(Fault::RootGone))));
    assert!(side.effects.contains(&Effect::RootGone));
    assert!(side.heard(ONE).is_empty());
    // What is proposed meanwhile, and who comes, waits.
    side.proposes(ONE, proposal(50, "a", (file(1), 1), file(2)));
    assert!(side.effects.is_empty(), "{:?}", side.effects);
    side.joins(3, None, 0);
    assert!(side.heard(3).is_empty());
    side.step(Input::Rescan);
    side.settles(&[("a", 1), ("b", 2)]);
    assert_eq!(side.said_to(3).len(), 3);
    assert_eq!(side.said_to(ONE), [Down::Need { digest: digest(2), from: 0 }]);
}

#[test]
fn what_the_agent_wrote_too_late_is_told_until_it_is_known() {
    let mut side = Side::live(&[("a", 1)]);
    side.proposes(ONE, proposal(50, "a", (file(1), 1), file(2)));
    side.have(digest(2));
    let id = side.applies()[0].id;
    let left = Left { holds: file(8), stat: None, is_rescued: true };
    let applied = Applied { outcome: Outcome::Done, left: Some(left) };
    side.step(Input::Done(Done::Applied(id, applied)));
    let late = |downs: Vec<Down>| {
        downs.into_iter().find_map(|down| match down {
            Down::Late { id, path, entry } => Some((id, path, entry)),
            _ => None,
        })
    };
    let (id, at, entry) = late(side.heard(TWO)).unwrap();
    assert_eq!((at, entry), (path("a"), file(8)));
    assert_eq!(side.engine.late_writes().next().unwrap().1.kind, ConflictKind::LateThere);
    side.joins(3, Some(7), 2);
    assert!(late(side.heard(3)).is_some());
    side.says(TWO, Up::LateKnown(id));
    side.joins(4, Some(7), 2);
    assert_eq!(late(side.heard(4)), None);
}

#[test]
fn who_leaves_takes_along_what_was_not_begun() {
    let mut side = Side::live(&[("a", 1)]);
    side.proposes(ONE, proposal(50, "a", (file(1), 1), file(2)));
    side.step(Input::Left(ONE));
    side.have(digest(2));
    assert!(side.applies().is_empty());
    side.proposes(TWO, proposal(60, "a", (file(1), 1), Entry::Absent));
    assert_eq!(side.applies().len(), 1);
}

#[test]
fn who_proposes_without_knowing_the_tree_is_sent_away() {
    let mut side = Side::seen(&[]);
    side.step(Input::Joined(ONE));
    side.proposes(ONE, proposal(50, "a", (Entry::Absent, 0), Entry::Dir));
    assert_eq!(side.effects, [Effect::Drop(ONE)]);
}

struct Side {
    engine: Engine,
    effects: Vec<Effect>,
    /// All changes that were begun.
    applied_all: Vec<Op>,
    /// All that was said since it was asked about last.
    said: Vec<(Peer, Down)>,
    writes: Vec<Write>,
}

impl Side {
    fn new() -> Self {
        Self::with(1, Saved::default())
    }

    fn with(launch: u64, saved: Saved) -> Self {
        let setup = Setup {
            launch,
            epoch: 7,
            is_same_boot: true,
            left_out: LeftOut::nothing(),
            recheck: RecheckTimes::default(),
        };
        let engine = Engine::new(setup, saved);
        let (effects, applied_all, said, writes) = Default::default();
        Self { engine, effects, applied_all, said, writes }
    }

    /// One that goes on with what another one wrote down.
    fn again(other: &Self) -> Self {
        let mut saved = Saved::default();
        let mut rows = BTreeMap::new();
        for write in &other.writes {
            match write {
                Write::Row(path, Some(row)) => _ = rows.insert(path.clone(), row.clone()),
                Write::Row(path, None) => _ = rows.remove(path),
                Write::Head(head) => saved.head = head.clone(),
                _ => {}
            }
        }
        saved.rows = rows.into_iter().collect();
        Self::with(2, saved)
    }

    /// One that has seen its tree.
    fn seen(files: &[(&str, u8)]) -> Self {
        let mut side = Self::new();
        side.sees(files);
        side
    }

    /// One that has seen its tree, and two who hear of it.
    fn live(files: &[(&str, u8)]) -> Self {
        let mut side = Self::seen(files);
        side.joins(ONE, None, 0);
        side.joins(TWO, None, 0);
        side.said.clear();
        side
    }

    fn step(&mut self, input: Input) {
        self.effects = self.engine.step(1000, input);
        for effect in &self.effects {
            match effect {
                Effect::Send(peer, down) => self.said.push((*peer, down.clone())),
                Effect::Task(Task::Commit(writes)) => self.writes.extend(writes.iter().cloned()),
                Effect::Task(Task::Apply(op)) => self.applied_all.push(op.clone()),
                _ => {}
            }
        }
        // No part of any content is here.
        let wanted: Vec<_> = self.effects.iter().filter_map(wanted).collect();
        for digest in wanted {
            self.have_part(digest);
        }
    }

    fn have_part(&mut self, digest: Digest) {
        let part = Done::Have(digest, Ok(Have::Part(0)));
        let before = std::mem::take(&mut self.effects);
        self.step(Input::Done(part));
        self.effects.splice(..0, before);
    }

    fn sees(&mut self, files: &[(&str, u8)]) {
        self.step(Input::Tick);
        self.settles(files);
    }

    /// Does the looking that is to be done, until there is no more.
    fn settles(&mut self, files: &[(&str, u8)]) {
        loop {
            let mut todo = Vec::new();
            for effect in std::mem::take(&mut self.effects) {
                match effect {
                    Effect::Task(Task::List(list)) => {
                        let found =
                            files.iter().map(|(name, byte)| (path(name), stat(*byte))).collect();
                        let listing = Listing {
                            list: list.clone(),
                            found,
                            bad_names: Vec::new(),
                            unread: Vec::new(),
                            is_unwatched: false,
                        };
                        todo.push(Done::Listed(list, Ok(listing)));
                    }
                    Effect::Task(Task::Look(look)) => {
                        let byte = files.iter().find(|(name, _)| path(name) == look.path);
                        let seen = match byte {
                            Some((_, byte)) => Seen { entry: file(*byte), stat: Some(stat(*byte)) },
                            None => Seen { entry: Entry::Absent, stat: None },
                        };
                        todo.push(Done::Looked(look, Ok(seen)));
                    }
                    _ => {}
                }
            }
            if todo.is_empty() {
                return;
            }
            let mut effects = Vec::new();
            for done in todo {
                self.step(Input::Done(done));
                effects.append(&mut self.effects);
            }
            self.effects = effects;
        }
    }

    /// The agent writes something.
    fn writes(&mut self, text: &str, entry: Entry) {
        self.step(Input::Hint(vec![path(text)]));
        let look = self.effects.iter().find_map(|effect| match effect {
            Effect::Task(Task::Look(look)) => Some(look.clone()),
            _ => None,
        });
        let seen = Seen { entry, stat: None };
        self.said.clear();
        self.step(Input::Done(Done::Looked(look.unwrap(), Ok(seen))));
    }

    fn joins(&mut self, peer: Peer, epoch: Option<u64>, seq: u64) {
        self.step(Input::Joined(peer));
        self.says(peer, Up::Hello { epoch, seq });
    }

    fn says(&mut self, peer: Peer, up: Up) {
        self.step(Input::Said(peer, up));
    }

    fn proposes(&mut self, peer: Peer, proposal: Proposal) {
        self.said.clear();
        self.says(peer, Up::Propose(proposal));
    }

    /// A content has come.
    fn have(&mut self, digest: Digest) {
        self.said.clear();
        self.step(Input::Done(Done::Have(digest, Ok(Have::All))));
    }

    fn applied(&mut self, id: OpId, outcome: Outcome) {
        self.said.clear();
        self.step(Input::Done(Done::Applied(id, outcome.into())));
    }

    fn applies(&self) -> Vec<Op> {
        let op = |effect: &Effect| match effect {
            Effect::Task(Task::Apply(op)) => Some(op.clone()),
            _ => None,
        };
        self.effects.iter().filter_map(op).collect()
    }

    /// What somebody was told in the last step.
    fn heard(&self, peer: Peer) -> Vec<Down> {
        let heard = |effect: &Effect| match effect {
            Effect::Send(other, down) if *other == peer => Some(down.clone()),
            _ => None,
        };
        self.effects.iter().filter_map(heard).collect()
    }

    /// What somebody was told since something was last asked of the engine.
    fn said_to(&self, peer: Peer) -> Vec<Down> {
        let to = |(other, down): &(Peer, Down)| (*other == peer).then(|| down.clone());
        self.said.iter().filter_map(to).collect()
    }
}

fn wanted(effect: &Effect) -> Option<Digest> {
    match effect {
        Effect::Task(Task::Have(digest)) => Some(*digest),
        _ => None,
    }
}

fn proposal(op: u128, text: &str, base: (Entry, u64), new: Entry) -> Proposal {
    let (base, base_rev) = base;
    Proposal { op: OpId(op), path: path(text), base, base_rev, new }
}

fn change(name: &str, entry: Entry, rev: u64) -> Change {
    Change { path: path(name), entry, rev }
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}

fn file(byte: u8) -> Entry {
    Entry::File { digest: digest(byte), size: 1, exec: false }
}

fn stat(byte: u8) -> Stat {
    let ino = u64::from(byte);
    Stat { kind: Kind::File, dev: 1, ino, size: 1, mtime_ns: 1, ctime_ns: 1, mode: 0o644 }
}
