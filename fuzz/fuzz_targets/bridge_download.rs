//! Whatever name is suggested, the file's own is harmless and free.

#![no_main]

use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use oriel_bridge::download::{NAME_BYTES_MAX, attached, clean, free_name};

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    if let Some(name) = attached(&headers, "/costs.csv") {
        harmless(&name);
    }
    harmless(&clean(&String::from_utf8_lossy(bytes)));
});

fn harmless(name: &str) {
    assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX, "{name}");
    let is_odd = |it: char| it.is_control() || matches!(it, '/' | '\\' | ':' | '\u{202e}');
    assert!(
        !name.contains(is_odd) && !name.starts_with('.') && !name.ends_with(['.', ' ']),
        "{name}"
    );
    assert_eq!(clean(name), name);
    let second = free_name(name, |taken| taken == name).expect("only one is taken");
    assert!(second != name && second.len() < 255, "{second}");
}
