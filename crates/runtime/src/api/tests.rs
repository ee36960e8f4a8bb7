//! Who may ask, over the router's own list of requests: no request is forgotten, since a new one is
//! in the list or it does not exist.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt;

use super::guard::Class;
use super::routes::ROUTES;
use crate::config::{
    Access, Budget, Clock, Compat, Config, ImportsConfig, IngestConfig, Listen, Privacy,
    RetentionConfig, StoreConfig, StreamConfig,
};
use crate::runtime::Runtime;

mod gateway;
mod pages;

const OWN_HOSTS: [&str; 6] =
    ["127.0.0.1:3142", "localhost", "LOCALHOST:9", "[::1]:3142", "127.9.9.9", "box.lan:3142"];
const FOREIGN_HOSTS: [&str; 10] = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost@evil.example",
    "10.0.0.7",
    "",
    "[::2]:3142",
    "evil.example:3142",
    "127.0.0.1:1234.evil.example",
    "evil@localhost",
];

#[tokio::test]
async fn every_request_with_a_foreign_host_is_refused() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    for route in ROUTES {
        for host in FOREIGN_HOSTS {
            let request = house.request(route.method.as_str(), route.path).header("host", host);
            house.expect(request, StatusCode::FORBIDDEN).await;
        }
        let nameless = Request::builder().method(&route.method).uri(route.path);
        house.expect(nameless, StatusCode::FORBIDDEN).await;
        let twice = house.request(route.method.as_str(), route.path);
        house
            .expect(
                twice.header("host", "localhost").header("host", "localhost"),
                StatusCode::FORBIDDEN,
            )
            .await;
    }
    let nowhere = house.request("GET", "/nothing/here").header("host", "evil.example");
    house.expect(nowhere, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn every_request_from_a_page_of_another_origin_is_refused() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    let foreign = [
        ("origin", "http://evil.example"),
        ("origin", "https://127.0.0.1:3142"),
        ("origin", "http://127.0.0.1:3143"),
        ("origin", "http://127.0.0.1:3142.evil.example"),
        ("origin", "null"),
        ("origin", ""),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for route in ROUTES {
        for (name, value) in foreign {
            let request = house
                .request(route.method.as_str(), route.path)
                .header("host", "127.0.0.1:3142")
                .header(name, value);
            house.expect(request, StatusCode::FORBIDDEN).await;
            let preflight = house
                .request("OPTIONS", route.path)
                .header("host", "127.0.0.1:3142")
                .header(name, value);
            house.expect(preflight, StatusCode::FORBIDDEN).await;
        }
    }
}

#[tokio::test]
async fn no_answer_opens_the_api_to_other_origins() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    for route in ROUTES.iter().filter(|route| route.path != "/control/shutdown") {
        let request = house
            .request(route.method.as_str(), route.path)
            .header("host", "127.0.0.1:3142")
            .header("x-oriel-authtok", house.runtime.authtok());
        let answer = house.send(request).await;
        assert!(
            answer.headers().keys().all(|name| !name.as_str().starts_with("access-control")),
            "{} {}",
            route.method,
            route.path
        );
    }
}

#[tokio::test]
async fn programs_on_this_machine_may_tell_and_read_but_not_steer() {
    let house = House::new(Access::Loopback, "127.0.0.1").await;
    for host in OWN_HOSTS {
        for route in ROUTES {
            let request = house.request(route.method.as_str(), route.path).header("host", host);
            let status = house.send(request).await.status();
            match route.class {
                Class::Control => assert_eq!(status, StatusCode::UNAUTHORIZED, "{}", route.path),
                Class::Ingest | Class::Read => assert!(
                    !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN),
                    "{} {}: {status}",
                    route.method,
                    route.path
                ),
            }
        }
    }
}

#[tokio::test]
async fn with_token_access_nobody_reads_without_the_token() {
    let house = House::new(Access::Token, "127.0.0.1").await;
    for route in ROUTES {
        let closed = route.class != Class::Ingest;
        house.check_token(route.method.as_str(), route.path, route.class, closed).await;
    }
}

