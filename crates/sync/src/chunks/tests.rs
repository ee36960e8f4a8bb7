//! A content is cut in the same places however it comes, and a change moves few of them.

use oriel_wire::sync::Digest;
use proptest::prelude::*;

use super::*;
use crate::digest::digest_of;

#[test]
fn a_small_content_is_one_chunk_and_none_has_none() {
    assert_eq!(cut(b"").marks, []);
    assert_eq!(cut(b"").digest, digest_of(b""));
    let bytes = random(1, WHOLE_BYTES_MAX);
    let found = cut(&bytes);
    assert_eq!(found.marks, [ChunkMark { digest: digest_of(&bytes), length: 256 * 1024 }]);
    assert!(1 < cut(&random(1, WHOLE_BYTES_MAX + 1)).marks.len());
}

#[test]
fn chunks_are_of_the_lengths_they_are_meant_to_have() {
    let bytes = random(2, 8 * 1024 * 1024 + 1);
    let marks = cut(&bytes).marks;
    let (last, others) = marks.split_last().unwrap();
    assert!(0 < last.length);
    for mark in others {
        assert!((CHUNK_BYTES_MIN..=CHUNK_BYTES_MAX).contains(&(mark.length as usize)));
    }
    let usual = bytes.len() / marks.len();
    assert!((CHUNK_BYTES_USUAL / 2..CHUNK_BYTES_USUAL * 2).contains(&usual), "{usual}");
    let zeros = cut(&vec![0; 1024 * 1024]).marks;
    assert_eq!(zeros.len(), 4, "where nothing says to cut, chunks are as long as they may be");
}

#[test]
fn what_both_sides_cut_never_changes() {
    // Two sides with other cuts still agree, but send everything: the places are part of the protocol.
    let found = cut(&random(3, 700_000));
    let lengths: Vec<_> = found.marks.iter().map(|mark| mark.length).collect();
    assert_eq!(lengths, LENGTHS);
}

#[test]
fn a_change_in_the_middle_leaves_most_chunks_as_they_are() {
    let before = random(4, 4 * 1024 * 1024);
    let mut after = before.clone();
    after.splice(2_000_000..2_000_000, *b"a few bytes more");
    let mut index = ChunkIndex::new();
    let (old, new) = (cut(&before), cut(&after));
    index.add(old.digest, &old.marks);
    let plan = index.plan(&new.marks);
    let sent: u64 = plan.want.iter().map(|span| span.length).sum();
    assert!(0 < sent && sent <= 3 * CHUNK_BYTES_MAX as u64, "{sent}");
    assert_eq!(made(&plan, &before, &after), after);
    assert_eq!(index.plan(&old.marks).want, [], "what is here is never sent");
}

#[test]
fn a_content_that_is_gone_is_found_no_longer_and_others_still_are() {
    let mut index = ChunkIndex::new();
    let [a, b, c] = [1, 2, 3].map(|first| ChunkMark { digest: Digest([first; 32]), length: 10 });
    let [one, two] = [Digest([11; 32]), Digest([12; 32])];
    index.add(one, &[a, b, a]);
    index.add(two, &[b, c]);
    index.add(two, &[c]);
    assert_eq!(index.len(), 5);
    assert_eq!(index.find(a.digest).unwrap().span.offset, 0);
    assert_eq!(index.find(b.digest).unwrap().content, two);
    index.remove(two);
    assert_eq!(
        index.find(b.digest),
        Some(Place { content: one, span: Span { offset: 10, length: 10 } })
    );
    assert_eq!(index.find(c.digest), None);
    index.remove(two);
    index.remove(one);
    assert_eq!((index.is_empty(), index.len(), index.find(a.digest)), (true, 0, None));
}

#[test]
fn what_was_added_first_is_forgotten_when_there_is_too_much() {
    let mut index = ChunkIndex::with_chunks_max(4);
    let mark = |first| ChunkMark { digest: Digest([first; 32]), length: 1 };
    for first in 0..6 {
        index.add(Digest([100 + first; 32]), &[mark(2 * first), mark(2 * first + 1)]);
        assert!(index.len() <= 4);
    }
    assert_eq!(index.find(mark(7).digest), None);
    assert!(index.find(mark(8).digest).is_some());
    index.add(Digest([200; 32]), &[mark(0); 5]);
    assert_eq!(index.find(mark(0).digest), None);
    assert!(index.find(mark(8).digest).is_some());
}

#[test]
fn a_length_that_does_not_fit_its_digest_is_not_believed() {
    let mut index = ChunkIndex::new();
    let mark = ChunkMark { digest: Digest([1; 32]), length: 10 };
    index.add(Digest([2; 32]), &[mark]);
    let plan = index.plan(&[ChunkMark { length: 11, ..mark }]);
    assert_eq!((plan.have.len(), plan.want.len()), (0, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pieces_are_cut_as_the_whole_is(
        seed in 0..9_u64, size in 0..1_500_000_usize, piece in prop_oneof![1..5000_usize, 5000..900_000_usize], repeats in any::<bool>(),
    ) {
        let mut bytes = random(seed, size);
        if repeats {
            bytes.iter_mut().skip(size / 3).for_each(|byte| *byte = 0);
        }
        let whole = cut(&bytes);
        let mut cutter = Cutter::new();
        bytes.chunks(piece).for_each(|piece| cutter.update(piece));
        prop_assert_eq!(cutter.finish(), whole.clone());
        prop_assert_eq!(whole.digest, digest_of(&bytes));
        prop_assert_eq!(whole.size, size as u64);
        let mut end = 0;
        for (mark, span) in spans(&whole.marks) {
            let part = &bytes[span.offset as usize..span.end() as usize];
            prop_assert_eq!((span.offset, digest_of(part)), (end, mark.digest));
            end = span.end();
        }
        prop_assert_eq!(end, size as u64);
    }
}

/// Puts a content together: what the plan has from `here`, and what it wants from `there`.
fn made(plan: &Plan, here: &[u8], there: &[u8]) -> Vec<u8> {
    let part = |bytes: &[u8], span: Span| bytes[span.offset as usize..span.end() as usize].to_vec();
    let have = plan.have.iter().map(|(place, span)| (span.offset, part(here, place.span)));
    let want = plan.want.iter().map(|span| (span.offset, part(there, *span)));
    let mut parts: Vec<_> = have.chain(want).collect();
    parts.sort();
    parts.into_iter().flat_map(|(_, bytes)| bytes).collect()
}

fn random(seed: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for byte in &mut bytes {
        // The bytes stand in a test above, so they are made here and not by a crate that may change.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state.to_le_bytes()[3];
    }
    bytes
}

const LENGTHS: [u32; 8] = [142_301, 99_426, 70_759, 59_834, 69_694, 102_113, 122_850, 33_023];
