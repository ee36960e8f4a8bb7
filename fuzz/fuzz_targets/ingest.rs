//! Whatever is posted, the runtime answers in JSON and never with a fault, and what it stored can
//! be read.
//!
//! The runtime is a real one over a store on disk. It lives on from input to input, as a daemon
//! does, so what one input finds may need those before it.

#![no_main]

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use libfuzzer_sys::fuzz_target;
use oriel_link::Link;
use oriel_runtime::config::{
    Access, Budget, Clock, Compat, Config, ImportsConfig, IngestConfig, Listen, NotifyConfig,
    Privacy, RetentionConfig, StoreConfig, StreamConfig,
};
use oriel_runtime::{Durability, Runtime};
use oriel_wire::{BatchReceipt, EventPage, Receipt};
use serde_json::Value;
use tempfile::TempDir;

/// The smallest cap there is, so that even short inputs go beyond it.
const PAYLOAD_KIB_MAX: u64 = 1;

/// A store that holds more is left for an empty one, so that the last input is as fast as the first.
const STORED_MAX: usize = 20_000;

static HOUSE: LazyLock<Mutex<House>> = LazyLock::new(|| Mutex::new(House::new()));

fuzz_target!(|body: &[u8]| {
    let mut house = HOUSE.lock().unwrap_or_else(PoisonError::into_inner);
    // Each address gets each content type, in turn, and one input always the same.
    let kinds = ["application/json", "text/plain"];
    let nth = body.len() % 2;
    house.post_event(kinds[nth], body);
    house.post_batch(kinds[1 - nth], body);
    house.move_when_full();
});

/// A runtime in a folder of its own, and the executor that drives it.
struct House {
    executor: tokio::runtime::Runtime,
    tenant: Tenant,
    stored: usize,
}

struct Tenant {
    runtime: Runtime,
    link: Link,
    // Dropped last: whoever lives in the folder leaves first.
    _folder: TempDir,
}

impl House {
    fn new() -> Self {
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("an executor starts");
        let tenant = executor.block_on(Tenant::new());
        Self { executor, tenant, stored: 0 }
    }

    fn post_event(&mut self, kind: &str, body: &[u8]) {
        let (status, answer) = self.post("/api/events", kind, body);
        if matches!(status, StatusCode::CREATED | StatusCode::OK) {
            let receipt: Receipt = serde_json::from_value(answer).expect("a receipt");
            self.check_stored(&receipt.ids);
        }
    }

    fn post_batch(&mut self, kind: &str, body: &[u8]) {
        let (status, answer) = self.post("/api/events/batch", kind, body);
        if status == StatusCode::CREATED {
            let receipt: BatchReceipt = serde_json::from_value(answer).expect("a receipt");
            self.check_stored(&receipt.ids);
        }
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> (StatusCode, Value) {
        let request = Request::post(path).header(CONTENT_TYPE, kind);
        self.ask(request.body(Body::from(body.to_vec())).expect("a request"))
    }

    fn ask(&self, request: Request<Body>) -> (StatusCode, Value) {
        let told = format!("{} {}", request.method(), request.uri());
        let answer = self.executor.block_on(self.tenant.link.bytes(request));
        let (status, bytes) = answer.expect("the runtime is in this process");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!status.is_server_error(), "{told}: {status} {text}");
        match serde_json::from_slice(&bytes) {
            Ok(answer) => (status, answer),
            Err(error) => panic!("{told}: {status}, and what is not JSON: {error}\n{text}"),
        }
    }

    /// Reads back the events that were just stored under these numbers.
    fn check_stored(&mut self, ids: &[i64]) {
        if ids.is_empty() {
            return;
        }
        self.stored += ids.len();
        let newest = Request::get(format!("/api/events?limit={}", ids.len()));
        let (status, page) = self.ask(newest.body(Body::empty()).expect("a request"));
        assert_eq!(status, StatusCode::OK, "{page}");
        let page: EventPage<'_> = serde_json::from_value(page).expect("a page of events");
        let read: Vec<i64> = page.events.iter().rev().map(|row| row.id).collect();
        // One answer holds fewer events than the largest batch.
        assert!(!read.is_empty() && ids.ends_with(&read), "stored {ids:?} and read {read:?}");
        for row in &page.events {
            let metadata = &row.metadata;
            let bytes_max = usize::try_from(PAYLOAD_KIB_MAX * 1024).expect("a small number");
            assert!(metadata.len() <= bytes_max, "{} bytes are stored", metadata.len());
            if let Err(error) = serde_json::from_str::<Value>(metadata) {
                panic!("stored metadata is not JSON: {error}\n{metadata}");
            }
        }
    }

    fn move_when_full(&mut self) {
        if self.stored >= STORED_MAX {
            let next = self.executor.block_on(Tenant::new());
            let last = std::mem::replace(&mut self.tenant, next);
            self.executor.block_on(last.runtime.shutdown());
            self.stored = 0;
        }
    }
}

impl Tenant {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = Runtime::open(config(&folder)).await.expect("an empty folder can be used");
        Self { link: runtime.link(), runtime, _folder: folder }
    }
}

fn config(folder: &TempDir) -> Config {
    Config {
        data_dir: folder.path().join("data"),
        listen: Listen { host: [127, 0, 0, 1].into(), port: 0, socket: None, hosts: Vec::new() },
        access: Access::Loopback,
        store: StoreConfig { durability: Durability::Normal, readers: 1, queue_events_max: 10_000 },
        ingest: IngestConfig { payload_kib_max: PAYLOAD_KIB_MAX },
        privacy: Privacy::default(),
        retention: RetentionConfig::default(),
        quiet: Duration::from_secs(300),
        stream: StreamConfig {
            stats_interval: Duration::from_secs(5),
            clients_max: 1,
            heartbeat: Duration::from_secs(30),
        },
        projects_dir: None,
        usage_limits: Vec::new(),
        compat: Compat::Oriel,
        prices_file: None,
        budget: Budget::default(),
        imports: ImportsConfig::default(),
        notify: NotifyConfig::default(),
        // It stands still, so that an input means the same on every day.
        clock: Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_770_112_800)),
    }
}
