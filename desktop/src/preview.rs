//! The preview, from outside: one process, asked and heard in JSON lines. It decides nothing; what it says
//! is a stranger's word, and only a press of its button leads anywhere.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use url::Url;

use crate::trace::{Event, Traces};
use crate::words::plain;

/// A longer line is dropped: the preview's own are shorter.
const LINE_BYTES_MAX: u64 = 16 * 1024;

/// Longer titles are cut.
const TITLE_CHARS_MAX: usize = 300;

/// Longer addresses are not taken over.
const URL_BYTES_MAX: usize = 2_048;

/// Requests for the preview that wait; further ones are refused, since a person asks for one at a time.
const ASKED_MAX: usize = 8;

/// The variables that the preview is given: those of the screen and of the language, and none of ours.
const KEPT: [&str; 19] = [
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GDK_BACKEND",
    "GDK_SCALE",
    "GTK_THEME",
    "HOME",
    "LANG",
    "LC_ALL",
    "LIBGL_ALWAYS_SOFTWARE",
    "NO_AT_BRIDGE",
    "PATH",
    "TMPDIR",
    "TZ",
    "WAYLAND_DISPLAY",
    "WEBKIT_DISABLE_COMPOSITING_MODE",
    "WEBKIT_DISABLE_DMABUF_RENDERER",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_DIRS",
];

/// The end that says that this system has no preview.
const NO_PREVIEW: i32 = 3;

/// What the preview shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) url: String,
    pub(crate) title: String,
}

/// What the preview tells.
#[derive(Debug, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
enum Told {
    Ready,
    At { url: String, title: Option<String> },
    Use { url: String, title: Option<String> },
    Denied { url: Option<String>, why: Option<String> },
    Crashed,
    Closed,
}

/// What came of opening an address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreviewError {
    #[error(
        "the preview (oriel-preview) is neither beside the desktop nor in PATH; install it, or set `desktop.links` to browser"
    )]
    Missing,
    #[error("the preview cannot be started: {0}; set `desktop.links` to browser to do without")]
    Spawn(#[source] io::Error),
    #[error("the preview is busy; try again")]
    Busy,
}

/// What somebody hands over from the preview.
pub(crate) type Taken = Arc<dyn Fn(Shown) + Send + Sync>;

/// The one preview of a desktop.
pub(crate) struct Preview {
    program: Option<PathBuf>,
    resolve: Vec<String>,
    environment: Vec<(String, String)>,
    traces: Traces,
    taken: Taken,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The way to the one that runs.
    asks: Option<mpsc::Sender<Value>>,
    shown: Option<Shown>,
    /// This system has none.
    is_lacking: bool,
}

impl Preview {
    pub(crate) fn new(
        program: Option<PathBuf>,
        resolve: Vec<String>,
        environment: &std::collections::BTreeMap<String, String>,
        traces: Traces,
        taken: Taken,
    ) -> Self {
        let is_kept = |name: &str| KEPT.contains(&name);
        let environment = environment.iter().filter(|(name, _)| is_kept(name));
        Self {
            program,
            resolve,
            environment: environment.map(|(name, value)| (name.clone(), value.clone())).collect(),
            traces,
            taken,
            state: Arc::default(),
        }
    }

    /// Returns whether there is a preview on this system, as far as it is known.
    pub(crate) fn is_there(&self) -> bool {
        self.program.is_some() && !self.lock().is_lacking
    }

    /// Returns what it shows.
    pub(crate) fn shown(&self) -> Option<Shown> {
        self.lock().shown.clone()
    }

