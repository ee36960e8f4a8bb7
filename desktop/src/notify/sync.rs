//! Which conflicts and pauses a person is told of: each once, and many at once in one notification.

use std::collections::VecDeque;

use oriel_wire::sync::{PauseReason, SyncEvent, SyncStatus};

use super::{CHARS_MAX, SEEN_MAX, Target, Toast};
use crate::words::plain;

/// Where a click leads.
const PLACE: &str = "/sync";

/// So many paths are named in one notification; the page has all.
const NAMED_MAX: usize = 3;

/// What was heard of sync.
#[derive(Default)]
pub(super) struct SyncHeard {
    /// Whether it was looked at before. What stands when the desktop starts is no news.
    has_looked: bool,
    /// Conflicts that were seen, by session and number, the oldest first.
    conflicts: VecDeque<(String, u64)>,
    /// Pauses that go on, by session; one that ends and comes again is another.
    pauses: VecDeque<(String, PauseReason)>,
    /// Paths that a person is to be told of.
    new_conflicts: Vec<String>,
    /// So many more; only their number is kept.
    more_conflicts: usize,
    /// What pauses are to be told: the folder, and why. There is one for each session at most.
    new_pauses: VecDeque<(String, String)>,
}

impl SyncHeard {
    /// Takes in how all stand.
    pub(super) fn look(&mut self, syncs: &[SyncStatus]) {
        for status in syncs {
            self.hear_status(status);
        }
        if !std::mem::replace(&mut self.has_looked, true) {
            self.take();
        }
    }

    /// Takes in what happened.
    pub(super) fn hear(&mut self, event: &SyncEvent) {
        match event {
            SyncEvent::Status { status } => self.hear_status(status),
            SyncEvent::Conflict { session_id, conflict } => {
                self.hear_conflict(session_id, conflict.id, conflict.path.as_str());
            }
            SyncEvent::Resolved { .. } | SyncEvent::Notice { .. } => {}
        }
    }

    /// Returns whether there is something to tell.
    pub(super) fn has_news(&self) -> bool {
        !self.new_conflicts.is_empty() || !self.new_pauses.is_empty()
    }

    /// Returns what is to be told, once.
    pub(super) fn take(&mut self) -> Vec<Toast> {
        let mut toasts: Vec<Toast> = std::mem::take(&mut self.new_pauses)
            .into_iter()
            .map(|(folder, why)| toast(&format!("Sync of {folder} is paused"), &why))
            .collect();
        let count = self.new_conflicts.len() + std::mem::take(&mut self.more_conflicts);
        let paths = std::mem::take(&mut self.new_conflicts);
        match (count, &paths[..]) {
            (0, _) => {}
            (1, [path, ..]) => toasts.push(toast("Both sides changed a file", path)),
            _ => {
                let title = format!("Both sides changed {count} files");
                toasts.push(toast(&title, &paths.join(", ")));
            }
        }
        toasts
    }

    fn hear_status(&mut self, status: &SyncStatus) {
        for conflict in &status.conflicts {
            self.hear_conflict(&status.session_id, conflict.id, conflict.path.as_str());
        }
        let known = self.pauses.iter().position(|(session, _)| *session == status.session_id);
        let was = known.and_then(|at| self.pauses.remove(at)).map(|(_, reason)| reason);
        let Some(reason) = status.reason else { return };
        if self.pauses.len() == SEEN_MAX {
            self.pauses.pop_front();
        }
        self.pauses.push_back((status.session_id.clone(), reason));
        // What goes on by itself, or what a person did, is nothing to interrupt anybody for.
        if was != Some(reason) && !matches!(reason, PauseReason::Offline | PauseReason::Asked) {
            let why = status.message.clone().unwrap_or_else(|| "It waits for you.".to_owned());
            if self.new_pauses.len() == SEEN_MAX {
                self.new_pauses.pop_front();
            }
            self.new_pauses.push_back((status.local_dir.clone(), why));
        }
    }

    fn hear_conflict(&mut self, session: &str, id: u64, path: &str) {
        if self.conflicts.iter().any(|(of, known)| *known == id && of == session) {
            return;
        }
        if self.conflicts.len() == SEEN_MAX {
            self.conflicts.pop_front();
        }
        self.conflicts.push_back((session.to_owned(), id));
        if self.new_conflicts.len() < NAMED_MAX {
            self.new_conflicts.push(path.to_owned());
        } else {
            self.more_conflicts += 1;
        }
    }
}

