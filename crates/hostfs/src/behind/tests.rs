//! What goes wrong after a write was answered is told once, to the handle that wrote, and to no other.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use oriel_wire::hostfs::{Code, Mode, WorkspaceAccess};

use super::{Behind, FILE_BYTES_MAX};
use crate::files::{Keeper, Node};
use crate::grants::Grant;
use crate::handle::{Late, Opened, Pen};

/// A handle whose writes fail, as those on a disk that fails do: its file is open to be read.
fn opened(file: File, node: &Arc<Node>) -> Opened {
    Opened {
        pen: Arc::new(Pen { file, late: Late::default() }),
        mode: Mode::Write,
        node: Arc::clone(node),
        grant: Arc::new(Grant::new("w", "page", "/", WorkspaceAccess::ReadWrite)),
        is_direct: AtomicBool::new(false),
        is_locked: AtomicBool::new(false),
    }
}

/// A keeper that is called and never comes.
fn keeper() -> Keeper {
    Keeper::that_never_comes()
}

#[test]
fn a_late_error_is_told_once_to_who_wrote() {
    let (behind, keeper, node) = (Behind::new(1 << 20), keeper(), Arc::<Node>::default());
    let disk = tempfile::NamedTempFile::new().unwrap();
    let good = opened(disk.reopen().unwrap(), &node);
    let bad = opened(File::open(disk.path()).unwrap(), &node);
    let write = |who: &Opened, at, bytes: &[u8]| behind.write(&keeper, who, at, bytes);
    write(&good, 0, b"one").unwrap();
    assert_eq!(write(&bad, 3, b"lost").unwrap(), 7, "nobody knows yet");
    write(&good, 10, b"two").unwrap();
    write(&bad, 20, b"lost too").unwrap();
    assert_eq!(disk.as_file().metadata().unwrap().len(), 0, "all of it is held");
    behind.flush(&node);
    assert_eq!(std::fs::read(disk.path()).unwrap(), b"one\0\0\0\0\0\0\0two");
    assert_eq!(behind.bytes(), 0);

    let error = bad.pen.late.take().unwrap();
    assert_eq!(error.code, Code::LateWrite);
    assert!(error.message.starts_with("12 bytes that were written from byte 3 on"), "{error}");
    assert!(bad.pen.late.take().is_none() && good.pen.late.take().is_none());
}

#[test]
fn writes_that_touch_become_one_and_none_overtakes_another() {
    let (behind, keeper, node) = (Behind::new(1 << 20), keeper(), Arc::<Node>::default());
    let disk = tempfile::NamedTempFile::new().unwrap();
    let one = opened(disk.reopen().unwrap(), &node);
    let other = opened(disk.reopen().unwrap(), &node);
    let write = |who: &Opened, at, bytes: &[u8]| behind.write(&keeper, who, at, bytes).unwrap();
    write(&one, 0, b"aaaa");
    write(&one, 4, b"bb");
    write(&one, 2, b"cc");
    assert_eq!(node.pending.writes(), 1);
    write(&other, 1, b"dd");
    write(&one, 0, b"ee");
    assert_eq!(node.pending.writes(), 3, "those of others stand between");
    behind.flush(&node);
    assert_eq!(std::fs::read(disk.path()).unwrap(), b"eedcbb");
}

#[test]
fn who_writes_a_lot_writes_it_out() {
    let (behind, keeper, node) = (Behind::new(64 << 20), keeper(), Arc::<Node>::default());
    let disk = tempfile::NamedTempFile::new().unwrap();
    let one = opened(disk.reopen().unwrap(), &node);
    for piece in 0..1000 {
        behind.write(&keeper, &one, piece * 4096, &[1; 4096]).unwrap();
        assert!(behind.bytes() < 2 * FILE_BYTES_MAX as u64);
    }
}
