//! Whatever one side says arrives at the other as it was said, in its order and in bounded room; and whatever
//! else comes ends the connection and nothing more.

mod hostile;
mod pair;

use std::collections::BTreeMap;

use oriel_wire::sync::{CHUNK_BYTES_MAX, Digest, Entry, RelPath, WANTS_MAX, WINDOW_BYTES};
use proptest::prelude::*;

use super::*;
use crate::op::OpId;
use crate::talk::{Change, Down, Proposal, Up, Why};
use crate::vfs::Blobs;
use pair::{Pair, Store};

#[test]
fn proposals_are_gathered_and_arrive_one_by_one() {
    let mut pair = Pair::live(WINDOW_BYTES);
    let proposals: Vec<_> = (0..600).map(proposal).collect();
    for proposal in &proposals {
        pair.local.say(Up::Propose(proposal.clone())).unwrap();
    }
    let mut frames = 0;
    while pair.up() {
        frames += 1;
    }
    assert_eq!(frames, 3);
    let said: Vec<_> = proposals.into_iter().map(Up::Propose).collect();
    assert_eq!(pair.ups(), said);
}

#[test]
fn a_moment_that_is_longer_than_a_frame_arrives_as_one() {
    let mut pair = Pair::live(WINDOW_BYTES);
    let delta = Down::Delta { seq: 8, changes: (0..5000).map(change).collect() };
    let empty = Down::Delta { seq: 9, changes: Vec::new() };
    pair.upstream.say(delta.clone()).unwrap();
    pair.upstream.say(empty.clone()).unwrap();
    let mut frames = 0;
    while pair.down() {
        frames += 1;
    }
    assert_eq!(frames, 6);
    assert_eq!(pair.downs(), [delta, empty]);
}

#[test]
fn a_moment_that_is_too_long_ends_the_connection_on_either_side() {
    let mut pair = Pair::live(WINDOW_BYTES);
    let changes = vec![change(0); oriel_wire::sync::MOMENT_CHANGES_MAX + 1];
    let said = pair.upstream.say(Down::Delta { seq: 8, changes });
    assert_eq!(said, Err(SpeechError::Moment));
    let part = oriel_wire::sync::Delta {
        seq: oriel_wire::sync::Seq(8),
        more: true,
        changes: vec![super::words::change_out(change(0)); 1024],
    };
    let frame = oriel_wire::sync::Down::Delta(part).encode().unwrap();
    let refused = (0..2000).find_map(|_| pair.local.hear(&frame).err());
    assert_eq!(refused, Some(SpeechError::Moment));
}

#[test]
fn what_is_said_before_the_welcome_waits_for_it() {
    let mut pair = Pair::new(WINDOW_BYTES);
    let want = Up::Want { digest: pair.there.add_bytes(b"x".to_vec()), from: 0 };
    pair.local.say(want.clone()).unwrap();
    assert!(!pair.up(), "not even hello was said");
    pair.local.say(Up::Hello { epoch: Some(1), seq: 3 }).unwrap();
    assert!(pair.up() && !pair.up());
    pair.upstream.say(Down::Welcome { epoch: 1, begin: crate::talk::Begin::Resume }).unwrap();
    pair.run();
    assert_eq!(pair.ups(), [Up::Hello { epoch: Some(1), seq: 3 }, want]);
}

#[test]
fn what_was_to_be_said_of_a_tree_that_is_no_more_is_not_said() {
    let mut pair = Pair::new(WINDOW_BYTES);
    pair.local.say(Up::Hello { epoch: Some(1), seq: 3 }).unwrap();
    pair.local.say(Up::LateKnown(OpId(4))).unwrap();
    pair.up();
    pair.upstream.say(Down::Welcome { epoch: 2, begin: crate::talk::Begin::Reset }).unwrap();
    pair.run();
    assert_eq!(pair.ups().len(), 1);
    assert!(!pair.local.is_over() && !pair.upstream.is_over());
}

