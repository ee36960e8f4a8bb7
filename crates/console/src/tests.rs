//! The console over a real runtime, in process: no socket, no browser.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tower::ServiceExt;

use crate::routes::ROUTES;
use crate::sessions::Session;
use crate::{Clock, Config, Console, GatewayReach, Reach};

mod access;
mod agents;
mod costs;
mod imports;
mod inbox;
mod live;
mod mount;
mod now;
mod opinions;
mod palette;
mod readiness;
mod search;
mod sessions;
mod settings;
mod sync;
mod tools;

/// A console, the runtime that it asks, and a session that may change things.
pub(crate) struct House {
    console: Console,
    pub(crate) runtime: oriel_runtime::Runtime,
    cookie: String,
    session: Session,
    folder: tempfile::TempDir,
}

/// What a page answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts a house with another configuration of the console.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::made(|_| {}, change).await
    }

    /// Starts a house over a data directory in which something is already.
    pub(crate) async fn prepared(prepare: impl FnOnce(&std::path::Path)) -> Self {
        Self::made(prepare, |_| {}).await
    }

    async fn made(
        prepare: impl FnOnce(&std::path::Path),
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        prepare(&data_dir);
        let runtime = runtime(&data_dir).await;
        let clock = Clock::new(Timestamp::now, || TimeZone::UTC);
        let mut config = Config {
            data_dir,
            runtime: Reach::Link(runtime.link()),
            gateway: GatewayReach::None,
            host: [127, 0, 0, 1].into(),
            hosts: vec![],
            reading_needs_session: false,
            clock,
        };
        change(&mut config);
        let console = Console::new(config);
        let (_, cookie) = console.grant("a test").unwrap();
        let session = console.session(&cookie).unwrap();
        Self { console, runtime, cookie, session, folder }
    }

    /// Begins a request as this console's own page would send it, without a session.
    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder().method(method).uri(path).header("host", "127.0.0.1:3143")
    }

    /// Begins a request of the session.
    pub(crate) fn own(&self, method: &str, path: &str) -> axum::http::request::Builder {
        self.request(method, path).header("cookie", format!("oriel_session={}", self.cookie))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.console.router().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, text }
    }

    /// Asks for a page as the session.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.own("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Asks for a part of a page, as HTMX does.
    pub(crate) async fn part(&self, path: &str, target: &str) -> Answer {
        let request =
            self.own("GET", path).header("hx-request", "true").header("hx-target", target);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Asks for a page until it says what is waited for: a rule makes its notice a moment after the
    /// event.
    pub(crate) async fn until(&self, path: &str, says: impl Fn(&str) -> bool) -> String {
        let wait = async {
            loop {
                let page = self.get(path).await.text;
                if says(&page) {
                    return page;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.expect("it comes")
    }

    /// Posts a form of the session.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("_csrf", &self.session.csrf).extend_pairs(fields);
        let request = self
            .own("POST", path)
            .header("origin", "http://127.0.0.1:3143")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.finish())).unwrap()).await
    }

    /// Stores an event, as a hook would have it stored.
    pub(crate) async fn event(&self, event: serde_json::Value) {
        let request = Request::post("/api/events")
            .header("content-type", "application/json")
            .body(Body::from(event.to_string()))
            .unwrap();
        let (status, body) = self.runtime.link().bytes(request).await.unwrap();
        assert!(status.is_success(), "{status} {}", String::from_utf8_lossy(&body));
    }

    /// Stores events together.
    pub(crate) async fn events(&self, events: &[serde_json::Value]) {
        let request = Request::post("/api/events/batch")
            .header("content-type", "application/json")
            .body(Body::from(serde_json::json!({ "events": events }).to_string()))
            .unwrap();
        let (status, body) = self.runtime.link().bytes(request).await.unwrap();
        assert!(status.is_success(), "{status} {}", String::from_utf8_lossy(&body));
    }
}

/// Returns the address at which a page, or a live answer, asks for what is new.
pub(crate) fn live_of(html: &str) -> String {
    let anchor = html.split("id=\"live\"").nth(1).unwrap();
    let address = anchor.split("hx-get=\"").nth(1).unwrap().split('"').next().unwrap();
    unescaped(address)
}

/// Returns HTML as it reads in an address.
pub(crate) fn unescaped(html: &str) -> String {
    html.replace("&#x2f;", "/").replace("&amp;", "&")
}

/// Returns the HTML's words, without its tags and with single blanks, for asking what a page says.
pub(crate) fn words(html: &str) -> String {
    let mut words = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                words.push(' ');
            }
            _ if !in_tag => words.push(c),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn runtime(data_dir: &std::path::Path) -> oriel_runtime::Runtime {
    let input = oriel_runtime::settings::Input {
        flags: [("data_dir", data_dir.to_str().unwrap()), ("import.auto", "false")]
            .map(|(key, value)| oriel_runtime::settings::Flag {
                name: "--set".to_owned(),
                key: key.to_owned(),
                value: value.to_owned(),
            })
            .to_vec(),
        environment: std::collections::BTreeMap::new(),
        file: None,
        folders: oriel_runtime::settings::Folders {
            home: Some(data_dir.with_file_name("home")),
            working: data_dir.parent().unwrap().to_owned(),
        },
        clock: oriel_runtime::config::Clock::new(|| Timestamp::now().into()),
    };
    let mut resolved = oriel_runtime::settings::resolve(&input).unwrap();
    resolved.config.role = oriel_runtime::config::Role::Daemon;
    resolved.config.setup.program = Some("/opt/oriel/bin/oriel".to_owned());
    oriel_runtime::Runtime::open(resolved.config).await.unwrap()
}
