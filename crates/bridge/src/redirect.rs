//! Where an answer leads: redirects, and what htmx is told.
//!
//! An engine follows no redirect of a scheme like ours, so what a browser does is done here. A page is
//! only ever led to a path of the app; what leads elsewhere is for the policy to judge.
//!
//! A script's request is followed natively, and `x-oriel-answered-at` tells the page's script where the
//! answer came from, which it gives to whoever asks for `responseURL`. So htmx does by itself what it
//! does in a browser: only a boosted request, or an element that says so, changes the address. For a
//! boosted one the address is said in a header as well (see [`history`]).

use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::origin::{AppOrigin, Place};

/// A request is led on so often; after that it is going round in circles.
pub const HOPS_MAX: u32 = 10;

const PUSH: HeaderName = HeaderName::from_static("hx-push-url");
const REPLACE: HeaderName = HeaderName::from_static("hx-replace-url");

/// The service that answers, as its answers name it.
#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// Its host and port.
    pub authority: &'a str,
    /// The origin under which pages have it.
    pub origin: AppOrigin,
}

/// Where something leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lead {
    /// To a place of the app, and there to a part of the page.
    Own {
        /// The place.
        place: Place,
        /// The part.
        fragment: Option<String>,
    },
    /// Elsewhere: the address as an engine reads it.
    Away(String),
    /// It cannot be read.
    Nowhere,
}

/// What a redirect asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Where to.
    pub lead: Lead,
    /// With which method.
    pub method: Method,
    /// Whether with the same body.
    pub keeps_body: bool,
}

/// Returns what an answer asks for if it is a redirect.
#[must_use]
pub fn hop(
    status: StatusCode,
    headers: &HeaderMap,
    method: &Method,
    here: &Place,
    served: Served<'_>,
) -> Option<Hop> {
    let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = headers.get(LOCATION).filter(|_| is_redirect)?;
    let becomes_get = match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => !matches!(*method, Method::GET | Method::HEAD),
        _ => false,
    };
    let lead = String::from_utf8(location.as_bytes().to_vec())
        .map_or(Lead::Nowhere, |to| lead(&to, here, served));
    let method = if becomes_get { Method::GET } else { method.clone() };
    Some(Hop { lead, method, keeps_body: !becomes_get })
}

/// Reads where a text leads that stands at a place.
#[must_use]
pub fn lead(to: &str, here: &Place, served: Served<'_>) -> Lead {
    let base = Url::parse(&format!("http://{}", served.authority));
    let Some(url) = base.as_ref().ok().and_then(|base| base.join(here.as_str()).ok()) else {
        return Lead::Nowhere;
    };
    let Ok(url) = url.join(to) else { return Lead::Nowhere };
    let is_service = base.is_ok_and(|base| base.origin() == url.origin())
        && url.username().is_empty()
        && url.password().is_none();
    if !is_service && !served.origin.holds(&url) {
        return Lead::Away(url.into());
    }
    let path = if url.path().is_empty() { "/" } else { url.path() };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    match Place::read(&format!("{path}{query}")) {
        Ok(place) => Lead::Own { place, fragment: url.fragment().map(str::to_owned) },
        Err(_) => Lead::Nowhere,
    }
}

/// Returns the header by which a boosted request that was led on has the address that it has in a
/// browser, unless the service says one itself.
///
/// A link to the page that one is on makes no second entry in the history.
#[must_use]
pub fn history(
    asked: &HeaderMap,
    answered: &HeaderMap,
    last: &Place,
    served: Served<'_>,
) -> Option<(HeaderName, HeaderValue)> {
    let is_said = ["hx-push", "hx-push-url", "hx-replace-url"]
        .iter()
        .any(|name| answered.contains_key(*name));
    if is_said || asked.get("hx-boosted").is_none_or(|value| value != "true") {
        return None;
    }
    let value = HeaderValue::from_str(last.as_str()).ok()?;
    let is_here = current(asked, served).is_some_and(|current| current.path() == last.path());
    Some((if is_here { REPLACE } else { PUSH }, value))
}

