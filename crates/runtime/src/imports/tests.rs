//! Importing by a format of one word a line, over files that grow, shrink, vanish and are broken.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use oriel_link::Link;
use oriel_model::{
    EventId, EventKind, Facet, Metadata, NewEvent, Outcome, Place, SessionId, Tokens, Told,
};
use oriel_sources::{Bad, Format, Homes, Parsed, Reader, Shape};
use oriel_store::{EventFilter, ImportedFile};
use oriel_wire::imports::{ImportPhase, ImportRequest, ImportStatus};

use super::*;
use crate::config::{
    Access, Clock, Compat, Config, ImportsConfig, IngestConfig, Listen, StoreConfig, StreamConfig,
};
use crate::home::Home;
use crate::runtime::Runtime;

const NOW: u64 = 1_770_112_800;

#[tokio::test]
async fn only_what_is_new_is_read_and_nothing_twice() {
    let house = House::new(|_| {}).await;
    house.write("a.words", "{1}\n{2}\nhalf");
    house.write("deep/er/b.words", "\u{feff}{3}\r\n\r\n{\"n\":4}");
    house.write("b.other", "{5}\n");
    let first = house.import(ImportRequest::default()).await;
    assert_eq!((first.phase, first.files_done, first.imported), (ImportPhase::Done, 2, 4));
    assert_eq!((first.formats[0].fate.records, first.bad), (4, 0), "half a line is no line");

    let again = house.import(ImportRequest::default()).await;
    assert_eq!((again.files_total, again.files_unchanged, again.bytes_done), (0, 2, 0));

    house.append("a.words", " a line}\n{6}\n");
    let more = house.import(ImportRequest::default()).await;
    assert_eq!((more.files_done, more.imported, more.bad), (1, 1, 1));
    assert_eq!(more.bytes_done, "half a line}\n{6}\n".len() as u64);
    assert!(more.files[0].went_on);
    assert_eq!(more.files[0].fate.bad_records[0].line, 3);

    house.append("deep/er/b.words", "\n{7}\n");
    assert_eq!(house.import(ImportRequest::default()).await.imported, 1);
    assert_eq!(house.row("deep/er/b.words").await.counts.events, 3);

    house.write("a.words", "{8}\n");
    let anew = house.import(ImportRequest::default()).await;
    assert_eq!((anew.imported, anew.files[0].went_on), (1, false), "it was written anew");
    let force = ImportRequest { force: true, ..ImportRequest::default() };
    let all = house.import(force).await;
    assert_eq!((all.files_done, all.imported, all.duplicates), (2, 0, 4));
    assert_eq!(house.events().await, 7);
}

#[tokio::test]
async fn a_dry_run_and_one_of_some_days_remember_nothing() {
    let house = House::new(|_| {}).await;
    house.write("a.words", "{1}\n{2}\n{3}\n");
    let dry = ImportRequest { dry_run: true, ..ImportRequest::default() };
    let dry = house.import(dry).await;
    assert_eq!((dry.found, dry.imported, house.events().await), (3, 0, 0));
    let some = ImportRequest {
        from: Some("1970-01-01T00:00:00.002Z".to_owned()),
        to: Some("1970-01-01T00:00:00.002Z".to_owned()),
        ..ImportRequest::default()
    };
    let some = house.import(some).await;
    assert_eq!((some.imported, some.formats[0].out_of_range), (1, 2));
    let all = house.import(ImportRequest::default()).await;
    assert_eq!((all.imported, all.duplicates), (2, 1));
}

#[tokio::test]
async fn a_file_that_vanished_is_noticed_and_nothing_is_dropped() {
    let house = House::new(|_| {}).await;
    house.write("a.words", "{1}\n");
    house.import(ImportRequest::default()).await;
    fs::rename(house.path("a.words"), house.path("kept")).unwrap();
    let gone = house.import(ImportRequest::default()).await;
    assert_eq!((gone.files_gone, house.events().await), (1, 1));
    assert_eq!(house.row("a.words").await.gone_at, Some(NOW.cast_signed()));
    fs::rename(house.path("kept"), house.path("a.words")).unwrap();
    let back = house.import(ImportRequest::default()).await;
    assert_eq!((back.files_done, house.row("a.words").await.gone_at), (0, None));
}

#[tokio::test]
async fn named_files_and_packed_ones_are_read() {
    let house = House::new(|_| {}).await;
    let packed = zstd::stream::encode_all(&b"{1}\n{2}"[..], 1).unwrap();
    fs::write(house.path("p.words.zst"), packed).unwrap();
    fs::write(house.path("q.words.zst"), b"this was never packed").unwrap();
    house.write("c.txt", "{3}\n");
    let named = ImportRequest {
        formats: vec!["words".to_owned()],
        paths: vec![house.path("c.txt").display().to_string(), "/no/such".to_owned()],
        ..ImportRequest::default()
    };
    let named = house.import(named).await;
    assert_eq!((named.imported, named.problems.len()), (1, 1));
    let rest = house.import(ImportRequest::default()).await;
    assert_eq!((rest.imported, rest.bad, rest.phase), (2, 1, ImportPhase::Done));
    let again = house.import(ImportRequest::default()).await;
    assert_eq!(again.files_total, 0, "what cannot be unpacked is not tried again");
}

