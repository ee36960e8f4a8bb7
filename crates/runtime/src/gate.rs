//! The readiness gate: what must be mended before this runtime takes events, found at its start.
//!
//! The list only ever becomes shorter. When it is empty, a restart leaves the gate: whatever was
//! mended is then looked at anew by a process that has never seen it otherwise. Nothing is mended
//! unless a person asks for it.

mod act;
mod disk;
mod modules;
mod permissions;
mod store;

pub(crate) use act::{act, stamp};
pub(crate) use disk::{few_bytes_left, nearly_full};

use std::sync::{Mutex, MutexGuard, PoisonError};

use oriel_wire::control::{Blocker, BlockerKind};
use tokio::sync::Semaphore;

use crate::config::{Config, ConfigFault, Role};
use crate::home::Home;

/// The words of what may be done about a blocker.
pub(crate) mod word {
    pub(crate) const INSPECT: &str = "inspect";
    pub(crate) const SIGN: &str = "sign";
    pub(crate) const DENY: &str = "deny";
    pub(crate) const CREATE_KEY: &str = "create-key";
    pub(crate) const BACK_UP: &str = "back-up";
    pub(crate) const RESTORE_BACKUP: &str = "restore-backup";
    pub(crate) const RESTRICT: &str = "restrict";
    pub(crate) const RESTART: &str = "restart";
}

/// What blocks a runtime.
pub(crate) struct Blocked {
    blockers: Mutex<Vec<Blocker>>,
    /// One thing is done at a time.
    acting: Semaphore,
}

impl Blocked {
    pub(crate) fn by(blockers: Vec<Blocker>) -> Self {
        Self { blockers: Mutex::new(blockers), acting: Semaphore::new(1) }
    }

    pub(crate) fn list(&self) -> Vec<Blocker> {
        self.locked().clone()
    }

    /// Returns how many there are.
    pub(crate) fn count(&self) -> usize {
        self.locked().len()
    }

    fn find(&self, id: &str) -> Option<Blocker> {
        self.locked().iter().find(|blocker| blocker.id == id).cloned()
    }

    fn remove(&self, id: &str) {
        self.locked().retain(|blocker| blocker.id != id);
    }

    /// Takes back an offer that was taken: there is nothing more of it to do anywhere.
    fn withdraw(&self, action: &str) {
        for blocker in self.locked().iter_mut() {
            blocker.actions.retain(|offered| offered != action);
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Blocker>> {
        self.blockers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns all that blocks a runtime, found without changing anything but this: a store whose form
/// is about to change is copied first, and a restore that was cut off is gone on with.
pub(crate) fn find(config: &Config, home: &Home, stamp: &str) -> Vec<Blocker> {
    let mut blockers = permissions::find(home);
    // A command that only asks a question needs none of this.
    if config.role == Role::Daemon {
        blockers.extend(config.fault.as_ref().map(of_fault));
        blockers.extend(disk::find(config, home));
        blockers.extend(modules::find(home));
    }
    // In a folder that others may write to, nothing is written.
    if blockers.iter().all(|blocker| blocker.kind != BlockerKind::DataDirPermissions) {
        // Nor is a copy made where nothing is opened after it.
        let opens = blockers.is_empty();
        blockers.extend(store::find(home, opens.then_some(stamp)));
    }
    for blocker in &mut blockers {
        let restarts = config.role == Role::Daemon;
        blocker.actions.retain(|action| restarts || action != word::RESTART);
        tracing::warn!(id = blocker.id, reason = blocker.reason, "the runtime is blocked");
    }
    blockers
}

fn of_fault(fault: &ConfigFault) -> Blocker {
    let line = match fault.line.map(|line| format!("line {line}")) {
        Some(line) if !fault.problem.contains(&line) => format!(" ({line})"),
        _ => String::new(),
    };
    blocker(
        BlockerKind::ConfigInvalid,
        None,
        fault.path.display().to_string(),
        "The settings cannot be used",
        format!(
            "{}{line}; put that right and restart the daemon; until then only what flags and the \
             environment set holds",
            fault.problem
        ),
        &[word::INSPECT, word::RESTART],
    )
}

/// Returns a blocker whose name is its kind, and where there can be several of a kind, which one.
fn blocker(
    kind: BlockerKind,
    which: Option<&str>,
    artifact_id: String,
    label: &str,
    reason: String,
    actions: &[&str],
) -> Blocker {
    let id = match which {
        // The addresses of this API are written in lower case.
        Some(which) => format!("{}:{}", kind.as_str(), which.to_ascii_lowercase()),
        None => kind.as_str().to_owned(),
    };
    Blocker {
        id,
        kind,
        artifact_id,
        label: label.to_owned(),
        reason,
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
    }
}
