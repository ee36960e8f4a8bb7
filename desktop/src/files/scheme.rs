//! Files as requests: `orielfs://localhost/call` takes a message, and
//! `orielfs://localhost/file/<workspace>/<path>` is a file, with ranges, for what an engine asks for by
//! itself: pictures, films, `fetch`.
//!
//! A scheme answers every window that asks, so who asks is checked here, and refused by default.

use std::sync::Arc;

use axum::http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::response::Builder;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use oriel_bridge::policy::is_workbench;
use oriel_hostfs::{FileError, Surface};
use oriel_wire::hostfs::{Code, Create, Failed, Mode, Open};
use tauri::UriSchemeResponder;

use super::LABEL;
use super::kinds::kind_of;
use super::range::{Ranged, ranged};
use crate::desktop::Desktop;
use crate::trace::Event;
use crate::windows::address;

/// The name that the scheme is registered under.
pub(crate) const SCHEME: &str = "orielfs";

/// The engine takes an answer whole. Of a file that is longer a range is to be asked for, and of a range
/// that is longer the beginning comes.
pub(super) const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where a message is sent.
const CALL: &str = "/call";

/// Below this are files.
const FILE: &str = "/file/";

/// What was asked for, as far as it was checked.
enum Asked {
    Call(Vec<u8>),
    File {
        open: Open,
        range: Option<String>,
        is_head: bool,
    },
    /// The engine asks whether a page may ask.
    Leave,
}

/// Answers a request.
pub(crate) fn answer(
    desktop: &Arc<Desktop>,
    label: &str,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    if !may_ask(desktop, label, &request) {
        desktop.traces.tell(Event::CommandRefused { surface: label, command: SCHEME });
        return responder
            .respond(refused(StatusCode::FORBIDDEN, "This page may not ask for files."));
    }
    let asked = match read(request) {
        Ok(asked) => asked,
        Err(status) => return responder.respond(refused(status, "There is nothing here.")),
    };
    let desktop = Arc::clone(desktop);
    tauri::async_runtime::spawn(async move {
        responder.respond(match asked {
            Asked::Leave => plain(StatusCode::NO_CONTENT).body(Vec::new()).unwrap_or_default(),
            Asked::Call(message) => match desktop.files.ask(message).await {
                Ok(bytes) => plain(StatusCode::OK)
                    .header(CONTENT_TYPE, "application/octet-stream")
                    .body(bytes)
                    .unwrap_or_default(),
                Err(why) => refused(StatusCode::SERVICE_UNAVAILABLE, &why),
            },
            Asked::File { open, range, is_head } => {
                let read = move |surface: &Surface| file(surface, &open, range.as_deref(), is_head);
                match desktop.files.with_surface(read).await {
                    Ok(response) => response,
                    Err(why) => refused(StatusCode::SERVICE_UNAVAILABLE, &why),
                }
            }
        });
    });
}

/// Checks who asks: the workbench's own page, by what the engine loaded. A picture's request says nothing
/// of its origin; what carries a body has to.
fn may_ask(desktop: &Desktop, label: &str, request: &Request<Vec<u8>>) -> bool {
    let is_page = label == LABEL && desktop.shown(label).is_some_and(|path| is_workbench(&path));
    let needs_origin = !matches!(*request.method(), Method::GET | Method::HEAD);
    let is_place = request.uri().host() == Some("localhost") && request.uri().port().is_none();
    is_page && is_place && is_own(request.headers(), needs_origin)
}

/// Returns whether a request is of our origin, as far as it says, and it says so where it has to.
fn is_own(headers: &HeaderMap, has_to_say: bool) -> bool {
    let mut said = headers.get_all(ORIGIN).iter().peekable();
    (said.peek().is_some() || !has_to_say) && said.all(|value| value.as_bytes() == own().as_bytes())
}

fn own() -> String {
    address("/").as_str().trim_end_matches('/').to_owned()
}