/// Returns the page that htmx says it is on.
#[must_use]
pub fn current(asked: &HeaderMap, served: Served<'_>) -> Option<Place> {
    let url = asked.get("hx-current-url")?.to_str().ok()?;
    let root = Place::read("/").ok()?;
    match lead(url, &root, served) {
        Lead::Own { place, .. } => Some(place),
        Lead::Away(_) | Lead::Nowhere => None,
    }
}

/// Makes every header that leads a page lead to a path of the app. Returns where htmx was to go
/// instead, if that is elsewhere.
///
/// What htmx is told is relative to the page, all else to where the answer is from.
pub fn keep_own(
    headers: &mut HeaderMap,
    page: &Place,
    from: &Place,
    served: Served<'_>,
) -> Option<Away> {
    let mut away = None;
    for (name, reads, is_going) in LEADING {
        let Some(value) = headers.remove(name) else { continue };
        let page = if name.starts_with("hx-") { page } else { from };
        let led = value.to_str().map_or(Led::Nowhere, |text| reads(text, page, served));
        match led {
            Led::Own(text) => {
                if let Ok(value) = HeaderValue::from_str(&text) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            }
            Led::Away(url) if is_going => away = away.or(Some(Away { header: name, url })),
            Led::Away(_) | Led::Nowhere => {}
        }
    }
    away
}

/// An address elsewhere to which htmx was to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// The header that said so.
    pub header: &'static str,
    /// The address, as an engine reads it.
    pub url: String,
}

/// What a header's value comes to.
enum Led {
    /// The value that leads to the same place of the app.
    Own(String),
    Away(String),
    Nowhere,
}

type Reads = fn(&str, &Place, Served<'_>) -> Led;

/// The headers that lead a page, how each is read, and whether it makes the page go there.
const LEADING: [(&str, Reads, bool); 7] = [
    ("hx-redirect", plain, true),
    ("hx-location", location, true),
    ("hx-push", pushed, false),
    ("hx-push-url", pushed, false),
    ("hx-replace-url", pushed, false),
    ("refresh", refresh, false),
    // Of an answer that is no redirect: where what was made is.
    ("location", plain, false),
];

fn plain(text: &str, page: &Place, served: Served<'_>) -> Led {
    match lead(text, page, served) {
        Lead::Own { place, fragment } => Led::Own(with_fragment(&place, fragment.as_deref())),
        Lead::Away(url) => Led::Away(url),
        Lead::Nowhere => Led::Nowhere,
    }
}

fn pushed(text: &str, page: &Place, served: Served<'_>) -> Led {
    if text == "false" { Led::Own(text.to_owned()) } else { plain(text, page, served) }
}

/// Reads `HX-Location`, which is an address or an object that has one.
fn location(text: &str, page: &Place, served: Served<'_>) -> Led {
    if !text.starts_with('{') {
        return plain(text, page, served);
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return Led::Nowhere };
    let Some(path) = fields.get("path").and_then(Value::as_str) else { return Led::Nowhere };
    match plain(path, page, served) {
        Led::Own(path) => {
            fields.insert("path".to_owned(), Value::String(path));
            Led::Own(Value::Object(fields).to_string())
        }
        led => led,
    }
}

/// Reads `Refresh`: seconds, and perhaps where to.
fn refresh(text: &str, page: &Place, served: Served<'_>) -> Led {
    let (seconds, to) = text.split_once([';', ',']).unwrap_or((text, ""));
    let (seconds, to) = (seconds.trim(), to.trim());
    if seconds.is_empty() || 6 < seconds.len() || !seconds.bytes().all(|it| it.is_ascii_digit()) {
        return Led::Nowhere;
    }
    if to.is_empty() {
        return Led::Own(seconds.to_owned());
    }
    let is_named = to.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("url="));
    let to = if is_named { &to[4..] } else { to };
    match plain(to.trim_matches(['"', '\'']), page, served) {
        Led::Own(to) => Led::Own(format!("{seconds};url={to}")),
        led => led,
    }
}

/// Returns a place with the part of its page.
#[must_use]
pub(crate) fn with_fragment(place: &Place, fragment: Option<&str>) -> String {
    match fragment {
        Some(fragment) => format!("{place}#{fragment}"),
        None => place.to_string(),
    }
}

#[cfg(test)]
mod tests;
