//! Everything that one engine works with: the folder, the journal, the contents, and the desk.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use oriel_wire::sync::{Digest, RootId};
use tokio::sync::oneshot;

use crate::coalesce::Hint;
use crate::contents::{Contents, ContentsError};
use crate::desk::{Desk, Inbox, Message, NowLeftOut, Plan, Surroundings};
use crate::folder::{Folder, OpenError};
use crate::ignore::{GIT_FILE, OUR_FILE};
use crate::ledger::{Ledger, LedgerError};
use crate::local::Notice;
use crate::rules;
use crate::served::hex;
use crate::side::{Effect, Side};
use crate::watcher::Heard;

/// How many threads look, read and write. Most of them wait for the disk, and who waits at the same time
/// shares one wait.
const THREADS: usize = 32;

/// Contents that nobody needs are removed once they are older than this: what was just read is often
/// asked for next.
const CONTENTS_STAY: Duration = Duration::from_secs(600);

/// Under this name the journal has the digest of what was left out when all was last told.
const RULES: &str = "rules";

/// Where the time comes from, in Unix milliseconds.
pub type Now = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A folder could not be opened for sync.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// The folder itself.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// The journal.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The contents.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// The system.
    #[error(
        "{what} cannot be used: {source}; see to it that there is room and that it may be written"
    )]
    System {
        /// What.
        what: String,
        /// Why.
        source: io::Error,
    },
}

/// Returns what an engine is made with, by the folder that it is for.
type SetupOf<E> = dyn FnOnce(&Folder) -> <E as Side>::Setup + Send;

/// What a room is opened with.
pub(crate) struct Opening<E: Side> {
    /// The folder that is synced.
    pub(crate) root: PathBuf,
    /// Where the journal and the contents are.
    pub(crate) own: PathBuf,
    pub(crate) now: Now,
    pub(crate) umask: Option<u32>,
    pub(crate) uses_gitignore: bool,
    pub(crate) setup: Box<SetupOf<E>>,
    pub(crate) notice: Box<dyn Fn(Notice) + Send>,
    pub(crate) changed: Box<dyn Fn() + Send>,
}

/// An engine and what it works with.
pub(crate) struct Room<E: Side> {
    pub(crate) desk: Desk<E>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) contents: Arc<Contents>,
    pub(crate) ledger: Arc<Ledger>,
    inbox: Arc<Inbox>,
    now: Now,
}

impl<E: Side> Room<E> {
    /// Opens everything, and begins. This waits for the disk.
    ///
    /// # Errors
    /// Where something cannot be used, or another process uses it.
    pub(crate) fn open(opening: Opening<E>) -> Result<Self, RoomError> {
        let Opening { root, own, now, umask, uses_gitignore, setup, notice, changed } = opening;
        private_folder(&own)?;
        let ledger = Arc::new(Ledger::open(&own.join("ledger.db"), &boot_id()?)?);
        let is_same_boot = ledger.is_same_boot();
        let contents = Arc::new(Contents::open(&own.join("contents"), is_same_boot)?);
        let inbox = Arc::new(Inbox::new());
        let hears = Arc::clone(&inbox);
        let hear = move |heard| match heard {
            Heard::Hint(path, hint) => hears.hint(path, hint),
            // Whether the root is still there is found out by whoever looks through it.
            Heard::Rescan | Heard::Root => hears.rescan(),
        };
        let folder = Folder::open(&root, hear)?;
        let folder = Arc::new(match umask {
            Some(umask) => folder.with_umask(umask),
            None => folder,
        });
        let (rules_of, secured) = (Arc::clone(&folder), Arc::clone(&contents));
        let told = Arc::clone(&now);
        let (known, heard) = (Arc::clone(&ledger), Arc::clone(&ledger));
        let surroundings = Surroundings {
            now_ms: Box::new(move || told()),
            launch: Box::new(random),
            rules: Box::new(move || {
                let found = rules::find(&*rules_of, uses_gitignore)?;
                for error in &found.errors {
                    tracing::warn!("{error}");
                }
                let digest = found.digest().0.to_vec();
                // One that cannot be read was not heard by.
                let heard = known.about(RULES).ok().flatten();
                let is_as_heard = heard == Some(hex(&digest));
                let rule = rules::left_out(Arc::new(found.rules));
                Ok(NowLeftOut { rule, digest, is_as_heard })
            }),
            heard_all: Box::new(move |digest| {
                if let Err(error) = heard.set_about(RULES, &hex(digest)) {
                    tracing::warn!(%error, "all is told again at the next start");
                }
            }),
            is_rule: |path| [OUR_FILE, GIT_FILE].contains(&path.name_str()),
            secure_blobs: Box::new(move || {
                if let Err(fault) = secured.secure() {
                    tracing::warn!(%fault, "contents could not be brought to disk at once");
                }
            }),
            notice,
            changed,
            threads: THREADS,
        };
        let plan = Plan {
            setup: setup(&folder),
            vfs: Arc::clone(&folder),
            blobs: Arc::clone(&contents),
            journal: Arc::clone(&ledger),
            is_same_boot,
            inbox: Arc::clone(&inbox),
            surroundings,
        };
        let desk = Desk::open(plan).map_err(|source| system("a thread", source))?;
        Ok(Self { desk, folder, contents, ledger, inbox, now })
    }