fn toast(title: &str, body: &str) -> Toast {
    Toast {
        title: plain(title, CHARS_MAX.0),
        body: plain(&body.replace(['\n', '\t'], " "), CHARS_MAX.1),
        is_urgent: false,
        target: Target { place: PLACE.to_owned(), notice: None },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_conflict_is_told_once_and_what_stood_at_the_start_is_not() {
        let mut heard = SyncHeard::default();
        heard.look(&[status("s1", &[1], None)]);
        assert_eq!(titles(&mut heard), [""; 0]);
        heard.hear(&told(status("s1", &[1, 2], None)));
        heard.hear(&conflict("s1", 2));
        assert_eq!(titles(&mut heard), ["Both sides changed a file: f2"]);
        heard.hear(&told(status("s1", &[1, 2], None)));
        heard.look(&[status("s1", &[1, 2, 3], None)]);
        assert_eq!(
            titles(&mut heard),
            ["Both sides changed a file: f3"],
            "it came while nobody listened"
        );
        heard.hear(&conflict("s2", 2));
        assert_eq!(
            titles(&mut heard),
            ["Both sides changed a file: f2"],
            "it is another session's"
        );
    }

    #[test]
    fn many_conflicts_are_one_notification() {
        let mut heard = SyncHeard::default();
        heard.look(&[]);
        (0..2_000).for_each(|id| heard.hear(&conflict("s1", id)));
        assert_eq!(titles(&mut heard), ["Both sides changed 2000 files: f0, f1, f2"]);
        assert!(heard.conflicts.len() <= SEEN_MAX && !heard.has_news());
    }

    #[test]
    fn a_pause_is_told_once_for_as_long_as_it_lasts() {
        let mut heard = SyncHeard::default();
        heard.look(&[]);
        let deletes = || told(status("s1", &[], Some("mass_delete")));
        for _ in 0..3 {
            heard.hear(&deletes());
        }
        assert_eq!(titles(&mut heard), ["Sync of /home/me is paused: why"]);
        heard.hear(&told(status("s1", &[], None)));
        heard.hear(&deletes());
        assert_eq!(titles(&mut heard).len(), 1, "it is another pause");
        for passing in ["offline", "asked"] {
            heard.hear(&told(status("s2", &[], Some(passing))));
            assert!(!heard.has_news(), "{passing}");
        }
    }

    fn titles(heard: &mut SyncHeard) -> Vec<String> {
        let toasts = heard.take();
        assert!(toasts.iter().all(|toast| toast.target.place == "/sync"));
        toasts.into_iter().map(|toast| format!("{}: {}", toast.title, toast.body)).collect()
    }

    fn conflict(session: &str, id: u64) -> SyncEvent {
        let event =
            json!({ "type": "conflict", "sessionId": session, "conflict": in_conflict(id) });
        serde_json::from_value(event).expect("it is an event")
    }

    fn in_conflict(id: u64) -> serde_json::Value {
        json!({ "id": id, "path": format!("f{id}"), "kind": "edit_edit", "base": null, "local": null,
            "upstream": null, "mergeable": false, "since": 1 })
    }

    fn told(status: SyncStatus) -> SyncEvent {
        SyncEvent::Status { status: Box::new(status) }
    }

    fn status(session: &str, conflicts: &[u64], reason: Option<&str>) -> SyncStatus {
        let mut status = json!({
            "sessionId": session, "state": "active", "filesTracked": 1, "lastSyncAt": null,
            "localDir": "/home/me", "phase": "watching", "pending": 0, "pendingUp": 0,
            "pendingDown": 0, "bytes": 0, "watch": "native",
            "conflicts": conflicts.iter().map(|id| in_conflict(*id)).collect::<Vec<_>>(),
            "moreConflicts": 0, "problems": [], "moreProblems": 0,
        });
        if let Some(reason) = reason {
            status["reason"] = reason.into();
            status["message"] = "why".into();
        }
        serde_json::from_value(status).expect("it is a status")
    }
}
