//! One sync as a page shows it.

use std::collections::BTreeMap;

use oriel_wire::sync::{
    Conflict, ConflictKind, PauseReason, Phase, SyncState, SyncStatus, Watching,
};
use serde::Serialize;

use crate::address::{Address, encode};
use crate::live::regions::element_id;

/// So many paths are named in one sentence.
pub(super) const NAMED_MAX: usize = 5;

/// How one stands.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    status: SyncStatus,
    /// When both were last equal, in seconds.
    synced: Option<u64>,
    word: &'static str,
    class: &'static str,
    phase: &'static str,
    watch: &'static str,
    pause: Option<Pause>,
    conflicts: Vec<InConflict>,
    /// What people call the session, or its id.
    name: String,
    agent_url: String,
}

/// What a pause asks.
#[derive(Debug, Serialize)]
struct Pause {
    /// As the wire writes it.
    reason: PauseReason,
    why: &'static str,
    /// Whether a person lets it go on.
    can_confirm: bool,
    /// Whether what would be removed can be put back instead.
    can_restore: bool,
}

/// A path in conflict.
#[derive(Debug, Serialize)]
struct InConflict {
    path: String,
    kind: &'static str,
    since: u64,
    mergeable: bool,
    url: String,
}

impl Row {
    pub(super) fn of(status: &SyncStatus, names: &BTreeMap<String, String>) -> Self {
        let (word, class) = match status.state {
            SyncState::Active => ("in sync", "chip-ok"),
            SyncState::Paused => ("paused", "chip-warn"),
            SyncState::Error => ("failed", "chip-bad"),
            SyncState::Conflict => ("asks you", "chip-warn"),
        };
        let conflicts = status.conflicts.iter();
        Self {
            synced: status.last_sync_at.map(|at| at / 1000),
            word: if status.state == SyncState::Active { phase(status.phase).0 } else { word },
            class,
            phase: match status.phase {
                Phase::Watching if !status.conflicts.is_empty() => {
                    "All but the conflicts is equal, and it watches."
                }
                other => phase(other).1,
            },
            watch: match status.watch {
                Watching::Native => "at once",
                Watching::Degraded => "some at once, the rest when the folder is looked through",
                Watching::Poll => "when the folder is looked through",
            },
            pause: status.reason.map(Pause::of),
            conflicts: conflicts.map(|it| InConflict::of(&status.session_id, it)).collect(),
            name: names.get(&status.session_id).unwrap_or(&status.session_id).clone(),
            agent_url: format!("/agents/{}", encode(&status.session_id)),
            status: status.clone(),
        }
    }

    /// Returns the id of one of its elements.
    pub(super) fn element(&self, is_head: bool) -> String {
        let kind = if is_head { "sync-head" } else { "sync-facts" };
        element_id(kind, &self.status.session_id)
    }
}

impl Pause {
    const fn of(reason: PauseReason) -> Self {
        let (why, can_confirm, can_restore) = match reason {
            PauseReason::MassDelete => ("Much would be removed at once.", true, true),
            PauseReason::RemoteReset => {
                ("The workspace is another than the one that was known.", true, true)
            }
            PauseReason::RootGone => {
                ("The local folder is not there. Put it back, or stop this.", false, false)
            }
            PauseReason::RootReplaced => {
                ("Another folder is in the place of the local one.", true, false)
            }
            PauseReason::Offline => {
                ("The workspace cannot be reached. It goes on by itself.", false, false)
            }
            PauseReason::DiskFull => {
                ("The disk is full. Make room, and it goes on by itself.", false, false)
            }
            PauseReason::Asked => ("Somebody paused it.", true, false),
        };
        Self { reason, why, can_confirm, can_restore }
    }
}

impl InConflict {
    fn of(session: &str, conflict: &Conflict) -> Self {
        Self {
            path: conflict.path.to_string(),
            kind: kind(conflict.kind),
            since: conflict.since / 1000,
            mergeable: conflict.mergeable,
            url: conflict_url(session, conflict.path.as_str()),
        }
    }
}

/// Returns the address of a conflict's page.
pub(super) fn conflict_url(session: &str, path: &str) -> String {
    Address::new(format!("/sync/{}/conflict", encode(session))).with("path", Some(path)).into()
}

/// Returns what happened to a path.
pub(super) const fn kind(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::EditEdit => "both sides changed it",
        ConflictKind::EditDelete => "one side changed it and the other removed it",
        ConflictKind::Type => "it is a folder on one side only",
        ConflictKind::Case => "this system takes its name and that of another for the same",
        ConflictKind::LateWrite => "a program wrote to it after another version had come",
    }
}

/// Returns what it does, as a word and as a sentence.
const fn phase(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Connecting => ("connecting", "It reaches for the workspace."),
        Phase::Scanning => ("looking", "It looks through the folder."),
        Phase::Receiving => ("receiving", "It hears what there is in the workspace."),
        Phase::Syncing => ("syncing", "It makes both equal."),
        Phase::Watching => ("equal", "Both are equal, and it watches."),
        Phase::Stopped => ("stopped", "It does nothing."),
    }
}
