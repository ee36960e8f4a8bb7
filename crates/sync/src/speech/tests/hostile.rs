//! What the other side may not say, or not now.

use std::slice::from_ref;

use oriel_wire::sync as wire;
use oriel_wire::sync::{
    Bye, ByeReason, Chunk, Credit, Delta, Digest, Entry, Epoch, Gone, Hello, Limits,
    PROTOCOL_VERSION, Packing, Part, Propose, Rev, Seq, SnapEnd, SnapPage, Start, Want, Welcome,
};
use proptest::prelude::*;

use super::pair::{Pair, who};
use super::path;
use crate::speech::{Local, SpeechError, Terms, Upstream, VERIFIES_MAX, Who};
use crate::talk::{Begin, Down, Up};

#[test]
fn the_local_side_refuses_what_does_not_belong_where_it_comes() {
    let before = [
        wire::Down::SnapPage(SnapPage { changes: Vec::new() }),
        delta(8, false),
        wire::Down::Credit(Credit { bytes: 1 }),
        wire::Down::Committed(wire::Committed { op: wire::OpId([1; 16]), rev: Rev(1) }),
    ];
    for down in &before {
        local_refuses(silent(), from_ref(down));
        local_refuses(greeted(None), from_ref(down));
    }
    let snapshot = welcome(Start::Snapshot);
    local_refuses(silent(), from_ref(&snapshot));
    local_refuses(greeted(None), &[snapshot.clone(), snapshot.clone()]);
    local_refuses(greeted(None), &[welcome(Start::Resume)]);
    local_refuses(greeted(Some(1)), &[welcome(Start::Reset), page(&["a"], &Entry::Dir)]);
    // A whole tree.
    let tree = |downs: &[wire::Down]| [from_ref(&snapshot), downs].concat();
    let dir = |texts: &[&str]| page(texts, &Entry::Dir);
    local_refuses(greeted(None), &tree(&[dir(&["b"]), dir(&["a"])]));
    local_refuses(greeted(None), &tree(&[dir(&["a"]), dir(&["a"])]));
    local_refuses(greeted(None), &tree(&[page(&["a"], &Entry::Absent)]));
    local_refuses(greeted(None), &tree(&[delta(8, false)]));
    local_refuses(greeted(None), &tree(&[need(1)]));
    local_refuses(greeted(None), &tree(&[dir(&["a"]), end(0)]));
    local_refuses(greeted(None), &tree(&[end(0), end(0)]));
    local_refuses(greeted(None), &tree(&[end(0), dir(&["a"])]));
    // What changed.
    let resume = |downs: &[wire::Down]| [&[welcome(Start::Resume)], downs].concat();
    let gone = page(&["a/b"], &Entry::Absent);
    local_refuses(greeted(Some(1)), &resume(&[gone.clone(), gone.clone()]));
    local_refuses(greeted(Some(1)), &resume(&[gone.clone(), end(2)]));
    local_hears(greeted(Some(1)), &resume(&[gone, end(1), delta(8, true), delta(8, false)]));
    // Afterwards.
    let live = |downs: &[wire::Down]| [&[snapshot.clone(), end(0)], downs].concat();
    local_refuses(greeted(None), &live(&[delta(8, true), delta(9, false)]));
    local_refuses(greeted(None), &live(&[piece(1, 0, 1, 1).1]));
    local_refuses(greeted(None), &live(&[wire::Down::Gone(Gone { digest: digest(1) })]));
    local_refuses(greeted(None), &live(&[wire::Down::Credit(Credit { bytes: 1 })]));
    local_refuses(greeted(None), &live(&[need(1), need(1)]));
    local_refuses(
        greeted(None),
        &live(&[wire::Down::VerifyDiff(wire::VerifyDiff {
            folder: None,
            head: Seq(1),
            digest: None,
            children: Vec::new(),
            has_more: false,
        })]),
    );
    let many: Vec<_> = (0..=wire::WANTS_MAX).map(need).collect();
    local_hears(greeted(None), &live(&many[1..]));
    local_refuses(greeted(None), &live(&many));
}

