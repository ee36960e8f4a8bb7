//! How sync stands, for people.

use std::fmt::Write as _;

use oriel_wire::sync::{
    Conflict, ConflictKind, PauseReason, Phase, SyncState, SyncStatus, SyncVerified, Watching,
};

use crate::output::{Paint, Style};
use crate::text;

/// Returns all that is known of one.
pub(super) fn whole(status: &SyncStatus, paint: Paint) -> String {
    let mut text = line(status, paint);
    if let Some(message) = &status.message {
        _ = writeln!(text, "  {}", paint.apply(Style::Doubtful, &text::clean(message)));
    }
    if let Some(reason) = status.reason {
        _ = writeln!(text, "  {}", next_after(reason));
    }
    for conflict in &status.conflicts {
        _ = writeln!(text, "  {}", conflict_line(conflict, paint));
    }
    if 0 < status.more_conflicts {
        _ = writeln!(text, "  and {} more conflicts", count(status.more_conflicts));
    }
    for problem in &status.problems {
        let side = if problem.is_upstream { "upstream" } else { "here" };
        let path = paint.apply(Style::Bad, &text::clean(&problem.path));
        _ = writeln!(text, "  {path} is not synced ({side}): {}", text::clean(&problem.message));
    }
    if 0 < status.more_problems {
        _ = writeln!(text, "  and {} more that are not synced", count(status.more_problems));
    }
    text
}

/// Returns how one stands, in one line.
pub(super) fn line(status: &SyncStatus, paint: Paint) -> String {
    let (word, style) = match status.state {
        SyncState::Active => (phase(status.phase), Style::Good),
        SyncState::Paused => ("paused", Style::Doubtful),
        SyncState::Error => ("failed", Style::Bad),
        SyncState::Conflict => ("conflict", Style::Doubtful),
    };
    let mut text = format!(
        "{}  {}  {}  {} files",
        paint.apply(Style::Strong, &text::clean(&status.session_id)),
        paint.apply(style, word),
        text::clean(&status.local_dir),
        count(status.files_tracked),
    );
    if 0 < status.pending {
        let (up, down) = (count(status.pending_up), count(status.pending_down));
        _ = write!(text, ", {up} to send, {down} to come");
    }
    if 0 < status.bytes {
        _ = write!(text, " ({})", text::bytes(status.bytes));
    }
    match status.watch {
        Watching::Native => {}
        Watching::Degraded => text.push_str(", watched in part"),
        Watching::Poll => text.push_str(", looked through now and then"),
    }
    text.push('\n');
    text
}

/// Returns what was found by comparing.
pub(super) fn verified(verified: &SyncVerified) -> String {
    let paths = count(verified.paths);
    if verified.is_equal {
        return format!("both sides are equal in {paths} paths\n");
    }
    let listed = u64::try_from(verified.differing.len()).unwrap_or(u64::MAX);
    format!(
        "both sides differ in {} of {paths} paths\n",
        count(listed.saturating_add(verified.more))
    )
}

/// Returns one conflict, in one line.
pub(super) fn conflict_line(conflict: &Conflict, paint: Paint) -> String {
    let path = paint.apply(Style::Strong, &text::clean(conflict.path.as_str()));
    let how = if conflict.mergeable { "; both changes can be put together" } else { "" };
    format!("conflict: {path}, {}{how}", kind(conflict.kind))
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

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Connecting => "connecting",
        Phase::Scanning => "looking through the folder",
        Phase::Receiving => "receiving",
        Phase::Syncing => "syncing",
        Phase::Watching => "equal",
        Phase::Stopped => "stopped",
    }
}

/// Returns what a person does about a pause.
const fn next_after(reason: PauseReason) -> &'static str {
    match reason {
        PauseReason::MassDelete | PauseReason::RemoteReset => {
            "`oriel sync confirm` goes on; `oriel sync confirm --restore` puts back what would be removed"
        }
        PauseReason::RootGone => "put the folder back, or end it with `oriel sync stop`",
        PauseReason::RootReplaced => {
            "`oriel sync confirm` takes the folder that is there now; `oriel sync stop` ends it"
        }
        PauseReason::Offline => "it goes on by itself once the other side answers",
        PauseReason::DiskFull => "make room; it goes on by itself then",
        PauseReason::Asked => "`oriel sync confirm` goes on",
    }
}

fn count(number: u64) -> String {
    text::count(i64::try_from(number).unwrap_or(i64::MAX))
}
