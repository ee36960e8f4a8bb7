//! The bridge's own pages and parts of pages. They have no inline script or style, as the policy wants.

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::headers;
use crate::kind::Kind;
use crate::refused::Refused;

const GO: &str = "/__oriel/go.js";
const STYLE: &str = "/__oriel/page.css";

/// What htmx tells a page's scripts when there is something to say and nothing to show.
const NOTICE: &str = "oriel:notice";

const RETARGET: HeaderName = HeaderName::from_static("hx-retarget");
const RESWAP: HeaderName = HeaderName::from_static("hx-reswap");
const PUSH: HeaderName = HeaderName::from_static("hx-push-url");
const TRIGGER: HeaderName = HeaderName::from_static("hx-trigger");

/// Returns one of the bridge's own files.
pub(crate) fn asset(path: &str) -> Option<Response<Body>> {
    let (kind, text) = match path {
        GO => ("text/javascript; charset=utf-8", include_str!("assets/go.js")),
        STYLE => ("text/css; charset=utf-8", include_str!("assets/page.css")),
        _ => return None,
    };
    Some(answer(StatusCode::OK, kind, text.to_owned()))
}

/// Returns a page that goes on to another place and leaves no trace in the history.
///
/// The engine asks for that place itself, so the address is right, and what is shown once is asked for
/// once.
pub(crate) fn go(to: &str) -> Response<Body> {
    let to = escape(to);
    html(
        StatusCode::OK,
        "Oriel",
        &format!("<noscript><meta http-equiv=\"refresh\" content=\"0;url={to}\"></noscript>"),
        &format!(
            "<script src=\"{GO}\" data-to=\"{to}\"></script><p><a href=\"{to}\">Go on</a></p>"
        ),
    )
}

/// Returns a page that goes back to where one was, which is what a browser does by not leaving.
pub(crate) fn back(to: &str) -> Response<Body> {
    let to = escape(to);
    html(
        StatusCode::OK,
        "Oriel",
        &format!("<noscript><meta http-equiv=\"refresh\" content=\"0;url={to}\"></noscript>"),
        &format!(
            "<script src=\"{GO}\" data-back=\"{to}\"></script><p><a href=\"{to}\">Back</a></p>"
        ),
    )
}

/// Returns what htmx takes for an answer that changes nothing, with something to say.
pub(crate) fn nothing(notice: Option<&str>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(text) = notice {
        // Header values are ASCII, and JSON can say everything else in it.
        let told = serde_json::json!({ NOTICE: { "text": text } }).to_string();
        if let Ok(value) = HeaderValue::from_str(&ascii(&told)) {
            response.headers_mut().insert(TRIGGER, value);
        }
    }
    dressed(response)
}

/// Returns what says that a file was saved. The page that asked stays as it is.
pub(crate) fn saved(kind: Kind, name: &str, back_to: &str) -> Response<Body> {
    let text = format!("Saved as {name}.");
    if kind == Kind::Htmx {
        return on_top(StatusCode::OK, "said-ok", &text);
    }
    let (text, to) = (escape(&text), escape(back_to));
    let body =
        format!("<h1>Saved</h1><p role=\"status\">{text}</p><p><a href=\"{to}\">Back</a></p>");
    html(StatusCode::OK, "Saved", "", &body)
}

/// Where a person can go from a refusal.
pub(crate) struct Ways<'a> {
    pub(crate) method: &'a Method,
    /// What was asked for, if it can be asked for again.
    pub(crate) again: Option<&'a str>,
    /// Where they came from.
    pub(crate) back: &'a str,
    /// The page asks for its news, and shows in its own way that there are none.
    pub(crate) is_news: bool,
}

/// Returns what says why something is not shown.
pub(crate) fn refused(kind: Kind, refused: &Refused, ways: &Ways<'_>) -> Response<Body> {
    let (status, title) = (refused.status(), refused.title());
    let reason = sentence(&refused.to_string());
    let again = ways.again.filter(|_| *ways.method == Method::GET);
    let again = again
        .map_or_else(String::new, |place| format!("<a href=\"{}\">Try again</a>", escape(place)));
    let (reason_html, back) = (escape(&reason), escape(ways.back));
    let links = format!("<p>{again}<a href=\"{back}\">Back</a></p>");
    let mut response = match kind {
        Kind::Document => {
            html(status, title, "", &format!("<h1>{title}</h1><p>{reason_html}</p>{links}"))
        }
        Kind::Htmx if matches!(refused, Refused::Save(_)) => on_top(status, "said-bad", &reason),
        Kind::Htmx => {
            let body = format!(
                "<title>{title} · Oriel</title><h1>{title}</h1>\
                 <p class=\"said said-bad\" role=\"alert\">{reason_html}</p>{links}"
            );
            let mut response = answer(status, HTML, body);
            let headers = response.headers_mut();
            if ways.is_news {
                headers.insert(RESWAP, HeaderValue::from_static("none"));
            } else {
                headers.insert(RETARGET, HeaderValue::from_static("#main"));
                headers.insert(RESWAP, HeaderValue::from_static("innerHTML"));
                if *ways.method != Method::GET {
                    headers.insert(PUSH, HeaderValue::from_static("false"));
                }
            }
            response
        }
        Kind::Part => answer(status, "text/plain; charset=utf-8", format!("{reason}\n")),
    };
    let headers = response.headers_mut();
    match refused {
        Refused::Busy => _ = headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
        Refused::Method => {
            let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
            headers.insert(ALLOW, methods);
        }
        _ => {}
    }
    response
}

/// Returns what is put above a page, which stays.
fn on_top(status: StatusCode, class: &str, text: &str) -> Response<Body> {
    let text = escape(text);
    let body = format!("<p class=\"said {class}\" role=\"status\">{text}</p>");
    let mut response = answer(status, HTML, body);
    let headers = response.headers_mut();
    headers.insert(RETARGET, HeaderValue::from_static("#main"));
    headers.insert(RESWAP, HeaderValue::from_static("afterbegin"));
    headers.insert(PUSH, HeaderValue::from_static("false"));
    response
}

const HTML: &str = "text/html; charset=utf-8";

fn html(status: StatusCode, title: &str, head: &str, body: &str) -> Response<Body> {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"stylesheet\" href=\"{STYLE}\">\n{head}\n</head>\n\
         <body>\n{body}\n</body>\n</html>\n"
    );
    answer(status, HTML, page)
}

fn answer(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    dressed(response)
}

fn dressed(mut response: Response<Body>) -> Response<Body> {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers::finish(headers);
    response
}

/// Makes a sentence of an error's text.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

/// Escapes what HTML gives a meaning.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(it),
        }
    }
    escaped
}

/// Writes JSON in ASCII alone.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for it in json.chars() {
        if it.is_ascii() {
            text.push(it);
        } else {
            for unit in it.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_text_and_what_is_told_is_ascii() {
        assert_eq!(escape("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
        assert_eq!(ascii("é😀\""), "\\u00e9\\ud83d\\ude00\"");
        assert_eq!(sentence("the file is long"), "The file is long.");
    }
}
