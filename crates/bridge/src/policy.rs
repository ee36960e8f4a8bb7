//! Where a page may lead. One pure function answers for every hook that could lead somewhere.
//!
//! It decides by the address as an engine reads it and not as it is written, so whatever spelling an
//! address has, it is judged by what it means. What nobody thought of is denied.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::address::is_public;
use crate::origin::AppOrigin;
use crate::surface::Surface;

/// A longer address is denied; no page needs one.
const URL_BYTES_MAX: usize = 8 * 1024;

/// A text that is longer than this is denied unread.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Below this path are the host's own pages.
pub(crate) const HOST_PAGES: &str = "/__oriel/";

/// Below this path are the pages that the host has in itself for the workbench, with all that belongs to
/// them.
pub(crate) const CLIENT_PAGES: &str = "/client/";

/// The path of the workbench's page. Its other pages are below it.
pub const WORKBENCH: &str = "/client/workbench";

/// Returns whether a path is one of the workbench's pages.
#[must_use]
pub fn is_workbench(path: &str) -> bool {
    path.strip_prefix(WORKBENCH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What is about to lead there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The window, or a frame in it, is to show it. Engines do not say which, and frames are no
    /// exception.
    Navigation,
    /// It is to be shown in a window of its own.
    NewWindow,
    /// An answer says that it is elsewhere.
    Redirect,
    /// An answer says with `HX-Redirect` where to go.
    HxRedirect,
    /// An answer says with `HX-Location` where to go.
    HxLocation,
    /// It is to be saved.
    Download,
}

/// Where pages of the web are opened, as the operator set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum External {
    /// In the preview.
    #[default]
    Preview,
    /// In the system's browser.
    SystemBrowser,
}

/// What the operator and the system decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How this system's engine says the app origin.
    pub origin: AppOrigin,
    /// Where pages of the web are opened.
    pub external: External,
    /// The console's own address on loopback, where the operator allows it as an origin.
    pub compat_origin: Option<SocketAddr>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { origin: AppOrigin::native(), external: External::default(), compat_origin: None }
    }
}

/// What becomes of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The surface may go there itself.
    Allow,
    /// The preview shows it. Where it is to `warn`, others on the way can read and change the page, and
    /// a person is told so first.
    Preview {
        /// It is plain `http`.
        warn: bool,
    },
    /// The system's browser shows it.
    SystemBrowser {
        /// It is plain `http`.
        warn: bool,
    },
    /// A person is asked whether to write a mail.
    AskMail,
    /// It leads nowhere.
    Deny(Why),
}

/// Why an address leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Why {
    /// It cannot be read.
    #[error("the address cannot be read")]
    Unreadable,
    /// It is too long.
    #[error("the address is too long")]
    TooLong,
    /// Nothing of ours opens such addresses.
    #[error("addresses of this kind are not opened")]
    Scheme,
    /// It is on this machine or in a private network.
    #[error("the address is on this machine or in a private network")]
    Private,
    /// It names a user, as an address that poses as another one does.
    #[error("the address names a user")]
    User,
    /// It is ours, and not what this surface shows.
    #[error("this window does not show that page")]
    NotHere,
    /// The preview opens no windows and saves nothing.
    #[error("the preview opens no windows and saves no files")]
    Preview,
    /// It would attach a file.
    #[error("the address would attach a file to a mail")]
    Attaches,
}

impl Verdict {
    /// Returns whether the surface itself goes there.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allow)
    }
}

/// Decides where an address may lead from a surface.
#[must_use]
pub fn decide(surface: Surface, url: &str, how: How, rules: &Rules) -> Verdict {
    if TEXT_BYTES_MAX < url.len() {
        return Verdict::Deny(Why::TooLong);
    }
    let Ok(url) = Url::parse(url) else { return Verdict::Deny(Why::Unreadable) };
    if URL_BYTES_MAX < url.as_str().len() {
        return Verdict::Deny(Why::TooLong);
    }
    // Engines begin every window and frame with this. It holds nothing, and is under the policy of
    // the page that made it.
    if url.as_str() == "about:blank" && how == How::Navigation {
        return Verdict::Allow;
    }
    if surface.is_trusted() { trusted(surface, &url, how, rules) } else { preview(&url, how) }
}

