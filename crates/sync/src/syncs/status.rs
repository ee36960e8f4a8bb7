//! How a sync stands, as it is told.

use oriel_wire::sync::{
    Conflict as WireConflict, ConflictKind as WireKind, Digest, Entry, LISTED_MAX, PathProblem,
    PauseReason, Phase, Problem, SyncState, SyncStatus, Version, Watching,
};

use super::about::About;
use super::conflicts::Versions;
use super::failure::Failure;
use super::reach::Away;
use crate::conflict::{Conflict, ConflictId, ConflictKind};
use crate::digest_of;
use crate::journal::Pause;
use crate::local::{Engine, Status, Trouble};
use crate::reconcile::Clash;

/// What was seen of an engine at one moment.
pub(super) struct Seen {
    pub(super) status: Status,
    pub(super) conflicts: Vec<(ConflictId, Conflict)>,
}

/// What is known beside the engine.
pub(super) struct Beside {
    pub(super) away: Option<Away>,
    pub(super) equal_ms: Option<u64>,
    pub(super) is_polled: bool,
    /// The conflicts that can be put together without asking about any place.
    pub(super) mergeable: Vec<ConflictId>,
}

impl Seen {
    pub(super) fn of(engine: &Engine) -> Self {
        let mut conflicts: Vec<_> =
            engine.conflicts().map(|(id, conflict)| (id, conflict.clone())).collect();
        conflicts.sort_by(|(a, one), (b, other)| (&one.path, a).cmp(&(&other.path, b)));
        Self { status: engine.status(), conflicts }
    }

    /// Nothing is under way, and nobody is asked anything.
    pub(super) fn is_equal(&self) -> bool {
        self.is_idle() && self.conflicts.is_empty() && self.status.problems.is_empty()
    }

    /// Nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        let Status { pause, is_connected, is_seen, pending_here, pending_there, .. } = &self.status;
        pause.is_none() && *is_connected && *is_seen && pending_here + pending_there == 0
    }
}

/// Returns how one stands that does not run.
pub(super) fn at_rest(
    about: &About,
    failure: Option<&Failure>,
    equal_ms: Option<u64>,
) -> SyncStatus {
    let (state, reason, message) = match failure {
        Some(failure) => (SyncState::Error, None, Some(failure.message.clone())),
        None => {
            let message = "it is stopped; start it again with the same folder".to_owned();
            (SyncState::Paused, Some(PauseReason::Asked), Some(message))
        }
    };
    SyncStatus {
        session_id: about.session_id.clone(),
        state,
        files_tracked: 0,
        last_sync_at: equal_ms,
        local_dir: about.local_dir.clone(),
        phase: Phase::Stopped,
        pending: 0,
        pending_up: 0,
        pending_down: 0,
        bytes: 0,
        watch: Watching::Native,
        reason,
        message,
        conflicts: Vec::new(),
        more_conflicts: 0,
        problems: Vec::new(),
        more_problems: 0,
    }
}

/// Returns how one stands that runs.
pub(super) fn told(about: &About, seen: Seen, beside: &Beside) -> SyncStatus {
    let phase = phase(&seen, beside);
    let (reason, message) = why(&seen.status, beside);
    let Seen { status, conflicts } = seen;
    let state = match (&reason, &beside.away) {
        (_, Some(Away::Refused(_))) => SyncState::Error,
        (Some(_), _) => SyncState::Paused,
        (None, _) if !conflicts.is_empty() => SyncState::Conflict,
        (None, _) => SyncState::Active,
    };
    let watch = match (beside.is_polled, status.is_watching) {
        (true, _) => Watching::Poll,
        (false, true) => Watching::Native,
        (false, false) => Watching::Degraded,
    };
    let mut problems: Vec<_> =
        status.problems.iter().map(|(path, why)| problem(path, *why)).collect();
    problems.extend(status.bad_names.iter().map(|name| bad_name(name)));
    let (listed, more_conflicts) = listed(conflicts);
    let (problems, more_problems) = listed_of(problems);
    let (up, down) = (status.pending_there as u64, status.pending_here as u64);
    SyncStatus {
        session_id: about.session_id.clone(),
        state,
        files_tracked: status.files as u64,
        last_sync_at: beside.equal_ms,
        local_dir: about.local_dir.clone(),
        phase,
        pending: up + down,
        pending_up: up,
        pending_down: down,
        bytes: status.bytes,
        watch,
        reason,
        message,
        conflicts: listed
            .into_iter()
            .map(|(id, conflict)| conflict_told(id, &conflict, beside.mergeable.contains(&id)))
            .collect(),
        more_conflicts,
        problems,
        more_problems,
    }
}

fn listed(all: Vec<(ConflictId, Conflict)>) -> (Vec<(ConflictId, Conflict)>, u64) {
    listed_of(all)
}

fn listed_of<T>(mut all: Vec<T>) -> (Vec<T>, u64) {
    let more = all.len().saturating_sub(LISTED_MAX) as u64;
    all.truncate(LISTED_MAX);
    (all, more)
}

fn phase(seen: &Seen, beside: &Beside) -> Phase {
    let status = &seen.status;
    if !status.is_seen {
        Phase::Scanning
    } else if beside.away.is_some() {
        Phase::Connecting
    } else if !status.is_connected {
        if status.is_receiving { Phase::Receiving } else { Phase::Connecting }
    } else if seen.is_idle() {
        Phase::Watching
    } else {
        Phase::Syncing
    }
}

