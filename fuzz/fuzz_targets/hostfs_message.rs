//! Whatever a page sends, it gets one answer that can be read, and nothing outside its folder changes.
//!
//! The bytes are cut into messages. A message about a handle gets one that is open, by the last bit of
//! the number that it has, so that more than `BadHandle` is reached.

#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use oriel_hostfs::{Config, Files, Grant, Grants, Limits, Surface};
use oriel_wire::hostfs::{
    Flags, HEAD_BYTES, Head, Message, Op, PAYLOAD_BYTES_MAX, WorkspaceAccess,
};
use tempfile::TempDir;

/// A page may not wait here, nor write so far behind a file's end that a disk is filled.
const PLACE_MAX: u64 = 1 << 20;

/// So many messages are sent at once.
const MESSAGES_MAX: usize = 16;

struct Ground {
    folder: TempDir,
    outside: Vec<u8>,
}

fn ground() -> &'static Ground {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    GROUND.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let outside = b"nobody was granted this".to_vec();
        std::fs::write(folder.path().join("outside"), &outside).expect("a file can be written");
        Ground { folder, outside }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let ground = ground();
    let root = ground.folder.path().join("granted");
    // Each input finds the same files.
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(root.join("data")).expect("a folder can be made");
    for name in ["a", "data/b"] {
        std::fs::write(root.join(name), [7; 5000]).expect("a file can be written");
    }
    let _ = std::os::unix::fs::symlink("../outside", root.join("out"));

    let files = Files::new(Config {
        grants: Grants::fixed(vec![Grant::new("w1", "page", &root, WorkspaceAccess::ReadWrite)]),
        limits: Limits { handles_max: 8, flight_bytes_max: 1 << 22, ..Limits::default() },
    });
    let page = files.surface("page");
    let mut open: Vec<u64> = Vec::new();
    let mut rest = bytes;
    for _ in 0..MESSAGES_MAX {
        let Some((message, left)) = cut(rest) else { break };
        rest = left;
        ask(&page, message, &mut open);
    }
    ask(&page, rest.to_vec(), &mut open);
    let used = page.limits_used();
    assert!(used.handles <= 8 && used.behind_bytes <= used.behind_bytes_max);
    drop(page);
    drop(files);
    let outside = std::fs::read(ground.folder.path().join("outside"));
    assert_eq!(outside.expect("it is there"), ground.outside);
});

/// Takes the first message off, as its head tells of its length.
fn cut(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let head = Head::read(bytes).ok()?;
    let has_payload = !matches!(head.op, Op::Read | Op::Changes);
    let length = if has_payload { HEAD_BYTES + head.length as usize } else { HEAD_BYTES };
    let (message, rest) = bytes.split_at_checked(length)?;
    Some((message.to_vec(), rest))
}

fn ask(page: &Surface, mut message: Vec<u8>, open: &mut Vec<u64>) {
    if let Ok(mut head) = Head::read(&message) {
        if head.handle % 2 == 1 && !open.is_empty() {
            head.handle = open[head.handle as usize / 2 % open.len()];
        }
        if matches!(head.op, Op::Write | Op::SetLength) {
            head.offset %= PLACE_MAX;
        }
        if head.op == Op::Changes {
            head.length = 0;
        }
        message[..HEAD_BYTES].copy_from_slice(&head.to_bytes());
    }
    let answer = page.answer(&message);
    assert!(answer.bytes.len() <= HEAD_BYTES + PAYLOAD_BYTES_MAX as usize);
    let told = Message::read_answer(&answer.bytes).expect("an answer can be read");
    assert!(answer.descriptor.is_none() || told.head.flags.has(Flags::DIRECT));
    if told.head.flags.has(Flags::FAILED) {
        let failed: serde_json::Value =
            serde_json::from_slice(told.payload).expect("a failure says what it is");
        assert!(failed["code"].is_string() && failed["message"].is_string());
        return;
    }
    let asked = Head::read(&message).expect("only a message is done");
    assert_eq!((told.head.op, told.head.request), (asked.op, asked.request));
    match asked.op {
        Op::Open | Op::Watch => open.push(told.head.handle),
        Op::Close => open.retain(|handle| *handle != asked.handle),
        _ => {}
    }
    if let Some(descriptor) = answer.descriptor {
        let real = std::fs::read_link(format!("/proc/self/fd/{}", fd(&descriptor)));
        let real = real.expect("the system knows where it is");
        assert!(real.starts_with(ground().folder.path().join("granted")), "{}", real.display());
        assert_ne!(real.file_name(), Some(Path::new("outside").as_os_str()));
    }
}

fn fd(descriptor: &std::os::fd::OwnedFd) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(descriptor)
}