fn read(request: Request<Vec<u8>>) -> Result<Asked, StatusCode> {
    let path = request.uri().path();
    let method = request.method();
    if *method == Method::OPTIONS {
        return Ok(Asked::Leave);
    }
    if path == CALL {
        return match *method {
            Method::POST => Ok(Asked::Call(request.into_body())),
            _ => Err(StatusCode::METHOD_NOT_ALLOWED),
        };
    }
    let (workspace, path) = path
        .strip_prefix(FILE)
        .and_then(|rest| rest.split_once('/'))
        .and_then(|(workspace, path)| Some((unescaped(workspace)?, unescaped(path)?)))
        .ok_or(StatusCode::NOT_FOUND)?;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let is_head = *method == Method::HEAD;
    let range = request.headers().get(RANGE).and_then(|range| range.to_str().ok());
    let range = range.map(str::to_owned);
    let open = Open {
        workspace,
        path,
        mode: Mode::Read,
        create: Create::Never,
        truncate: false,
        direct: false,
    };
    Ok(Asked::File { open, range, is_head })
}

/// Reads a text in which bytes may be written as `%` and two digits. There is nothing where it is none.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        rest = after;
        let digit = |digit: u8| (digit as char).to_digit(16).and_then(|it| u8::try_from(it).ok());
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn file(surface: &Surface, open: &Open, range: Option<&str>, is_head: bool) -> Response<Vec<u8>> {
    let (handle, stat) = match surface.open(open) {
        Ok(opened) => opened,
        Err(error) => return failed(&error),
    };
    let range = ranged(range, stat.length);
    let part = match range {
        Ranged::Whole => 0..stat.length,
        Ranged::Part(ref part) => part.start..part.end.min(part.start + ANSWER_BYTES_MAX),
        Ranged::Nowhere => 0..0,
    };
    let is_too_long = !is_head && ANSWER_BYTES_MAX < part.end - part.start;
    let mut bytes = Vec::new();
    let mut came = Ok(());
    if !is_head && !is_too_long {
        let length = part.end - part.start;
        came = surface.fly(length).and_then(|_flight| {
            bytes = vec![0; usize::try_from(length).unwrap_or_default()];
            fill(surface, handle, part.start, &mut bytes)
        });
    }
    // It was opened to be read, so nothing is left to go wrong.
    _ = surface.close(handle);
    if let Err(error) = came {
        return failed(&error);
    }
    let answer = plain(match range {
        _ if is_too_long => StatusCode::PAYLOAD_TOO_LARGE,
        Ranged::Whole => StatusCode::OK,
        Ranged::Part(_) => StatusCode::PARTIAL_CONTENT,
        Ranged::Nowhere => StatusCode::RANGE_NOT_SATISFIABLE,
    });
    let answer = answer.header(CONTENT_TYPE, kind_of(&open.path)).header(ACCEPT_RANGES, "bytes");
    let answer = match range {
        Ranged::Whole => answer,
        Ranged::Part(_) => answer.header(
            CONTENT_RANGE,
            format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), stat.length),
        ),
        Ranged::Nowhere => answer.header(CONTENT_RANGE, format!("bytes */{}", stat.length)),
    };
    let length = if is_head { part.end - part.start } else { bytes.len() as u64 };
    answer.header(CONTENT_LENGTH, length).body(bytes).unwrap_or_default()
}

/// Reads until all is there. What is missing because the file became shorter is an error: its length was
/// told already.
fn fill(
    surface: &Surface,
    handle: oriel_hostfs::Handle,
    start: u64,
    bytes: &mut [u8],
) -> Result<(), FileError> {
    let mut done = 0;
    while done < bytes.len() {
        let came = surface.read_at(handle, start + done as u64, &mut bytes[done..])?;
        if came == 0 {
            return Err(FileError {
                code: Code::CutShort,
                message: "the file became shorter while it was read".to_owned(),
                hint: Some("read it again"),
                path: None,
            });
        }
        done += came;
    }
    Ok(())
}

fn failed(error: &FileError) -> Response<Vec<u8>> {
    let status = match error.code {
        Code::NotFound | Code::BadName | Code::NotAFile | Code::NotAFolder | Code::Gone => {
            StatusCode::NOT_FOUND
        }
        Code::NoGrant | Code::Outside | Code::Denied | Code::NotPermitted | Code::Revoked => {
            StatusCode::FORBIDDEN
        }
        Code::TooMany | Code::Busy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    told(status, &error.to_wire())
}

fn told(status: StatusCode, failed: &Failed) -> Response<Vec<u8>> {
    let bytes = serde_json::to_vec(failed).unwrap_or_default();
    plain(status).header(CONTENT_TYPE, "application/json").body(bytes).unwrap_or_default()
}

fn refused(status: StatusCode, why: &str) -> Response<Vec<u8>> {
    let text = format!("{why}\n").into_bytes();
    plain(status).header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text).unwrap_or_default()
}