#[test]
fn a_short_content_is_not_behind_a_long_one_and_words_are_before_both() {
    let mut pair = Pair::live(WINDOW_BYTES);
    let long = pair.there.add_noise(1 << 30);
    let short = pair.there.add_bytes(b"short".to_vec());
    for digest in [long, short] {
        pair.local.say(Up::Want { digest, from: 0 }).unwrap();
    }
    while pair.up() {}
    let word = Down::Committed { op: OpId(1), rev: 1 };
    pair.upstream.say(word.clone()).unwrap();
    for _ in 0..3 {
        assert!(pair.down());
    }
    let downs = pair.downs();
    assert_eq!(downs[0], word);
    let digest = |down: &Down| match down {
        Down::Chunk(chunk) => chunk.digest,
        _ => panic!("{down:?}"),
    };
    assert_eq!([digest(&downs[1]), digest(&downs[2])], [long, short]);
}

#[test]
fn a_long_content_crosses_in_bounded_room() {
    const SIZE: u64 = 64 << 20;
    let mut pair = Pair::live(WINDOW_BYTES);
    let digest = pair.there.add_noise(SIZE);
    pair.keeps = false;
    pair.local.say(Up::Want { digest, from: 5 }).unwrap();
    let (mut at, mut frames) = (5, 0);
    while at < SIZE {
        while pair.up() || pair.down() {
            frames += 1;
        }
        let unkept: usize = pair.downs().iter().map(|down| chunk_of(down).bytes.len()).sum();
        assert!(0 < unkept && unkept <= WINDOW_BYTES as usize);
        for down in std::mem::take(&mut pair.heard_down) {
            let Heard::Said(down) = down else { continue };
            let chunk = chunk_of(&down);
            assert_eq!((chunk.at, chunk.size), (at, SIZE));
            assert!(Store::is_noise(at, &chunk.bytes));
            at += chunk.bytes.len() as u64;
        }
        pair.local.received(unkept);
    }
    let pieces = SIZE.div_ceil(CHUNK_BYTES_MAX as u64);
    assert!(frames <= pieces + 4 * SIZE.div_ceil(u64::from(WINDOW_BYTES)) + 8, "{frames} frames");
}

#[test]
fn nothing_is_sent_that_there_is_no_room_for() {
    let mut pair = Pair::live(64);
    pair.keeps = false;
    let digest = pair.there.add_bytes(vec![7; 200]);
    pair.local.say(Up::Want { digest, from: 0 }).unwrap();
    pair.run();
    assert_eq!(content(&pair.downs()).len(), 64);
    pair.local.received(15);
    pair.run();
    assert_eq!(content(&pair.downs()).len(), 64, "less than a quarter is not told of");
    pair.local.received(1);
    pair.run();
    assert_eq!(content(&pair.downs()).len(), 80);
    pair.local.received(1_000_000);
    pair.run();
    assert_eq!(content(&pair.downs()).len(), 144, "no more than what came is made room for");
}

#[test]
fn empty_contents_and_ends_and_what_is_gone_are_told() {
    let mut pair = Pair::live(64);
    let empty = pair.there.add_bytes(Vec::new());
    let known = pair.there.add_bytes(b"known".to_vec());
    let gone = Digest([9; 32]);
    for (digest, from) in [(empty, 0), (known, 5), (gone, 0)] {
        pair.local.say(Up::Want { digest, from }).unwrap();
    }
    pair.run();
    let end = |digest, size| {
        Down::Chunk(crate::talk::Chunk { digest, size, at: size, bytes: Vec::new() })
    };
    assert_eq!(pair.downs(), [end(empty, 0), end(known, 5), Down::Gone(gone)]);
    // Where less is there than was known, that is told as well.
    pair.local.say(Up::Want { digest: known, from: 9 }).unwrap();
    pair.run();
    assert_eq!(pair.downs().last(), Some(&end(known, 5)));
}

#[test]
fn more_contents_than_may_be_asked_for_at_once_all_come() {
    let mut pair = Pair::live(WINDOW_BYTES);
    let count = WANTS_MAX + 50;
    for number in 0..count {
        let digest = pair.here.add_bytes(number.to_le_bytes().to_vec());
        pair.upstream.say(Down::Need { digest, from: 0 }).unwrap();
    }
    // Wanted again before it came: it comes twice, one after the other.
    let first = crate::digest_of(&0_usize.to_le_bytes());
    while pair.down() {}
    pair.upstream.say(Down::Need { digest: first, from: 3 }).unwrap();
    pair.run();
    let chunks = pair.ups().iter().filter(|up| matches!(up, Up::Chunk(_))).count();
    assert_eq!(chunks, count + 1);
}

