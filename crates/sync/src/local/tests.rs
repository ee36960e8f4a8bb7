//! What the engine asks about, and what an answer may not do.

use oriel_wire::sync::{Digest, Entry, RelPath};

use super::*;
use crate::conflict::ChoiceError;
use crate::look::{List, Listing, Seen};
use crate::stat::{Kind, Stat};
use crate::talk::{Begin, Change, Proposal};

#[test]
fn a_choice_between_versions_that_are_no_more_changes_nothing() {
    let mut side = Side::met(&[("a", 1)], &[("a", 2)]);
    let (id, conflict) = side.conflict();
    side.says(Down::Delta { seq: 2, changes: vec![change("a", file(3), 2)] });
    let chosen = side.choose(id, Choice::KeepLocal, &conflict);
    assert_eq!(chosen, Err(ChoiceError::Changed), "what came since was never shown");

    let (id, conflict) = side.conflict();
    assert_eq!(conflict.upstream, file(3), "the conflict tells of what came");
    let effects = side.choose(id, Choice::KeepLocal, &conflict).unwrap();
    let proposal = proposals(&effects).pop().unwrap();
    assert_eq!((proposal.base, proposal.new), (file(3), file(1)));
    assert_eq!(side.choose(id, Choice::KeepLocal, &conflict), Err(ChoiceError::Unknown));
}

#[test]
fn a_folder_that_is_not_empty_is_met_without_overwriting_anything() {
    let side = Side::met(&[("same", 1), ("mine", 2), ("both", 3)], &[("same", 1), ("both", 4)]);
    let pushed: Vec<_> = proposals(&side.effects).into_iter().map(|it| it.path).collect();
    assert_eq!(pushed, [path("mine")]);
    assert!(applies(&side.effects).is_empty(), "nothing here is replaced");
    assert_eq!(side.engine.conflicts().count(), 1);
}

#[test]
fn what_the_other_side_is_told_or_agreed_on_is_on_disk_first() {
    let side = Side::met(&[("mine", 2), ("same", 1)], &[("same", 1)]);
    let secured = Effect::Task(Task::Secure(vec![path("mine"), path("same")]));
    assert_eq!(side.effects.first(), Some(&secured), "before the ledger and the proposal");
    assert!(matches!(side.effects.get(1), Some(Effect::Task(Task::Commit(_)))));
    assert_eq!(proposals(&side.effects).len(), 1);
}

