//! Whatever a frame holds, both ends read it or say why not, and what they read they write the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_wire::gateway::{ServerFrame, read_client};

fuzz_target!(|text: &str| {
    match read_client(text) {
        Ok(frame) => {
            let again = serde_json::to_string(&frame).expect("a message can be written");
            assert_eq!(read_client(&again).expect("and read again"), frame);
        }
        Err(error) => assert!(!error.message.is_empty()),
    }
    let Ok(frame) = ServerFrame::read(text) else { return };
    let again = match &frame {
        ServerFrame::Event(event) => serde_json::to_string(event),
        ServerFrame::Reply(reply) => serde_json::to_string(reply),
        ServerFrame::Other(raw) => serde_json::to_string(&raw.fields),
    };
    let again = again.expect("a frame can be written");
    assert_eq!(ServerFrame::read(&again).expect("and read again"), frame);
});