#[test]
fn text_crosses_packed() {
    let mut pair = Pair::live(WINDOW_BYTES);
    let text = b"let it be said\n".repeat(10_000);
    let digest = pair.there.add_bytes(text.clone());
    pair.local.say(Up::Want { digest, from: 0 }).unwrap();
    let mut bytes = 0;
    while pair.up() {}
    while let Some(frame) = pair.upstream.next_frame(&pair.there).unwrap() {
        bytes += frame.len();
        pair.heard_down.extend(pair.local.hear(&frame).unwrap());
    }
    assert_eq!(content(&pair.downs()), text);
    assert!(bytes < text.len() / 10, "{bytes}");
}

#[test]
fn both_sides_can_what_both_can() {
    let mut pair = Pair::new(WINDOW_BYTES);
    pair.local = Local::with_caps(pair::who(), 0);
    pair.meet();
    let text = b"let it be said\n".repeat(1000);
    let digest = pair.there.add_bytes(text);
    pair.local.say(Up::Want { digest, from: 0 }).unwrap();
    while pair.up() {}
    let frame = pair.upstream.next_frame(&pair.there).unwrap().unwrap();
    assert!(15_000 < frame.len(), "it is not packed");
    assert!(!pair.local.can_verify());
}

#[test]
fn who_is_too_far_behind_is_left() {
    let mut pair = Pair::live(WINDOW_BYTES);
    let changes: Vec<_> = (0..100_000).map(change).collect();
    let mut said = Ok(());
    let mut moments = 0;
    while said.is_ok() {
        moments += 1;
        said = pair.upstream.say(Down::Delta { seq: 8, changes: changes.clone() });
        assert!(moments < 1000);
    }
    assert_eq!(said, Err(SpeechError::Behind));
    assert!(pair.down() && !pair.down(), "there is one frame more");
    assert!(pair.local.is_over() && pair.upstream.is_over());
}

#[test]
fn the_size_of_a_content_is_found_by_reading() {
    for size in (0..70).chain([255, 256, 257, 1 << 20, (1 << 34) - 1, 1 << 34]) {
        let mut store = Store::default();
        let digest = store.add_noise(size);
        assert_eq!(store.size(&digest), Ok(size));
    }
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    Up(Up),
    Down(Down),
    /// A content of so many bytes is wanted here, from a part of it on.
    Want(usize, u8, u8),
    /// Or needed there.
    Need(usize, u8, u8),
    /// Some frames cross.
    Cross(bool, u8),
    /// Some of what came is kept.
    Keep(bool, u16),
}

