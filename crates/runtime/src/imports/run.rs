//! One import: workers read and parse, and one task stores what they find.
//!
//! What is known of a file is remembered only after its events are on disk. So a process may die at
//! any moment: what was not remembered is read again, and its events are known by their names.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oriel_model::Note;
use oriel_sources::Format;
use oriel_store::{AppendError, Appended, ImportCounts, ImportedFile, Ready, Store};
use oriel_wire::imports::{Fate, FileResult};
use oriel_wire::{Frame, SessionChange};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::read::{FileRead, Reading, Task, read};
use super::report::{Run, add, fate};
use crate::app::App;
use crate::ingest::admit_told;

/// Portions that wait to be stored; workers wait when there are more.
const PORTIONS_MAX: usize = 128;

/// What is stored at a time.
const STORED_EVENTS: usize = 2000;
const STORED_BYTES: usize = 4 * 1024 * 1024;

/// Files are remembered together, when there are this many or this much time has passed.
const REMEMBERED_FILES: usize = 128;
const REMEMBERED_EVERY: Duration = Duration::from_millis(500);

/// Listeners are told at most this often.
const TOLD_EVERY: Duration = Duration::from_millis(250);

/// Workers step back behind whatever else the machine does.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// What workers say.
enum Message {
    Portion { file: usize, events: Vec<Ready>, notes: Vec<Note> },
    Done { file: usize, read: Box<FileRead> },
}

/// Reads files and stores what is in them. Returns what is now known of them.
pub(super) async fn read_all(
    app: &Arc<App>,
    formats: &Arc<[Box<dyn Format>]>,
    run: &Arc<Run>,
    tasks: Vec<Task>,
) -> Result<Vec<ImportedFile>, String> {
    let store = app.store().map_err(|error| error.to_string())?.clone();
    let (send, receive) = mpsc::channel(PORTIONS_MAX);
    let queue: VecDeque<_> = (0..tasks.len()).collect();
    let tasks: Arc<[Task]> = tasks.into();
    let shared = Arc::new((Mutex::new(queue), Arc::clone(&tasks)));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut workers = Vec::new();
    for _ in 0..cores.min(tasks.len()) {
        let (app, formats, run) = (Arc::clone(app), Arc::clone(formats), Arc::clone(run));
        let (shared, send) = (Arc::clone(&shared), send.clone());
        let worker = std::thread::Builder::new().name("oriel-import".to_owned());
        let worker = worker.spawn(move || {
            step_back();
            work(&app, &formats, &run, &shared, &send);
        });
        workers.push(worker.map_err(|error| format!("cannot start a thread: {error}"))?);
    }
    drop((send, shared));
    let mut writing = Writing {
        app,
        store,
        run,
        formats,
        tasks: &tasks,
        open: HashMap::new(),
        events: Vec::new(),
        owners: Vec::new(),
        notes: Vec::new(),
        bytes: 0,
        done: Vec::new(),
        under_way: None,
        to_remember: Vec::new(),
        remembered: Vec::new(),
        remembered_at: Instant::now(),
        told_at: Instant::now(),
    };
    let written = writing.write_all(receive).await;
    if written.is_err() {
        run.cancel();
    }
    // Those who still read see that nobody listens any more.
    let join = move || workers.into_iter().for_each(|worker| _ = worker.join());
    _ = tokio::task::spawn_blocking(join).await;
    written.map(|()| writing.remembered)
}

fn work(
    app: &App,
    formats: &[Box<dyn Format>],
    run: &Run,
    shared: &(Mutex<VecDeque<usize>>, Arc<[Task]>),
    send: &mpsc::Sender<Message>,
) {
    let (queue, tasks) = shared;
    let now_ms = app.now_ms();
    while !run.is_cancelled() {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(file) = next else { return };
        let reading = Reading {
            format: &*formats[tasks[file].found.format],
            force: run.options.force,
            from_ms: run.options.from_ms,
            to_ms: run.options.to_ms,
            admit: &|event| admit_told(app, event, now_ms),
            give: &mut |events, notes| {
                let events = events.into_iter().map(Ready::new).collect();
                send.blocking_send(Message::Portion { file, events, notes }).is_ok()
            },
            count: &|bytes, lines| {
                app.metrics.import_bytes.inc_by(bytes);
                run.count(bytes, lines)
            },
        };
        let read = Box::new(read(&tasks[file], reading));
        if send.blocking_send(Message::Done { file, read }).is_err() {
            return;
        }
    }
}