#[test]
fn the_upstream_side_refuses_what_does_not_belong_where_it_comes() {
    let propose = wire::Up::Propose(Propose { proposals: Vec::new() });
    let want =
        |number| wire::Up::Want(Want { digest: digest(number), part: Part::From { offset: 0 } });
    let verify = wire::Up::Verify(wire::Verify {
        folder: None,
        cursor: Seq(1),
        digest: digest(1),
        after: None,
    });
    let outline = wire::Up::Outline(wire::Outline {
        digest: digest(1),
        size: 0,
        total: 0,
        first: 0,
        marks: Vec::new(),
    });
    for up in [&propose, &want(1), &verify, &wire::Up::Credit(Credit { bytes: 1 })] {
        upstream_refuses(from_ref(up), None);
        upstream_refuses(&[hello(), up.clone()], None);
        upstream_refuses(&[hello(), up.clone()], Some(Begin::Reset));
    }
    upstream_refuses(&[hello(), hello()], None);
    for up in [
        wire::Up::Credit(Credit { bytes: 1 }),
        piece(1, 0, 1, 1).0,
        wire::Up::Gone(Gone { digest: digest(1) }),
        outline,
        hello(),
        wire::Up::Want(Want { digest: digest(1), part: Part::Outline { first: 0 } }),
    ] {
        upstream_refuses(&[hello(), up], Some(Begin::Snapshot));
    }
    upstream_refuses(&[hello(), want(1), want(1)], Some(Begin::Snapshot));
    let many: Vec<_> = [hello()].into_iter().chain((0..=wire::WANTS_MAX).map(want)).collect();
    upstream_refuses(&many, Some(Begin::Snapshot));
    let many = [vec![hello()], vec![verify; VERIFIES_MAX + 1]].concat();
    upstream_refuses(&many, Some(Begin::Snapshot));
    // Before the last page was said nobody proposes anything.
    let mut upstream = Upstream::new(Terms::default());
    upstream.hear(&hello().encode().unwrap()).unwrap();
    upstream.say(Down::Welcome { epoch: 1, begin: Begin::Snapshot }).unwrap();
    assert!(upstream.hear(&propose.encode().unwrap()).is_err());
}

#[test]
fn pieces_come_only_as_they_were_asked_for() {
    let wanted = |from| {
        let mut pair = Pair::live(1000);
        pair.local.say(Up::Want { digest: digest(1), from }).unwrap();
        while pair.local.next_frame(&pair.here).unwrap().is_some() {}
        pair.local
    };
    let hears = |from, pieces: &[(u64, u64, u32)]| {
        let mut local = wanted(from);
        let mut result = Ok(());
        for (size, at, length) in pieces {
            result = local.hear(&piece(1, *at, *length, *size).1.encode().unwrap()).map(drop);
        }
        result
    };
    let wrong = Err(SpeechError::Piece(digest(1)));
    assert_eq!(hears(0, &[(20, 0, 10), (20, 10, 10)]), Ok(()));
    assert_eq!(hears(30, &[(20, 20, 0)]), Ok(()), "it is shorter than what is known of it");
    assert_eq!(hears(0, &[(20, 10, 10)]), wrong);
    assert_eq!(hears(5, &[(20, 0, 10)]), wrong);
    assert_eq!(hears(0, &[(20, 0, 10), (20, 0, 10)]), wrong);
    assert_eq!(hears(0, &[(20, 0, 10), (21, 10, 10)]), wrong, "its length is another");
    assert_eq!(hears(0, &[(20, 0, 20), (20, 20, 0)]), wrong, "it has come already");
    assert_eq!(hears(0, &[(20, 20, 0)]), wrong, "it ends before it has come");
    assert_eq!(hears(0, &[(2000, 0, 1001)]), Err(SpeechError::Window));
    let bomb = zstd::bulk::compress(&vec![b'a'; 100_000], 1).unwrap();
    let length = 900;
    let bomb = Chunk {
        digest: digest(1),
        size: 1000,
        offset: 0,
        length,
        packing: Packing::Zstd,
        bytes: bomb,
    };
    let frame = wire::Down::Chunk(bomb).encode().unwrap();
    assert_eq!(wanted(0).hear(&frame), Err(SpeechError::Packing(digest(1))));
}

#[test]
fn another_version_is_told_so() {
    let mut upstream = Upstream::new(Terms::default());
    let wire::Up::Hello(hello) = hello() else { panic!() };
    let frame = wire::Up::Hello(Hello { proto: 9, ..hello }).encode().unwrap();
    assert_eq!(upstream.hear(&frame), Err(SpeechError::Version(9)));
    let pair = Pair::new(1);
    let frame = upstream.next_frame(&pair.there).unwrap().unwrap();
    let Ok(wire::Down::Bye(Bye { why, .. })) = wire::Down::decode(&frame) else { panic!() };
    assert_eq!(why, ByeReason::Version);
    assert_eq!(upstream.next_frame(&pair.there), Ok(None));
    assert_eq!(upstream.hear(&frame), Err(SpeechError::Over));
}

proptest! {
    #[test]
    fn no_frame_makes_it_panic_and_a_refusal_ends_it(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6),
        kinds in proptest::collection::vec(0..40_u8, 6),
    ) {
        let mut pair = Pair::live(1000);
        for (mut frame, kind) in frames.into_iter().zip(kinds) {
            frame.insert(0, kind);
            let is_refused = pair.local.hear(&frame).is_err();
            prop_assert!(!is_refused || pair.local.is_over());
            let is_refused = pair.upstream.hear(&frame).is_err();
            prop_assert!(!is_refused || pair.upstream.is_over());
        }
    }
}