/// Returns an address as an engine reads it, which is the form to hand on once it was judged.
#[must_use]
pub fn plain(url: &str) -> Option<String> {
    Url::parse(url).ok().map(String::from)
}

fn trusted(surface: Surface, url: &Url, how: How, rules: &Rules) -> Verdict {
    if rules.origin.holds(url) {
        return own(surface, url);
    }
    if is_compat(url, rules) {
        return if surface == Surface::Console { Verdict::Allow } else { NOT_HERE };
    }
    match url.scheme() {
        "http" | "https" => match web(url) {
            Ok(()) => outside(url, how, rules),
            Err(why) => Verdict::Deny(why),
        },
        "mailto" => mail(url),
        // What a page made itself may be saved, and is no page.
        "blob" if how == How::Download => saved_blob(surface, url, rules),
        _ => Verdict::Deny(Why::Scheme),
    }
}

const NOT_HERE: Verdict = Verdict::Deny(Why::NotHere);

fn own(surface: Surface, url: &Url) -> Verdict {
    let path = url.path();
    let is_shown = surface.has_service()
        || path.starts_with(HOST_PAGES)
        || (surface == Surface::Workbench && is_workbench(path));
    if is_shown { Verdict::Allow } else { NOT_HERE }
}

fn is_compat(url: &Url, rules: &Rules) -> bool {
    let Some(compat) = rules.compat_origin else { return false };
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        Some(Host::Domain(_)) | None => return false,
    };
    url.scheme() == "http"
        && ip == compat.ip()
        && url.port_or_known_default() == Some(compat.port())
        && !has_user(url)
}

fn outside(url: &Url, how: How, rules: &Rules) -> Verdict {
    let warn = url.scheme() == "http";
    match (rules.external, how) {
        // The preview saves nothing.
        (External::SystemBrowser, _) | (External::Preview, How::Download) => {
            Verdict::SystemBrowser { warn }
        }
        (External::Preview, _) => Verdict::Preview { warn },
    }
}

fn preview(url: &Url, how: How) -> Verdict {
    match (url.scheme(), how) {
        (_, How::NewWindow | How::Download) => Verdict::Deny(Why::Preview),
        ("http" | "https", _) => web(url).map_or_else(Verdict::Deny, |()| Verdict::Allow),
        _ => Verdict::Deny(Why::Scheme),
    }
}

fn mail(url: &Url) -> Verdict {
    let attaches = url.query_pairs().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name.starts_with("attach")
    });
    if attaches { Verdict::Deny(Why::Attaches) } else { Verdict::AskMail }
}

fn saved_blob(surface: Surface, url: &Url, rules: &Rules) -> Verdict {
    match Url::parse(url.path()) {
        Ok(inner) if rules.origin.holds(&inner) && surface != Surface::Diagnostics => {
            Verdict::Allow
        }
        _ => Verdict::Deny(Why::Scheme),
    }
}

/// Checks that an address is of the public web, as far as an address can tell.
fn web(url: &Url) -> Result<(), Why> {
    if has_user(url) {
        return Err(Why::User);
    }
    let is_public = match url.host() {
        Some(Host::Ipv4(ip)) => is_public(ip.into()),
        Some(Host::Ipv6(ip)) => is_public(ip.into()),
        Some(Host::Domain(name)) => is_public_name(name),
        None => return Err(Why::Unreadable),
    };
    if is_public { Ok(()) } else { Err(Why::Private) }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The ends of names that only mean something on one machine or in one network.
const LOCAL_ENDS: [&str; 11] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "home.arpa",
    "in-addr.arpa",
];

/// Returns whether a name could be of the public web. What it stands for is only known once it is
/// looked up, which the preview's proxy does.
fn is_public_name(name: &str) -> bool {
    // A name that ends in a dot is the same name to a resolver and another one to whoever compares.
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.ends_with('.');
    let has_labels = name.contains('.') && !name.contains("..");
    let is_local = LOCAL_ENDS.iter().any(|end| {
        name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    is_plain && has_labels && !is_local
}

#[cfg(test)]
mod tests;