#[tokio::test]
async fn an_import_can_be_cancelled_and_another_one_goes_on() {
    let house = House::new(|_| {}).await;
    house.write("a.words", &"{1}\n".repeat(1000));
    let app = house.app();
    let id = app.imports.start(&app, &ImportRequest::default()).unwrap();
    app.imports.find(id).unwrap().cancel();
    assert_eq!(house.wait(id).await.phase, ImportPhase::Cancelled);
    let rest = house.import(ImportRequest::default()).await;
    assert_eq!((rest.phase, rest.imported), (ImportPhase::Done, 1));
}

#[tokio::test]
async fn a_reader_that_panics_costs_its_file_and_nothing_else() {
    let house = House::new(|_| {}).await;
    house.write("a.words", "{1}\npanic\n{2}\n");
    house.write("b.words", "{3}\n");
    let status = house.import(ImportRequest::default()).await;
    assert_eq!((status.phase, status.files_done, status.bad), (ImportPhase::Done, 2, 1));
    assert_eq!(house.events().await, 1, "what waited in its reader is lost with it");
}

#[tokio::test]
async fn a_change_is_read_at_once_and_only_what_is_new() {
    let house = House::new(|imports| (imports.auto, imports.watch) = (true, true)).await;
    let app = house.app();
    // The folder of the histories comes later than the runtime.
    fs::remove_dir(&house.root).unwrap();
    app.imports.begin_by_itself();
    house.until("it watches", || app.imports.watched.load(Ordering::Relaxed) > 0).await;
    house.write("new/folder/a.words", "{1}\n{2}\n");
    house.until_events(2).await;
    let before = app.metrics.import_bytes.get();
    let began = std::time::Instant::now();
    house.append("new/folder/a.words", "{3}\n");
    house.until_events(3).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(app.metrics.import_bytes.get() - before, 4);
    fs::remove_dir_all(house.root.join("new")).unwrap();
    let path = house.path("new/folder/a.words");
    loop {
        let rows = app.store().unwrap().imported_files().await.unwrap();
        if rows.iter().any(|row| row.path == path && row.gone_at.is_some()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(house.events().await, 3);
}

#[tokio::test]
async fn a_link_that_leads_back_is_walked_once() {
    let house = House::new(|_| {}).await;
    house.write("deep/a.words", "{1}\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&house.root, house.path("deep/back")).unwrap();
    let status = house.import(ImportRequest::default()).await;
    assert_eq!((status.files_done, status.imported), (1, 1));
}

#[tokio::test]
async fn what_is_archived_is_restored_byte_for_byte() {
    let house = House::new(|imports| imports.archive = true).await;
    house.write("a.words", "{1}\n{2}\n");
    house.import(ImportRequest::default()).await;
    house.append("a.words", "{3}\n\u{0}\u{0}{4}\r\n");
    house.import(ImportRequest::default()).await;
    let whole = fs::read(house.path("a.words")).unwrap();
    let app = house.app();
    let store = app.store().unwrap();
    let chunks = store.archived_chunks(None).await.unwrap();
    assert_eq!(chunks.len(), 2, "only what is new was kept");

    fs::remove_file(house.path("a.words")).unwrap();
    house.import(ImportRequest::default()).await;
    let restored = app.archive.restore(store, house.root.clone(), None).await.unwrap();
    assert_eq!((restored.written.len(), restored.bytes), (1, whole.len() as u64));
    assert_eq!(fs::read(house.path("a.words")).unwrap(), whole);
    let refused = app.archive.restore(store, house.root.clone(), None).await.unwrap();
    assert_eq!((refused.written.len(), refused.skipped.len()), (0, 1), "nothing is overwritten");
    let elsewhere = house.folder.path().join("elsewhere");
    let to = Some(elsewhere.clone());
    let restored = app.archive.restore(store, house.path("a.words"), to).await.unwrap();
    assert_eq!(fs::read(&restored.written[0]).unwrap(), whole);

    house.write("a.words", "{9}\n");
    house.import(ImportRequest::default()).await;
    let list = app.archive.list(&app, store).await.unwrap();
    assert_eq!((list.files[0].bytes, list.files[0].editions), (4, 2));

    assert!(app.archive.verify(store).await.unwrap().ok);
    let piece = fs::read_dir(house.folder.path().join("data/archive")).unwrap().next().unwrap();
    let piece = fs::read_dir(piece.unwrap().path()).unwrap().next().unwrap().unwrap().path();
    fs::write(&piece, b"spoiled").unwrap();
    let spoiled = app.archive.verify(store).await.unwrap();
    assert_eq!((spoiled.ok, spoiled.problems.len()), (false, 1));
}

/// A runtime with a folder of histories.
struct House {
    folder: tempfile::TempDir,
    root: PathBuf,
    runtime: Runtime,
}

impl House {
    async fn new(change: impl FnOnce(&mut ImportsConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        let root = home.join("words");
        fs::create_dir(&root).unwrap();
        let mut imports = ImportsConfig {
            homes: Homes { home: home.clone(), ..Homes::default() },
            ..ImportsConfig::default()
        };
        change(&mut imports);
        let config = config(home.join("data"), imports);
        let home = Home::take(&config.data_dir).unwrap();
        let formats: Vec<Box<dyn Format>> = vec![Box::new(Words)];
        let runtime = Runtime::with_formats(config, home, formats).await.unwrap();
        Self { folder, root, runtime }
    }

    fn app(&self) -> Arc<App> {
        self.runtime.app()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Imports through the API, as everybody does.
    async fn import(&self, request: ImportRequest) -> ImportStatus {
        let Link::InProcess(_) = self.runtime.link() else { panic!("it is in process") };
        let app = self.app();
        let id = app.imports.start(&app, &request).unwrap();
        self.wait(id).await
    }

    async fn wait(&self, id: u64) -> ImportStatus {
        let run = self.app().imports.find(id).unwrap();
        self.until("the import is over", || run.phase().is_over()).await;
        run.status(true)
    }

    async fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        for _ in 0..4000 {
            if done() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not in time: {what}");
    }

    async fn until_events(&self, expected: u64) {
        for _ in 0..4000 {
            if self.events().await >= expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not in time: {expected} events, {} are there", self.events().await);
    }

    async fn events(&self) -> u64 {
        let app = self.app();
        let page = app.store().unwrap().events(EventFilter::default(), 1, 0).await.unwrap();
        page.total
    }

    async fn row(&self, name: &str) -> ImportedFile {
        let app = self.app();
        let rows = app.store().unwrap().imported_files().await.unwrap();
        rows.into_iter().find(|row| row.path == self.path(name)).unwrap()
    }
}

/// A format whose events are numbers in braces, each the time at which it happened.
struct Words;

struct WordsReader {
    lines: u64,
}

impl Format for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn folders(&self, homes: &Homes) -> Vec<PathBuf> {
        vec![homes.home.join("words")]
    }

    fn claims(&self, below_folder: &Path) -> bool {
        let name = below_folder.to_string_lossy();
        name.ends_with(".words") || name.ends_with(".words.zst")
    }

    fn shape(&self) -> Shape {
        Shape::Lines
    }

    fn reader(&self, _: &Path, state: Option<&str>) -> Box<dyn Reader> {
        Box::new(WordsReader { lines: state.map_or(0, |state| state.parse().unwrap()) })
    }
}

impl Reader for WordsReader {
    fn line(&mut self, line: &[u8], out: &mut Parsed) {
        self.lines += 1;
        let text = String::from_utf8_lossy(line);
        assert!(text != "panic", "it is told to");
        out.tally.records += 1;
        let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let number = inside.and_then(|inside| inside.trim_start_matches("\"n\":").parse().ok());
        match number {
            Some(number) => {
                out.tally.told += 1;
                out.events.push(event(number));
            }
            None => {
                out.tally.bad += 1;
                out.tally.bad_records.push(Bad { nth: self.lines, problem: "no word".to_owned() });
            }
        }
    }

    fn pause(&mut self, _: &mut Parsed) {}

    fn state(&self) -> String {
        self.lines.to_string()
    }
}

fn event(number: i64) -> NewEvent {
    NewEvent {
        event_id: Some(EventId(format!("words-{number}"))),
        session_id: SessionId("s".to_owned()),
        facet: Facet {
            agent_type: "words".to_owned(),
            kind: EventKind::Response,
            outcome: Outcome::Success,
            tool_name: None,
            model: None,
            source: "import".to_owned(),
        },
        place: Place::default(),
        tokens: Tokens::default(),
        cost_usd: None,
        duration_ms: None,
        client_ms: Some(number),
        metadata: Metadata::default(),
        historical: false,
        told: Told::default(),
    }
}

fn config(data_dir: PathBuf, imports: ImportsConfig) -> Config {
    Config {
        privacy: crate::config::Privacy::default(),
        retention: crate::config::RetentionConfig::default(),
        data_dir,
        listen: Listen {
            host: "127.0.0.1".parse().unwrap(),
            port: 0,
            socket: None,
            hosts: Vec::new(),
        },
        access: Access::Loopback,
        store: StoreConfig {
            durability: oriel_store::Durability::Normal,
            readers: 2,
            queue_events_max: 10_000,
            free_bytes_min: 0,
        },
        ingest: IngestConfig { payload_kib_max: 10 },
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
        budget: crate::config::Budget::default(),
        notify: crate::config::NotifyConfig::default(),
        imports,
        clock: Clock::new(|| UNIX_EPOCH + Duration::from_secs(NOW)),
        role: crate::config::Role::Command,
        fault: None,
        audit: crate::config::AuditConfig::default(),
        setup: crate::config::SetupConfig::default(),
    }
}