/// Makes this thread wait for whatever else the machine has to do.
#[cfg(target_os = "linux")]
fn step_back() {
    // A thread that may not is as quick as any other.
    _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

/// The one who stores what the workers find.
struct Writing<'a> {
    app: &'a App,
    store: Store,
    run: &'a Run,
    formats: &'a [Box<dyn Format>],
    tasks: &'a [Task],
    open: HashMap<usize, Counts>,
    /// What is stored next, and of which files how many of them are, in order.
    events: Vec<Ready>,
    owners: Vec<(usize, usize)>,
    notes: Vec<Note>,
    bytes: usize,
    /// Files whose last events are among those.
    done: Vec<(usize, Box<FileRead>)>,
    /// What the store is writing.
    under_way: Option<UnderWay>,
    to_remember: Vec<ImportedFile>,
    remembered: Vec<ImportedFile>,
    remembered_at: Instant,
    told_at: Instant,
}

/// What was handed over, and what is to be counted when it is stored.
struct UnderWay {
    answer: Option<JoinHandle<Result<Vec<Appended>, AppendError>>>,
    owners: Vec<(usize, usize)>,
    done: Vec<(usize, Box<FileRead>)>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    imported: u64,
    duplicates: u64,
}

impl Writing<'_> {
    async fn write_all(&mut self, mut receive: mpsc::Receiver<Message>) -> Result<(), String> {
        let mut stopping = pin!(self.app.stopping());
        let mut tick = tokio::time::interval(TOLD_EVERY);
        loop {
            let message = tokio::select! {
                message = receive.recv() => message,
                _ = tick.tick() => {
                    self.tell();
                    continue;
                }
                () = &mut stopping, if !self.run.is_cancelled() => {
                    self.run.cancel();
                    continue;
                }
            };
            let Some(message) = message else { break };
            self.take(message);
            while self.events.len() < STORED_EVENTS && self.bytes < STORED_BYTES {
                let Ok(more) = receive.try_recv() else { break };
                self.take(more);
            }
            self.store_events().await?;
            let is_time = self.remembered_at.elapsed() >= REMEMBERED_EVERY;
            if is_time || self.to_remember.len() >= REMEMBERED_FILES {
                self.remember().await?;
            }
            self.tell();
        }
        self.settle().await?;
        self.remember().await
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Portion { file, events, mut notes } => {
                self.bytes += events.iter().map(Ready::weight).sum::<usize>();
                self.owners.push((file, events.len()));
                self.events.extend(events);
                self.notes.append(&mut notes);
            }
            Message::Done { file, read } => self.done.push((file, read)),
        }
    }

    /// Hands over what was taken, once what was handed over before is stored. What comes next is
    /// gathered while the store writes.
    async fn store_events(&mut self) -> Result<(), String> {
        self.settle().await?;
        self.bytes = 0;
        let events = std::mem::take(&mut self.events);
        let mut notes = std::mem::take(&mut self.notes);
        let owners = std::mem::take(&mut self.owners);
        let done = std::mem::take(&mut self.done);
        let answer = if self.run.options.dry_run {
            None
        } else {
            for note in &mut notes {
                self.app.config.privacy.apply_to_note(note);
            }
            let (store, at) = (self.store.clone(), self.app.now());
            Some(tokio::spawn(async move { store.append_in_turn(events, notes, at).await }))
        };
        self.under_way = Some(UnderWay { answer, owners, done });
        Ok(())
    }

    /// Waits until what was handed over is stored, and then counts the files that it ends.
    async fn settle(&mut self) -> Result<(), String> {
        let Some(UnderWay { answer, owners, done }) = self.under_way.take() else { return Ok(()) };
        if let Some(answer) = answer {
            let appended = answer.await.map_err(|error| error.to_string())?;
            let appended = appended.map_err(|error| error.to_string())?;
            let mut rest = &appended[..];
            for (file, count) in owners {
                let (own, others) = rest.split_at(count.min(rest.len()));
                rest = others;
                let new = own.iter().filter(|one| matches!(one, Appended::New(_))).count();
                let counts = self.open.entry(file).or_default();
                counts.imported += new as u64;
                counts.duplicates += (own.len() - new) as u64;
            }
        }
        for (file, read) in done {
            self.end_file(file, *read);
        }
        Ok(())
    }

    fn end_file(&mut self, file: usize, read: FileRead) {
        let task = &self.tasks[file];
        let counts = self.open.remove(&file).unwrap_or_default();
        let path = task.found.path.display().to_string();
        let fate = fate(&read.tally, &path);
        let format = self.formats[task.found.format].name().to_owned();
        self.app.metrics.import_files.inc();
        self.app.metrics.import_events.inc_by(counts.imported);
        if let Some(problem) = &read.problem {
            tracing::warn!(problem, "a history was not read to its end");
        }
        if read.is_complete && self.run.options.is_remembered() {
            let row = remembered(self.app, task, &read, &format, counts, &fate);
            self.to_remember.push(row);
        }
        self.run.add_file(FileResult {
            path,
            format,
            went_on: read.went_on,
            bytes: read.bytes,
            lines: read.lines,
            found: read.found,
            imported: counts.imported,
            duplicates: counts.duplicates,
            out_of_range: read.out_of_range,
            fate,
            problem: read.problem,
        });
    }

    async fn remember(&mut self) -> Result<(), String> {
        self.remembered_at = Instant::now();
        let files = std::mem::take(&mut self.to_remember);
        self.store.write_imported(files.clone()).await.map_err(|error| error.to_string())?;
        self.app.imports.writes.fetch_add(1, std::sync::atomic::Ordering::Release);
        self.remembered.extend(files.into_iter().map(|file| ImportedFile {
            // Whoever reads on asks the store for these.
            state: String::new(),
            fate: String::new(),
            ..file
        }));
        Ok(())
    }

    /// Tells those who listen how far it is.
    fn tell(&mut self) {
        let is_listed = self.run.id != 0 && self.told_at.elapsed() >= TOLD_EVERY;
        if is_listed && self.app.hub.listeners() > 0 {
            self.told_at = Instant::now();
            tell(self.app, self.run);
        }
    }
}

