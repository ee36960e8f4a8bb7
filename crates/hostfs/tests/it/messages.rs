//! Every operation can be asked for by a message, and whatever comes, one answer goes back.

use oriel_hostfs::{Limits, Surface};
use oriel_wire::hostfs::{
    Flags, HEAD_BYTES, Head, Message, Op, PAYLOAD_BYTES_MAX, Part, Replace, parts, replace,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::desk::{Desk, LABEL, W};

/// Asks, and returns the head and the payload of the answer.
fn ask(page: &Surface, head: Head, payload: &[u8]) -> (Head, Vec<u8>) {
    let answer = page.answer(&head.with(payload));
    let message = Message::read_answer(&answer.bytes).unwrap();
    assert_eq!((message.head.op, message.head.request), (head.op, head.request));
    assert_eq!(answer.descriptor.is_some(), message.head.flags.has(Flags::DIRECT));
    (message.head, message.payload.to_vec())
}

fn ask_json(page: &Surface, op: Op, form: &Value) -> (Head, Value) {
    let (head, payload) = ask(page, Head::of(op, 5), form.to_string().as_bytes());
    let payload =
        if payload.is_empty() { Value::Null } else { serde_json::from_slice(&payload).unwrap() };
    (head, payload)
}

fn code(page: &Surface, head: Head, payload: &[u8]) -> String {
    let (head, payload) = ask(page, head, payload);
    assert!(head.flags.has(Flags::FAILED), "{head:?}");
    let failed: Value = serde_json::from_slice(&payload).unwrap();
    failed["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_page_does_everything_by_messages() {
    let desk = Desk::new();
    let page = desk.page();
    let (_, told) = ask_json(&page, Op::Workspaces, &Value::Null);
    assert!(told.is_null() || told["code"] == "bad_message" || told["workspaces"].is_array());
    let (_, told) = ask(&page, Head::of(Op::Workspaces, 1), b"");
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["workspaces"][0]["id"], W);

    ask_json(&page, Op::MakeFolder, &json!({"workspace": W, "path": "d/e", "parents": true}));
    let wanted = json!({"workspace": W, "path": "d/a", "mode": "readwrite", "create": "must"});
    let (opened, told) = ask_json(&page, Op::Open, &wanted);
    assert_eq!((opened.offset, told["stat"]["kind"].as_str()), (0, Some("file")));
    let about = |op| Head { handle: opened.handle, ..Head::of(op, 9) };
    let (head, _) = ask(&page, Head { offset: 2, ..about(Op::Write) }, b"hello");
    assert_eq!(head.offset, 7);
    let (_, bytes) = ask(&page, Head { length: 100, offset: 1, ..about(Op::Read) }, b"");
    assert_eq!(bytes, b"\0hello");
    assert_eq!(ask(&page, about(Op::Length), b"").0.offset, 7);
    ask(&page, Head { offset: 4, ..about(Op::SetLength) }, b"");
    let wanted = [
        Part { handle: opened.handle, offset: 0, length: 3 },
        Part { handle: opened.handle, offset: 3, length: 9 },
    ];
    let (_, bytes) = ask(&page, Head::of(Op::ReadMany, 1), &parts(&wanted));
    assert_eq!(bytes, b"\x03\0\0\0\x01\0\0\0\0\0he");
    for (op, flags) in [
        (Op::Lock, Flags::NONE),
        (Op::Lock, Flags::SHARED),
        (Op::Lock, Flags::UNLOCK),
        (Op::Flush, Flags::NONE),
        (Op::Sync, Flags::NONE),
        (Op::Close, Flags::NONE),
    ] {
        let (head, _) = ask(&page, Head { flags, ..about(op) }, b"");
        assert_eq!(head.flags, Flags::NONE, "{op:?}");
    }
    assert_eq!(code(&page, about(Op::Close), b""), "bad_handle");

    let form = Replace { workspace: W.to_owned(), path: "d/a".to_owned(), create: <_>::default() };
    let (_, stat) = ask(&page, Head::of(Op::Replace, 1), &replace(&form, b"whole"));
    assert_eq!(serde_json::from_slice::<Value>(&stat).unwrap()["length"], 5);
    ask_json(&page, Op::Rename, &json!({"workspace": W, "from": "d/a", "to": "d/b"}));
    let (_, told) = ask_json(&page, Op::List, &json!({"workspace": W, "path": "d"}));
    let names: Vec<_> = told["entries"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["b", "e"]);
    let (_, told) = ask_json(&page, Op::Stat, &json!({"workspace": W, "paths": ["d/a", "d/b"]}));
    assert_eq!(told["stats"][0]["code"], "not_found");
    assert_eq!(told["stats"][1]["length"], 5);
    let (watching, _) = ask_json(&page, Op::Watch, &json!({"workspace": W, "path": ""}));
    ask_json(&page, Op::Remove, &json!({"workspace": W, "path": "d", "all": true}));
    let (_, told) =
        ask(&page, Head { handle: watching.handle, length: 9000, ..Head::of(Op::Changes, 2) }, b"");
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert!(told["changes"][0]["path"].is_string() || told["lookAgain"] == true, "{told}");
    let (_, told) = ask(&page, Head::of(Op::Use, 1), b"");
    assert_eq!(serde_json::from_slice::<Value>(&told).unwrap()["handles"], 1);
    assert_eq!(std::fs::read_dir(desk.folder.path()).unwrap().count(), 0);
}

#[test]
fn an_open_file_may_come_with_a_descriptor_of_just_its_mode() {
    let desk = Desk::new();
    std::fs::write(desk.path("a"), b"abc").unwrap();
    let page = desk.page();
    let form = json!({"workspace": W, "path": "a", "mode": "read", "direct": true}).to_string();
    let answer = page.answer(&Head::of(Op::Open, 1).with(form.as_bytes()));
    let given = answer.descriptor.unwrap();
    let mut into = [0; 3];
    assert_eq!(rustix::io::pread(&given, &mut into, 0).unwrap(), 3);
    assert!(rustix::io::pwrite(&given, b"x", 0).is_err());
}

#[test]
fn what_is_too_much_or_makes_no_sense_is_refused_with_a_reason() {
    let desk = Desk::with(Limits { flight_bytes_max: 1000, ..Limits::default() });
    std::fs::write(desk.path("a"), vec![1; 5000]).unwrap();
    let page = desk.page();
    let wanted = json!({"workspace": W, "path": "a", "mode": "readwrite"});
    let (opened, _) = ask_json(&page, Op::Open, &wanted);
    let about = |op| Head { handle: opened.handle, ..Head::of(op, 9) };
    assert_eq!(code(&page, Head { length: 1001, ..about(Op::Read) }, b""), "busy");
    assert_eq!(code(&page, about(Op::Write), &[0; 1001]), "busy");
    let part = Part { handle: opened.handle, offset: 0, length: 501 };
    assert_eq!(code(&page, about(Op::ReadMany), &parts(&[part, part])), "busy");
    // What was refused takes no room.
    assert_eq!(ask(&page, Head { length: 1000, ..about(Op::Read) }, b"").1.len(), 1000);

    let flagged = |op, flags| Head { flags, ..about(op) };
    assert_eq!(code(&page, flagged(Op::Read, Flags::SYNC), b""), "bad_message");
    assert_eq!(code(&page, flagged(Op::Lock, Flags::SHARED | Flags::UNLOCK), b""), "bad_message");
    assert_eq!(code(&page, Head::of(Op::Open, 1), b"{}"), "bad_message");
    assert_eq!(code(&page, Head::of(Op::Open, 1), "[".repeat(900).as_bytes()), "bad_message");
    let (page, long) = (Desk::new(), "x".repeat(70_000));
    let page = page.page();
    let form = json!({"workspace": W, "path": long, "mode": "read"}).to_string();
    assert_eq!(code(&page, Head::of(Op::Open, 1), form.as_bytes()), "bad_message");
    let many = vec!["a"; 5000];
    let form = json!({"workspace": W, "paths": many}).to_string();
    assert_eq!(code(&page, Head::of(Op::Stat, 1), form.as_bytes()), "too_large");
    let many = vec!["a/".repeat(1000) + "a"; 4000];
    let form = json!({"workspace": W, "paths": many}).to_string();
    assert_eq!(code(&page, Head::of(Op::Stat, 1), form.as_bytes()), "too_large");
    let form = json!({"workspace": long, "paths": []}).to_string();
    let (_, told) = ask(&page, Head::of(Op::Stat, 1), form.as_bytes());
    assert!(told.len() < 500, "a page's own text is not sent back at length");
}

#[test]
fn memory_that_is_used_again_shows_nothing_of_an_earlier_answer() {
    let desk = Desk::new();
    std::fs::write(desk.path("a"), b"abc").unwrap();
    let page = desk.page();
    let wanted = json!({"workspace": W, "path": "a", "mode": "read"});
    let (opened, _) = ask_json(&page, Op::Open, &wanted);
    let mut bytes = vec![9; 5000];
    for (length, came) in [(2, 2), (4000, 3), (0, 0)] {
        let head = Head { handle: opened.handle, length, ..Head::of(Op::Read, 1) };
        assert!(page.answer_into(&head.with(b""), &mut bytes).is_none());
        assert_eq!(Message::read_answer(&bytes).unwrap().payload, &b"abc"[..came]);
    }
    assert!(page.answer_into(b"nonsense", &mut bytes).is_none());
    assert!(Message::read_answer(&bytes).unwrap().head.flags.has(Flags::FAILED));
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer_that_can_be_read(
        op in 0..45_u8,
        (offset, length) in (any::<u64>(), 0..9_000_000_u32),
        flags in 0..64_u32,
        is_open in any::<bool>(),
        payload in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let desk = Desk::new();
        std::fs::write(desk.path("a"), b"abc").unwrap();
        let page = desk.files.surface(LABEL);
        let wanted = json!({"workspace": W, "path": "a", "mode": "readwrite"});
        let (opened, _) = ask_json(&page, Op::Open, &wanted);
        let mut message = Head::of(Op::Use, 3).with(&payload);
        message[3] = op;
        message[8..16].copy_from_slice(&if is_open { opened.handle } else { 3 }.to_le_bytes());
        message[16..24].copy_from_slice(&offset.to_le_bytes());
        let has_length = matches!(Op::from_number(op), Some(Op::Read));
        let length = if has_length { length } else { payload.len() as u32 };
        message[24..28].copy_from_slice(&length.to_le_bytes());
        message[28..32].copy_from_slice(&flags.to_le_bytes());
        // It would wait, as it ought to.
        if op != Op::Changes.number() {
            let answer = page.answer(&message);
            prop_assert!(Message::read_answer(&answer.bytes).is_ok());
            prop_assert!(answer.bytes.len() <= HEAD_BYTES + PAYLOAD_BYTES_MAX as usize);
        }
    }
}
