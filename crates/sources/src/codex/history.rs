//! Which records of a thread are a copy of the history that it goes on from.
//!
//! Newer rollouts number their records and say from which number on the history is their own. Older
//! ones copy without a word. There, ids of turns tell when they were made, some records name their
//! thread, and a copy is written in one go, so a pause in the times ends it.

use serde::{Deserialize, Serialize};

use super::made_at;
use crate::loose::Fields;

/// The longest time between two records of a copy, which is written in one go.
const COPY_GAP_MS: i64 = 1_000;

/// What is known of the history that a thread goes on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct History {
    /// The number of the first record that is the thread's own.
    own_from: Option<u64>,
    /// Whether a copy without numbers is being read.
    copying: bool,
    /// When the thread began.
    began_ms: Option<i64>,
    /// The time of the last record of the copy.
    last_ms: Option<i64>,
    /// Whether running totals may go on from those of the other thread.
    pub continues: bool,
}

impl History {
    /// Learns from the thread's own first record.
    pub(crate) fn on_own_meta(&mut self, thread: &str, meta: &Fields<'_>, at: Option<i64>) {
        let base = meta.fields("history_base");
        self.own_from = meta
            .whole("subagent_history_start_ordinal")
            .or_else(|| base.whole("end_ordinal_exclusive"))
            .or_else(|| meta.whole("forked_from_ordinal_exclusive"));
        let is_fork = meta.text("forked_from_id").is_some();
        self.continues = is_fork || !base.is_empty() || self.own_from.is_some();
        self.copying = is_fork && self.own_from.is_none();
        self.began_ms = made_at(thread).or(at);
        self.last_ms = at;
    }

    /// Learns that another thread's first record stands in the file, which only copies have.
    pub(crate) fn on_other_meta(&mut self) {
        self.continues = true;
        self.copying = self.own_from.is_none();
    }

    /// Returns whether a record is part of the copy.
    pub(crate) fn is_copied(
        &mut self,
        thread: &str,
        ordinal: Option<u64>,
        at: Option<i64>,
        payload: &Fields<'_>,
    ) -> bool {
        if let Some(own_from) = self.own_from {
            match ordinal {
                Some(ordinal) => return ordinal < own_from,
                // It says where its own history begins, and its records do not: an odd mixture,
                // which is read as an older file.
                None => (self.own_from, self.copying) = (None, true),
            }
        }
        if self.copying {
            self.copying = self.looks_copied(thread, at, payload);
            self.last_ms = self.last_ms.max(at);
        }
        self.copying
    }

    fn looks_copied(&self, thread: &str, at: Option<i64>, payload: &Fields<'_>) -> bool {
        if let Some(named) = payload.text("thread_id") {
            return named != thread;
        }
        let turn = payload.text("turn_id").as_deref().and_then(made_at);
        match (turn, self.began_ms, at, self.last_ms) {
            (Some(turn), Some(began), _, _) => turn < began,
            (_, _, Some(at), Some(last)) => at <= last + COPY_GAP_MS,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_ids_a_pause_ends_a_copy() {
        let mut history = begun(r#"{"forked_from_id":"other"}"#);
        for (at, copied) in [(0, true), (900, true), (1_800, true), (9_000, false), (9_001, false)]
        {
            assert_eq!(is_copied(&mut history, None, at, "{}"), copied, "{at}");
        }
    }

    #[test]
    fn a_record_of_the_thread_itself_ends_a_copy() {
        let mut history = begun(r#"{"forked_from_id":"other"}"#);
        assert!(is_copied(&mut history, None, 0, r#"{"thread_id":"other"}"#));
        assert!(!is_copied(&mut history, None, 0, r#"{"thread_id":"mine"}"#));
        assert!(!is_copied(&mut history, None, 0, "{}"));
    }

    #[test]
    fn numbers_are_believed_where_there_are_any() {
        let mut history = begun(r#"{"history_base":{"end_ordinal_exclusive":19}}"#);
        assert!(is_copied(&mut history, Some(18), 0, "{}"));
        assert!(!is_copied(&mut history, Some(19), 0, "{}"));
        assert!(history.continues);
    }

    #[test]
    fn a_thread_of_its_own_copies_nothing() {
        let mut history = begun(r#"{"parent_thread_id":"other"}"#);
        assert!(!is_copied(&mut history, None, 0, "{}"));
        assert!(!history.continues);
    }

    fn begun(meta: &str) -> History {
        let mut history = History::default();
        history.on_own_meta("mine", &Fields::read(meta).unwrap(), Some(0));
        history
    }

    fn is_copied(history: &mut History, ordinal: Option<u64>, at: i64, payload: &str) -> bool {
        history.is_copied("mine", ordinal, Some(at), &Fields::read(payload).unwrap())
    }
}
