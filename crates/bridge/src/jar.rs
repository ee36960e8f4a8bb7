//! The cookies of one surface. The page never sees them, and only its service gets them.
//!
//! There is one service to a jar, so a cookie needs no domain, and one that names a domain is refused.
//! What a jar holds is bounded, and gone when the service is another one.

use std::time::{Duration, SystemTime};

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// A jar holds so many; then the oldest that the host did not grant goes.
pub const COOKIES_MAX: usize = 50;

/// A longer cookie, with its name, is refused.
pub const COOKIE_BYTES_MAX: usize = 4096;

/// The cookies of one request have so many bytes at most; the oldest ones are left out first.
pub const HEADER_BYTES_MAX: usize = 8 * 1024;

/// So many cookies of one answer are read.
const ANSWER_COOKIES_MAX: usize = 20;

/// No cookie is kept for longer.
const KEPT_MAX: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The cookies of a surface.
#[derive(Debug, Clone, Default)]
pub struct Jar {
    generation: Option<u64>,
    granted: Vec<(String, String)>,
    /// Oldest first.
    cookies: Vec<Cookie>,
}

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    expires: Option<SystemTime>,
    is_granted: bool,
}

impl Jar {
    /// Has the jar be that of a service. One of another generation begins with what the host was
    /// granted and nothing else; so does it where the grant is another.
    pub fn serve(&mut self, generation: u64, granted: &[(String, String)]) {
        if self.generation != Some(generation) {
            self.cookies.clear();
        } else if self.granted == granted {
            return;
        }
        self.generation = Some(generation);
        self.granted = granted.to_vec();
        self.cookies.retain(|cookie| !cookie.is_granted);
        for (name, value) in granted.iter().take(COOKIES_MAX) {
            if is_name(name) && is_value(value) && name.len() + value.len() <= COOKIE_BYTES_MAX {
                let (name, value, path) = (name.clone(), value.clone(), "/".to_owned());
                self.put(Cookie { name, value, path, expires: None, is_granted: true });
            }
        }
    }

    /// Takes the cookies that an answer to a request of this path sets. An answer of a service that is
    /// no longer there sets none.
    pub fn gather(&mut self, generation: u64, path: &str, headers: &HeaderMap, now: SystemTime) {
        if self.generation != Some(generation) {
            return;
        }
        for value in headers.get_all(SET_COOKIE).iter().take(ANSWER_COOKIES_MAX) {
            let cookie = value.to_str().ok().and_then(|text| Cookie::read(text, path, now));
            if let Some(cookie) = cookie {
                self.put(cookie);
            }
        }
        self.cookies.retain(|cookie| !cookie.has_expired(now));
    }

    /// Returns the header that carries what a request of this path is to carry.
    #[must_use]
    pub fn header(&self, path: &str, now: SystemTime) -> Option<HeaderValue> {
        let mut sent: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| !cookie.has_expired(now) && is_below(path, &cookie.path))
            .collect();
        let bytes = |cookie: &&Cookie| cookie.name.len() + cookie.value.len() + 3;
        while HEADER_BYTES_MAX < sent.iter().map(bytes).sum() {
            let oldest = sent.iter().position(|cookie| !cookie.is_granted).unwrap_or(0);
            sent.remove(oldest);
        }
        // The more exact path first, as browsers do, and the older first among equals.
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<_> =
            sent.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        if pairs.is_empty() {
            return None;
        }
        let mut value = HeaderValue::from_str(&pairs.join("; ")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cookies.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    fn put(&mut self, mut cookie: Cookie) {
        let same = |known: &Cookie| known.name == cookie.name && known.path == cookie.path;
        if let Some(at) = self.cookies.iter().position(same) {
            // The service may replace what it granted, and that stays as old as it was.
            cookie.is_granted |= self.cookies[at].is_granted;
            self.cookies[at] = cookie;
            return;
        }
        if COOKIES_MAX <= self.cookies.len() {
            let Some(oldest) = self.cookies.iter().position(|known| !known.is_granted) else {
                return;
            };
            self.cookies.remove(oldest);
        }
        self.cookies.push(cookie);
    }
}

impl Cookie {
    /// Reads what sets a cookie. There is nothing where it is not to be kept.
    fn read(text: &str, request_path: &str, now: SystemTime) -> Option<Self> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let fits = name.len() + value.len() <= COOKIE_BYTES_MAX;
        if !is_name(name) || !is_value(value) || !fits {
            return None;
        }
        let mut path = directory(request_path).to_owned();
        let (mut max_age, mut expires) = (None, None);
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match attribute.trim().to_ascii_lowercase().as_str() {
                "domain" => return None,
                "path" if value.starts_with('/') && value.len() <= COOKIE_BYTES_MAX => {
                    path = value.to_owned();
                }
                "max-age" => max_age = after(value, now).or(max_age),
                "expires" => expires = date(value).or(expires),
                // `HttpOnly`, `Secure` and `SameSite` keep a cookie from pages, which is so for all.
                _ => {}
            }
        }
        let latest = now.checked_add(KEPT_MAX);
        let expires = max_age.or(expires).map(|at| latest.map_or(at, |latest| at.min(latest)));
        let (name, value) = (name.to_owned(), value.to_owned());
        Some(Self { name, value, path, expires, is_granted: false })
    }

    fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl std::fmt::Debug for Cookie {
    /// Tells all but the value, which is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, path, expires, is_granted, .. } = self;
        write!(f, "Cookie({name} at {path}, until {expires:?}, granted: {is_granted})")
    }
}

/// Reads `Max-Age`. What is not above zero has passed already.
fn after(seconds: &str, now: SystemTime) -> Option<SystemTime> {
    if let Some(past) = seconds.strip_prefix('-') {
        let is_number = !past.is_empty() && past.bytes().all(|digit| digit.is_ascii_digit());
        return is_number.then_some(SystemTime::UNIX_EPOCH);
    }
    if seconds.is_empty() || !seconds.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    match seconds.parse() {
        Ok(0) => Some(SystemTime::UNIX_EPOCH),
        Ok(seconds) => now.checked_add(Duration::from_secs(seconds).min(KEPT_MAX)),
        // More digits than a number has are longer than anything is kept.
        Err(_) => now.checked_add(KEPT_MAX),
    }
}

/// Reads `Expires`, also with the dashes that some still write.
fn date(text: &str) -> Option<SystemTime> {
    let parsed = httpdate::parse_http_date(text);
    parsed.or_else(|_| httpdate::parse_http_date(&text.replace('-', " "))).ok()
}

fn is_name(name: &str) -> bool {
    let is_token = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'=' | b';' | b',' | b'"' | b'(' | b')')
    };
    !name.is_empty() && name.bytes().all(is_token)
}

fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| (byte == b' ' || byte.is_ascii_graphic()) && byte != b';')
}

/// Where a cookie belongs that does not say it.
fn directory(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

fn is_below(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || place.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