    /// Shows an address that the policy has let through. It must be called within the tokio runtime.
    pub(crate) fn open(&self, url: &str) -> Result<(), PreviewError> {
        let mut state = self.lock();
        if let Some(asks) = &state.asks {
            match asks.try_send(json!({ "do": "open", "url": url })) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(_)) => return Err(PreviewError::Busy),
                // It has just ended; the next one is started below.
                Err(mpsc::error::TrySendError::Closed(_)) => {}
            }
        }
        let program = self.program.as_deref().ok_or(PreviewError::Missing)?;
        let child = self.spawn(program, url).map_err(PreviewError::Spawn)?;
        let (asks, asked) = mpsc::channel(ASKED_MAX);
        state.asks = Some(asks.clone());
        state.shown = None;
        let keeper = Keeper {
            state: Arc::clone(&self.state),
            traces: self.traces.clone(),
            taken: Arc::clone(&self.taken),
            asks,
        };
        tokio::spawn(keeper.keep(child, asked));
        Ok(())
    }

    /// Ends it.
    pub(crate) fn close(&self) {
        if let Some(asks) = self.lock().asks.take() {
            // One that is gone, or does not listen, ends with our end of its pipe.
            _ = asks.try_send(json!({ "do": "close" }));
        }
    }

    fn spawn(&self, program: &Path, url: &str) -> io::Result<Child> {
        let mut command = Command::new(program);
        command.args(["--url", url]);
        for pin in &self.resolve {
            command.args(["--resolve", pin]);
        }
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who talks with one preview until it ends.
struct Keeper {
    state: Arc<Mutex<State>>,
    traces: Traces,
    taken: Taken,
    asks: mpsc::Sender<Value>,
}

impl Keeper {
    async fn keep(self, mut child: Child, mut asked: mpsc::Receiver<Value>) {
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else { return };
        let mut lines = BufReader::new(stdout);
        loop {
            let mut line = Vec::new();
            let mut limited = (&mut lines).take(LINE_BYTES_MAX);
            tokio::select! {
                read = limited.read_until(b'\n', &mut line) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(_) if line.ends_with(b"\n") => self.hear(&line),
                    // Too long: what is left of it makes no sense either and is dropped line by line.
                    Ok(_) => tracing::warn!("the preview said more than a line holds"),
                },
                ask = asked.recv() => {
                    let Some(ask) = ask else { break };
                    if stdin.write_all(format!("{ask}\n").as_bytes()).await.is_err() {
                        break;
                    }
                }
            }
        }
        drop(stdin);
        let ended = child.wait().await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Another one may run by now.
        if state.asks.as_ref().is_some_and(|asks| asks.same_channel(&self.asks)) {
            state.asks = None;
        }
        state.shown = None;
        if let Ok(status) = &ended
            && status.code() == Some(NO_PREVIEW)
        {
            state.is_lacking = true;
        }
        let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
        self.traces.tell(Event::PreviewEnded { how: &how });
    }

    fn hear(&self, line: &[u8]) {
        let Ok(told) = serde_json::from_slice::<Told>(line) else {
            tracing::warn!("the preview said something that makes no sense");
            return;
        };
        match told {
            Told::Ready | Told::Closed => {}
            Told::Crashed => self.traces.tell(Event::PreviewEnded { how: "its page crashed" }),
            Told::At { url, title } => {
                let shown = shown(&url, title.as_deref());
                self.state.lock().unwrap_or_else(PoisonError::into_inner).shown = shown;
            }
            Told::Denied { url, why } => {
                let host = url.as_deref().map(host_of).unwrap_or_default();
                let why = why.unwrap_or_default();
                self.traces.tell(Event::PreviewDenied { host: &host, why: &why });
            }
            Told::Use { url, title } => match shown(&url, title.as_deref()) {
                Some(shown) => {
                    self.traces.tell(Event::Handoff { host: &host_of(&shown.url) });
                    (self.taken)(shown);
                }
                None => tracing::warn!("the preview handed over what is no page of the web"),
            },
        }
    }
}

/// Returns what the preview shows, if that is a page of the web.
fn shown(url: &str, title: Option<&str>) -> Option<Shown> {
    let url = Url::parse(url).ok()?;
    let is_page = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= URL_BYTES_MAX;
    is_page.then(|| Shown {
        title: plain(title.unwrap_or_default(), TITLE_CHARS_MAX),
        url: url.into(),
    })
}

/// Returns the host of an address, which is all of it that a log may hold.
pub(crate) fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// Returns the hand-off of a page to the console, as data.
pub(crate) fn handoff(shown: &Shown, at: &str) -> Value {
    json!({
        "schema": "oriel.desktop.resource-ref-handoff.v1",
        "resource/kind": "url",
        "resource/id": shown.url,
        "source": {
            "webview": "external-preview",
            "observed/title": shown.title,
            "observed/at": at,
        },
    })
}

/// Returns where the console's form for an opinion stands, filled in from a hand-off.
pub(crate) fn form_of(handoff: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("resource/kind", &text(&handoff["resource/kind"]))
        .append_pair("resource/id", &text(&handoff["resource/id"]))
        .append_pair("observed/title", &text(&handoff["source"]["observed/title"]))
        .finish();
    format!("/opinions/new?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_handed_over_as_data() {
        let page = shown("https://example.org/a?b=c&d", Some("A\u{202e} title")).unwrap();
        let handoff = handoff(&page, "2026-03-01T00:00:00Z");
        assert_eq!(handoff["schema"], "oriel.desktop.resource-ref-handoff.v1");
        assert_eq!(handoff["source"]["observed/title"], "A title");
        assert_eq!(
            form_of(&handoff),
            "/opinions/new?resource%2Fkind=url&resource%2Fid=https%3A%2F%2Fexample.org%2Fa%3Fb%3Dc%26d\
             &observed%2Ftitle=A+title"
        );
    }

    #[test]
    fn only_pages_of_the_web_are_handed_over() {
        for url in ["javascript:alert(1)", "file:///etc/passwd", "oriel://localhost/", "x", ""] {
            assert_eq!(shown(url, None), None, "{url}");
        }
        let long = format!("https://example.org/{}", "x".repeat(3_000));
        assert_eq!(shown(&long, None), None);
    }
}
