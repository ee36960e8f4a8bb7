//! The processes of live sessions: who is registered, and whether it runs.
//!
//! Each running Claude Code keeps a file that names its session and its process. A process that
//! crashed leaves its file behind, and its number may go to another process. So a number counts
//! only together with when its process was started.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use oriel_model::{About, Note, SessionId};
use oriel_sources::Homes;
use oriel_sources::claude::registry::{self, Registered};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::PROCESS;
use crate::api::ApiError;
use crate::app::App;

/// A longer file is none of the register's.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// No more files than this are looked at.
const FILES_MAX: usize = 1_000;

/// Between its start and its registration a process takes less than this, and a number is not given
/// to another process so soon.
const SLACK_MS: i64 = 5_000;

/// A file may be missing once, while it is written anew.
const MISSED_MAX: u32 = 1;

/// What is remembered between two looks.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    files: Files,
    /// What is noted, by session, once it was read from the store.
    known: Option<HashMap<String, Note>>,
    /// How often a session was missing that is taken for alive.
    missed: HashMap<String, u32>,
}

/// A session as the register has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    registered: Registered,
    runs: bool,
}

/// Looks at the register and at the processes in it, and notes what has changed. Returns the
/// sessions of which something has.
pub(crate) async fn look(app: &App) -> Result<Vec<String>, ApiError> {
    let store = app.store()?;
    let folders = folders(&app.config.imports.homes);
    let mut memory = app.registry.0.lock().await;
    let files = std::mem::take(&mut memory.files);
    let looked = tokio::task::spawn_blocking(move || {
        let files = read(&folders, files);
        let registered = files.values().filter_map(|(_, _, one)| one.clone());
        let entries: Vec<Entry> =
            registered.map(|one| Entry { runs: runs(&one), registered: one }).collect();
        (files, entries)
    });
    let Ok((files, entries)) = looked.await else { return Ok(Vec::new()) };
    memory.files = files;
    let Memory { known, missed, .. } = &mut *memory;
    let known = match known {
        Some(known) => known,
        None => {
            let notes = store.notes_named(&[PROCESS]).await?;
            known.insert(notes.into_iter().filter_map(by_session).collect())
        }
    };
    let mut told = HashMap::new();
    for note in changes(&entries, known, missed, app.now_ms(), runs_as_noted) {
        let Some((id, note)) = by_session(note) else { continue };
        // Of a session that nothing else is known of there is nothing to say.
        if store.session(id.clone()).await?.is_some() {
            told.insert(id, note);
        }
    }
    store.note(told.values().cloned().collect()).await?;
    let ids = told.keys().cloned().collect();
    known.extend(told);
    Ok(ids)
}

fn by_session(note: Note) -> Option<(String, Note)> {
    match &note.about {
        About::Session(SessionId(id)) => Some((id.clone(), note)),
        About::Agent(_) => None,
    }
}

/// Returns where registers are kept.
fn folders(homes: &Homes) -> Vec<PathBuf> {
    let usual = || homes.home.is_absolute().then(|| homes.home.join(".claude"));
    let roots =
        if homes.claude.is_empty() { Vec::from_iter(usual()) } else { homes.claude.clone() };
    roots.into_iter().map(|root| root.join("sessions")).collect()
}

type Files = HashMap<PathBuf, (Option<SystemTime>, u64, Option<Registered>)>;

/// Reads the files that have changed. What else lies in the folders is not opened.
fn read(folders: &[PathBuf], mut before: Files) -> Files {
    let mut files = Files::new();
    for entry in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
        let path = entry.path();
        let Ok(facts) = entry.metadata() else { continue };
        if !is_entry(&path) || !facts.is_file() || files.len() == FILES_MAX {
            continue;
        }
        let (changed, bytes) = (facts.modified().ok(), facts.len());
        let known = before.remove(&path).filter(|(at, size, _)| (*at, *size) == (changed, bytes));
        let file = known.unwrap_or_else(|| {
            let body = (bytes <= FILE_BYTES_MAX).then(|| fs::read(&path).ok()).flatten();
            (changed, bytes, body.and_then(|body| registry::read(&body)))
        });
        files.insert(path, file);
    }
    files
}