/// Begins an answer with what every answer has: only our pages may read it, and were it shown as a page
/// it would do nothing.
fn plain(status: StatusCode) -> Builder {
    Response::builder()
        .status(status)
        .header(CACHE_CONTROL, "no-store")
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        .header("cross-origin-resource-policy", "cross-origin")
        .header(ACCESS_CONTROL_ALLOW_ORIGIN, own())
        .header(ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST")
        .header(ACCESS_CONTROL_ALLOW_HEADERS, "content-type, range")
        .header(ACCESS_CONTROL_EXPOSE_HEADERS, "accept-ranges, content-length, content-range")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use oriel_hostfs::{Config, Files, Grant, Grants, Limits};
    use oriel_wire::hostfs::WorkspaceAccess;

    use super::*;

    #[test]
    fn a_path_is_read_as_it_was_escaped_or_not_at_all() {
        for (text, expected) in [
            ("a/b.txt", Some("a/b.txt")),
            ("a%2Fb%20c", Some("a/b c")),
            ("100%25+x", Some("100%+x")),
            ("%c3%a4", Some("ä")),
            ("", Some("")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%ff", None),
            ("a%00b", None),
        ] {
            assert_eq!(unescaped(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn only_our_own_origin_may_ask_and_what_has_a_body_says_so() {
        let with = |origins: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append(ORIGIN, HeaderValue::from_static(origin));
            }
            headers
        };
        assert!(is_own(&with(&[]), false) && !is_own(&with(&[]), true));
        let ours: &str = Box::leak(own().into_boxed_str());
        assert!(is_own(&with(&[ours]), true) && is_own(&with(&[ours]), false));
        for other in ["null", "https://example.org", "oriel://elsewhere", ""] {
            assert!(!is_own(&with(&[other]), false), "{other}");
            assert!(!is_own(&with(&[ours, other]), true), "{other}");
        }
    }

    #[test]
    fn many_long_files_at_once_do_not_fill_the_hosts_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        std::fs::write(path.join("a"), vec![7; 1000]).unwrap();
        let grant = Grant::new("w", LABEL, path, WorkspaceAccess::Read);
        let limits = Limits { flight_bytes_max: 1500, ..Limits::default() };
        let surface =
            Files::new(Config { grants: Grants::fixed(vec![grant]), limits }).surface(LABEL);
        let (workspace, path) = ("w".to_owned(), "a".to_owned());
        let (mode, create) = (Mode::Read, Create::Never);
        let open = Open { workspace, path, mode, create, truncate: false, direct: false };
        let others = surface.fly(1000).unwrap();
        assert_eq!(file(&surface, &open, None, false).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(file(&surface, &open, Some("bytes=0-99"), false).body().len(), 100);
        assert_eq!(file(&surface, &open, None, true).status(), StatusCode::OK, "no bytes go");
        drop(others);
        assert_eq!(file(&surface, &open, None, false).body().len(), 1000);
        assert_eq!(surface.limits_used().handles, 0);
    }

    #[test]
    fn what_is_asked_for_is_a_message_or_a_file_and_nothing_else() {
        let ask = |method: &str, path: &str| {
            let uri = format!("orielfs://localhost{path}");
            read(Request::builder().method(method).uri(uri).body(vec![7]).unwrap())
        };
        assert!(matches!(ask("POST", "/call"), Ok(Asked::Call(body)) if body == [7]));
        assert!(matches!(
            ask("GET", "/file/w/a%20b/c"),
            Ok(Asked::File { open, range: None, is_head: false })
                if open.workspace == "w" && open.path == "a b/c"
        ));
        assert!(matches!(ask("HEAD", "/file/w/c"), Ok(Asked::File { is_head: true, .. })));
        assert!(matches!(ask("OPTIONS", "/call"), Ok(Asked::Leave)));
        for (method, path) in [
            ("GET", "/call"),
            ("POST", "/file/w/c"),
            ("GET", "/"),
            ("GET", "/file/w"),
            ("PUT", "/x"),
        ] {
            assert!(ask(method, path).is_err(), "{method} {path}");
        }
    }
}
