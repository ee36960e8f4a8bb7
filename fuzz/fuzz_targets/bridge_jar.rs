//! Whatever a service sets, a jar keeps to its limits and sends nothing that expired.

#![no_main]

use std::time::{Duration, SystemTime};

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use oriel_bridge::jar::{COOKIES_MAX, HEADER_BYTES_MAX, Jar};

fuzz_target!(|bytes: &[u8]| {
    let mut jar = Jar::default();
    jar.serve(1, &[("session".to_owned(), "granted".to_owned())]);
    let mut now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for line in bytes.split(|&byte| byte == b'\n').take(500) {
        let (path, text) =
            line.split_at(line.len().min(line.first().map_or(0, |it| usize::from(it % 8))));
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(text) {
            headers.append(SET_COOKIE, value);
        }
        let path = String::from_utf8_lossy(path);
        jar.gather(1, &path, &headers, now);
        assert!(jar.len() <= COOKIES_MAX);
        assert!(jar.header(&path, now).is_none_or(|it| it.len() <= HEADER_BYTES_MAX));
        now += Duration::from_secs(7);
    }
    jar.serve(2, &[]);
    assert!(jar.is_empty() && jar.header("/", now).is_none());
});
