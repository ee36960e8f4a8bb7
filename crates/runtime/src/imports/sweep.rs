//! What is to be read: everything, what was named, or what changed, less what is known.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use oriel_sources::{Format, Homes, Shape};
use oriel_store::{FileSeen, ImportedFile, Store};
use oriel_wire::imports::ImportPhase;

use super::read::Task;
use super::report::{Options, Run};
use super::run::{read_all, tell};
use super::walk::{Found, Root, below, claimed, is_absent, look, roots};
use super::watch::{Changes, Watch};
use crate::app::App;
use crate::archive::Kept;
use crate::inspect::format_of;

/// Days after which Claude Code deletes its histories where its settings say nothing else.
const CLAUDE_CLEANUP_DAYS: u64 = 30;

/// How long before that it is told of.
const WARNED_DAYS: u64 = 7;

const DAY_SECONDS: i64 = 86_400;

/// While a file changes, what is new of it goes to the archive only when there is this much.
const ARCHIVED_BYTES: u64 = 1024 * 1024;

/// What the one task that imports knows.
pub(super) struct State {
    app: Arc<App>,
    formats: Arc<[Box<dyn Format>]>,
    /// What is known of each file, by format. Read from the store when it is first needed.
    known: Option<Vec<HashMap<PathBuf, Known>>>,
    watch: Option<Watch>,
}

/// As much of a file as tells whether to read it.
#[derive(Debug, Clone, Copy)]
struct Known {
    seen: FileSeen,
    read_to: u64,
    is_gone: bool,
}

/// What a look at the disk found.
#[derive(Default)]
struct Looked {
    found: Vec<Found>,
    problems: Vec<String>,
    /// Files of which something is known and that are not there any more.
    gone: Vec<PathBuf>,
}

impl State {
    pub(super) fn new(app: &Arc<App>) -> Self {
        let formats = Arc::clone(&app.imports.formats);
        Self { app: Arc::clone(app), formats, known: None, watch: None }
    }

    pub(super) fn changes(&self) -> Option<Arc<Changes>> {
        self.watch.as_ref().map(Watch::changes)
    }

    /// Does an import from its beginning to its end.
    pub(super) async fn import(&mut self, run: &Arc<Run>) {
        run.begin();
        let done = if run.is_cancelled() { Ok(()) } else { self.try_import(run).await };
        if let Err(problem) = &done {
            tracing::error!(problem, "an import failed");
        }
        run.end(done.err());
        tell(&self.app, run);
    }

    async fn try_import(&mut self, run: &Arc<Run>) -> Result<(), String> {
        self.load().await?;
        let (formats, homes) = (Arc::clone(&self.formats), self.app.config.imports.homes.clone());
        let options = run.options.clone();
        let look = move || discover(&formats, &homes, &options);
        let mut looked = tokio::task::spawn_blocking(look).await.map_err(|e| e.to_string())?;
        if run.options.paths.is_empty() && !run.options.dry_run {
            self.notice_gone(&run.options, &mut looked).await?;
        }
        run.change(|status| {
            status.problems.append(&mut looked.problems);
            status.files_gone = looked.gone.len() as u64;
        });
        let found = looked.found.clone();
        self.read(run, looked.found).await?;
        if run.options.is_remembered() {
            self.archive(&found, 0).await;
        }
        Ok(())
    }

    /// Reads what changed. Returns false where that is not known and everything must be looked at.
    pub(super) async fn read_changed(&mut self) -> bool {
        let Some(paths) = self.watch.as_ref().and_then(|watch| watch.changes().drain()) else {
            return self.watch.is_none();
        };
        if self.watch.as_mut().is_some_and(|watch| watch.forget(&paths)) && self.watch().await {
            return false;
        }
        if let Err(problem) = self.read_paths(paths).await {
            tracing::error!(problem, "changed histories were not read");
        }
        true
    }

    async fn read_paths(&mut self, paths: BTreeSet<PathBuf>) -> Result<(), String> {
        self.load().await?;
        let (formats, homes) = (Arc::clone(&self.formats), self.app.config.imports.homes.clone());
        let look = move || look_at(&formats, &homes, paths);
        let (found, absent) = tokio::task::spawn_blocking(look).await.map_err(|e| e.to_string())?;
        let gone = self.known_below(&absent);
        self.mark_gone(gone, true).await?;
        let run = Arc::new(Run::new(0, Options::default(), String::new()));
        run.begin();
        let of_archive = found.clone();
        self.read(&run, found).await?;
        self.archive(&of_archive, ARCHIVED_BYTES).await;
        Ok(())
    }

