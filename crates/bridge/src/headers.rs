//! Which headers pass, each way.
//!
//! A request says nothing of who asks or from where that the bridge does not say itself. An answer sets
//! nothing that outlives its page, and opens nothing to others.

use axum::http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ORIGIN, REFERER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::csp;
use crate::origin::AppOrigin;

/// More headers are refused.
pub const COUNT_MAX: usize = 100;

/// More bytes of names and values together are refused. A service takes heads of twice that.
pub const BYTES_MAX: usize = 32 * 1024;

/// The header in which the console's pages carry what their forms carry in a field. It is the only one
/// of ours that a page may send: it proves that the page was made for the session, and a page that
/// does not know it cannot make it up. All others say who asks, which is not a page's to say.
const CSRF: &str = "x-oriel-csrf";

/// Where a followed answer really came from, for the page's script: engines tell pages of schemes like
/// ours only what was asked first.
pub const ANSWERED_AT: HeaderName = HeaderName::from_static("x-oriel-answered-at");

/// What belongs to one connection and not to what is said over it.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// What a page may not say: who asks, from where, with which right; what the bridge says itself; and
/// what would make of a request another one than was checked.
const NOT_ASKED: [&str; 14] = [
    "accept-encoding",
    "authorization",
    "content-length",
    "cookie",
    "cookie2",
    "forwarded",
    "host",
    "origin",
    "referer",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
];

const NOT_ASKED_BEGINS: [&str; 5] =
    ["access-control-", "proxy-", "sec-", "x-forwarded-", "x-oriel-"];

/// What an answer may not set: cookies, which the bridge keeps; what reaches beyond this page; and
/// where reports about it are sent.
const NOT_ANSWERED: [&str; 16] = [
    "alt-svc",
    "clear-site-data",
    "content-security-policy-report-only",
    "expect-ct",
    "link",
    "nel",
    "origin-trial",
    "public-key-pins",
    "public-key-pins-report-only",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "x-dns-prefetch-control",
];

const NOT_ANSWERED_BEGINS: [&str; 3] = ["access-control-", "proxy-", "x-oriel-"];

/// Headers that are not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// There are too many.
    #[error("there are more than {COUNT_MAX} headers; send fewer")]
    TooMany,
    /// They are too long.
    #[error("the headers are longer than {BYTES_MAX} bytes; send shorter ones")]
    TooLong,
    /// Another origin's page asks.
    #[error("only this window's own pages may ask here")]
    Foreign,
    /// The body is packed in a way that nobody asked for.
    #[error("the answer is packed, which was not asked for")]
    Packed,
}

/// Refuses what says that it comes from a page of another origin.
///
/// # Errors
/// Where it does.
pub fn refuse_foreign(headers: &HeaderMap, origin: AppOrigin) -> Result<(), HeaderError> {
    let is_own_origin = |value: &HeaderValue| value.as_bytes() == origin.as_str().as_bytes();
    let is_own_page = |value: &HeaderValue| {
        let rest = value.to_str().ok().and_then(|page| page.strip_prefix(origin.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    };
    let is_own_site = |value: &HeaderValue| matches!(value.as_bytes(), b"same-origin" | b"none");
    let is_own = headers.get_all(ORIGIN).iter().all(is_own_origin)
        && headers.get_all(REFERER).iter().all(is_own_page)
        && headers.get_all("sec-fetch-site").iter().all(is_own_site);
    if is_own { Ok(()) } else { Err(HeaderError::Foreign) }
}

/// Returns what of a request's headers the service hears.
///
/// # Errors
/// Where there are too many, or they are too long.
pub fn asked(headers: &HeaderMap) -> Result<HeaderMap, HeaderError> {
    let mut kept = passed(headers, &NOT_ASKED, &NOT_ASKED_BEGINS, &[CSRF])?;
    // Without a word about it a service may pack its answer, and engines unpack none of a scheme.
    kept.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(kept)
}

/// Returns what of an answer's headers the page sees, with what every answer has. Where the page may
/// call native commands, its policy lets it.
///
/// # Errors
/// Where there are too many, they are too long, or the body is packed.
pub fn answered(
    headers: &HeaderMap,
    authority: &str,
    origin: AppOrigin,
) -> Result<HeaderMap, HeaderError> {
    let is_packed = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(is_packed) {
        return Err(HeaderError::Packed);
    }
    let mut kept = passed(headers, &NOT_ANSWERED, &NOT_ANSWERED_BEGINS, &[])?;
    csp::widen(&mut kept, authority, origin);
    finish(&mut kept);
    Ok(kept)
}

/// Adds what every answer of the app origin has.
pub(crate) fn finish(headers: &mut HeaderMap) {
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(csp::STRICT);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn passed(
    headers: &HeaderMap,
    not: &[&str],
    not_begins: &[&str],
    but: &[&str],
) -> Result<HeaderMap, HeaderError> {
    if COUNT_MAX < headers.len() {
        return Err(HeaderError::TooMany);
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if BYTES_MAX < bytes {
        return Err(HeaderError::TooLong);
    }
    let named = named_by_connection(headers);
    let passes = |name: &str| {
        but.contains(&name)
            || !(HOP_BY_HOP.contains(&name)
                || not.contains(&name)
                || not_begins.iter().any(|begin| name.starts_with(begin))
                || named.iter().any(|other| other.eq_ignore_ascii_case(name)))
    };
    let kept = headers.iter().filter(|(name, _)| passes(name.as_str()));
    Ok(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The headers that one side says belong to the connection.
fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests;
