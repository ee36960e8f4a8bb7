//! The workbench's page, which is built into the program, below `/client/`.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::response::Builder;
use axum::http::{Method, Response, StatusCode};
use oriel_bridge::SHIM;
use oriel_bridge::policy::is_workbench;

/// Each file, by its path below the folder in which the page was made.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/client.rs"));

/// The page itself.
const PAGE: &str = "index.html";

/// Scripts are ours, and may be of WebAssembly; they ask the host and nobody else. A worker's script has
/// the same policy.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
    style-src 'self'; font-src 'self'; img-src 'self' data: blob: orielfs:; \
    media-src 'self' blob: orielfs:; connect-src 'self' ipc: http://ipc.localhost orielfs:; \
    frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is shown where the page was not built in.
const MISSING: &str = include_str!("../pages/client.html");

/// Answers a request below `/client/`.
pub(crate) fn answer(method: &Method, path: &str) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return said(StatusCode::METHOD_NOT_ALLOWED, "A page is got and not sent.\n");
    }
    match (find(FILES, path), is_workbench(path)) {
        (Some((name, bytes)), _) => {
            // What the builder names after its content never changes under its name.
            let is_fixed = name.starts_with("assets/") || name.contains("/assets/");
            let kept = if is_fixed { "max-age=31536000, immutable" } else { "no-cache" };
            begun(StatusCode::OK, kind_of(name))
                .header(CACHE_CONTROL, kept)
                .body(Body::from(content(name, bytes)))
                .expect("the headers are plain")
        }
        (None, true) if FILES.is_empty() => {
            let answer = begun(StatusCode::OK, "text/html; charset=utf-8");
            answer
                .header(CACHE_CONTROL, "no-store")
                .body(Body::from(MISSING))
                .expect("the headers are plain")
        }
        (None, _) => said(StatusCode::NOT_FOUND, "The workbench has no such file.\n"),
    }
}

/// Returns what a file has in it, and before a script what keeps the engine from taking a Blob to a scheme
/// of ours, by which the host would die. A page has that before its first script; a worker has nothing but
/// its own scripts, and any script of ours may be a worker's. Where it is there already it does nothing.
fn content(name: &str, bytes: &'static [u8]) -> Cow<'static, [u8]> {
    if kind_of(name).starts_with("text/javascript") {
        Cow::Owned([SHIM.as_bytes(), b"\n", bytes].concat())
    } else {
        Cow::Borrowed(bytes)
    }
}

/// Finds the file of a path. What lies below the workbench may lie above it too, so that a builder can
/// put all of it into one folder; and what is no file below the workbench is its page.
fn find<'a>(files: &'a [(&str, &[u8])], path: &str) -> Option<&'a (&'a str, &'a [u8])> {
    let named = |name: &str| files.iter().find(|(known, _)| *known == name);
    let path = path.strip_prefix("/client/")?;
    let below = path.strip_prefix("workbench").map(|below| below.trim_start_matches('/'));
    let is_page =
        below.is_some_and(|below| !below.rsplit('/').next().unwrap_or_default().contains('.'));
    if is_page {
        return named("workbench/index.html").or_else(|| named(PAGE));
    }
    named(path).or_else(|| named(below?))
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn said(status: StatusCode, text: &'static str) -> Response<Body> {
    begun(status, "text/plain; charset=utf-8")
        .header(CACHE_CONTROL, "no-store")
        .body(Body::from(text))
        .expect("the headers are plain")
}

/// Begins an answer. No page of another origin shares anything with this one, so its memory may be shared
/// between its own threads.
fn begun(status: StatusCode, kind: &str) -> Builder {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .header(CONTENT_SECURITY_POLICY, POLICY)
        .header("cross-origin-opener-policy", "same-origin")
        .header("cross-origin-embedder-policy", "require-corp")
        .header("cross-origin-resource-policy", "same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_file_and_the_workbench_finds_its_page() {
        let files: &[(&str, &[u8])] =
            &[("index.html", b"page"), ("assets/a.js", b"a"), ("workbench/b.wasm", b"b")];
        let text = |path: &str| find(files, path).map(|(_, bytes)| *bytes);
        for path in ["/client/workbench", "/client/workbench/", "/client/workbench/files/x"] {
            assert_eq!(text(path), Some(&b"page"[..]), "{path}");
        }
        assert_eq!(text("/client/assets/a.js"), Some(&b"a"[..]));
        assert_eq!(text("/client/workbench/assets/a.js"), Some(&b"a"[..]));
        assert_eq!(text("/client/workbench/b.wasm"), Some(&b"b"[..]));
        for path in ["/client/", "/client/none.js", "/client/workbench/none.js", "/index.html"] {
            assert_eq!(text(path), None, "{path}");
        }
    }

    #[test]
    fn whatever_may_be_a_workers_script_begins_with_what_spares_the_engine_a_blob() {
        for (name, is_script) in
            [("assets/a.js", true), ("workbench/b.mjs", true), ("a.wasm", false), ("a.html", false)]
        {
            let content = content(name, b"ours");
            assert_eq!(content.starts_with(SHIM.as_bytes()), is_script, "{name}");
            assert!(content.ends_with(b"ours"));
        }
    }

    #[test]
    fn every_answer_has_the_policy_and_keeps_others_out() {
        for path in ["/client/workbench/", "/client/none.js"] {
            let answer = answer(&Method::GET, path);
            let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("content-security-policy"), POLICY);
            assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        }
        let posted = answer(&Method::POST, "/client/workbench/");
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
