//! Every operation stands in `golden/hostfs`, its request and its answer, in hexadecimal with what it
//! says beside it, and is read from there. Whoever changes the form sees the bytes change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/hostfs")
}

#[expect(clippy::disallowed_methods, reason = "a test has no other arguments")]
/// Compares bytes with those of a file, 32 to a line: the first line is the head.
fn check(name: &str, bytes: &[u8]) {
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        text += &format!("{byte:02x}");
        text += if index % HEAD_BYTES == HEAD_BYTES - 1 { "\n" } else { " " };
    }
    let text = text.trim_end().to_owned() + "\n";
    let path = folder().join(format!("{name}.hex"));
    if std::env::var_os("ORIEL_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "{name} looks otherwise; `ORIEL_GOLDEN=write` writes it anew");
}

fn named() -> (String, String) {
    ("w1".to_owned(), "data/läufe.csv".to_owned())
}

fn stat() -> Stat {
    Stat { kind: Kind::File, length: 5, modified_ms: 1_700_000_000_000.5, is_read_only: false }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// Checks that a payload is read as what it was written from.
#[expect(clippy::needless_pass_by_value, reason = "each form is made where it is passed")]
fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(form: T) -> Vec<u8> {
    let bytes = json(&form);
    assert_eq!(serde_json::from_slice::<T>(&bytes).unwrap(), form);
    bytes
}

/// Each operation: its request, and an answer.
fn messages() -> Vec<(Op, Vec<u8>, Vec<u8>)> {
    let handle = 0x0123_4567_89ab_cdef;
    let (workspace, path) = named();
    let about = |op| Head { handle, offset: 4096, ..Head::of(op, 7) };
    let plain = |op| Head { handle, ..Head::of(op, 7) };
    let none = |op| Head::of(op, 7);
    let w = || workspace.clone();
    let p = || path.clone();
    let entry = Entry { name: "a".to_owned(), kind: Kind::Folder, length: 0, modified_ms: 1.0 };
    let failed = Failed {
        code: Code::NotFound,
        message: "there is no file `data/läufe.csv`".to_owned(),
        hint: Some("open the folder anew".to_owned()),
        path: Some(p()),
    };
    Op::ALL
        .into_iter()
        .map(|op| {
            let (request, answer) = match op {
                Op::Workspaces => (
                    none(op).with(&[]),
                    none(op).with(&same(Workspaces {
                        workspaces: vec![Workspace {
                            id: w(),
                            name: "runs".to_owned(),
                            path: "/home/me/runs".to_owned(),
                            access: WorkspaceAccess::ReadWrite,
                            problem: None,
                        }],
                    })),
                ),
                Op::Open => (
                    none(op).with(&same(Open {
                        workspace: w(),
                        path: p(),
                        mode: Mode::ReadWrite,
                        create: Create::May,
                        truncate: false,
                        direct: true,
                    })),
                    Head { handle, offset: 5, flags: Flags::DIRECT, ..none(op) }
                        .with(&same(Opened { stat: stat() })),
                ),
                Op::Close | Op::Flush | Op::Sync => (plain(op).with(&[]), plain(op).with(&[])),
                Op::Read => {
                    (Head { length: 65_536, ..about(op) }.with(&[]), about(op).with(b"bytes"))
                }
                Op::Write => (
                    Head { flags: Flags::SYNC, ..about(op) }.with(b"bytes"),
                    Head { offset: 4101, ..about(op) }.with(&[]),
                ),
                Op::ReadMany => {
                    let wanted = [
                        Part { handle, offset: 0, length: 3 },
                        Part { handle, offset: 9, length: 2 },
                    ];
                    let payload = parts(&wanted);
                    assert_eq!(read_parts(&payload).unwrap(), wanted);
                    (none(op).with(&payload), none(op).with(b"\x03\0\0\0\x02\0\0\0abcde"))
                }
                Op::Length => (plain(op).with(&[]), about(op).with(&[])),
                Op::SetLength => (about(op).with(&[]), about(op).with(&[])),
                Op::Lock => (
                    Head { flags: Flags::SHARED, ..plain(op) }.with(&[]),
                    Head { flags: Flags::FAILED, ..plain(op) }
                        .with(&same(Failed { code: Code::Locked, ..failed.clone() })),
                ),
                Op::Stat => (
                    none(op)
                        .with(&same(StatMany { workspace: w(), paths: vec![p(), String::new()] })),
                    none(op).with(&same(Looked {
                        stats: vec![Answered::Stat(stat()), Answered::Failed(failed.clone())],
                    })),
                ),
                Op::List => (
                    none(op).with(&same(List {
                        workspace: w(),
                        path: p(),
                        after: Some("a".into()),
                    })),
                    none(op).with(&same(Entries {
                        entries: vec![entry.clone()],
                        has_more: true,
                        unnameable: 1,
                    })),
                ),
                Op::MakeFolder => (
                    none(op).with(&same(MakeFolder { workspace: w(), path: p(), parents: true })),
                    none(op).with(&[]),
                ),
                Op::Rename => (
                    none(op).with(&same(Rename {
                        workspace: w(),
                        from: p(),
                        to: "b".to_owned(),
                        replace: true,
                    })),
                    none(op).with(&[]),
                ),
                Op::Remove => (
                    none(op).with(&same(Remove {
                        workspace: w(),
                        path: p(),
                        all: true,
                        trash: true,
                    })),
                    none(op).with(&[]),
                ),
                Op::Replace => {
                    let form = Replace { workspace: w(), path: p(), create: Create::May };
                    let payload = replace(&form, b"bytes");
                    assert_eq!(read_replace(&payload).unwrap(), (form, b"bytes".as_slice()));
                    (none(op).with(&payload), none(op).with(&same(stat())))
                }
                Op::Watch => (
                    none(op).with(&same(Watch { workspace: w(), path: String::new() })),
                    plain(op).with(&[]),
                ),
                Op::Changes => (
                    Head { length: 25_000, ..plain(op) }.with(&[]),
                    plain(op).with(&same(Changes {
                        changes: vec![Change { path: p(), kind: ChangeKind::Removed }],
                        look_again: false,
                    })),
                ),
                Op::Use => (
                    none(op).with(&[]),
                    none(op).with(&same(Use {
                        handles: 1,
                        handles_max: 2,
                        behind_bytes: 3,
                        behind_bytes_max: 4,
                        mapped_bytes: 5,
                        mapped_bytes_max: 6,
                    })),
                ),
            };
            (op, request, answer)
        })
        .collect()
}

#[test]
fn every_operation_looks_as_its_files_say() {
    let mut names = BTreeSet::new();
    for (op, request, answer) in messages() {
        check(&format!("{}-request", op.name()), &request);
        check(&format!("{}-answer", op.name()), &answer);
        names.extend(["request", "answer"].map(|end| format!("{}-{end}.hex", op.name())));
        assert_eq!(Message::read_request(&request).unwrap().head.op, op);
        assert_eq!(Message::read_answer(&answer).unwrap().head.op, op);
    }
    let kept = std::fs::read_dir(folder()).unwrap();
    let kept: BTreeSet<_> =
        kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(kept, names, "there is a file for each operation and no other");
}

#[test]
fn numbers_and_names_name_one_thing_each() {
    let numbers: BTreeSet<_> = Op::ALL.map(Op::number).into();
    assert_eq!(numbers.len(), Op::ALL.len());
    for code in Code::ALL {
        assert_eq!(json(&code), json(&code.as_str()));
    }
    let text = typescript();
    for name in ["Open", "Workspaces", "Failed", "Code", "Stat", "Changes"] {
        assert_eq!(text.matches(&format!("export type {name} =")).count(), 1, "{name} in {text}");
    }
    assert!(text.contains("create?: Create") && !text.contains("bigint"), "{text}");
}

#[test]
fn what_is_no_message_is_refused_with_the_reason() {
    let good = Head::of(Op::Stat, 1).with(b"{}");
    assert!(Message::read_request(&good).is_ok());
    assert_eq!(Message::read_request(&good[..31]), Err(HeadError::Short(31)));
    let wrong = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Message::read_request(&bytes).unwrap_err()
    };
    assert_eq!(wrong(0, b'X'), HeadError::Magic);
    assert_eq!(wrong(2, 2), HeadError::Version(2));
    assert_eq!(wrong(3, 0), HeadError::Op(0));
    assert_eq!(wrong(31, 0x80), HeadError::Flags(0x8000_0000));
    assert_eq!(wrong(24, 3), HeadError::Length { told: 3, came: 2 });
    assert_eq!(wrong(27, 0xff), HeadError::Long);
    assert!(read_parts(&[0; 23]).is_none() && read_parts(&vec![0; 24 * (PARTS_MAX + 1)]).is_none());
    assert!(read_replace(b"\x09\0\0\0{}").is_err() && read_replace(b"\0").is_err());
}

proptest! {
    #[test]
    fn any_head_is_read_as_it_was_written(
        op in proptest::sample::select(Op::ALL.to_vec()),
        (request, handle, offset) in any::<(u32, u64, u64)>(),
        payload in proptest::collection::vec(any::<u8>(), 0..64),
        bits in 0..32u32,
    ) {
        let flags = Flags::from_bits(bits).unwrap();
        let head = Head { op, request, handle, offset, length: 9, flags };
        let bytes = head.with(&payload);
        let back = Message::read_answer(&bytes);
        if let Ok(message) = back {
            prop_assert_eq!(message.payload, payload.as_slice());
            let again = message.head.to_bytes();
            prop_assert_eq!(again.as_slice(), &bytes[..HEAD_BYTES]);
        } else {
            // Only a request to read has a length without bytes.
            prop_assert!(payload.is_empty() && matches!(op, Op::Read | Op::Changes));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        _ = Message::read_request(&bytes);
        _ = Message::read_answer(&bytes);
        _ = read_parts(&bytes);
        _ = read_replace(&bytes);
    }
}
