//! Counts of what this process did, for Prometheus.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Seconds, from what a warm disk takes to what a person notices.
const APPEND_SECONDS: [f64; 11] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// What this process counts.
pub(crate) struct Metrics {
    registry: Registry,
    pub stored: Counter,
    pub duplicates: Counter,
    pub joined: Counter,
    pub records: Counter,
    pub records_left_out: Counter,
    pub records_bad: Counter,
    pub rejected: Counter,
    pub refused: Counter,
    pub resyncs: Counter,
    pub notices_passed_over: Counter,
    pub import_bytes: Counter,
    pub import_files: Counter,
    pub import_events: Counter,
    pub append_seconds: Histogram,
    listeners: Gauge,
    queue: Gauge,
    store_bytes: Gauge,
    last_event: Gauge,
    uptime_seconds: Gauge<f64, AtomicU64>,
}

/// What is read when somebody asks.
pub(crate) struct Moment {
    pub listeners: usize,
    pub queue: usize,
    pub store_bytes: u64,
    pub last_event: i64,
    pub uptime_seconds: f64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("oriel"),
            stored: Counter::default(),
            duplicates: Counter::default(),
            joined: Counter::default(),
            records: Counter::default(),
            records_left_out: Counter::default(),
            records_bad: Counter::default(),
            rejected: Counter::default(),
            refused: Counter::default(),
            resyncs: Counter::default(),
            notices_passed_over: Counter::default(),
            import_bytes: Counter::default(),
            import_files: Counter::default(),
            import_events: Counter::default(),
            append_seconds: Histogram::new(APPEND_SECONDS),
            listeners: Gauge::default(),
            queue: Gauge::default(),
            store_bytes: Gauge::default(),
            last_event: Gauge::default(),
            uptime_seconds: Gauge::default(),
        };
        metrics.register()
    }

    fn register(mut self) -> Self {
        let registry = &mut self.registry;
        let mut counter = |name, help, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        counter("events_stored", "Events that were stored", &self.stored);
        counter("events_duplicate", "Events that were stored before", &self.duplicates);
        counter("events_joined", "Events that another source had told of", &self.joined);
        counter("records_read", "Records that agents sent", &self.records);
        counter("records_left_out", "Records that tell of nothing new", &self.records_left_out);
        counter("records_bad", "Records that could not be read", &self.records_bad);
        counter("events_rejected", "Events that were not valid", &self.rejected);
        counter("requests_refused", "Requests by whom may not ask", &self.refused);
        counter("stream_resyncs", "Stream clients that fell behind memory", &self.resyncs);
        let passed_over = &self.notices_passed_over;
        counter("notice_sessions_passed_over", "Sessions left to the next tick", passed_over);
        counter("import_bytes_read", "Bytes of histories that were read", &self.import_bytes);
        counter("import_files_read", "Histories that were read", &self.import_files);
        counter("import_events_stored", "Events of histories that were new", &self.import_events);
        let append = self.append_seconds.clone();
        registry.register("append_seconds", "From a request's events to their receipt", append);
        let mut gauge = |name, help, gauge: &Gauge| registry.register(name, help, gauge.clone());
        gauge("stream_clients", "Stream clients that listen", &self.listeners);
        gauge("queue_events", "Events that wait for the writer", &self.queue);
        gauge("store_bytes", "The size of the store with its log", &self.store_bytes);
        gauge("last_event", "The number of the last event", &self.last_event);
        let uptime = self.uptime_seconds.clone();
        registry.register("uptime_seconds", "How long the process has run", uptime);
        self
    }

    /// Writes all of it in the form of OpenMetrics.
    pub(crate) fn text(&self, moment: &Moment) -> String {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.listeners.set(whole(moment.listeners as u64));
        self.queue.set(whole(moment.queue as u64));
        self.store_bytes.set(whole(moment.store_bytes));
        self.last_event.set(moment.last_event);
        self.uptime_seconds.set(moment.uptime_seconds);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes all that is written");
        text
    }
}