    /// Asks the engine something; nothing where it has none now, or is over.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut E, u64) -> (R, Vec<Effect<E::Says>>) + Send + 'static,
    ) -> Option<R> {
        let (answer, answered) = oneshot::channel();
        self.desk.send(Message::Ask(Box::new(move |engine, now_ms| {
            let (result, effects) = ask(engine, now_ms);
            // Whoever asked may have gone.
            _ = answer.send(result);
            effects
        })));
        answered.await.ok()
    }

    /// Looks again at a path, or at everything.
    pub(crate) fn look(&self, path: Option<oriel_wire::sync::RelPath>) {
        match path {
            Some(path) => self.inbox.hint(path, Hint::Closed),
            None => self.inbox.rescan(),
        }
    }

    /// Removes the contents that nobody needs any more.
    pub(crate) async fn collect(&self) {
        let pins = self.ask(|engine, _| (engine.pins(), Vec::new())).await;
        let Some(pins): Option<BTreeSet<Digest>> = pins else { return };
        let contents = Arc::clone(&self.contents);
        let before = UNIX_EPOCH + Duration::from_millis((self.now)()).saturating_sub(CONTENTS_STAY);
        let freed = tokio::task::spawn_blocking(move || {
            (0..=u8::MAX).try_for_each(|step| {
                contents.retain(step, &|digest| pins.contains(digest), before).map(drop)
            })
        });
        match freed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "contents could not be tidied"),
            Err(error) => tracing::error!(%error, "tidying contents failed"),
        }
    }

    pub(crate) fn root_id(&self) -> RootId {
        self.folder.id()
    }
}

/// Makes a folder that only we may look into.
pub(crate) fn private_folder(path: &Path) -> Result<(), RoomError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| system(path.display().to_string(), source))
}

/// Returns what names this start of the machine.
///
/// # Errors
/// Where the system does not tell.
pub fn boot_id() -> Result<String, RoomError> {
    const FILE: &str = "/proc/sys/kernel/random/boot_id";
    let read = fs::read_to_string(FILE).map_err(|source| system(FILE, source))?;
    Ok(read.trim().to_owned())
}

pub(crate) fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|error| {
        tracing::error!(%error, "the system draws no numbers; the time is taken instead");
        std::time::Instant::now().elapsed().as_nanos() as u64
    })
}

fn system(what: impl Into<String>, source: io::Error) -> RoomError {
    RoomError::System { what: what.into(), source }
}