    /// Reads those files that changed, or all of them where that is asked for.
    async fn read(&mut self, run: &Arc<Run>, mut found: Vec<Found>) -> Result<(), String> {
        let all = found.len();
        let mut back = Vec::new();
        found.retain(|file| match self.known_of(file) {
            Some(known) => {
                let is_same = known.seen == file.seen;
                if is_same && known.is_gone {
                    back.push(file.path.clone());
                }
                run.options.force || !is_same
            }
            None => true,
        });
        self.mark_gone(back, false).await?;
        found.sort_by(|one, two| {
            (one.seen.mtime_ns, &one.path).cmp(&(two.seen.mtime_ns, &two.path))
        });
        let tasks = self.tasks(found).await?;
        run.change(|status| {
            status.phase = ImportPhase::Reading;
            status.files_total = tasks.len() as u64;
            status.files_unchanged = (all - tasks.len()) as u64;
            let rest = |task: &Task| {
                let known = task.known.as_ref().filter(|_| !run.options.force);
                task.found.seen.bytes.saturating_sub(known.map_or(0, |known| known.read_to))
            };
            status.bytes_total = tasks.iter().map(rest).sum();
        });
        if tasks.is_empty() {
            return Ok(());
        }
        let remembered = read_all(&self.app, &self.formats, run, tasks).await?;
        for file in remembered {
            self.learn(file);
        }
        Ok(())
    }

    /// Adds to files all that is known of them.
    async fn tasks(&self, found: Vec<Found>) -> Result<Vec<Task>, String> {
        let name = |file: &Found| self.formats[file.format].name().to_owned();
        let known: Vec<_> = found
            .iter()
            .filter(|file| self.known_of(file).is_some())
            .map(|file| (file.path.clone(), name(file)))
            .collect();
        let mut rows = HashMap::new();
        if !known.is_empty() {
            let found = self.store()?.imported_in_full(known).await;
            for row in found.map_err(|error| error.to_string())? {
                rows.insert((row.path.clone(), row.format.clone()), row);
            }
        }
        let task = |found: Found| {
            let known = rows.remove(&(found.path.clone(), name(&found)));
            Task { found, known }
        };
        Ok(found.into_iter().map(task).collect())
    }

    /// Watches the folders of histories, where the settings say so. Returns whether a folder is
    /// watched that was not before.
    pub(super) async fn watch(&mut self) -> bool {
        if !self.app.config.imports.watch {
            return false;
        }
        let (formats, homes) = (Arc::clone(&self.formats), self.app.config.imports.homes.clone());
        let watch = self.watch.take();
        let arm = move || {
            let mut watch = watch.map_or_else(Watch::new, Ok)?;
            let is_new = watch.arm(&roots(&formats, &homes))?;
            Ok::<_, notify::Error>((watch, is_new))
        };
        let armed = tokio::task::spawn_blocking(arm).await;
        let (watch, is_new) = match armed {
            Ok(Ok((watch, is_new))) => (Some(watch), is_new),
            Ok(Err(error)) => {
                tracing::warn!(
                    %error,
                    "changes of histories are not told, so they are looked for now and then; on \
                     Linux, a higher fs.inotify.max_user_watches may help"
                );
                (None, false)
            }
            Err(_) => (None, false),
        };
        let watched = watch.as_ref().map_or(0, Watch::len);
        self.app.imports.watched.store(watched, Ordering::Relaxed);
        self.watch = watch;
        is_new
    }

    async fn notice_gone(&mut self, options: &Options, looked: &mut Looked) -> Result<(), String> {
        let found: BTreeSet<&Path> = looked.found.iter().map(|file| file.path.as_path()).collect();
        let known = self.known.as_deref().unwrap_or_default();
        let asked = |format: &usize| options.formats.is_empty() || options.formats.contains(format);
        let missing: Vec<PathBuf> = known
            .iter()
            .enumerate()
            .filter(|(format, _)| asked(format))
            .flat_map(|(_, files)| files)
            .filter(|(path, known)| !known.is_gone && !found.contains(path.as_path()))
            .map(|(path, _)| path.clone())
            .collect();
        let check = move || {
            let is_gone = |path: &PathBuf| std::fs::metadata(path).is_err_and(|e| is_absent(&e));
            missing.into_iter().filter(is_gone).collect::<Vec<_>>()
        };
        looked.gone = tokio::task::spawn_blocking(check).await.map_err(|e| e.to_string())?;
        self.mark_gone(looked.gone.clone(), true).await
    }

