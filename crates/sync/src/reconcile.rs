//! What is to be done about one path is a function of three entries: what both sides last agreed on
//! (the ledger), what is here, and what is there.
//!
//! Every action makes one difference between the three go away, so reconciling comes to an end. Where an
//! edit meets a delete the edit stays, and somebody is told. Nothing here looks at folders or at other
//! paths; the order of actions is planned elsewhere.
#![forbid(unsafe_code)]

use oriel_wire::sync::Entry;

/// What is to be done about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// All three are the same.
    Nothing,
    /// Both sides came to the same by themselves: it is agreed.
    Agree,
    /// What is there is to be here.
    Pull(Meets),
    /// What is here is to be there.
    Push(Meets),
    /// Both sides changed it, and each has content of its own.
    Conflict(Clash),
    /// One side has something that cannot be synced: nothing is done and nothing is agreed.
    Freeze,
}

/// What a change meets on the side it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meets {
    /// What was agreed.
    Agreed,
    /// A delete, which the change undoes. Somebody is told.
    Delete,
}

/// How two changes clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clash {
    /// The same kind of thing, with other content.
    Edit,
    /// A folder, a file or a link on one side, and another of these on the other.
    Type,
}

/// Returns what is to be done about a path: `agreed` is what both last had, `here` what is here now,
/// `there` what is there.
#[must_use]
pub fn reconcile(agreed: &Entry, here: &Entry, there: &Entry) -> Action {
    if !here.is_known() || !there.is_known() {
        return Action::Freeze;
    }
    match (here == agreed, there == agreed) {
        (true, true) => Action::Nothing,
        _ if here == there => Action::Agree,
        (true, false) => Action::Pull(Meets::Agreed),
        (false, true) => Action::Push(Meets::Agreed),
        (false, false) if *here == Entry::Absent => Action::Pull(Meets::Delete),
        (false, false) if *there == Entry::Absent => Action::Push(Meets::Delete),
        (false, false) => Action::Conflict(clash(here, there)),
    }
}

/// Returns how two entries clash, which are different.
#[must_use]
pub(crate) fn clash(here: &Entry, there: &Entry) -> Clash {
    if std::mem::discriminant(here) == std::mem::discriminant(there) {
        Clash::Edit
    } else {
        Clash::Type
    }
}

#[cfg(test)]
mod tests {
    use oriel_wire::sync::{Digest, LinkTarget, Problem, RelPath};

    use super::*;

    /// Says for one side whether it changed, deleted, or holds nothing that is synced, without looking
    /// at the other. What the table of the whole says must follow from these words alone.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Side {
        Same,
        Deleted,
        Changed,
        Unknown,
    }

    fn side(agreed: &Entry, now: &Entry) -> Side {
        match now {
            Entry::Untracked | Entry::Problem(_) => Side::Unknown,
            now if now == agreed => Side::Same,
            Entry::Absent => Side::Deleted,
            _ => Side::Changed,
        }
    }

    fn expected(agreed: &Entry, here: &Entry, there: &Entry) -> Action {
        use Side::{Changed, Deleted, Same, Unknown};
        match (side(agreed, here), side(agreed, there)) {
            (Unknown, _) | (_, Unknown) => Action::Freeze,
            (Same, Same) => Action::Nothing,
            (Deleted, Deleted) => Action::Agree,
            (Same, Deleted | Changed) => Action::Pull(Meets::Agreed),
            (Deleted | Changed, Same) => Action::Push(Meets::Agreed),
            (Deleted, Changed) => Action::Pull(Meets::Delete),
            (Changed, Deleted) => Action::Push(Meets::Delete),
            (Changed, Changed) => match (here, there) {
                _ if here == there => Action::Agree,
                (Entry::File { .. }, Entry::File { .. })
                | (Entry::Symlink { .. }, Entry::Symlink { .. }) => Action::Conflict(Clash::Edit),
                _ => Action::Conflict(Clash::Type),
            },
        }
    }

    #[test]
    fn all_triples_of_entries_are_what_the_two_sides_alone_say() {
        let entries = entries();
        let known: Vec<_> = entries.iter().filter(|entry| entry.is_known()).collect();
        let mut count = 0;
        for agreed in &known {
            for here in &entries {
                for there in &entries {
                    let action = reconcile(agreed, here, there);
                    let expected = expected(agreed, here, there);
                    assert_eq!(action, expected, "{agreed:?} / {here:?} / {there:?}");
                    count += 1;
                }
            }
        }
        assert_eq!(count, 8 * 10 * 10);
    }

    #[test]
    fn the_two_sides_are_alike() {
        let entries = entries();
        for agreed in entries.iter().filter(|entry| entry.is_known()) {
            for here in &entries {
                for there in &entries {
                    let turned = match reconcile(agreed, there, here) {
                        Action::Pull(meets) => Action::Push(meets),
                        Action::Push(meets) => Action::Pull(meets),
                        other => other,
                    };
                    assert_eq!(reconcile(agreed, here, there), turned);
                }
            }
        }
    }

    #[test]
    fn done_as_told_all_three_become_the_same() {
        let entries = entries();
        for agreed in entries.iter().filter(|entry| entry.is_known()) {
            for here in &entries {
                for there in &entries {
                    let same = match reconcile(agreed, here, there) {
                        Action::Nothing => agreed,
                        Action::Agree | Action::Push(_) => here,
                        Action::Pull(_) => there,
                        Action::Conflict(_) | Action::Freeze => continue,
                    };
                    assert_eq!(reconcile(same, same, same), Action::Nothing);
                    // What is deleted over something that changed would be lost.
                    let lost = *same == Entry::Absent && here != agreed && there != agreed;
                    assert!(!lost || here == there, "{agreed:?} / {here:?} / {there:?}");
                }
            }
        }
    }

    fn entries() -> Vec<Entry> {
        let link = RelPath::parse("link").unwrap();
        let file = |byte, exec| Entry::File { digest: Digest([byte; 32]), size: 1, exec };
        let symlink = |text| Entry::Symlink { target: LinkTarget::parse(&link, text).unwrap() };
        vec![
            Entry::Absent,
            Entry::Dir,
            file(1, false),
            file(1, true),
            file(2, false),
            file(3, false),
            symlink("a"),
            symlink("b"),
            Entry::Untracked,
            Entry::Problem(Problem::Io),
        ]
    }
}
