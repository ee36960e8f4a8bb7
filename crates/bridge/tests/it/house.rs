//! A host that remembers what it was told, and a bridge over any service.

use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use oriel_bridge::origin::AppOrigin;
use oriel_bridge::policy::{External, Rules, Verdict};
use oriel_bridge::{
    BoxFuture, Bridge, Download, Host, Limits, SaveError, Saved, ServiceNow, Surface, Trace,
};
use oriel_link::Link;

/// What WebKit accepts for a window.
pub(crate) const WINDOW: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

pub(crate) struct House {
    pub(crate) bridge: Bridge,
    pub(crate) host: Arc<TestHost>,
}

/// Its name, how long it said it was, and what it holds.
pub(crate) type SavedFile = (String, Option<u64>, Vec<u8>);

#[derive(Default)]
pub(crate) struct TestHost {
    service: Mutex<Option<ServiceNow>>,
    traces: Mutex<Vec<Trace>>,
    opened: Mutex<Vec<(String, Verdict)>>,
    saved: Mutex<Vec<SavedFile>>,
    pub(crate) is_dismissing: Mutex<bool>,
}

impl Host for TestHost {
    fn service(&self) -> Option<ServiceNow> {
        self.service.lock().unwrap().clone()
    }

    fn rules(&self) -> Rules {
        Rules { origin: AppOrigin::Scheme, external: External::Preview, compat_origin: None }
    }

    fn page(&self, surface: Surface, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            assert_ne!(request.uri().path(), "/__oriel/panic", "a host can fail too");
            let names: Vec<_> = request.headers().keys().map(ToString::to_string).collect();
            let text = format!("{surface} {} {}", request.uri(), names.join(","));
            let mut response = Response::new(Body::from(text));
            response.headers_mut().insert("set-cookie", "a=1".parse().unwrap());
            response
        })
    }

    fn save(&self, _: Surface, download: Download) -> BoxFuture<'_, Result<Saved, SaveError>> {
        Box::pin(async move {
            if *self.is_dismissing.lock().unwrap() {
                return Ok(Saved::Dismissed);
            }
            let Download { name, length, body, .. } = download;
            let Ok(whole) = body.collect().await else { return Err(SaveError::Broken { name }) };
            let bytes = whole.to_bytes().to_vec();
            self.saved.lock().unwrap().push((name.clone(), length, bytes));
            Ok(Saved::As(name))
        })
    }

    fn open(&self, _: Surface, url: &str, verdict: Verdict) {
        self.opened.lock().unwrap().push((url.to_owned(), verdict));
    }

    fn trace(&self, trace: Trace) {
        self.traces.lock().unwrap().push(trace);
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
    }
}

impl House {
    pub(crate) fn new(link: Link) -> Self {
        Self::with(link, Limits::default())
    }

    pub(crate) fn over(router: Router) -> Self {
        Self::new(Link::InProcess(router))
    }

    pub(crate) fn with(link: Link, limits: Limits) -> Self {
        let host = Arc::new(TestHost::default());
        host.serve(link, 1);
        let bridge = Bridge::new(Arc::clone(&host) as Arc<dyn Host>, limits);
        Self { bridge, host }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.bridge.answer("console", request).await).await
    }

    /// Asks as a window does.
    pub(crate) async fn visit(&self, path: &str) -> Answer {
        self.send(get(path, &[("accept", WINDOW)])).await
    }

    /// Asks as htmx does.
    pub(crate) async fn htmx(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![
            ("hx-request", "true"),
            ("hx-current-url", "oriel://localhost/here?x=1"),
            ("accept", "*/*"),
        ];
        headers.extend(more);
        self.send(get(path, &headers)).await
    }
}

impl TestHost {
    pub(crate) fn serve(&self, link: Link, generation: u64) {
        let cookies = vec![("session".to_owned(), format!("granted-{generation}"))];
        let authority = "127.0.0.1:3143".to_owned();
        *self.service.lock().unwrap() = Some(ServiceNow { link, authority, generation, cookies });
    }

    pub(crate) fn stop(&self) {
        *self.service.lock().unwrap() = None;
    }

    pub(crate) fn traces(&self) -> Vec<String> {
        let traces = self.traces.lock().unwrap();
        let told = traces.iter().map(|trace| {
            let Trace { event, path, status, reason, .. } = trace;
            format!("{} {path:?} {status:?} {reason}", event.name())
        });
        told.collect()
    }

    pub(crate) fn opened(&self) -> Vec<(String, Verdict)> {
        self.opened.lock().unwrap().clone()
    }

    pub(crate) fn saved(&self) -> Vec<SavedFile> {
        self.saved.lock().unwrap().clone()
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (head, mut body) = response.into_parts();
        let (mut bytes, mut is_whole) = (Vec::new(), true);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend(frame.into_data().unwrap_or_default()),
                Err(_) => is_whole = false,
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { status: head.status, headers: head.headers, text, is_whole }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    request("GET", path, headers, Body::empty())
}

pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    request("POST", path, headers, body.into())
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(format!("oriel://localhost{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

/// The same service, reached in each way. The folder holds the socket.
pub(crate) async fn links(router: Router) -> (Vec<Link>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut links = vec![Link::InProcess(router.clone()), Link::Tcp(tcp.local_addr().unwrap())];
    tokio::spawn(axum::serve(tcp, router.clone()).into_future());
    if cfg!(unix) {
        let path = folder.path().join("socket");
        let unix = tokio::net::UnixListener::bind(&path).unwrap();
        tokio::spawn(axum::serve(unix, router).into_future());
        links.push(Link::Unix(path));
    }
    (links, folder)
}

/// Tells all of a request that reached the service.
pub(crate) async fn echo(request: Request<Body>) -> String {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut lines = vec![format!("{} {}", head.method, head.uri)];
    for (name, value) in &head.headers {
        lines.push(format!("{name}: {}", value.to_str().unwrap()));
    }
    lines.push(String::from_utf8_lossy(&body).into_owned());
    lines.join("\n")
}
