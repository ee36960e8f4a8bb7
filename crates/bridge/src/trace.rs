//! What the host's log is told, and so nothing that may not stand there.
//!
//! A trace has no field for a query, a header or a body. Paths that hold secrets are cut where the
//! secret begins.

use crate::Surface;
use crate::origin::Place;

/// A longer path or reason is cut.
const TEXT_BYTES_MAX: usize = 256;

/// Below these, a path is itself a secret: whoever has it may start a session.
const SECRET_BELOW: [&str; 1] = ["/session/open/"];

/// Below this and a module's name, what a path holds is the guest's own affair.
const MODULES: &str = "/modules/";

/// What the host's log knows to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The launcher was asked how the daemon stands.
    DaemonLauncherStatus,
    /// The daemon was asked to start.
    DaemonStartRequested,
    /// The console was asked to start.
    ConsoleStartRequested,
    /// It was seen where the console listens.
    ConsoleBindObserved,
    /// A trusted page was to lead where it may not.
    TrustedNavigationBlocked,
    /// The preview was opened.
    PreviewOpened,
    /// The preview handed a page over.
    ResourceRefHandoff,
    /// A request of a surface was answered by the bridge itself, because something was wrong.
    AppProtocolProxyError,
    /// A native command came another way than it should.
    IpcFallback,
}

impl Event {
    /// The name under which the log has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DaemonLauncherStatus => "desktop/daemon-launcher-status",
            Self::DaemonStartRequested => "desktop/daemon-start-requested",
            Self::ConsoleStartRequested => "desktop/console-start-requested",
            Self::ConsoleBindObserved => "desktop/console-bind-observed",
            Self::TrustedNavigationBlocked => "desktop/trusted-navigation-blocked",
            Self::PreviewOpened => "desktop/preview-opened",
            Self::ResourceRefHandoff => "desktop/resource-ref-handoff",
            Self::AppProtocolProxyError => "desktop/app-protocol-proxy-error",
            Self::IpcFallback => "desktop/ipc-fallback",
        }
    }
}

/// One line of the host's log, as far as the bridge knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// What happened.
    pub event: Event,
    /// Where, unless the label is none of ours.
    pub surface: Option<Surface>,
    /// The path that was asked for, without its query and without secrets.
    pub path: Option<String>,
    /// What it was answered with.
    pub status: Option<u16>,
    /// Why, in words that hold nothing of what was asked or answered.
    pub reason: String,
}

impl Trace {
    pub(crate) fn new(event: Event, surface: Option<Surface>, reason: impl Into<String>) -> Self {
        Self { event, surface, path: None, status: None, reason: cut(reason.into()) }
    }

    pub(crate) fn at(mut self, place: &Place) -> Self {
        self.path = Some(safe_path(place.path()));
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

/// Returns a path as the log may have it.
#[must_use]
pub fn safe_path(path: &str) -> String {
    if let Some(prefix) = SECRET_BELOW.iter().find(|prefix| path.starts_with(*prefix)) {
        return format!("{prefix}…");
    }
    if let Some(rest) = path.strip_prefix(MODULES)
        && let Some((id, below)) = rest.split_once('/')
        && !below.is_empty()
    {
        return cut(format!("{MODULES}{id}/…"));
    }
    cut(path.to_owned())
}

fn cut(mut text: String) -> String {
    if TEXT_BYTES_MAX < text.len() {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_path_is_told() {
        check("/settings", "/settings");
        check("/session/open/0123abcd", "/session/open/…");
        check("/modules/notes/", "/modules/notes/");
        check("/modules/notes/share/s3cret", "/modules/notes/…");
        let long = format!("/{}", "é".repeat(400));
        assert!(safe_path(&long).len() < 300);
    }

    fn check(path: &str, expected: &str) {
        assert_eq!(safe_path(path), expected);
    }
}