#[tokio::test]
async fn beyond_loopback_everything_needs_the_token() {
    let house = House::new(Access::Token, "10.0.0.7").await;
    for route in ROUTES {
        house.check_token(route.method.as_str(), route.path, route.class, true).await;
    }
    let own = house.request("GET", "/api/health").header("host", "10.0.0.7:3142");
    let own = own.header("x-oriel-authtok", house.runtime.authtok());
    house.expect(own, StatusCode::OK).await;
}

/// A runtime without a socket, under a clock that stands still.
pub(super) struct House {
    pub(super) folder: tempfile::TempDir,
    pub(super) runtime: Runtime,
    pub(super) router: Router,
}

impl House {
    pub(super) async fn new(access: Access, host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: folder.path().join("data"),
            listen: Listen {
                host: host.parse::<IpAddr>().unwrap(),
                port: 0,
                socket: None,
                hosts: vec!["box.lan".to_owned()],
            },
            access,
            store: StoreConfig {
                durability: oriel_store::Durability::Normal,
                readers: 2,
                queue_events_max: 100,
                free_bytes_min: 0,
            },
            ingest: IngestConfig { payload_kib_max: 10 },
            privacy: Privacy::default(),
            retention: RetentionConfig::default(),
            quiet: Duration::from_secs(300),
            stream: StreamConfig {
                stats_interval: Duration::from_secs(5),
                clients_max: 50,
                heartbeat: Duration::from_secs(30),
            },
            projects_dir: None,
            usage_limits: Vec::new(),
            compat: Compat::Oriel,
            prices_file: None,
            budget: Budget::default(),
            notify: crate::config::NotifyConfig::default(),
            imports: ImportsConfig::default(),
            clock: Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_770_112_800)),
            role: crate::config::Role::Command,
            fault: None,
            audit: crate::config::AuditConfig::default(),
            setup: crate::config::SetupConfig::default(),
        };
        let runtime = Runtime::open(config).await.unwrap();
        let oriel_link::Link::InProcess(router) = runtime.link() else { panic!("not in process") };
        Self { folder, runtime, router }
    }

    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        // A long poll would wait.
        let path = path.replace("{id}", "s").replace("/wait", "/wait?after=0&timeout=0");
        Request::builder().method(method).uri(path)
    }

    async fn send(&self, request: axum::http::request::Builder) -> axum::http::Response<Body> {
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn expect(&self, request: axum::http::request::Builder, status: StatusCode) {
        let told = format!("{request:?}");
        assert_eq!(self.send(request).await.status(), status, "{told}");
    }

    /// Checks that a request is refused without the token where it is closed, and with a wrong
    /// one, and is not with the right one.
    async fn check_token(&self, method: &str, path: &str, class: Class, closed: bool) {
        let ask = || self.request(method, path).header("host", "localhost");
        let right = &*self.runtime.authtok();
        let wrong = "0".repeat(right.len());
        if closed {
            self.expect(ask(), StatusCode::UNAUTHORIZED).await;
            self.expect(ask().header("x-oriel-authtok", &wrong), StatusCode::UNAUTHORIZED).await;
            self.expect(ask().header("x-oriel-authtok", ""), StatusCode::UNAUTHORIZED).await;
        }
        let bearer = ask().header("authorization", format!("Bearer {right}"));
        let status = self.send(bearer).await.status();
        assert_eq!(status == StatusCode::UNAUTHORIZED, class == Class::Control, "{path}");
        let status = self.send(ask().header("x-oriel-authtok", right)).await.status();
        assert!(!matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), "{path}");
    }
}

#[test]
fn the_list_of_requests_has_no_repeats() {
    let names: std::collections::BTreeSet<_> =
        ROUTES.iter().map(|route| (route.method.as_str(), route.path)).collect();
    assert_eq!(names.len(), ROUTES.len());
}