/// Returns whether a file is named as an entry: by the number of a process.
fn is_entry(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = name.strip_suffix(".json").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns what is to be noted: what the register says now and did not before, and which of the
/// sessions that were alive are not any more.
fn changes(
    entries: &[Entry],
    known: &HashMap<String, Note>,
    missed: &mut HashMap<String, u32>,
    now_ms: i64,
    runs: impl Fn(&Value) -> bool,
) -> Vec<Note> {
    let mut listed: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in entries {
        // Of several processes of one session the one that runs counts, or the latest.
        let rank = |entry: &Entry| (entry.runs, entry.registered.started_at_ms);
        let slot = listed.entry(&entry.registered.session).or_insert(entry);
        if rank(slot) < rank(entry) {
            *slot = entry;
        }
    }
    let value_of_note = |note: &Note| serde_json::from_str::<Value>(&note.value).ok();
    let mut notes = Vec::new();
    for (id, entry) in &listed {
        missed.remove(*id);
        let before = known.get(*id).and_then(value_of_note);
        let value = value_of(entry, before.as_ref(), now_ms);
        if before.as_ref() != Some(&value) {
            notes.push(note(id, &value, now_ms));
        }
    }
    for (id, noted) in known.iter().filter(|(id, _)| !listed.contains_key(id.as_str())) {
        let Some(value) = value_of_note(noted) else { continue };
        if value.get("alive") != Some(&Value::Bool(true)) {
            continue;
        }
        let times = missed.entry(id.clone()).or_default();
        *times += 1;
        if *times > MISSED_MAX || !runs(&value) {
            missed.remove(id);
            notes.push(note(id, &gone(&value, now_ms), now_ms));
        }
    }
    notes
}

fn note(id: &str, value: &Value, at_ms: i64) -> Note {
    let about = About::Session(SessionId(id.to_owned()));
    Note { about, name: PROCESS.to_owned(), value: value.to_string(), at_ms }
}

fn value_of(entry: &Entry, before: Option<&Value>, now_ms: i64) -> Value {
    let one = &entry.registered;
    let mut value = json!({
        "pid": one.pid,
        "alive": true,
        "since": one.started_at_ms,
        "start": one.process_start,
        "kind": one.kind,
        "entrypoint": one.entrypoint,
        "status": one.status,
        "status_since": one.status_since_ms,
    });
    if !entry.runs {
        let was_gone = before
            .filter(|before| before.get("alive") == Some(&Value::Bool(false)))
            .filter(|before| before.get("pid") == value.get("pid"));
        let since_ms = was_gone.and_then(|before| before.get("since")?.as_i64());
        value = gone(&value, since_ms.unwrap_or(now_ms));
    }
    value
}

fn gone(value: &Value, since_ms: i64) -> Value {
    let mut value = value.clone();
    if let Value::Object(fields) = &mut value {
        fields.insert("alive".to_owned(), false.into());
        fields.insert("since".to_owned(), since_ms.into());
        fields.insert("status".to_owned(), Value::Null);
        fields.insert("status_since".to_owned(), Value::Null);
    }
    value
}

/// Returns whether the process of a note still runs.
fn runs_as_noted(value: &Value) -> bool {
    let pid = value.get("pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok());
    let start = value.get("start").and_then(Value::as_str).map(str::to_owned);
    runs(&Registered {
        pid: pid.unwrap_or_default(),
        process_start: start,
        started_at_ms: value.get("since").and_then(Value::as_i64),
        ..Registered::default()
    })
}

/// Returns whether the process that registered itself runs, and not another one of its number.
#[cfg(target_os = "linux")]
fn runs(registered: &Registered) -> bool {
    let stat = fs::read(format!("/proc/{}/stat", registered.pid));
    let Some(ticks) = stat.ok().as_deref().and_then(start_ticks) else { return false };
    let Some(booted) = booted_at() else { return true };
    let second = i64::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100).max(1);
    let started_ms = booted
        .saturating_mul(1000)
        .saturating_add(i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(1000) / second);
    is_same(registered, &ticks.to_string(), started_ms)
}

/// Returns whether a process runs. When it was started is not known here.
#[cfg(all(unix, not(target_os = "linux")))]
fn runs(registered: &Registered) -> bool {
    use rustix::io::Errno;
    let pid = i32::try_from(registered.pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| match rustix::process::test_kill_process(pid) {
        Ok(()) | Err(Errno::PERM) => true,
        Err(_) => false,
    })
}

/// Takes what is registered for true: nothing here says otherwise.
#[cfg(not(unix))]
fn runs(_: &Registered) -> bool {
    true
}

/// Returns whether a process with this start is the one that registered itself.
#[cfg(target_os = "linux")]
fn is_same(registered: &Registered, ticks: &str, started_ms: i64) -> bool {
    if registered.process_start.as_deref() == Some(ticks) {
        return true;
    }
    match registered.started_at_ms {
        // Whoever has the number later was started later.
        Some(registered_ms) => started_ms <= registered_ms.saturating_add(SLACK_MS),
        None => registered.process_start.is_none(),
    }
}

/// Returns when a process was started, in ticks since the machine was; nothing where it has ended
/// and only waits to be asked how.
#[cfg(target_os = "linux")]
fn start_ticks(stat: &[u8]) -> Option<u64> {
    // A program's name is in brackets and may hold anything.
    let after = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[after + 1..]).ok()?.split_ascii_whitespace();
    let is_over = matches!(fields.next()?, "Z" | "X" | "x");
    let ticks = fields.nth(18)?.parse().ok()?;
    (!is_over).then_some(ticks)
}

