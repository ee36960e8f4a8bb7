//! Every message stands in `golden/sync`, in hexadecimal, and is read from there. Whoever changes the form
//! sees the bytes change. Whatever else comes is refused whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[expect(clippy::disallowed_methods, reason = "a test has no other arguments")]
/// Compares a text with that of a file.
fn check(name: &str, text: &str) {
    let path = folder().join(name);
    if std::env::var_os("ORIEL_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "{name} looks otherwise; `ORIEL_GOLDEN=write` writes it anew");
}

#[test]
fn every_message_is_in_golden_sync_and_read_from_there() {
    let mut names = BTreeSet::new();
    let mut kinds = (BTreeSet::new(), BTreeSet::new());
    for (name, message) in ups() {
        let frame = message.encode().unwrap();
        check(&format!("up/{name}.hex"), &hex(&frame));
        assert_eq!(Up::decode(&frame), Ok(message));
        kinds.0.insert(frame[0]);
        names.insert(format!("up/{name}.hex"));
        broken(&frame, |bytes| {
            Up::decode(bytes).is_ok_and(|read| read.encode().as_deref() != Ok(bytes))
        });
    }
    for (name, message) in downs() {
        let frame = message.encode().unwrap();
        check(&format!("down/{name}.hex"), &hex(&frame));
        assert_eq!(Down::decode(&frame), Ok(message));
        kinds.1.insert(frame[0]);
        names.insert(format!("down/{name}.hex"));
        broken(&frame, |bytes| {
            Down::decode(bytes).is_ok_and(|read| read.encode().as_deref() != Ok(bytes))
        });
    }
    assert_eq!(kinds.0, Up::KINDS.iter().copied().collect());
    assert_eq!(kinds.1, Down::KINDS.iter().copied().collect());
    assert_eq!(names, files(&["up", "down"]));
}

/// Whatever byte is changed, added or left out: it is refused, or is another message in its one form.
fn broken(frame: &[u8], has_two_forms: impl Fn(&[u8]) -> bool) {
    for at in 0..frame.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = frame.to_vec();
            bytes[at] ^= flip;
            assert!(!has_two_forms(&bytes), "{bytes:02x?}");
        }
        assert!(!has_two_forms(&frame[..at]));
    }
    assert!(!has_two_forms(&[frame, &[0]].concat()));
}