#[test]
fn every_truncation_of_a_frame_is_refused() {
    for down in [
        welcome(Start::Snapshot),
        page(&["a", "a/b"], &Entry::Dir),
        end(2),
        delta(8, false),
        need(1),
        piece(1, 0, 10, 20).1,
    ] {
        let frame = down.encode().unwrap();
        for length in 0..frame.len() {
            for mut local in [silent(), greeted(None), Pair::live(100).local] {
                assert!(local.hear(&frame[..length]).is_err(), "{down:?} {length}");
                assert!(local.is_over());
            }
        }
    }
}

fn silent() -> Local {
    Local::new(who())
}

fn greeted(epoch: Option<u64>) -> Local {
    let mut local = silent();
    local.say(Up::Hello { epoch, seq: 0 }).unwrap();
    local
}

fn local_hears(mut local: Local, downs: &[wire::Down]) {
    for down in downs {
        local.hear(&down.encode().unwrap()).unwrap();
    }
}

/// All but the last are heard, and that is the end.
fn local_refuses(mut local: Local, downs: &[wire::Down]) {
    let (last, others) = downs.split_last().unwrap();
    for down in others {
        local.hear(&down.encode().unwrap()).unwrap();
    }
    assert!(local.hear(&last.encode().unwrap()).is_err(), "{last:?}");
    let pair = Pair::new(1);
    let frame = local.next_frame(&pair.here).unwrap().unwrap();
    let Ok(wire::Up::Bye(bye)) = wire::Up::decode(&frame) else { panic!("{frame:?}") };
    assert_eq!(bye.why, ByeReason::Protocol);
    assert_eq!(local.next_frame(&pair.here), Ok(None));
}

/// The first is heard and answered so, and the others too, but for the last.
fn upstream_refuses(ups: &[wire::Up], begin: Option<Begin>) {
    let mut upstream = Upstream::new(Terms::default());
    let (last, others) = ups.split_last().unwrap();
    for (number, up) in others.iter().enumerate() {
        upstream.hear(&up.encode().unwrap()).unwrap();
        if let (0, Some(begin)) = (number, begin) {
            upstream.say(Down::Welcome { epoch: 1, begin }).unwrap();
            if begin != Begin::Reset {
                upstream.say(Down::PageEnd { seq: 1 }).unwrap();
            }
        }
    }
    assert!(upstream.hear(&last.encode().unwrap()).is_err(), "{last:?}");
    assert!(upstream.is_over());
}

fn hello() -> wire::Up {
    let Who { client, session, root } = who();
    let (epoch, cursor, caps) = (None, None, crate::speech::CAPS);
    wire::Up::Hello(Hello { proto: PROTOCOL_VERSION, client, session, root, epoch, cursor, caps })
}

fn welcome(start: Start) -> wire::Down {
    let limits = Limits { window_bytes: 1000, file_bytes_max: 1, paths_max: 1 };
    let (proto, epoch) = (PROTOCOL_VERSION, Epoch([1; 8]));
    wire::Down::Welcome(Welcome { proto, epoch, start, caps: crate::speech::CAPS, limits })
}

fn page(texts: &[&str], entry: &Entry) -> wire::Down {
    let changes = texts.iter().map(|text| wire::Change {
        path: wire::RelPath::parse(text).unwrap(),
        entry: entry.clone(),
        rev: Rev(1),
        origin: None,
        renamed_from: None,
    });
    wire::Down::SnapPage(SnapPage { changes: changes.collect() })
}

fn end(paths: u64) -> wire::Down {
    wire::Down::SnapEnd(SnapEnd { seq: Seq(7), paths })
}

fn delta(seq: u64, more: bool) -> wire::Down {
    let (path, entry, rev) = (path(1), Entry::Dir, Rev(seq));
    let change = wire::Change { path, entry, rev, origin: None, renamed_from: None };
    wire::Down::Delta(Delta { seq: Seq(seq), more, changes: vec![change] })
}

fn digest(number: usize) -> Digest {
    crate::digest_of(&number.to_le_bytes())
}

fn need(number: usize) -> wire::Down {
    wire::Down::Need(Want { digest: digest(number), part: Part::From { offset: 0 } })
}

fn piece(number: usize, offset: u64, length: u32, size: u64) -> (wire::Up, wire::Down) {
    let (digest, packing, bytes) = (digest(number), Packing::Plain, vec![7; length as usize]);
    let chunk = Chunk { digest, size, offset, length, packing, bytes };
    (wire::Up::Chunk(chunk.clone()), wire::Down::Chunk(chunk))
}
