//! What the desktop did, for whoever looks for a fault: `desktop/control/desktop.log`, a JSON line for
//! each thing that happened.
//!
//! An [`Event`] has room only for what may be told: kinds, places and reasons, and no token, cookie, body,
//! query of an address or content of a page.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};

use oriel_launcher::{Failure, platform};
use serde_json::{Value, json};

use crate::words::plain;

/// A file that is longer becomes the first of the older ones.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Older files are removed.
const FILES_MAX: usize = 4;

/// Lines that wait to be written. Further ones are counted and not kept.
const WAITING_MAX: usize = 1_024;

/// Longer words are cut.
const CHARS_MAX: usize = 500;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    /// The desktop started.
    Started { mode: &'a str },
    /// The desktop ended in good order.
    Ended,
    /// It was looked whether a daemon runs.
    DaemonStatus { found: &'a str },
    /// A daemon is started.
    DaemonStart { by: &'a str },
    /// The console is started with it.
    ConsoleStart,
    /// The console has said where it listens.
    BindObserved { place: &'a str },
    /// The services answer.
    Up { generation: u64 },
    /// Something failed.
    Failed { failure: Failure, problem: &'a str },
    /// A trusted page was kept from going somewhere.
    NavigationBlocked { surface: &'a str, to: &'a str, why: &'a str },
    /// A page of the web was opened.
    PreviewOpened { host: &'a str, how: &'a str },
    /// The operator took an address from the preview over.
    Handoff { host: &'a str },
    /// The preview kept its page from something.
    PreviewDenied { host: &'a str, why: &'a str },
    /// The preview ended.
    PreviewEnded { how: &'a str },
    /// The bridge tells of a request.
    Bridge(&'a oriel_bridge::Trace),
    /// A native command came another way than it should.
    IpcFallback { surface: &'a str, command: &'a str },
    /// The workbench goes a slower way to files.
    FilesSteppedDown { from: &'a str, to: &'a str, reason: &'a str },
    /// A page was granted a folder.
    Granted { surface: &'a str, access: &'a str },
    /// A page's process ended, or was ended.
    PageEnded { surface: &'a str, how: &'a str },
    /// A native command was refused.
    CommandRefused { surface: &'a str, command: &'a str },
    /// A file was saved for a page.
    Saved { bytes: u64 },
    /// The system lacks something.
    Lacking { what: &'a str, why: &'a str },
}

/// What the writing thread is told.
enum Line {
    /// Write this.
    Write(Vec<u8>),
    /// Tell when all before this is written.
    Flush(tokio::sync::oneshot::Sender<()>),
}

/// Where events are told.
#[derive(Clone)]
pub(crate) struct Traces {
    path: Arc<PathBuf>,
    lines: SyncSender<Line>,
    now: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Traces {
    /// Opens the log of a data directory. Where it cannot be written the desktop runs on without.
    pub(crate) fn open(data_dir: &Path, now: impl Fn() -> String + Send + Sync + 'static) -> Self {
        let path = data_dir.join("desktop").join("control").join("desktop.log");
        let (lines, waiting) = mpsc::sync_channel(WAITING_MAX);
        let file = path.clone();
        let writing = move || {
            let mut log = None;
            for line in waiting {
                match line {
                    Line::Write(line) => {
                        if let Err(error) = write(&file, &mut log, &line) {
                            log = None;
                            tracing::warn!(%error, "the desktop's log cannot be written");
                        }
                    }
                    // Who asked may have left.
                    Line::Flush(done) => _ = done.send(()),
                }
            }
        };
        std::thread::spawn(writing);
        Self { path: Arc::new(path), lines, now: Arc::new(now) }
    }

    /// Returns the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Tells of an event. It never waits.
    pub(crate) fn tell(&self, event: Event<'_>) {
        let mut line = json!({ "at": (self.now)() });
        let (name, fields) = describe(&event);
        line["event"] = json!(name);
        if let Value::Object(fields) = fields {
            for (key, value) in fields {
                line[key] = value;
            }
        }
        let mut line = line.to_string().into_bytes();
        line.push(b'\n');
        if self.lines.try_send(Line::Write(line)).is_err() {
            tracing::warn!(event = name, "the desktop's log is full for the moment");
        }
    }
}

impl Traces {
    /// Waits until what was told is written.
    pub(crate) async fn flush(&self) {
        let (done, written) = tokio::sync::oneshot::channel();
        if self.lines.try_send(Line::Flush(done)).is_ok() {
            _ = written.await;
        }
    }
}

fn describe(event: &Event<'_>) -> (&'static str, Value) {
    let word = |text: &str| plain(text, CHARS_MAX);
    match event {
        Event::Started { mode } => (
            "desktop/started",
            json!({ "mode": mode, "pid": std::process::id(), "version": env!("CARGO_PKG_VERSION") }),
        ),
        Event::Ended => ("desktop/ended", json!({})),
        Event::DaemonStatus { found } => {
            ("desktop/daemon-launcher-status", json!({ "found": found }))
        }
        Event::DaemonStart { by } => ("desktop/daemon-start-requested", json!({ "by": by })),
        Event::ConsoleStart => ("desktop/console-start-requested", json!({})),
        Event::BindObserved { place } => {
            ("desktop/console-bind-observed", json!({ "place": word(place) }))
        }
        Event::Up { generation } => ("desktop/services-up", json!({ "generation": generation })),
        Event::Failed { failure, problem } => {
            ("desktop/failure", json!({ "failure": failure.as_str(), "problem": word(problem) }))
        }
        Event::NavigationBlocked { surface, to, why } => (
            "desktop/trusted-navigation-blocked",
            json!({ "surface": surface, "to": word(&bare(to)), "why": word(why) }),
        ),
        Event::PreviewOpened { host, how } => {
            ("desktop/preview-opened", json!({ "host": word(host), "how": how }))
        }
        Event::Handoff { host } => ("desktop/resource-ref-handoff", json!({ "host": word(host) })),
        Event::PreviewDenied { host, why } => {
            ("desktop/preview-denied", json!({ "host": word(host), "why": word(why) }))
        }
        Event::PreviewEnded { how } => ("desktop/preview-ended", json!({ "how": word(how) })),
        Event::Bridge(trace) => (
            trace.event.name(),
            json!({
                "surface": trace.surface.map(oriel_bridge::Surface::label),
                "path": trace.path,
                "status": trace.status,
                "why": trace.reason,
            }),
        ),
        Event::IpcFallback { surface, command } => {
            ("desktop/ipc-fallback", json!({ "surface": surface, "command": word(command) }))
        }
        Event::FilesSteppedDown { from, to, reason } => (
            "desktop/ipc-fallback",
            json!({
                "surface": crate::files::LABEL, "from": word(from), "to": word(to), "why": word(reason),
            }),
        ),
        Event::Granted { surface, access } => {
            ("desktop/files-granted", json!({ "surface": surface, "access": access }))
        }
        Event::PageEnded { surface, how } => {
            ("desktop/page-ended", json!({ "surface": surface, "how": word(how) }))
        }
        Event::CommandRefused { surface, command } => {
            ("desktop/command-refused", json!({ "surface": surface, "command": word(command) }))
        }
        Event::Saved { bytes } => ("desktop/file-saved", json!({ "bytes": bytes })),
        Event::Lacking { what, why } => {
            ("desktop/lacking", json!({ "what": what, "why": word(why) }))
        }
    }
}

/// Returns an address without what may be secret in it: no user, no query, no fragment; and of one that
/// is no address of the web nothing but its kind.
pub(crate) fn bare(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let address = &address[..end];
    if address.starts_with('/') {
        return address.to_owned();
    }
    match url::Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            format!("{}://{}/", url.scheme(), url.host_str().unwrap_or_default())
        }
        Ok(url) if url.scheme() == "oriel" => format!("oriel:{}", url.path()),
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) => "unreadable".to_owned(),
    }
}

fn write(path: &Path, log: &mut Option<(File, u64)>, line: &[u8]) -> io::Result<()> {
    if log.as_ref().is_some_and(|(_, bytes)| FILE_BYTES_MAX < *bytes) {
        *log = None;
        rotate(path)?;
    }
    if log.is_none() {
        let mut file = platform::private_file(path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        *log = Some((file, bytes));
    }
    if let Some((file, bytes)) = log {
        file.write_all(line)?;
        *bytes += line.len() as u64;
    }
    Ok(())
}

fn rotate(path: &Path) -> io::Result<()> {
    let older = |n: usize| path.with_extension(format!("log.{n}"));
    for n in (1..FILES_MAX).rev() {
        match std::fs::rename(older(n), older(n + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::rename(path, older(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_its_place_is_told() {
        assert_eq!(bare("https://me:pw@example.org/a/b?token=s#x"), "https://example.org/");
        assert_eq!(bare("/session/x?secret=1"), "/session/x");
        assert_eq!(bare("oriel://localhost/sessions?q=secret"), "oriel:/sessions");
        assert_eq!(bare("data:text/html,secret"), "data:");
        assert_eq!(bare("javascript:alert(1)"), "javascript:");
        assert_eq!(bare("::"), "unreadable");
    }

    #[test]
    fn the_log_is_private_turns_over_and_ends_with_the_latest() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desktop.log");
        let mut log = None;
        let line = [b'x'; 100_000];
        for _ in 0..60 {
            write(&path, &mut log, &line).unwrap();
        }
        write(&path, &mut log, b"last").unwrap();
        assert!(std::fs::read(&path).unwrap().ends_with(b"last"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1 + FILES_MAX);
        let bytes = |file: std::fs::DirEntry| file.metadata().unwrap().len();
        let all = std::fs::read_dir(folder.path()).unwrap();
        assert!(all.map(|file| bytes(file.unwrap())).all(|len| len < FILE_BYTES_MAX + 200_000));
    }
}
