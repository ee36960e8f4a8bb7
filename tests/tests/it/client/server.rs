//! A server of the client's bundle, with the policy that the desktop gives its pages.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Path as Asked, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
                      style-src 'self'; font-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'";

const CONTRACT: &str = "<!doctype html><meta charset=\"utf-8\"><title>Contract</title>\
                        <link rel=\"icon\" href=\"data:,\"><script src=\"/contract/contract.js\"></script>";

/// The server. It ends with its value.
pub(super) struct Pages {
    addr: SocketAddr,
    _runtime: Runtime,
}

impl Pages {
    /// Serves the bundle on a port of its own.
    pub(super) fn start() -> Self {
        Self::with(Isolation::None)
    }

    /// The same as a page that is isolated from other origins, which a browser lets share memory with its
    /// workers.
    pub(super) fn isolated() -> Self {
        Self::with(Isolation::Whole)
    }

    fn with(isolation: Isolation) -> Self {
        let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients");
        let pages = clients.join("app/dist");
        assert!(
            pages.join("workbench/index.html").is_file(),
            "the client's pages are not built; `cargo xtask test` builds them"
        );
        let of = |folder: PathBuf| Router::new().route("/{*path}", get(file)).with_state(folder);
        let router = Router::new()
            .route("/contract", get(|| async { ([(CONTENT_TYPE, "text/html")], CONTRACT) }))
            .nest("/contract", of(clients.join("fs-bindings/dist")))
            .nest("/client", of(pages))
            .layer(map_response(move |response| isolated(response, isolation)));
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { addr, _runtime: runtime }
    }

    /// Returns where it listens.
    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Whether a page may share memory.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Isolation {
    None,
    Whole,
}

async fn isolated(mut response: Response, isolation: Isolation) -> Response {
    if isolation == Isolation::Whole {
        let headers = response.headers_mut();
        for (name, value) in [
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

async fn file(State(folder): State<PathBuf>, Asked(path): Asked<String>) -> Response {
    let Ok(bytes) = std::fs::read(folder.join(&path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match Path::new(&path).extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY)], bytes).into_response()
}
