//! What becomes of a workspace's files while an agent works: found by looking, and kept as iterations.
//!
//! Before a turn every file is looked at, which reads none. What looks different later was changed, and
//! only that is read, hashed and kept. Whoever changes a file in a turn is taken for the agent; what
//! changed between turns is a person's work. Nothing here waits or reads a clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oriel_wire::gateway::{Author, FileChange, FileDiff};

use super::before::{Before, before};
use super::blobs::{Blobs, KEPT_BYTES_MAX, hash_of};
use super::change::{Change, Found, Iteration, Touch};
use super::look::{Look, Looks, changes};
use super::path::WorkspacePath;
use super::scan::{FILES_MAX, IGNORE_FILE, Ignored, Scan, scan};
use super::workspace::{HASHED_BYTES_MAX, Workspace};

/// In the midst of a turn the whole workspace is looked at no more often than this.
const SCAN_INTERVAL: Duration = Duration::from_secs(2);

/// So many changes are told of one turn. Further ones are only counted.
const CHANGES_MAX: usize = 2_000;

/// A file that changed so short a time before it was looked at may change again and look the same, since
/// the system's clock for files is coarse. It is read again at the next look.
const YOUNG_NS: i128 = 100_000_000;

/// How often a file is read again that changed while it was read.
const READS_MAX: usize = 3;

/// Finds what changes in a workspace.
#[derive(Debug)]
pub(crate) struct Tracker {
    workspace: Arc<Workspace>,
    blobs: Arc<Blobs>,
    /// The latest iteration of each file that has one.
    last: HashMap<String, Last>,
    turn: Option<Turn>,
    files_max: usize,
}

#[derive(Debug, Clone)]
struct Last {
    iteration: u32,
    size: u64,
    hash: String,
    is_gone: bool,
    /// How the file looked when it was read; none where this process has not read it.
    look: Option<Look>,
}

/// A turn: what is known of the workspace, and the moment at which it is looked at.
#[derive(Debug)]
struct Turn {
    now: SystemTime,
    found: Found,
    began_ns: i128,
    scanned_at: SystemTime,
    /// The files as they are known to look.
    known: Looks,
    is_whole: bool,
    ignored: Ignored,
    /// Those that may change again and look the same.
    young: BTreeSet<String>,
    /// Whether something else is ignored now than at the beginning, so that a file that comes to be
    /// seen may be an old one.
    has_new_rules: bool,
    changes: usize,
}

/// What was read of a file.
struct Content {
    look: Look,
    hash: String,
    is_kept: bool,
    text: Option<String>,
}

impl Tracker {
    /// Takes the latest iteration of each file that has one.
    pub(crate) fn new(
        workspace: Arc<Workspace>,
        blobs: Arc<Blobs>,
        latest: impl IntoIterator<Item = Iteration>,
    ) -> Self {
        let last = latest.into_iter().map(|it| (it.path.clone(), Last::of(&it, None))).collect();
        Self { workspace, blobs, last, turn: None, files_max: FILES_MAX }
    }

    /// Looks at fewer files, so that a test needs no more.
    #[cfg(test)]
    pub(super) fn files_max(&mut self, files_max: usize) {
        self.files_max = files_max;
    }

    /// Begins a turn: looks at the workspace, and finds what a person changed of the files that have
    /// iterations.
    pub(crate) fn begin(&mut self, now: SystemTime) -> Found {
        let Scan { looks, is_whole, ignored } = self.scan();
        let mut turn = Turn {
            now,
            found: Found::default(),
            began_ns: nanos(now),
            scanned_at: now,
            known: looks,
            is_whole,
            ignored,
            young: BTreeSet::new(),
            has_new_rules: false,
            changes: 0,
        };
        let mut paths: Vec<String> = self.last.keys().cloned().collect();
        paths.sort_unstable();
        for path in paths {
            // A path that was taken once is one that can be taken.
            let Ok(path) = WorkspacePath::parse(&path) else { continue };
            let look = self.workspace.look(&path);
            let is_same =
                self.last.get(path.as_str()).is_some_and(|last| match (look, last.look) {
                    (None, _) => last.is_gone,
                    (Some(look), Some(known)) => look == known && !is_young(look, now),
                    (Some(_), None) => false,
                });
            if !is_same {
                self.settle(&path, look, FileChange::Modified, Author::User, &mut turn);
            }
        }
        turn.changes = 0;
        let found = turn.told();
        self.turn = Some(turn);
        found
    }