fn why(status: &Status, beside: &Beside) -> (Option<PauseReason>, Option<String>) {
    let told = |reason, message: String| (Some(reason), Some(message));
    match status.pause {
        Some(Pause::MassDelete { files, here }) => {
            let place = if here { "here" } else { "upstream" };
            let message = format!(
                "{files} files would be removed {place}; go on if that is meant, or have them put back \
                 on the other side"
            );
            return told(PauseReason::MassDelete, message);
        }
        Some(Pause::RemoteReset) => {
            let message =
                "the workspace began anew and knows nothing of what was agreed on; go on to \
                           meet it as if for the first time, which removes nothing"
                    .to_owned();
            return told(PauseReason::RemoteReset, message);
        }
        Some(Pause::RootGone) => {
            let message =
                "the folder is not there, or another one is in its place; put it back, or \
                           stop the sync"
                    .to_owned();
            return told(PauseReason::RootGone, message);
        }
        None => {}
    }
    let is_full = |(_, why): &(_, Trouble)| {
        matches!(
            why,
            Trouble::Here(Problem::DiskFull) | Trouble::Failed(Some(crate::vfs::Fault::Full))
        )
    };
    match &beside.away {
        Some(Away::NotYet) => (None, None),
        Some(Away::Refused(message)) => (None, Some(message.clone())),
        Some(Away::Unreachable(message)) => told(PauseReason::Offline, message.clone()),
        None if status.problems.iter().any(is_full) => {
            let message = "there is no room left on the disk; make some, and it goes on".to_owned();
            told(PauseReason::DiskFull, message)
        }
        None => (None, None),
    }
}

/// Returns a conflict as it is told.
pub(super) fn conflict_told(id: ConflictId, conflict: &Conflict, mergeable: bool) -> WireConflict {
    let Versions { base, local, upstream } = Versions::of(conflict);
    WireConflict {
        id: number(id),
        path: conflict.path.clone(),
        kind: kind(conflict),
        base: base.and_then(version),
        local: local.and_then(version),
        upstream: upstream.and_then(version),
        mergeable,
        since: conflict.opened_ms,
    }
}

/// Returns a conflict's number as it is told: short, and another for each.
pub(super) fn number(id: ConflictId) -> u64 {
    // The halves are what was drawn at the start and a count. JavaScript's numbers have 53 bits.
    let (launch, count) = ((id.0 >> 64) as u64, id.0 as u64);
    (launch.rotate_left(20) ^ count) & ((1 << 53) - 1)
}

fn kind(conflict: &Conflict) -> WireKind {
    match conflict.kind {
        ConflictKind::LateHere | ConflictKind::LateThere => WireKind::LateWrite,
        ConflictKind::Both(Clash::Type) => WireKind::Type,
        ConflictKind::Both(_)
            if [&conflict.local, &conflict.upstream].contains(&&Entry::Absent) =>
        {
            WireKind::EditDelete
        }
        ConflictKind::Both(_) => WireKind::EditEdit,
    }
}

/// Returns what a version is told as.
pub(super) fn version(entry: &Entry) -> Option<Version> {
    let digest = version_digest(entry)?;
    let size = match entry {
        Entry::File { size, .. } => *size,
        Entry::Symlink { target } => target.as_str().len() as u64,
        _ => 0,
    };
    Some(Version { digest, size })
}

/// Returns by what a version is known again.
pub(super) fn version_digest(entry: &Entry) -> Option<Digest> {
    match entry {
        Entry::File { digest, .. } => Some(*digest),
        Entry::Symlink { target } => Some(digest_of(target.as_str().as_bytes())),
        Entry::Dir => Some(digest_of(b"")),
        Entry::Absent | Entry::Untracked | Entry::Problem(_) => None,
    }
}

fn problem(path: &oriel_wire::sync::RelPath, why: Trouble) -> PathProblem {
    let (problem, is_upstream, message) = match why {
        Trouble::Here(problem) => (problem, false, format!("{path}: {problem}")),
        Trouble::There(problem) => (problem, true, format!("{path}: {problem}")),
        Trouble::NotEmpty => {
            let message = format!(
                "{path} was removed on one side, and on the other there is something in it that is left out"
            );
            (Problem::Io, false, message)
        }
        Trouble::LeftOutThere => {
            let message =
                format!("{path} is left out upstream, and goes there once it is not any more");
            (Problem::Io, true, message)
        }
        Trouble::NameTaken => {
            let message = format!(
                "{path} has a name that one of the file systems takes for another's; rename one of them"
            );
            (Problem::NameTaken, false, message)
        }
        Trouble::Failed(fault) => {
            let why =
                fault.map_or_else(|| "it changes all the time".to_owned(), |it| it.to_string());
            (Problem::Io, false, format!("{path} could not be changed and is tried again: {why}"))
        }
    };
    PathProblem { path: path.to_string(), problem, is_upstream, message }
}

fn bad_name(name: &str) -> PathProblem {
    let message = format!("{name} has a name that not every system can have; rename it to sync it");
    PathProblem { path: name.to_owned(), problem: Problem::BadName, is_upstream: false, message }
}