#[test]
fn what_cannot_be_is_refused_by_who_says_it_and_who_hears_it() {
    let file = |size| Entry::File { digest: digest(1), size, exec: false };
    let out = Entry::Symlink { target: serde_json::from_value(json!("../../x")).unwrap() };
    let mark = |length| ChunkMark { digest: digest(1), length };
    let want = |spans: &[(u64, u64)]| {
        let spans = spans.iter().map(|&(offset, length)| Span { offset, length }).collect();
        Up::Want(Want { digest: digest(1), part: Part::Bytes { spans } })
    };
    let outline = |size, total, first, marks: &[u32]| {
        let marks = marks.iter().copied().map(mark).collect();
        Up::Outline(Outline { digest: digest(1), size, total, first, marks })
    };
    let chunk = |length, packing, bytes: usize| {
        let bytes = vec![7; bytes];
        Up::Chunk(Chunk {
            digest: digest(1),
            size: FILE_BYTES_MAX,
            offset: 0,
            length,
            packing,
            bytes,
        })
    };
    let propose =
        |new: Entry| Up::Propose(Propose { proposals: vec![Proposal { new, ..proposal() }] });
    let long = u32::try_from(CHUNK_BYTES_MAX).unwrap() + 1;
    for message in [
        propose(out.clone()),
        propose(file(FILE_BYTES_MAX + 1)),
        propose(Entry::Untracked),
        propose(Entry::Problem(Problem::Io)),
        want(&[]),
        want(&[(0, 0)]),
        want(&[(0, 2), (1, 2)]),
        want(&[(4, 2), (0, 2)]),
        want(&[(u64::MAX, 2)]),
        outline(3, 1, 0, &[2]),
        outline(3, 1, 0, &[4]),
        outline(3, 1, 1, &[3]),
        outline(9, 3, 2, &[4, 4]),
        outline(2, 3, 0, &[]),
        outline(3, 2, 0, &[0, 3]),
        chunk(0, Packing::Plain, 0),
        chunk(2, Packing::Plain, 1),
        Up::Chunk(Chunk { size: 65_540, ..self::chunk() }),
        Up::Chunk(Chunk { size: FILE_BYTES_MAX + 1, ..self::chunk() }),
        Up::Want(Want { digest: digest(1), part: Part::From { offset: FILE_BYTES_MAX + 1 } }),
        chunk(2, Packing::Zstd, 3),
        chunk(2, Packing::Zstd, 0),
        chunk(long, Packing::Plain, CHUNK_BYTES_MAX + 1),
        Up::Hello(Hello { session: String::new(), ..hello() }),
        Up::Hello(Hello { epoch: None, ..hello() }),
    ] {
        assert!(message.encode().is_err(), "{message:?}");
    }
    let welcome = |window_bytes| {
        let (proto, epoch, start, caps) = (PROTOCOL_VERSION, epoch(), Start::Resume, 0);
        let limits = Limits { window_bytes, file_bytes_max: FILE_BYTES_MAX, paths_max: 1 };
        Down::Welcome(Welcome { proto, epoch, start, caps, limits })
    };
    let page = |paths: &[&str], entry: &Entry| {
        let changes = paths.iter().map(|text| change(text, entry.clone())).collect();
        Down::SnapPage(SnapPage { changes })
    };
    let diff = |names: &[&str], digest, has_more| {
        let children = names.iter().map(|name| child(name)).collect();
        Down::VerifyDiff(VerifyDiff { folder: None, head: Seq(1), digest, children, has_more })
    };
    for message in [
        page(&["b", "a"], &Entry::Dir),
        page(&["a", "a"], &Entry::Dir),
        page(&["a/b"], &out),
        Down::Delta(Delta { seq: Seq(0), more: false, changes: Vec::new() }),
        Down::Delta(Delta { seq: Seq(1), more: true, changes: Vec::new() }),
        Down::Late(Late { id: OpId(id(1)), path: path("a/b"), entry: out.clone() }),
        welcome(0),
        welcome(WINDOW_BYTES + 1),
        diff(&["b", "a"], Some(digest(1)), false),
        diff(&[], Some(digest(1)), true),
        diff(&["a"], None, false),
    ] {
        assert!(message.encode().is_err(), "{message:?}");
    }
    assert!(outline(9, 3, 1, &[4, 4]).encode().is_ok() && want(&[(0, 2), (2, 2)]).encode().is_ok());
    // A frame that says so all the same: `../x` for the link, in place of `ab/x`.
    let inside = Entry::Symlink { target: serde_json::from_value(json!("ab/x")).unwrap() };
    let mut frame = delta(1, false, vec![change("l", inside)]).encode().unwrap();
    let at = frame.windows(4).position(|bytes| bytes == b"ab/x").unwrap();
    frame[at..at + 2].copy_from_slice(b"..");
    assert!(matches!(Down::decode(&frame), Err(FrameError::Sense(_))));
}

