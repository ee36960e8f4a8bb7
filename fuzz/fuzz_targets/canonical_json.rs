//! Canonical text is JSON, and its own canonical text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oriel_wire::json::{canonical, mend_lone_surrogates};
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|bytes: &[u8]| {
    // Ingest mends a body first; the rewriting promises to stand without that.
    check(bytes);
    let mut mended = bytes.to_vec();
    mend_lone_surrogates(&mut mended);
    assert_eq!(mended.len(), bytes.len(), "mending keeps the length");
    if mended != bytes {
        check(&mended);
    }
});

fn check(bytes: &[u8]) {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(bytes) else { return };
    // What nests too deeply is refused; that it is refused without a crash is all there is to see.
    let Ok(once) = canonical(raw.get()) else { return };
    if let Err(error) = serde_json::from_str::<Value>(&once) {
        panic!("canonical text is not JSON: {error}\n{once}");
    }
    let twice = canonical(&once).expect("canonical text nests no deeper than what it was made of");
    assert_eq!(twice, once, "canonical text is stable");
}