    async fn mark_gone(&mut self, paths: Vec<PathBuf>, is_gone: bool) -> Result<(), String> {
        if paths.is_empty() {
            return Ok(());
        }
        if is_gone {
            tracing::info!(files = paths.len(), "histories vanished; what was read of them stays");
        }
        for files in self.known.iter_mut().flatten() {
            for path in &paths {
                if let Some(known) = files.get_mut(path) {
                    known.is_gone = is_gone;
                }
            }
        }
        let at = is_gone.then(|| self.app.now());
        self.store()?.mark_gone(paths, at).await.map_err(|error| error.to_string())
    }

    fn known_below(&self, absent: &[PathBuf]) -> Vec<PathBuf> {
        let is_below = |path: &&PathBuf| absent.iter().any(|above| path.starts_with(above));
        let known = self.known.iter().flatten().flatten();
        let here = known.filter(|(_, known)| !known.is_gone).map(|(path, _)| path);
        here.filter(is_below).cloned().collect()
    }

    /// Keeps what is known to be read and not archived, where that is more than so many bytes.
    async fn archive(&self, found: &[Found], more_than: u64) {
        if !self.app.config.imports.archive {
            return;
        }
        for file in found {
            let Some(known) = self.known_of(file) else { continue };
            let is_whole = match self.formats[file.format].shape() {
                Shape::Lines => false,
                Shape::Whole => true,
                // A copy of a file that its owner writes to at the same time is no copy.
                Shape::Table { .. } => continue,
            };
            let kept = Kept { path: &file.path, bytes: known.read_to, is_whole, more_than };
            if let Err(problem) = self.app.archive.keep(&self.app, kept).await {
                tracing::error!(problem, path = %file.path.display(), "not archived");
            }
        }
    }

    fn known_of(&self, file: &Found) -> Option<&Known> {
        self.known.as_ref()?.get(file.format)?.get(&file.path)
    }

    fn learn(&mut self, file: ImportedFile) {
        let format = self.formats.iter().position(|format| format.name() == file.format);
        let is_gone = file.gone_at.is_some();
        let known = Known { seen: file.seen, read_to: file.read_to, is_gone };
        if let (Some(format), Some(files)) = (format, &mut self.known) {
            files[format].insert(file.path, known);
        }
    }

    async fn load(&mut self) -> Result<(), String> {
        if self.known.is_none() {
            let files = self.store()?.imported_files().await.map_err(|error| error.to_string())?;
            self.known = Some(self.formats.iter().map(|_| HashMap::new()).collect());
            for file in files {
                self.learn(file);
            }
        }
        Ok(())
    }

    fn store(&self) -> Result<&Store, String> {
        self.app.store().map_err(|error| error.to_string())
    }
}

/// Finds every file that is asked for.
fn discover(formats: &[Box<dyn Format>], homes: &Homes, options: &Options) -> Looked {
    let mut looked = Looked::default();
    let is_asked = |format: usize| options.formats.is_empty() || options.formats.contains(&format);
    let mut roots = roots(formats, homes);
    roots.retain(|root| is_asked(root.format));
    if options.paths.is_empty() {
        for root in &roots {
            let format = &*formats[root.format];
            looked.found.extend(below(&root.folder, root, format, &mut looked.problems));
        }
    }
    for path in &options.paths {
        let before = looked.found.len();
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        discover_named(formats, &roots, &path, options, &mut looked);
        if looked.found.len() == before {
            let problem = if path.exists() {
                "no format knows it; say with `formats` which it is"
            } else {
                "there is nothing of that name"
            };
            looked.problems.push(format!("{}: {problem}", path.display()));
        }
    }
    let mut known = BTreeSet::new();
    looked.found.retain(|file| known.insert((file.format, file.path.clone())));
    looked
}

