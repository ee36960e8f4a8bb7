//! From where a request comes. Loopback is a place and not a permission.
//!
//! A web page can make a browser on this machine send requests here. Such a request names a foreign
//! host (where the page's own name was made to point here), or carries an origin, or says that it
//! crosses sites. Every service refuses these before it looks at anything else.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};

/// The header in which a browser says from where a request comes.
pub const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request that is not for us, or not from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// It names no host, or several.
    #[error("the request must name one host")]
    Hosts,
    /// It names another one.
    #[error(
        "the request is addressed to another host; add its name to `listen.hosts` if it is ours"
    )]
    Host,
    /// A page of another origin sends it.
    #[error("web pages of other origins may not ask here")]
    Origin,
}

/// Returns the host that a request is addressed to, if that is a service which listens at `bound` and
/// has further names.
///
/// # Errors
/// Where the request names no host, several, or one that is not ours.
pub fn own_host<'a>(
    headers: &'a HeaderMap,
    bound: IpAddr,
    names: &[String],
) -> Result<&'a str, Foreign> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Foreign::Hosts) };
    let host = host.to_str().unwrap_or_default();
    let name = host.parse::<Authority>().ok().filter(is_host_and_port).map(|authority| {
        authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
    });
    let is_own = name.is_some_and(|name| {
        name == "localhost"
            || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback() || ip == bound)
            || names.iter().any(|known| known.eq_ignore_ascii_case(&name))
    });
    if is_own { Ok(host) } else { Err(Foreign::Host) }
}

/// Returns whether there is nothing but a host and perhaps a port. An authority can hold a user as
/// well, and behind the host what is no port.
fn is_host_and_port(authority: &Authority) -> bool {
    let rest = authority.as_str().strip_prefix(authority.host());
    rest.is_some_and(|rest| {
        rest.strip_prefix(':').unwrap_or(rest).bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Refuses what a web page of another origin sends.
///
/// # Errors
/// Where the request says that it comes from elsewhere.
pub fn refuse_foreign(headers: &HeaderMap, host: &str) -> Result<(), Foreign> {
    let crosses_sites = headers
        .get_all(FETCH_SITE)
        .iter()
        .any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    if names_other_origin(headers, host) || crosses_sites { Err(Foreign::Origin) } else { Ok(()) }
}

/// Returns whether a request carries an origin that is not the host's own.
#[must_use]
pub fn names_other_origin(headers: &HeaderMap, host: &str) -> bool {
    headers
        .get_all(ORIGIN)
        .iter()
        .any(|origin| origin.to_str().ok().and_then(|at| at.strip_prefix("http://")) != Some(host))
}