    /// Finds what a tool changed: the files that it names at once, all others where the last look at
    /// them is some time ago.
    pub(crate) fn after_tool(&mut self, touched: &[Touch], now: SystemTime) -> Found {
        let Some(mut turn) = self.turn.take() else { return Found::default() };
        turn.now = now;
        for (path, diffs) in self.named(touched) {
            self.examine(&path, &diffs, &mut turn);
        }
        // A clock that was set back says nothing of how long that is ago.
        let is_due =
            now.duration_since(turn.scanned_at).map_or(true, |since| since >= SCAN_INTERVAL);
        if is_due {
            self.rescan(&mut turn);
        }
        let found = turn.told();
        self.turn = Some(turn);
        found
    }

    /// Ends a turn: finds whatever else changed in it.
    pub(crate) fn end(&mut self, now: SystemTime) -> Found {
        let Some(mut turn) = self.turn.take() else { return Found::default() };
        turn.now = now;
        let restless = self.rescan(&mut turn);
        for (path, look, kind) in restless {
            // It never came to rest, so what it holds is anyone's guess; that it changed is not.
            let content = Content { look, hash: String::new(), is_kept: false, text: None };
            self.remember(&path, content, kind, Author::Agent, &mut turn);
        }
        turn.told()
    }

    fn scan(&self) -> Scan {
        scan(&self.workspace, self.files_max).unwrap_or_else(|error| {
            tracing::warn!(%error, "a workspace cannot be looked at; only files that the agent names are");
            Scan::default()
        })
    }