#[test]
fn an_upstream_tree_that_begins_anew_is_asked_about_and_deletes_nothing() {
    let names: Vec<_> = (0..9).map(|number| format!("f{number}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut side = Side::met(&files, &files);
    side.step(Input::Disconnected);
    side.step(Input::Connected);
    side.says(Down::Welcome { epoch: 2, begin: Begin::Reset });
    assert_eq!(side.engine.status().pause, Some(Pause::RemoteReset));

    side.step(Input::Confirm);
    assert!(side.effects.contains(&Effect::Reconnect));
    side.step(Input::Connected);
    assert!(side.effects.contains(&Effect::Send(Up::Hello { epoch: None, seq: 0 })));
    side.says(Down::Welcome { epoch: 2, begin: Begin::Snapshot });
    side.says(Down::PageEnd { seq: 0 });
    assert!(applies(&side.effects).is_empty());
    assert_eq!(proposals(&side.effects).len(), names.len(), "all of it is offered again");
}

#[test]
fn what_was_being_put_here_when_the_upstream_tree_began_anew_is_not_agreed_on() {
    let mut side = Side::met(&[], &[("a", 1)]);
    let [op] = &applies(&side.effects)[..] else { panic!("{:?}", side.effects) };
    let id = op.id;
    side.step(Input::Disconnected);
    side.step(Input::Connected);
    side.says(Down::Welcome { epoch: 2, begin: Begin::Reset });
    side.step(Input::Confirm);
    side.step(Input::Connected);
    let applied = crate::op::Applied { outcome: crate::op::Outcome::Done, left: None };
    side.step(Input::Done(Done::Applied(id, applied)));
    side.says(Down::Welcome { epoch: 2, begin: Begin::Snapshot });
    side.says(Down::PageEnd { seq: 0 });
    assert!(applies(&side.effects).is_empty(), "it is not deleted here: {:?}", side.effects);
    assert_eq!(proposals(&side.effects).len(), 1, "it is offered");
}

#[test]
fn a_folder_that_is_not_empty_any_more_comes_back_whichever_word_is_first() {
    let mut side = Side::met(&[], &[]);
    side.says(Down::Delta { seq: 2, changes: vec![change("d", Entry::Dir, 2)] });
    let [op] = &applies(&side.effects)[..] else { panic!("{:?}", side.effects) };
    let applied = crate::op::Applied { outcome: crate::op::Outcome::Done, left: None };
    side.step(Input::Done(Done::Applied(op.id, applied)));
    side.step(Input::Hint(vec![path("d")]));
    let look = |effect: &Effect| match effect {
        Effect::Task(Task::Look(look)) => Some(look.clone()),
        _ => None,
    };
    let look = side.effects.iter().find_map(look).unwrap();
    side.step(Input::Done(Done::Looked(look, Ok(Seen { entry: Entry::Absent, stat: None }))));
    let [proposal] = &proposals(&side.effects)[..] else { panic!("{:?}", side.effects) };
    let (op, current) = (proposal.op, Entry::Dir);
    side.says(Down::Delta { seq: 3, changes: vec![change("d/a", file(1), 3)] });
    side.says(Down::Rejected { op, why: crate::talk::Why::NotEmpty, current, rev: 2 });
    let [op] = &applies(&side.effects)[..] else { panic!("{:?}", side.effects) };
    assert_eq!((&op.path, &op.new), (&path("d"), &Entry::Dir));
}

#[test]
fn deletes_that_are_too_many_wait_for_an_answer() {
    let names: Vec<_> = (0..40).map(|number| format!("f{number}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    for restores in [false, true] {
        let mut side = Side::met(&files, &files);
        let gone = |name: &String| change(name, Entry::Absent, 50);
        side.says(Down::Delta { seq: 2, changes: names.iter().map(gone).collect() });
        let pause = Some(Pause::MassDelete { files: 40, here: true });
        assert_eq!(side.engine.status().pause, pause);
        assert!(applies(&side.effects).is_empty());

        side.step(if restores { Input::Restore } else { Input::Confirm });
        assert_eq!(side.engine.status().pause, None);
        let counts = (applies(&side.effects).len(), proposals(&side.effects).len());
        assert_eq!(counts, if restores { (0, 40) } else { (40, 0) });
    }
}

#[test]
fn deletes_that_come_one_after_another_are_judged_together() {
    let names: Vec<_> = (0..40).map(|number| format!("f{number}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let mut side = Side::met_with(&files, &files, 100);
    for (seq, name) in (2..).zip(&names) {
        side.now_ms += 5;
        let changes = vec![change(name, Entry::Absent, 50)];
        side.says(Down::Delta { seq, changes });
        assert!(applies(&side.effects).is_empty(), "{:?}", side.effects);
    }
    side.now_ms += 100;
    side.step(Input::Tick);
    let pause = Some(Pause::MassDelete { files: 40, here: true });
    assert_eq!(side.engine.status().pause, pause);
    let mut side = Side::met_with(&files, &files, 100);
    side.says(Down::Delta { seq: 2, changes: vec![change("f1", Entry::Absent, 50)] });
    assert!(side.effects.contains(&Effect::WakeAt(side.now_ms + 100)), "{:?}", side.effects);
    side.now_ms += 100;
    side.step(Input::Tick);
    assert_eq!(applies(&side.effects).len(), 1, "a single one goes soon");
}

#[test]
fn a_folder_that_is_gone_stops_everything_and_deletes_nothing() {
    let mut side = Side::met(&[("a", 1)], &[("a", 1)]);
    let list = List { folder: None, is_deep: true };
    side.step(Input::Rescan);
    side.step(Input::Done(Done::Listed(list, Err(crate::vfs::Fault::RootGone))));
    assert_eq!(side.engine.status().pause, Some(Pause::RootGone));
    side.step(Input::Hint(vec![path("a")]));
    assert!(side.effects.is_empty(), "{:?}", side.effects);
    side.step(Input::RootBack);
    assert_eq!(side.engine.status().pause, None);
    assert!(side.effects.iter().any(|effect| matches!(effect, Effect::Task(Task::List(_)))));
}

#[test]
fn names_that_are_the_same_here_are_not_both_made() {
    let mut side = Side::new(true);
    side.sees(&[("a", 1)]);
    side.meets(&[("a", 1), ("A", 2)]);
    assert!(applies(&side.effects).is_empty());
    assert_eq!(side.engine.status().problems, [(path("A"), Trouble::NameTaken)]);
    // Renamed to nothing but another case: the old name goes first.
    side.says(Down::Delta { seq: 2, changes: vec![change("a", Entry::Absent, 2)] });
    let [op] = &applies(&side.effects)[..] else { panic!("{:?}", side.effects) };
    assert_eq!((&op.path, &op.new), (&path("a"), &Entry::Absent));
}

struct Side {
    engine: Engine,
    now_ms: u64,
    effects: Vec<Effect>,
}

impl Side {
    fn new(folds: bool) -> Self {
        Self::with(folds, 0)
    }

    fn with(folds: bool, gather_ms: u64) -> Self {
        let setup = Setup {
            launch: 1,
            is_same_boot: true,
            left_out: LeftOut::nothing(),
            folds,
            recheck: RecheckTimes::default(),
            deletes: DeleteLimits { gather_ms, ..DeleteLimits::default() },
        };
        Self { engine: Engine::new(setup, Saved::default()), now_ms: 1000, effects: Vec::new() }
    }

    /// An engine that has seen both trees. What would be fetched is here.
    fn met(here: &[(&str, u8)], there: &[(&str, u8)]) -> Self {
        Self::met_with(here, there, 0)
    }

    fn met_with(here: &[(&str, u8)], there: &[(&str, u8)], gather_ms: u64) -> Self {
        let mut side = Self::with(false, gather_ms);
        side.sees(here);
        side.meets(there);
        side
    }

    fn step(&mut self, input: Input) {
        self.effects = self.engine.step(self.now_ms, input);
        let wanted: Vec<_> = self.effects.iter().filter_map(wanted).collect();
        for digest in wanted {
            let have = Done::Have(digest, Ok(crate::vfs::Have::All));
            self.effects.extend(self.engine.step(self.now_ms, Input::Done(have)));
        }
    }

    fn says(&mut self, down: Down) {
        self.step(Input::Said(down));
    }

    fn sees(&mut self, files: &[(&str, u8)]) {
        self.step(Input::Tick);
        let found = files.iter().map(|(name, byte)| (path(name), stat(*byte))).collect();
        let list = List { folder: None, is_deep: true };
        let listing = Listing {
            list: list.clone(),
            found,
            bad_names: Vec::new(),
            unread: Vec::new(),
            is_unwatched: false,
        };
        self.step(Input::Done(Done::Listed(list, Ok(listing))));
        for effect in std::mem::take(&mut self.effects) {
            let Effect::Task(Task::Look(look)) = effect else { continue };
            let (_, byte) = files.iter().find(|(name, _)| path(name) == look.path).unwrap();
            let seen = Seen { entry: file(*byte), stat: Some(stat(*byte)) };
            self.step(Input::Done(Done::Looked(look, Ok(seen))));
        }
    }

    fn meets(&mut self, files: &[(&str, u8)]) {
        self.step(Input::Connected);
        self.says(Down::Welcome { epoch: 1, begin: Begin::Snapshot });
        let changes = files.iter().map(|(name, byte)| change(name, file(*byte), 1)).collect();
        self.says(Down::Page(changes));
        self.says(Down::PageEnd { seq: 1 });
    }

    fn conflict(&self) -> (ConflictId, Conflict) {
        let (id, conflict) = self.engine.conflicts().next().unwrap();
        (id, conflict.clone())
    }

    fn choose(
        &mut self,
        id: ConflictId,
        choice: Choice,
        shown: &Conflict,
    ) -> Result<Vec<Effect>, ChoiceError> {
        self.engine.choose(self.now_ms, id, choice, &shown.local, &shown.upstream)
    }
}

fn wanted(effect: &Effect) -> Option<Digest> {
    match effect {
        Effect::Task(Task::Have(digest)) => Some(*digest),
        _ => None,
    }
}

fn proposals(effects: &[Effect]) -> Vec<Proposal> {
    let proposal = |effect: &Effect| match effect {
        Effect::Send(Up::Propose(proposal)) => Some(proposal.clone()),
        _ => None,
    };
    effects.iter().filter_map(proposal).collect()
}

fn applies(effects: &[Effect]) -> Vec<Op> {
    let op = |effect: &Effect| match effect {
        Effect::Task(Task::Apply(op)) => Some(op.clone()),
        _ => None,
    };
    effects.iter().filter_map(op).collect()
}

fn change(name: &str, entry: Entry, rev: u64) -> Change {
    Change { path: path(name), entry, rev }
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn file(byte: u8) -> Entry {
    Entry::File { digest: Digest([byte; 32]), size: 1, exec: false }
}

fn stat(byte: u8) -> Stat {
    let ino = u64::from(byte);
    Stat { kind: Kind::File, dev: 1, ino, size: 1, mtime_ns: 1, ctime_ns: 1, mode: 0o644 }
}