#[test]
fn more_than_a_list_may_have_is_refused_before_it_is_read() {
    let count = u32::try_from(CHANGES_MAX).unwrap() + 1;
    let changes = (0..count).map(|index| change(&format!("{index:05}"), Entry::Dir));
    let frame = |changes: Vec<Change>| Down::SnapPage(SnapPage { changes }).encode().unwrap();
    let all = frame(changes.clone().collect());
    assert!(matches!(Down::decode(&all), Err(FrameError::Fields { .. })));
    assert!(Down::decode(&frame(changes.take(CHANGES_MAX).collect())).is_ok());
    // A list that tells of a length it has not.
    assert!(Down::decode(&[17, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
    assert_eq!(
        Up::decode(&vec![2; FRAME_BYTES_MAX + 1]),
        Err(FrameError::Long(FRAME_BYTES_MAX + 1))
    );
    assert_eq!(Up::decode(&[16]), Err(FrameError::Kind(16)), "only the upstream side says it");
    assert_eq!(Up::decode(&[]), Err(FrameError::Empty));
}

#[test]
fn what_is_too_much_for_one_frame_goes_into_several() {
    let folder = "x".repeat(PART_BYTES_MAX);
    let path = |index| format!("{}/{index:06}", [folder.as_str(); 15].join("/"));
    let changes: Vec<_> = (0..1000).map(|index| change(&path(index), Entry::Dir)).collect();
    let pages = super::pages(changes.clone(), CHANGES_MAX);
    assert!(3 < pages.len() && pages.len() < 8, "{}", pages.len());
    for page in &pages {
        let frame = Down::SnapPage(SnapPage { changes: page.clone() }).encode().unwrap();
        assert!(Down::decode(&frame).is_ok());
    }
    assert_eq!(pages.concat(), changes);
    let few: Vec<_> = super::pages(changes, 300).iter().map(Vec::len).collect();
    assert!(few.iter().all(|count| *count <= 300));
    assert!(super::pages(Vec::<Change>::new(), 1).is_empty());
}

#[test]
fn commands_and_answers_look_as_they_are_documented() {
    let started: StartSync =
        serde_json::from_value(json!({"sessionId": "s1", "localDir": "/home/me/project"})).unwrap();
    assert!(!started.confirm_non_empty && !started.merge_unasked);
    let resolve = json!({
        "sessionId": "s1", "path": "a/b", "resolution": "merged", "content": "x",
        "expectLocal": digest(1), "expectRemote": null,
    });
    let read: ResolveConflict = serde_json::from_value(resolve.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), resolve);
    for left_out in ["expectLocal", "expectRemote", "resolution", "path"] {
        let mut less = resolve.clone();
        less.as_object_mut().unwrap().remove(left_out);
        assert!(serde_json::from_value::<ResolveConflict>(less).is_err(), "{left_out}");
    }
    let confirm = json!({"sessionId": "s1", "reason": "mass_delete"});
    let read: ConfirmSync = serde_json::from_value(confirm).unwrap();
    assert!(!read.restore, "nothing is put back unasked");
    for event in events() {
        let text = serde_json::to_string_pretty(&event).unwrap() + "\n";
        let value = serde_json::to_value(&event).unwrap();
        check(&format!("event/{}.json", value["type"].as_str().unwrap()), &text);
        assert_eq!(serde_json::from_str::<SyncEvent>(&text).unwrap(), event);
    }
    assert_eq!(files(&["event"]).len(), events().len());
    let SyncEvent::Status { status } = events().remove(0) else { panic!("the first is a status") };
    let verified = SyncVerified {
        session_id: "s1".to_owned(),
        paths: 43,
        differing: vec!["src/main.rs".to_owned()],
        more: 2,
        is_equal: false,
    };
    let commands = [
        ("verify_sync", as_json(&VerifySync { session_id: "s1".to_owned() })),
        ("sync_verified", as_json(&verified)),
        ("sync_list", as_json(&SyncList { syncs: vec![*status] })),
        (
            "confirm_sync",
            as_json(&ConfirmSync {
                session_id: "s1".to_owned(),
                reason: PauseReason::MassDelete,
                restore: true,
            }),
        ),
    ];
    for (name, text) in &commands {
        check(&format!("command/{name}.json"), text);
    }
    assert_eq!(files(&["command"]).len(), commands.len());
}

#[test]
fn the_commands_are_told_in_typescript() {
    let text = typescript();
    for part in [
        "export type StartSync = ",
        "export type SyncStatus = ",
        "export type SyncEvent = ",
        "expectLocal: Digest | null",
        "export type RelPath = string;",
        "\"mass_delete\"",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_what_is_read_is_written_the_same(
        kind in 0..40u8, bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let frame = [&[kind], bytes.as_slice()].concat();
        if let Ok(message) = Up::decode(&frame) {
            prop_assert_eq!(message.encode(), Ok(frame.clone()));
        }
        if let Ok(message) = Down::decode(&frame) {
            prop_assert_eq!(message.encode(), Ok(frame));
        }
    }
}

fn as_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/sync")
}

fn files(folders: &[&str]) -> BTreeSet<String> {
    let names = folders.iter().flat_map(|of| {
        let entries = std::fs::read_dir(folder().join(of)).unwrap();
        entries.map(move |entry| format!("{of}/{}", entry.unwrap().file_name().to_str().unwrap()))
    });
    names.collect()
}

/// Sixteen bytes to a line.
fn hex(bytes: &[u8]) -> String {
    let line =
        |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    bytes.chunks(16).map(|bytes| line(bytes) + "\n").collect()
}

fn digest(first: u8) -> Digest {
    Digest(std::array::from_fn(|at| first.wrapping_add(u8::try_from(at).unwrap())))
}

fn id(first: u8) -> [u8; 16] {
    std::array::from_fn(|at| first.wrapping_add(u8::try_from(at).unwrap()))
}

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn hello() -> Hello {
    Hello {
        proto: PROTOCOL_VERSION,
        client: ClientId(id(0x10)),
        session: "s1".to_owned(),
        root: RootId(id(0x20)),
        epoch: Some(epoch()),
        cursor: Some(Seq(300)),
        caps: CAP_ZSTD | CAP_VERIFY | CAP_OUTLINE,
    }
}

fn proposal() -> Proposal {
    Proposal {
        op: OpId(id(0x40)),
        path: path("src/läufe.rs"),
        base: Known { rev: Rev(7), entry: Entry::Absent },
        new: Entry::File { digest: digest(0x80), size: 70_000, exec: true },
        renamed_from: Some(path("src/alt.rs")),
    }
}

fn change(text: &str, entry: Entry) -> Change {
    Change { path: path(text), entry, rev: Rev(9), origin: None, renamed_from: None }
}

fn child(name: &str) -> Child {
    Child { name: Name::parse(name).unwrap(), is_folder: false, digest: digest(3) }
}

fn epoch() -> Epoch {
    Epoch(std::array::from_fn(|at| 0x30 + u8::try_from(at).unwrap()))
}

fn delta(seq: u64, more: bool, changes: Vec<Change>) -> Down {
    Down::Delta(Delta { seq: Seq(seq), more, changes })
}

fn late() -> Late {
    let entry = Entry::File { digest: digest(0x80), size: 5, exec: false };
    Late { id: OpId(id(0x50)), path: path("src/läufe.rs"), entry }
}

fn nothing_left() -> Chunk {
    Chunk { offset: 70_000, length: 0, bytes: Vec::new(), ..chunk() }
}

fn chunk() -> Chunk {
    let bytes = b"bytes".to_vec();
    let packing = Packing::Plain;
    Chunk { digest: digest(0x80), size: 70_000, offset: 65_536, length: 5, packing, bytes }
}

fn outline() -> Outline {
    let marks = vec![
        ChunkMark { digest: digest(1), length: 65_536 },
        ChunkMark { digest: digest(2), length: 4464 },
    ];
    Outline { digest: digest(0x80), size: 70_000, total: 2, first: 0, marks }
}

fn want() -> Want {
    let spans = vec![Span { offset: 0, length: 65_536 }, Span { offset: 262_144, length: 9 }];
    Want { digest: digest(0x80), part: Part::Bytes { spans } }
}

fn gone() -> Gone {
    Gone { digest: digest(0x80) }
}

fn ups() -> Vec<(&'static str, Up)> {
    let all = [
        Entry::Absent,
        Entry::Dir,
        Entry::Symlink {
            target: LinkTarget::parse(&path("src/läufe.rs"), "../Cargo.toml").unwrap(),
        },
    ];
    let others = all.map(|new| Proposal { new, renamed_from: None, ..proposal() });
    vec![
        ("hello", Up::Hello(hello())),
        ("hello.new", Up::Hello(Hello { epoch: None, cursor: None, ..hello() })),
        ("propose", Up::Propose(Propose { proposals: [vec![proposal()], others.into()].concat() })),
        ("chunk", Up::Chunk(chunk())),
        ("outline", Up::Outline(outline())),
        ("want", Up::Want(want())),
        ("want.from", Up::Want(Want { part: Part::From { offset: 65_536 }, ..want() })),
        ("want.outline", Up::Want(Want { part: Part::Outline { first: 16_384 }, ..want() })),
        ("chunk.end", Up::Chunk(nothing_left())),
        ("late_known", Up::LateKnown(LateKnown { id: OpId(id(0x50)) })),
        ("gone", Up::Gone(gone())),
        ("ack", Up::Ack(Ack { cursor: Seq(301) })),
        (
            "verify",
            Up::Verify(Verify {
                folder: Some(path("src")),
                cursor: Seq(301),
                digest: digest(5),
                after: Some(Name::parse("m.rs").unwrap()),
            }),
        ),
        ("credit", Up::Credit(Credit { bytes: 262_144 })),
        ("bye", Up::Bye(Bye { why: ByeReason::Leaving, message: "the program ends".to_owned() })),
    ]
}

fn downs() -> Vec<(&'static str, Down)> {
    let limits =
        Limits { window_bytes: WINDOW_BYTES, file_bytes_max: FILE_BYTES_MAX, paths_max: 1_000_000 };
    let file = Entry::File { digest: digest(0x80), size: 5, exec: false };
    let link = Entry::Symlink { target: LinkTarget::parse(&path("src/l"), "../a").unwrap() };
    let problems = Problem::ALL.iter().enumerate();
    let problems =
        problems.map(|(at, problem)| change(&format!("p/{at:02}"), Entry::Problem(*problem)));
    let named = Change {
        origin: Some(OpId(id(0x40))),
        renamed_from: Some(path("src/alt.rs")),
        ..change("src/läufe.rs", file.clone())
    };
    let gone = change("src/alt.rs", Entry::Absent);
    let tree =
        vec![change("src", Entry::Dir), change("src/l", link), change("t", Entry::Untracked)];
    let refused = Known { rev: Rev(11), entry: file };
    vec![
        (
            "welcome",
            Down::Welcome(Welcome {
                proto: PROTOCOL_VERSION,
                epoch: epoch(),
                start: Start::Resume,
                caps: CAP_ZSTD,
                limits,
            }),
        ),
        ("snap_page", Down::SnapPage(SnapPage { changes: tree })),
        ("snap_end", Down::SnapEnd(SnapEnd { seq: Seq(400), paths: 3 })),
        ("snap_page.resume", Down::SnapPage(SnapPage { changes: vec![gone.clone()] })),
        ("delta", delta(301, true, vec![named, gone])),
        ("delta.problems", delta(302, false, problems.collect())),
        ("late", Down::Late(late())),
        ("need", Down::Need(want())),
        ("committed", Down::Committed(Committed { op: OpId(id(0x40)), rev: Rev(12) })),
        (
            "rejected",
            Down::Rejected(Rejected { op: OpId(id(0x40)), why: Refusal::Stale, current: refused }),
        ),
        ("chunk", Down::Chunk(Chunk { packing: Packing::Zstd, length: 500, ..chunk() })),
        ("outline", Down::Outline(outline())),
        ("gone", Down::Gone(self::gone())),
        (
            "verify_diff",
            Down::VerifyDiff(VerifyDiff {
                folder: Some(path("src")),
                head: Seq(400),
                digest: Some(digest(6)),
                children: vec![child("a"), Child { is_folder: true, ..child("b") }],
                has_more: true,
            }),
        ),
        ("credit", Down::Credit(Credit { bytes: 262_144 })),
        ("bye", Down::Bye(Bye { why: ByeReason::Superseded, message: String::new() })),
    ]
}

fn events() -> Vec<SyncEvent> {
    let session_id = || "s1".to_owned();
    let version = |first, size| Some(Version { digest: digest(first), size });
    let conflict = Conflict {
        id: 3,
        path: path("src/main.rs"),
        kind: ConflictKind::EditEdit,
        base: version(1, 40),
        local: version(2, 41),
        upstream: None,
        mergeable: true,
        since: 1_709_312_400_000,
    };
    let problem = PathProblem {
        path: "run.sock".to_owned(),
        problem: Problem::Special,
        is_upstream: false,
        message: Problem::Special.to_string(),
    };
    let status = SyncStatus {
        session_id: session_id(),
        state: SyncState::Paused,
        files_tracked: 42,
        last_sync_at: Some(1_709_312_400_000),
        local_dir: "/home/me/project".to_owned(),
        phase: Phase::Syncing,
        pending: 3,
        pending_up: 1,
        pending_down: 2,
        bytes: 4096,
        watch: Watching::Native,
        reason: Some(PauseReason::MassDelete),
        message: Some(
            "31 of 42 files would be removed here; confirm it if that is meant".to_owned(),
        ),
        conflicts: vec![conflict.clone()],
        more_conflicts: 0,
        problems: vec![problem],
        more_problems: 0,
    };
    vec![
        SyncEvent::Status { status: Box::new(status) },
        SyncEvent::Conflict { session_id: session_id(), conflict },
        SyncEvent::Resolved { session_id: session_id(), id: 3, path: path("src/main.rs") },
        SyncEvent::Notice {
            session_id: session_id(),
            path: path("src/main.rs"),
            notice: Notice::RemoteDeleteUndone,
            message: "it was removed upstream and changed here, and stays".to_owned(),
        },
    ]
}