    /// Returns what is said of each file that lies in the workspace, in order.
    fn named<'a>(&self, touched: &'a [Touch]) -> BTreeMap<WorkspacePath, Vec<&'a FileDiff>> {
        let mut named: BTreeMap<_, Vec<&FileDiff>> = BTreeMap::new();
        for touch in touched {
            let (path, diff) = match touch {
                Touch::Path(path) => (self.workspace.relative(path), None),
                Touch::Diff(diff) => (self.workspace.relative(diff.path.as_ref()), Some(diff)),
            };
            if let Some(path) = path {
                named.entry(path).or_default().extend(diff);
            }
        }
        named
    }

    /// Looks at the whole workspace again. Returns the files that do not come to rest.
    fn rescan(&mut self, turn: &mut Turn) -> Vec<(WorkspacePath, Look, FileChange)> {
        turn.scanned_at = turn.now;
        let mut paths: BTreeSet<String> = std::mem::take(&mut turn.young);
        if turn.is_whole {
            let Scan { looks, is_whole, ignored } = self.scan();
            turn.is_whole = is_whole;
            if is_whole {
                turn.ignored = ignored;
                let changed = changes(&turn.known, &looks).into_iter().map(|(path, _)| path);
                paths.extend(changed);
                turn.has_new_rules |= paths.iter().any(|path| path.ends_with(IGNORE_FILE));
            }
        }
        let mut restless = Vec::new();
        for path in paths {
            let Ok(path) = WorkspacePath::parse(&path) else { continue };
            restless.extend(self.examine(&path, &[], turn).map(|(look, kind)| (path, look, kind)));
        }
        restless
    }

    /// Looks at one file. Returns how it looks and what happened to it where it does not come to rest.
    fn examine(
        &mut self,
        path: &WorkspacePath,
        diffs: &[&FileDiff],
        turn: &mut Turn,
    ) -> Option<(Look, FileChange)> {
        let look = self.workspace.look(path);
        let known = turn.known.get(path.as_str()).copied();
        let last = self.last.get(path.as_str());
        let is_young = look.is_some_and(|look| is_young(look, turn.now));
        let kind = match (look, known, last) {
            (None, None, None) => return None,
            (None, None, Some(last)) if last.is_gone => return None,
            (None, _, _) => FileChange::Deleted,
            (Some(look), _, Some(last)) if last.look == Some(look) && !is_young => return None,
            (Some(look), Some(known), None) if look == known => return None,
            (Some(_), Some(_), _) | (Some(_), None, Some(_)) => FileChange::Modified,
            (Some(look), None, None) => {
                if !turn.is_sure_of(path) && look.changed_ns < turn.began_ns - YOUNG_NS {
                    // It was there before, and nobody has looked at it.
                    turn.known.insert(path.as_str().to_owned(), look);
                    return None;
                }
                if turn.is_sure_of(path) { FileChange::Created } else { FileChange::Modified }
            }
        };
        let kind = self.first_by_user(path, look, diffs, known, kind, turn);
        self.settle(path, look, kind, Author::Agent, turn)
    }

    /// Remembers what a file held before the agent first changed it, where the tool's diff says it.
    /// Returns what happened to the file by what is known then.
    fn first_by_user(
        &mut self,
        path: &WorkspacePath,
        look: Option<Look>,
        diffs: &[&FileDiff],
        known: Option<Look>,
        kind: FileChange,
        turn: &mut Turn,
    ) -> FileChange {
        if diffs.is_empty() || look.is_none() || self.last.contains_key(path.as_str()) {
            return kind;
        }
        let Some(text) = self.read(path).and_then(|content| content.text) else { return kind };
        match before(&text, diffs) {
            Some(Before::Nothing) if known.is_none() => FileChange::Created,
            Some(Before::Text(old)) if known.is_none_or(|known| known.size == old.len() as u64) => {
                if old != text {
                    let look = Look { size: old.len() as u64, ..known.or(look).unwrap_or(EMPTY) };
                    let content = self.content_of(look, old.into_bytes());
                    self.remember(path, content, FileChange::Created, Author::User, turn);
                }
                FileChange::Modified
            }
            Some(_) | None => kind,
        }
    }

    /// Reads a file that looks different, and remembers it where it is.
    fn settle(
        &mut self,
        path: &WorkspacePath,
        look: Option<Look>,
        kind: FileChange,
        author: Author,
        turn: &mut Turn,
    ) -> Option<(Look, FileChange)> {
        let Some(look) = look else {
            self.remember_gone(path, author, turn);
            return None;
        };
        match self.read(path) {
            Some(content) => self.remember(path, content, kind, author, turn),
            // Nothing is remembered of it, so the next look finds it again.
            None => {
                turn.young.insert(path.as_str().to_owned());
                return Some((look, kind));
            }
        }
        None
    }

    /// Reads a file; none where it is no file any more, or changes while it is read.
    fn read(&self, path: &WorkspacePath) -> Option<Content> {
        for _ in 0..READS_MAX {
            let look = self.workspace.look(path)?;
            let mut opened = self.workspace.open_file(path).ok()?;
            // A link may have taken the file's place, and then something else was opened.
            if opened.look != look {
                continue;
            }
            if look.size > HASHED_BYTES_MAX {
                return Some(Content { look, hash: String::new(), is_kept: false, text: None });
            }
            if look.size > KEPT_BYTES_MAX {
                let hash = opened.hash().ok()?;
                if opened.is_same().ok()? {
                    return Some(Content { look, hash, is_kept: false, text: None });
                }
                continue;
            }
            let bytes = opened.bytes(0, look.size.saturating_add(1)).ok()?;
            if bytes.len() as u64 == look.size && opened.is_same().ok()? {
                return Some(self.content_of(look, bytes));
            }
        }
        None
    }

    fn content_of(&self, look: Look, bytes: Vec<u8>) -> Content {
        let (hash, is_kept) = match self.blobs.keep(&bytes) {
            Ok(hash) => (hash, true),
            Err(error) => {
                tracing::warn!(%error, "what a file holds is not kept");
                (hash_of(&bytes), false)
            }
        };
        Content { look, hash, is_kept, text: String::from_utf8(bytes).ok() }
    }

    fn remember(
        &mut self,
        path: &WorkspacePath,
        content: Content,
        kind: FileChange,
        author: Author,
        turn: &mut Turn,
    ) {
        let Content { look, hash, is_kept, .. } = content;
        turn.known.insert(path.as_str().to_owned(), look);
        if is_young(look, turn.now) {
            turn.young.insert(path.as_str().to_owned());
        }
        let last = self.last.get_mut(path.as_str());
        let kind = match &last {
            Some(last) if last.is_gone => FileChange::Created,
            Some(_) => FileChange::Modified,
            None => kind,
        };
        if let Some(last) = last
            && !last.is_gone
            && (last.hash == hash && last.size == look.size)
        {
            last.look = Some(look);
            return;
        }
        let next = Next { size: look.size, hash, is_kept, kind, author, look: Some(look) };
        self.tell(path, next, turn);
    }

    fn remember_gone(&mut self, path: &WorkspacePath, author: Author, turn: &mut Turn) {
        turn.known.remove(path.as_str());
        let (hash, kind) = (String::new(), FileChange::Deleted);
        let next = Next { size: 0, hash, is_kept: false, kind, author, look: None };
        self.tell(path, next, turn);
    }

    fn tell(&mut self, path: &WorkspacePath, next: Next, turn: &mut Turn) {
        if turn.changes >= CHANGES_MAX {
            turn.found.untold += 1;
            return;
        }
        turn.changes += 1;
        let Next { size, hash, is_kept, kind, author, look } = next;
        let known = self.last.get(path.as_str()).map_or(0, |last| last.iteration);
        let iteration = Iteration {
            path: path.as_str().to_owned(),
            iteration: known.saturating_add(1),
            ts: i64::try_from(nanos(turn.now).div_euclid(1_000_000)).unwrap_or_default(),
            size,
            hash,
            author,
            is_kept,
        };
        let mut last = Last::of(&iteration, look);
        last.is_gone = kind == FileChange::Deleted;
        self.last.insert(iteration.path.clone(), last);
        turn.found.changes.push(Change { iteration, kind });
    }
}

/// A file's next iteration.
struct Next {
    size: u64,
    hash: String,
    is_kept: bool,
    kind: FileChange,
    author: Author,
    look: Option<Look>,
}

/// How a file looks of which nothing is known.
const EMPTY: Look = Look { size: 0, modified_ns: 0, changed_ns: 0, inode: 0 };

impl Turn {
    /// Returns whether a file that nobody has looked at was not there when the turn began.
    fn is_sure_of(&self, path: &WorkspacePath) -> bool {
        self.is_whole && !self.has_new_rules && !self.ignored.covers(path)
    }

    /// Gives away what was found.
    fn told(&mut self) -> Found {
        Found { is_partial: !self.is_whole, ..std::mem::take(&mut self.found) }
    }
}

impl Last {
    fn of(iteration: &Iteration, look: Option<Look>) -> Self {
        let Iteration { iteration, size, hash, .. } = iteration;
        let is_gone = hash.is_empty() && *size == 0;
        Self { iteration: *iteration, size: *size, hash: hash.clone(), is_gone, look }
    }
}

fn is_young(look: Look, now: SystemTime) -> bool {
    look.changed_ns + YOUNG_NS > nanos(now)
}

fn nanos(at: SystemTime) -> i128 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().cast_signed()
}
