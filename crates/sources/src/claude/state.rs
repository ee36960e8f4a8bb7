//! What a reader must know to go on after the last line, and the notes it has told.

use std::collections::BTreeMap;

use oriel_model::{About, Note, SessionId};
use serde::{Deserialize, Serialize};

use crate::parsed::Parsed;

/// The longest note that is remembered; a longer one is told again when it is read again.
const REMEMBERED_BYTES_MAX: usize = 256;

/// The longest name that is remembered over a pause.
const NAME_BYTES_MAX: usize = 512;

/// How many calls without an answer are remembered over a pause.
pub(super) const WAITING_MAX: usize = 32;

/// What a reader must know to go on. It stays small, however long the history is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// How many lines were read.
    pub(super) index: u64,
    /// The session that the last line named.
    pub(super) session: Option<String>,
    pub(super) cwd: Option<String>,
    pub(super) branch: Option<String>,
    /// The newest time that a line had.
    pub(super) newest_ms: Option<i64>,
    /// When the file was begun. Lines that are older were copied from another one.
    pub(super) begun_ms: Option<i64>,
    /// The prompt that is being answered.
    pub(super) prompt_id: Option<String>,
    /// The prompt's name that an event has been given. Others that share it are copies.
    pub(super) named_prompt: Option<String>,
    /// How many prompts a person wrote.
    pub(super) prompts: u64,
    /// The message that was told last, by its identity, and what was stated that it cost.
    pub(super) message: Option<(String, f64)>,
    /// The cost that old versions state for all of the file so far.
    pub(super) cost_usd: f64,
    /// How good the known title is.
    pub(super) title_rank: u8,
    /// Calls that were told without an answer, and the lines that they change if they work.
    pub(super) waiting: BTreeMap<String, Waiting>,
    /// A compaction whose prompt is not known yet.
    pub(super) compaction: Option<Compaction>,
    /// The notes that were told.
    notes: BTreeMap<String, String>,
    /// The notes that are still to be told, with their times.
    #[serde(skip)]
    news: BTreeMap<String, (String, i64)>,
}

/// A call that was told without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Waiting {
    pub(super) tool: String,
    pub(super) lines_added: u64,
    pub(super) lines_removed: u64,
}

/// A compaction of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Compaction {
    pub(super) event_id: String,
    pub(super) uuid: Option<String>,
    pub(super) at_ms: Option<i64>,
    pub(super) trigger: Option<String>,
    pub(super) pre_tokens: Option<u64>,
    pub(super) post_tokens: Option<u64>,
    pub(super) duration_ms: Option<u64>,
}

impl State {
    /// Reads what [`State::to_json`] wrote; what cannot be read is a new beginning.
    pub(super) fn from_json(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// Returns all that must be known, without names that are too long to be any.
    pub(super) fn to_json(&self) -> String {
        let mut state = self.clone();
        let is_name = |name: &String| name.len() <= NAME_BYTES_MAX;
        state.message = state.message.filter(|(identity, _)| is_name(identity));
        for name in [
            &mut state.session,
            &mut state.cwd,
            &mut state.branch,
            &mut state.prompt_id,
            &mut state.named_prompt,
        ] {
            *name = name.take().filter(is_name);
        }
        if let Some(compaction) = &mut state.compaction {
            compaction.uuid = compaction.uuid.take().filter(is_name);
            compaction.trigger = compaction.trigger.take().filter(is_name);
        }
        state.waiting.retain(|id, waiting| is_name(id) && is_name(&waiting.tool));
        state.notes.retain(|name, _| is_name(name));
        serde_json::to_string(&state).unwrap_or_default()
    }

    /// Takes note of how the session stands. Only the newest of a name is told.
    pub(super) fn note(&mut self, name: &str, value: String, at_ms: Option<i64>) {
        let at_ms = at_ms.or(self.newest_ms).unwrap_or(0);
        if self.notes.get(name).is_some_and(|known| *known == value)
            && !self.news.contains_key(name)
        {
            return;
        }
        self.news.insert(name.to_owned(), (value, at_ms));
    }

    /// Takes note of a word, unless it is known.
    pub(super) fn note_word(&mut self, name: &str, word: &str, at_ms: Option<i64>) {
        if !word.trim().is_empty() {
            self.note(name, serde_json::Value::from(word.trim()).to_string(), at_ms);
        }
    }

    /// Tells the notes that are new.
    pub(super) fn tell_notes(&mut self, session: &str, out: &mut Parsed) {
        for (name, (value, at_ms)) in std::mem::take(&mut self.news) {
            if value.len() <= REMEMBERED_BYTES_MAX && self.notes.len() < WAITING_MAX {
                self.notes.insert(name.clone(), value.clone());
            } else {
                self.notes.remove(&name);
            }
            let about = About::Session(SessionId(session.to_owned()));
            out.notes.push(Note { about, name, value, at_ms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_told_once_and_again_when_it_changes() {
        let mut state = State::default();
        let told = |state: &mut State, value: &str| {
            let mut out = Parsed::default();
            state.note_word("cwd", value, Some(5));
            state.tell_notes("s", &mut out);
            *state = State::from_json(Some(&state.to_json()));
            out.notes.into_iter().map(|note| note.value).collect::<Vec<_>>()
        };
        assert_eq!(told(&mut state, "/a"), [r#""/a""#]);
        assert_eq!(told(&mut state, "/a"), [""; 0]);
        assert_eq!(told(&mut state, "/b"), [r#""/b""#]);
    }

    #[test]
    fn a_state_that_cannot_be_read_is_a_new_beginning() {
        for text in ["", "[]", "{\"index\":\"many\"}"] {
            assert_eq!(State::from_json(Some(text)), State::default());
        }
    }
}
