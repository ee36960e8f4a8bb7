//! Prompts and answers as they are known by their words: to those who tell a conversation and do not know
//! the ids that its agent gives its messages.

use oriel_model::Key;

use crate::ids::hashed;

/// Names a prompt by its words, if it has any.
pub(crate) fn prompt_key(agent: &str, session: &str, text: &str) -> Option<Key> {
    key(agent, "prompt-words", session, text)
}

/// Names an answer by its words, if it has any.
pub(crate) fn answer_key(agent: &str, session: &str, text: &str) -> Option<Key> {
    key(agent, "answer-words", session, text)
}

fn key(agent: &str, kind: &str, session: &str, text: &str) -> Option<Key> {
    let text = text.trim();
    let what = || format!("{session} {}", hashed("", text));
    (!text.is_empty()).then(|| Key::alike(agent, kind, &what()))
}