/// Tells those who listen how an import stands.
pub(super) fn tell(app: &App, run: &Run) {
    let status = run.status(false);
    // That nothing was found is no news, unless someone asked.
    if status.automatic && status.bytes_total == 0 {
        return;
    }
    let payload = SessionChange::ImportProgress {
        id: status.id,
        phase: status.phase,
        files_done: status.files_done,
        files_total: status.files_total,
        bytes_done: status.bytes_done,
        bytes_total: status.bytes_total,
        imported: status.imported,
    };
    app.hub.note(&Frame::SessionUpdate { payload });
}

/// Returns what is to be known of a file from now on.
fn remembered(
    app: &App,
    task: &Task,
    read: &FileRead,
    format: &str,
    counts: Counts,
    fate: &Fate,
) -> ImportedFile {
    let known = task.known.as_ref();
    let before = known.filter(|_| read.went_on);
    let counts_before = before.map(|known| known.counts).unwrap_or_default();
    let mut whole: Fate =
        before.and_then(|known| serde_json::from_str(&known.fate).ok()).unwrap_or_default();
    add(&mut whole, fate);
    ImportedFile {
        path: task.found.path.clone(),
        format: format.to_owned(),
        seen: read.seen,
        read_to: read.read_to,
        fingerprint: read.fingerprint.clone(),
        state: read.state.clone(),
        counts: ImportCounts {
            lines: counts_before.lines + read.lines,
            records: counts_before.records + read.tally.records,
            events: counts_before.events + counts.imported,
            duplicates: counts_before.duplicates + counts.duplicates,
            bad: counts_before.bad + read.tally.bad,
        },
        fate: serde_json::to_string(&whole).unwrap_or_default(),
        first_seen: known.map_or_else(|| app.now(), |known| known.first_seen),
        read_at: app.now(),
        gone_at: None,
    }
}
