//! Any headers pass a bridge without what must not pass, and a second time as they are.

#![no_main]

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use oriel_bridge::headers::{answered, asked};
use oriel_bridge::origin::AppOrigin;

const AUTHORITY: &str = "127.0.0.1:3143";

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|&byte| byte == b'\n').take(200) {
        let at = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(at);
        let value = value.strip_prefix(b":").unwrap_or(value);
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    if let Ok(once) = asked(&headers) {
        for name in ["cookie", "origin", "host", "authorization", "x-oriel-authtok", "connection"] {
            assert!(!once.contains_key(name), "{name}");
        }
        assert_eq!(asked(&once).as_ref(), Ok(&once));
    }
    if let Ok(once) = answered(&headers, AUTHORITY, AppOrigin::Scheme) {
        assert!(!once.contains_key("set-cookie"));
        assert!(once.contains_key("content-security-policy"));
        if let Ok(twice) = answered(&once, AUTHORITY, AppOrigin::Scheme) {
            assert_eq!(twice, once);
        }
    }
});
