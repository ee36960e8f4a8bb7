//! A console with more pages than it has: a server before a real one, which answers what a test gives it
//! and passes on everything else.
//!
//! The file that says where the console listens names the server instead, so whoever finds the console
//! by it finds both. What was asked is kept, as the server saw it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{HOST, ORIGIN, REFERER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;

use crate::{Daemon, wait};

/// The server. It ends with it, and what is under way is cut off.
pub struct Front {
    addr: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    runtime: Option<Runtime>,
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Heard {
    /// How it was asked.
    pub method: String,
    /// The path, with its query.
    pub target: String,
    /// What came along.
    pub headers: HeaderMap,
}

impl Heard {
    /// Returns a header, the first of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Where what is not the test's goes.
#[derive(Clone)]
struct Behind {
    front: SocketAddr,
    console: SocketAddr,
    client: Client<HttpConnector, Body>,
}

impl Front {
    /// Puts a server before the console of a daemon.
    ///
    /// # Panics
    /// Where there is no port.
    #[must_use]
    pub fn before(daemon: &Daemon, routes: Router) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let bound = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = bound.expect("a port is free");
        let addr = listener.local_addr().expect("a listener has an address");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let behind = Behind { front: addr, console: daemon.console(), client };
        let heard = Arc::new(Mutex::new(Vec::new()));
        let router = routes
            .fallback_service(Router::new().fallback(pass_on).with_state(behind))
            .layer(DefaultBodyLimit::disable())
            .layer(middleware::from_fn_with_state(Arc::clone(&heard), hear));
        runtime.spawn(async move { axum::serve(listener, router).await });
        daemon.home().write("console/bind", &format!("{addr}\n"));
        Self { addr, heard, runtime: Some(runtime) }
    }

    /// Returns where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the requests for a path so far.
    ///
    /// # Panics
    /// Where one who kept them panicked.
    #[must_use]
    pub fn heard(&self, path: &str) -> Vec<Heard> {
        let heard = self.heard.lock().expect("nobody panics with it");
        heard.iter().filter(|one| one.target.split('?').next() == Some(path)).cloned().collect()
    }

    /// Waits for a request for a path, and returns the latest.
    #[must_use]
    pub fn until_heard(&self, path: &str) -> Heard {
        wait::until(&format!("a request for {path}"), || self.heard(path).pop())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn hear(
    State(heard): State<Arc<Mutex<Vec<Heard>>>>,
    request: Request,
    next: Next,
) -> Response {
    let one = Heard {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        headers: request.headers().clone(),
    };
    heard.lock().expect("nobody panics with it").push(one);
    next.run(request).await
}

/// Asks the real console, under its own name.
async fn pass_on(State(behind): State<Behind>, mut request: Request) -> Response {
    let (front, console) = (behind.front.to_string(), behind.console.to_string());
    for name in [HOST, ORIGIN, REFERER] {
        let told = request.headers().get(&name).and_then(|value| value.to_str().ok());
        let Some(told) = told.map(|told| told.replace(&front, &console)) else { continue };
        let value = HeaderValue::from_str(&told).expect("an address is plain");
        request.headers_mut().insert(name, value);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let to = format!("http://{console}{path}").parse().expect("an address is plain");
    *request.uri_mut() = to;
    match behind.client.request(request).await {
        Ok(answer) => answer.map(Body::new),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Returns the name of the file of htmx, as a daemon's console has it.
///
/// # Panics
/// Where its pages name none.
#[must_use]
pub fn htmx(daemon: &Daemon) -> String {
    let page = crate::Console::stranger(daemon.console()).get("/status").expect(200);
    let text = page.text().replace("&#x2f;", "/");
    let found = text.split("src=\"/static/").skip(1).filter_map(|rest| rest.split('"').next());
    let mut found = found.filter(|name| name.starts_with("htmx"));
    found.next().expect("the console's pages use htmx").to_owned()
}