/// Returns when the machine was started, in Unix seconds.
#[cfg(target_os = "linux")]
fn booted_at() -> Option<i64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_named_by_a_number_are_entries() {
        for (name, expected) in [
            ("4711.json", true),
            ("4711.key", false),
            ("4711.json.key", false),
            (".json", false),
            ("x.json", false),
            ("47-1.json", false),
        ] {
            assert_eq!(is_entry(&Path::new("/h/sessions").join(name)), expected, "{name}");
        }
    }

    #[test]
    fn what_is_registered_is_noted_once_and_what_is_gone_is_not_alive() {
        let mut missed = HashMap::new();
        let mut look = |entries: &[Entry], known: &[Note], now_ms, runs: bool| {
            let known = known.iter().cloned().filter_map(by_session).collect();
            let notes = changes(entries, &known, &mut missed, now_ms, |_| runs);
            notes.into_iter().map(|note| (alive(&note), note)).collect::<Vec<_>>()
        };
        let first = look(&[entry("s", 7, true)], &[], 100, true);
        assert_eq!(first[0].0, (true, 50));
        let known = [first[0].1.clone()];
        assert_eq!(look(&[entry("s", 7, true)], &known, 200, true), []);
        let crashed = look(&[entry("s", 7, false)], &known, 300, true);
        assert_eq!(crashed[0].0, (false, 300));
        assert_eq!(look(&[entry("s", 7, false)], &[crashed[0].1.clone()], 400, true), []);
        let resumed = look(&[entry("s", 8, true)], &[crashed[0].1.clone()], 500, true);
        assert_eq!(resumed[0].0, (true, 50));
        assert_eq!(look(&[], &known, 600, true), [], "the file is written anew");
        assert_eq!(look(&[], &known, 700, true)[0].0, (false, 700), "it went to another session");
        assert_eq!(look(&[], &known, 800, false)[0].0, (false, 800), "the process is gone");
    }

    #[test]
    fn of_several_processes_of_a_session_the_one_that_runs_counts() {
        let entries = [entry("s", 7, false), entry("s", 8, true), entry("s", 9, false)];
        let notes = changes(&entries, &HashMap::new(), &mut HashMap::new(), 100, |_| true);
        assert_eq!((notes.len(), alive(&notes[0])), (1, (true, 50)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_number_counts_only_with_the_start_of_its_process() {
        let stat = b"42 (a) b) S 1 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 88123 9 9";
        assert_eq!(start_ticks(stat), Some(88123));
        assert_eq!(start_ticks(b"42 (a) Z 1 42 42 0 -1 4 1 0 0 0 1 2 0 0 20 0 1 0 88123 9"), None);
        assert_eq!(start_ticks(b"nonsense"), None);
        let one = |start: Option<&str>, at: Option<i64>| Registered {
            process_start: start.map(str::to_owned),
            started_at_ms: at,
            ..Registered::default()
        };
        assert!(is_same(&one(Some("88123"), None), "88123", 9_000_000));
        assert!(is_same(&one(Some("another form"), Some(9_000_500)), "88123", 9_000_000));
        assert!(!is_same(&one(Some("70000"), Some(100_000)), "88123", 9_000_000), "used again");
        assert!(!is_same(&one(Some("70000"), None), "88123", 9_000_000));
        let own = Registered { pid: std::process::id(), ..Registered::default() };
        assert!(runs(&own));
        assert!(!runs(&Registered { started_at_ms: Some(1_000), ..own }), "it began long before");
    }

    fn entry(session: &str, pid: u32, runs: bool) -> Entry {
        let (session, started_at_ms) = (session.to_owned(), Some(50));
        let registered = Registered { pid, session, started_at_ms, ..Registered::default() };
        Entry { registered, runs }
    }

    fn alive(note: &Note) -> (bool, i64) {
        let value: Value = serde_json::from_str(&note.value).unwrap();
        (value["alive"].as_bool().unwrap(), value["since"].as_i64().unwrap())
    }
}
