//! Whatever a frame holds, either side reads it whole or refuses it whole, what is read is written the same
//! to the last byte, and no path or link in it leads out of the root.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_wire::sync::{Change, Down, Entry, RelPath, Snapshot, Up};

fuzz_target!(|frame: &[u8]| {
    if let Ok(message) = Up::decode(frame) {
        assert_eq!(message.encode().expect("a message can be written"), frame);
        if let Up::Propose(propose) = &message {
            propose
                .proposals
                .iter()
                .for_each(|proposal| stays_inside(&proposal.path, &proposal.new));
        }
    }
    let Ok(message) = Down::decode(frame) else { return };
    assert_eq!(message.encode().expect("a message can be written"), frame);
    match &message {
        Down::SnapPage(page) => {
            let mut snapshot = Snapshot::new();
            for change in &page.changes {
                let _ = snapshot.admit(change);
            }
            page.changes.iter().for_each(changed);
        }
        Down::Delta(delta) => delta.changes.iter().for_each(changed),
        Down::Late(late) => stays_inside(&late.path, &late.entry),
        _ => {}
    }
});

fn changed(change: &Change) {
    stays_inside(&change.path, &change.entry);
}

fn stays_inside(path: &RelPath, entry: &Entry) {
    let mut depth = 0_i64;
    for part in path.parts() {
        assert!(!part.is_empty() && part != "." && part != ".." && !part.contains(['\0', '\\']));
        depth += 1;
    }
    assert_ne!(path.parts().next(), Some(".oriel"));
    let Entry::Symlink { target } = entry else { return };
    assert!(!target.as_str().starts_with('/'));
    depth -= 1;
    for part in target.as_str().split('/') {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        assert!(0 <= depth, "{path} -> {target}");
    }
}
