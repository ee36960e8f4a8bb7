//! What becomes of proposals, whatever comes twice.

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::*;
use crate::look::{List, Listing};
use crate::op::{Applied, Outcome};
use crate::talk::{Proposal, Why};

#[test]
fn a_proposal_that_was_refused_is_not_carried_out_when_it_comes_twice() {
    let mut side = Side::empty();
    let proposal = proposal(1, "a", file(1));
    side.says(Up::Propose(proposal.clone()));
    side.step(Input::Done(Done::Have(Digest([1; 32]), Err(Fault::Io))));
    assert_eq!(side.answer(1), Some(Err(Why::Failed)), "its content cannot be had");

    side.says(Up::Propose(proposal.clone()));
    assert!(side.effects.is_empty(), "whoever proposed it knows that it was not done");

    // On another connection its answer may have been lost with the first one.
    side.joins(2);
    side.step(Input::Left(1));
    side.step(Input::Said(2, Up::Propose(proposal)));
    assert!(side.effects.contains(&Effect::Task(Task::Have(Digest([1; 32])))));
}

#[test]
fn what_was_carried_out_is_known_after_somebody_else_has_changed_it() {
    let mut side = Side::empty();
    let folder = proposal(1, "d", Entry::Dir);
    side.says(Up::Propose(folder.clone()));
    side.does_it();
    assert_eq!(side.answer(1), Some(Ok(1)));

    side.joins(2);
    let gone = Proposal { base: Entry::Dir, base_rev: 1, ..proposal(2, "d", Entry::Absent) };
    side.step(Input::Said(2, Up::Propose(gone)));
    side.does_it();
    assert_eq!(side.answer(2), Some(Ok(2)));

    // The first answer was lost. Refused now, the folder would come back as if it were new.
    side.step(Input::Left(1));
    side.joins(3);
    side.step(Input::Said(3, Up::Propose(folder)));
    assert_eq!(side.answer(1), Some(Ok(1)));
}

#[test]
fn what_is_in_a_folder_that_is_being_changed_has_its_answer_with_its_revision() {
    let mut side = Side::empty();
    side.says(Up::Propose(proposal(1, "d", Entry::Dir)));
    side.does_it();
    side.says(Up::Propose(proposal(2, "d/e", Entry::Dir)));
    let within = side.applied();
    let gone = Proposal { base: Entry::Dir, base_rev: 1, ..proposal(3, "d", Entry::Absent) };
    side.says(Up::Propose(gone));
    let around = side.applied();

    side.ends(within, Outcome::Done);
    assert_eq!(side.answer(2), None, "it has not been told yet: {:?}", side.effects);
    side.ends(around, Outcome::NotEmpty);
    assert_eq!(side.answer(3), Some(Err(Why::NotEmpty)));
    let told = side.told("d/e").unwrap();
    assert!(1 < told, "something else was there at the revision of the folder");
    assert_eq!(side.answer(2), Some(Ok(told)));
}

#[test]
fn what_was_carried_out_while_it_was_sent_again_is_not_refused() {
    let mut side = Side::empty();
    side.says(Up::Propose(proposal(1, "d", Entry::Dir)));
    side.does_it();
    let folder = proposal(2, "d/e", Entry::Dir);
    side.says(Up::Propose(folder.clone()));
    let within = side.applied();
    let gone = Proposal { base: Entry::Dir, base_rev: 1, ..proposal(3, "d", Entry::Absent) };
    side.says(Up::Propose(gone));
    let around = side.applied();
    side.ends(within, Outcome::Done);

    side.step(Input::Left(1));
    side.joins(2);
    side.step(Input::Said(2, Up::Propose(folder)));
    side.step(Input::Hint(vec![RelPath::parse("d/e").unwrap()]));
    let look = side.look("d/e");
    side.ends(around, Outcome::NotEmpty);
    side.step(Input::Done(Done::Looked(look, Ok(Seen { entry: Entry::Absent, stat: None }))));
    assert!(matches!(side.answer(2), Some(Ok(_))), "{:?}", side.effects);
}

struct Side {
    engine: Engine,
    effects: Vec<Effect>,
}

impl Side {
    /// An engine of a tree in which nothing is, to which one is connected.
    fn empty() -> Self {
        let setup = Setup {
            launch: 9,
            epoch: 1,
            is_same_boot: true,
            left_out: LeftOut::nothing(),
            recheck: RecheckTimes::default(),
        };
        let mut side = Self { engine: Engine::new(setup, Saved::default()), effects: Vec::new() };
        side.step(Input::Tick);
        let list = List { folder: None, is_deep: true };
        let listing = Listing {
            list: list.clone(),
            found: Vec::new(),
            bad_names: Vec::new(),
            unread: Vec::new(),
            is_unwatched: false,
        };
        side.step(Input::Done(Done::Listed(list, Ok(listing))));
        side.joins(1);
        side
    }

    fn joins(&mut self, peer: Peer) {
        self.step(Input::Joined(peer));
        self.step(Input::Said(peer, Up::Hello { epoch: None, seq: 0 }));
    }

    fn step(&mut self, input: Input) {
        self.effects = self.engine.step(1000, input);
    }

    fn says(&mut self, up: Up) {
        self.step(Input::Said(1, up));
    }

    /// Carries out what is to be done.
    fn does_it(&mut self) {
        let id = self.applied();
        self.ends(id, Outcome::Done);
    }

    /// Returns the change that was begun.
    fn applied(&self) -> OpId {
        let op = |effect: &Effect| match effect {
            Effect::Task(Task::Apply(op)) => Some(op.id),
            _ => None,
        };
        self.effects.iter().find_map(op).unwrap()
    }

    fn ends(&mut self, id: OpId, outcome: Outcome) {
        let applied = Applied { outcome, left: None };
        self.step(Input::Done(Done::Applied(id, applied)));
    }

    /// Returns how a path is looked at.
    fn look(&self, name: &str) -> crate::Look {
        let look = |effect: &Effect| match effect {
            Effect::Task(Task::Look(look)) if look.path.as_str() == name => Some(look.clone()),
            _ => None,
        };
        self.effects.iter().find_map(look).unwrap()
    }

    /// Returns the revision at which a path is told of.
    fn told(&self, name: &str) -> Option<u64> {
        let mut changes = self.effects.iter().filter_map(|effect| match effect {
            Effect::Send(_, Down::Delta { changes, .. }) => Some(changes),
            _ => None,
        });
        changes.find_map(|changes| {
            changes.iter().find(|change| change.path.as_str() == name).map(|change| change.rev)
        })
    }

    /// Returns the answer to a proposal: its revision, or why not.
    fn answer(&self, op: u128) -> Option<Result<u64, Why>> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Send(_, Down::Committed { op: of, rev }) if of.0 == op => Some(Ok(*rev)),
            Effect::Send(_, Down::Rejected { op: of, why, .. }) if of.0 == op => Some(Err(*why)),
            _ => None,
        })
    }
}

fn proposal(op: u128, name: &str, new: Entry) -> Proposal {
    let path = RelPath::parse(name).unwrap();
    Proposal { op: OpId(op), path, base: Entry::Absent, base_rev: 0, new }
}

fn file(byte: u8) -> Entry {
    Entry::File { digest: Digest([byte; 32]), size: 1, exec: false }
}
