//! What has the name of a digest is the content, whatever ended in between.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use oriel_wire::sync::Digest;
use tempfile::TempDir;

use super::*;
use crate::digest_of;

#[test]
fn what_is_kept_is_read_back_and_is_private() {
    let top = TempDir::new().unwrap();
    let store = open(top.path());
    for text in [vec![], b"short".to_vec(), vec![7; 300 * 1024]] {
        let digest = keep(&store, &text);
        assert_eq!(store.have(&digest), Ok(Have::All));
        assert_eq!(read(&store, &digest), Ok(text));
        assert_eq!(fs::metadata(store.path_of(&digest)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(store.shelf(digest.0[0])).unwrap().mode() & 0o777, 0o700);
    }
    assert_eq!(store.total_bytes(), Ok(5 + 300 * 1024));
    assert_eq!(read(&store, &digest_of(b"other")), Err(Fault::NoBlob));
    assert_eq!(store.have(&digest_of(b"other")), Ok(Have::Part(0)));
    store.secure().unwrap();
    assert_eq!(drafts(top.path()), 0);
}

#[test]
fn a_draft_that_is_not_kept_leaves_nothing() {
    let top = TempDir::new().unwrap();
    let store = open(top.path());
    let mut draft = store.begin().unwrap();
    store.add(&mut draft, &[1; 200 * 1024]).unwrap();
    assert_eq!(drafts(top.path()), 1);
    drop(draft);
    assert_eq!(drafts(top.path()), 0);
    let known = vec![2; 200 * 1024];
    let digest = keep(&store, &known);
    assert_eq!(keep(&store, &known), digest, "what is here already is not kept twice");
    assert_eq!(drafts(top.path()), 0);
    drop(store);
    fs::write(top.path().join("drafts/9"), "of a process that ended").unwrap();
    open(top.path());
    assert_eq!(drafts(top.path()), 0);
}

#[test]
fn the_store_has_one_process() {
    let top = TempDir::new().unwrap();
    let _store = open(top.path());
    let second = Contents::open(top.path(), true).unwrap_err();
    assert!(matches!(second, ContentsError::InUse { .. }), "{second}");
}

#[test]
fn what_comes_in_pieces_goes_on_where_the_last_process_ended() {
    let top = TempDir::new().unwrap();
    let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let (digest, size) = (digest_of(&text), text.len() as u64);
    let mut at = 0;
    for piece in text.chunks(70_000) {
        let store = open(top.path());
        assert_eq!(store.have(&digest), Ok(Have::Part(at)));
        let early = store.receive(&digest, size, at + 1, piece);
        assert_eq!(early, Ok(Have::Part(at)), "what does not follow is left out");
        let have = store.receive(&digest, size, at, piece).unwrap();
        let again = store.receive(&digest, size, at, piece).unwrap();
        at += piece.len() as u64;
        let expected = if at == size { Have::All } else { Have::Part(at) };
        assert_eq!((have, again), (expected, expected));
    }
    let store = open(top.path());
    assert_eq!(read(&store, &digest).unwrap(), text);
    assert_eq!(store.receive(&digest, size, 0, b"x"), Ok(Have::All));
    assert_eq!(fs::read_dir(top.path().join("parts")).unwrap().count(), 0);
}

#[test]
fn what_has_another_digest_or_length_is_thrown_away() {
    let top = TempDir::new().unwrap();
    let store = open(top.path());
    let digest = digest_of(b"right");
    assert_eq!(store.receive(&digest, 5, 0, b"wrong"), Ok(Have::Part(0)));
    assert_eq!(store.receive(&digest, 5, 0, b"right and more"), Ok(Have::Part(0)));
    assert_eq!(store.have(&digest), Ok(Have::Part(0)));
    assert_eq!(store.receive(&digest, 5, 0, b"ri"), Ok(Have::Part(2)));
    assert_eq!(store.receive(&digest, 5, 2, b"ght"), Ok(Have::All));
    let nothing = digest_of(b"");
    assert_eq!(store.receive(&nothing, 0, 0, b""), Ok(Have::All));
}

#[test]
fn what_a_loss_of_power_damaged_is_noticed_before_it_is_used() {
    let top = TempDir::new().unwrap();
    let texts = [b"one".as_slice(), b"two", b"three"];
    let digests = {
        let store = open(top.path());
        texts.map(|text| keep(&store, text))
    };
    for digest in &digests[..2] {
        let shelf = top.path().join(format!("{:02x}", digest.0[0]));
        fs::write(shelf.join(digest.to_string()), [0; 3]).unwrap();
    }
    let store = Contents::open(top.path(), false).unwrap();
    assert_eq!(read(&store, &digests[0]), Err(Fault::NoBlob));
    assert_eq!(store.have(&digests[0]), Ok(Have::Part(0)));
    assert_eq!(keep(&store, b"two"), digests[1], "what is damaged is no reason not to keep");
    assert_eq!(read(&store, &digests[1]).unwrap(), b"two");
    assert_eq!(read(&store, &digests[2]).unwrap(), b"three");
}

#[test]
fn only_what_nobody_needs_or_used_lately_is_removed() {
    let top = TempDir::new().unwrap();
    let store = open(top.path());
    let [kept, idle, in_use] =
        [b"kept".as_slice(), b"idle", b"in use"].map(|text| keep(&store, text));
    store.receive(&digest_of(b"part"), 4, 0, b"pa").unwrap();
    drop(store);
    let store = open(top.path());
    let later = time_of(&store.path_of(&kept)) + Duration::from_secs(60);
    let keep = |digest: &Digest| *digest == kept;
    assert_eq!(retain(&store, &keep, later - Duration::from_secs(120)).contents, 0, "all is new");
    assert_eq!(read(&store, &in_use).unwrap(), b"in use");
    let freed = retain(&store, &keep, later);
    assert_eq!(freed, Freed { contents: 2, bytes: 6 }, "the idle one and the part");
    assert_eq!(store.have(&idle), Ok(Have::Part(0)));
    assert_eq!(retain(&store, &keep, later).contents, 1, "it is not used any more");
    assert_eq!(store.have(&in_use), Ok(Have::Part(0)));
    assert_eq!(read(&store, &kept).unwrap(), b"kept");
}

#[test]
fn what_is_kept_while_others_are_removed_stays() {
    let top = TempDir::new().unwrap();
    let store = open(top.path());
    let far = time_of(top.path()) + Duration::from_secs(9999);
    let is_over = AtomicBool::new(false);
    // Nobody takes so long that two removals begin meanwhile.
    let turn = RwLock::new(());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let begins = turn.write().unwrap();
                store.retain(0, &|_| false, far).unwrap();
                drop(begins);
                for step in 1..=u8::MAX {
                    store.retain(step, &|_| false, far).unwrap();
                }
            }
        });
        let keepers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for round in 0..3000_u32 {
                        let _turn = turn.read().unwrap();
                        let text = (round % 50).to_le_bytes();
                        let digest = keep(&store, &text);
                        assert_eq!(read(&store, &digest).unwrap(), text);
                    }
                })
            })
            .collect();
        let joined: Vec<_> = keepers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(joined.iter().all(Result::is_ok));
    });
}