/// Finds what a named file or folder holds. One that lies where histories do is judged by its place
/// there, another one by its name and what it says, and a file of a named format is what it is said
/// to be.
fn discover_named(
    formats: &[Box<dyn Format>],
    roots: &[Root],
    path: &Path,
    options: &Options,
    looked: &mut Looked,
) {
    if path.is_file()
        && let [format] = options.formats[..]
    {
        match look(path, formats[format].shape()) {
            Ok(seen) => looked.found.push(Found { path: path.to_owned(), format, seen }),
            Err(error) => looked.problems.push(format!("{}: {error}", path.display())),
        }
        return;
    }
    let is_asked = |format: &usize| options.formats.is_empty() || options.formats.contains(format);
    for format in (0..formats.len()).filter(is_asked) {
        let inside =
            roots.iter().find(|root| root.format == format && path.starts_with(&root.folder));
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        let Some(root) = inside
            .cloned()
            .or_else(|| folder.map(|folder| Root { folder: folder.to_owned(), format }))
        else {
            continue;
        };
        let mut found: Vec<Found> = if path.is_dir() {
            below(path, &root, &*formats[format], &mut looked.problems)
        } else {
            claimed(path, &root, &*formats[format]).into_iter().collect()
        };
        if inside.is_none() {
            // One format claims every file of lines, and a file is of one format only.
            found.retain(|file| format_of(formats, &file.path) == Some(format));
        }
        looked.found.extend(found);
    }
}

/// Looks at paths that changed: returns the histories that they are or hold, and those paths where
/// there is nothing any more.
fn look_at(
    formats: &[Box<dyn Format>],
    homes: &Homes,
    paths: BTreeSet<PathBuf>,
) -> (Vec<Found>, Vec<PathBuf>) {
    let roots = roots(formats, homes);
    let (mut found, mut absent, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    let mut looked_at = BTreeSet::new();
    for path in paths.into_iter().map(of_table) {
        if !looked_at.insert(path.clone()) {
            continue;
        }
        let is_dir = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.is_dir(),
            Err(error) => {
                if is_absent(&error) {
                    absent.push(path);
                }
                continue;
            }
        };
        for root in roots.iter().filter(|root| path.starts_with(&root.folder)) {
            let format = &*formats[root.format];
            if is_dir {
                found.extend(below(&path, root, format, &mut problems));
            } else {
                found.extend(claimed(&path, root, format));
            }
        }
    }
    let mut known = BTreeSet::new();
    found.retain(|file| known.insert((file.format, file.path.clone())));
    (found, absent)
}

/// Returns the file of a table whose log changed; other paths stay as they are.
fn of_table(path: PathBuf) -> PathBuf {
    let name = path.file_name().and_then(|name| name.to_str());
    match name.and_then(|name| name.strip_suffix("-wal")) {
        Some(name) => path.with_file_name(name),
        None => path,
    }
}

/// Returns how many files Claude Code deletes within a week of which the archive has no copy, and
/// after how many days it deletes them.
pub(crate) async fn deleted_soon(
    app: &App,
    files: &[ImportedFile],
) -> Result<(u64, u64), oriel_store::ReadError> {
    let homes = &app.config.imports.homes;
    let settings: Vec<PathBuf> = homes
        .claude
        .iter()
        .cloned()
        .chain(homes.home.is_absolute().then(|| homes.home.join(".claude")))
        .map(|folder| folder.join("settings.json"))
        .collect();
    let days = tokio::task::spawn_blocking(move || {
        settings.iter().find_map(|path| {
            let text = std::fs::read(path).ok()?;
            let settings: serde_json::Value = serde_json::from_slice(&text).ok()?;
            settings["cleanupPeriodDays"].as_u64()
        })
    });
    let days = days.await.ok().flatten().unwrap_or(CLAUDE_CLEANUP_DAYS);
    let age = i64::try_from(days.saturating_sub(WARNED_DAYS)).unwrap_or(i64::MAX);
    let old = app.now().saturating_sub(age.saturating_mul(DAY_SECONDS));
    let kept = match app.store() {
        Ok(store) => app.archive.kept_bytes(store).await?,
        Err(_) => HashMap::new(),
    };
    let is_doomed = |file: &&ImportedFile| {
        file.format == "claude-code"
            && file.gone_at.is_none()
            && file.seen.mtime_ns / 1_000_000_000 < old
            && kept.get(&file.path).is_none_or(|&bytes| bytes < file.read_to)
    };
    Ok((files.iter().filter(is_doomed).count() as u64, days))
}