fn event() -> impl Strategy<Value = Event> {
    let up = prop_oneof![
        (0..99_u32).prop_map(|number| Up::Propose(proposal(number))),
        any::<u128>().prop_map(|id| Up::LateKnown(OpId(id))),
    ];
    let why = prop_oneof![Just(Why::Stale), Just(Why::NotEmpty), Just(Why::Failed)];
    let down = prop_oneof![
        (0..9_u64, 0..20_u32).prop_map(|(seq, count)| Down::Delta {
            seq: seq + 1,
            changes: (0..count * 110).map(change).collect()
        }),
        (any::<u128>(), any::<u64>()).prop_map(|(op, rev)| Down::Committed { op: OpId(op), rev }),
        (any::<u128>(), why).prop_map(|(op, why)| {
            Down::Rejected { op: OpId(op), why, current: Entry::Dir, rev: 4 }
        }),
        any::<u128>().prop_map(|id| {
            let Change { path, entry, .. } = change(3);
            Down::Late { id: OpId(id), path, entry }
        }),
    ];
    prop_oneof![
        2 => up.prop_map(Event::Up),
        2 => down.prop_map(Event::Down),
        1 => (0..3000_usize, 0..40_u8, any::<u8>()).prop_map(|(a, b, c)| Event::Want(a, b, c)),
        1 => (0..3000_usize, 0..40_u8, any::<u8>()).prop_map(|(a, b, c)| Event::Need(a, b, c)),
        2 => (any::<bool>(), 1..6_u8).prop_map(|(up, count)| Event::Cross(up, count)),
        1 => (any::<bool>(), any::<u16>()).prop_map(|(up, bytes)| Event::Keep(up, bytes)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_is_said_arrives_as_it_was_said_however_small_the_window(
        window in 1..300_u32, events in proptest::collection::vec(event(), 0..60),
    ) {
        let mut pair = Pair::live(window);
        pair.keeps = false;
        let (mut ups, mut downs) = (Vec::new(), Vec::new());
        let (mut wants, mut needs) = (BTreeMap::new(), BTreeMap::new());
        for event in events {
            match event {
                Event::Up(up) => {
                    pair.local.say(up.clone()).unwrap();
                    ups.push(up);
                }
                Event::Down(down) => {
                    pair.upstream.say(down.clone()).unwrap();
                    downs.push(down);
                }
                Event::Want(size, part, byte) => {
                    let (digest, from, rest) = pair::content(&mut pair.there, size, part, byte);
                    if wants.insert(digest, rest).is_none() {
                        pair.local.say(Up::Want { digest, from }).unwrap();
                    } else {
                        wants.remove(&digest);
                    }
                }
                Event::Need(size, part, byte) => {
                    let (digest, from, rest) = pair::content(&mut pair.here, size, part, byte);
                    if needs.insert(digest, rest).is_none() {
                        pair.upstream.say(Down::Need { digest, from }).unwrap();
                    } else {
                        needs.remove(&digest);
                    }
                }
                Event::Cross(up, count) => {
                    for _ in 0..count {
                        if up { pair.up() } else { pair.down() };
                        pair.check(window);
                    }
                }
                Event::Keep(true, bytes) => pair.upstream.received(bytes.into()),
                Event::Keep(false, bytes) => pair.local.received(bytes.into()),
            }
            pair.check(window);
        }
        pair.keeps = true;
        pair.local.received(usize::MAX);
        pair.upstream.received(usize::MAX);
        pair.run();
        pair.check(window);
        let is_word = |up: &Up| !matches!(up, Up::Want { .. } | Up::Chunk(_));
        let words: Vec<_> = pair.ups().into_iter().filter(is_word).collect();
        prop_assert_eq!(words, ups);
        let is_word = |down: &Down| !matches!(down, Down::Need { .. } | Down::Chunk(_));
        let words: Vec<_> = pair.downs().into_iter().filter(is_word).collect();
        prop_assert_eq!(words, downs);
        for (digest, rest) in wants {
            let of = |down: &&Down| matches!(down, Down::Chunk(chunk) if chunk.digest == digest);
            let chunks: Vec<_> = pair.downs().iter().filter(of).cloned().collect();
            prop_assert!(content(&chunks) == rest);
        }
        for (digest, rest) in needs {
            let of = |up: Up| match up {
                Up::Chunk(chunk) if chunk.digest == digest => Some(Down::Chunk(chunk)),
                _ => None,
            };
            let chunks: Vec<_> = pair.ups().into_iter().filter_map(of).collect();
            prop_assert!(content(&chunks) == rest);
        }
    }
}

fn chunk_of(down: &Down) -> &crate::talk::Chunk {
    match down {
        Down::Chunk(chunk) => chunk,
        _ => panic!("{down:?}"),
    }
}

fn content(downs: &[Down]) -> Vec<u8> {
    downs.iter().flat_map(|down| chunk_of(down).bytes.clone()).collect()
}

fn path(number: u32) -> RelPath {
    RelPath::parse(&format!("{number:06}")).unwrap()
}

fn change(number: u32) -> Change {
    let entry = match number % 3 {
        0 => Entry::Absent,
        1 => Entry::Dir,
        _ => Entry::File { digest: Digest([1; 32]), size: 9, exec: true },
    };
    Change { path: path(number), entry, rev: number.into() }
}

fn proposal(number: u32) -> Proposal {
    let Change { path, entry, .. } = change(number);
    Proposal { op: OpId(number.into()), path, base: Entry::Absent, base_rev: 4, new: entry }
}