#[test]
fn many_bring_pieces_of_one_content_and_it_is_whole_once() {
    let top = TempDir::new().unwrap();
    let store = open(top.path());
    let text: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
    let (digest, size) = (digest_of(&text), text.len() as u64);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut at = 0;
                loop {
                    let end = text.len().min(at + 1000);
                    match store.receive(&digest, size, at as u64, &text[at..end]).unwrap() {
                        Have::All => return,
                        Have::Part(have) => at = usize::try_from(have).unwrap(),
                    }
                }
            });
        }
    });
    assert_eq!(read(&store, &digest).unwrap(), text);
}

fn open(path: &Path) -> Contents {
    Contents::open(path, true).unwrap()
}

fn keep(store: &Contents, text: &[u8]) -> Digest {
    let mut draft = store.begin().unwrap();
    for piece in text.chunks(60_000) {
        store.add(&mut draft, piece).unwrap();
    }
    let digest = digest_of(text);
    store.keep(draft, digest).unwrap();
    digest
}

fn read(store: &Contents, digest: &Digest) -> Result<Vec<u8>, Fault> {
    let (mut whole, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match store.read(digest, whole.len() as u64, &mut buffer)? {
            0 => return Ok(whole),
            count => whole.extend_from_slice(&buffer[..count]),
        }
    }
}

fn retain(store: &Contents, keep: &dyn Fn(&Digest) -> bool, before: SystemTime) -> Freed {
    let steps = (0..=u8::MAX).map(|step| store.retain(step, keep, before).unwrap());
    steps.fold(Freed::default(), |sum, freed| Freed {
        contents: sum.contents + freed.contents,
        bytes: sum.bytes + freed.bytes,
    })
}

fn time_of(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

fn drafts(store: &Path) -> usize {
    fs::read_dir(store.join("drafts")).unwrap().count()
}
