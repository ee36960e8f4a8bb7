//! What an agent says and thinks in a turn: pieces as they come, and each stretch whole once something
//! else follows it. So whoever was not there for the pieces misses none of it.

use oriel_wire::gateway::EventBody;

use crate::limits::{self, DELTA_BYTES_MAX, STRETCH_BYTES_MAX, TURN_TEXT_BYTES_MAX};

/// What an agent says and thinks in a turn.
#[derive(Debug, Default)]
pub(super) struct Speech {
    /// All that it said.
    text: String,
    /// The length of that in JSON.
    text_bytes: usize,
    /// What it says right now.
    open_text: String,
    /// What it thinks right now.
    thought: Option<String>,
}

impl Speech {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn open_text(&self) -> &str {
        &self.open_text
    }

    pub(super) fn thought(&self) -> &str {
        self.thought.as_deref().unwrap_or_default()
    }

    /// Takes a piece of what the agent says.
    pub(super) fn say(&mut self, text: &str, told: &mut Vec<EventBody>) {
        for piece in limits::pieces(text, DELTA_BYTES_MAX) {
            self.end_thought(told);
            if self.open_text.len() + piece.len() > STRETCH_BYTES_MAX {
                self.end_text(told);
            }
            self.open_text.push_str(piece);
            self.keep(piece);
            told.push(EventBody::TextDelta { text: piece.to_owned() });
        }
    }

    /// Takes a piece of what it thinks.
    pub(super) fn think(&mut self, text: &str, told: &mut Vec<EventBody>) {
        for piece in limits::pieces(text, DELTA_BYTES_MAX) {
            self.end_text(told);
            if self.thought().len() + piece.len() > STRETCH_BYTES_MAX {
                self.end_thought(told);
            }
            let text = piece.to_owned();
            told.push(match &mut self.thought {
                Some(thought) => {
                    thought.push_str(piece);
                    EventBody::ThinkingProgress { text }
                }
                None => {
                    self.thought = Some(text.clone());
                    EventBody::ThinkingStart { text }
                }
            });
        }
    }

    /// Ends the stretch that is open, if one is.
    pub(super) fn end(&mut self, told: &mut Vec<EventBody>) {
        self.end_thought(told);
        self.end_text(told);
    }

    fn end_text(&mut self, told: &mut Vec<EventBody>) {
        if !self.open_text.is_empty() {
            told.push(EventBody::TextComplete { text: std::mem::take(&mut self.open_text) });
        }
    }

    fn end_thought(&mut self, told: &mut Vec<EventBody>) {
        if let Some(text) = self.thought.take() {
            told.push(EventBody::ThinkingComplete { text });
        }
    }

    fn keep(&mut self, piece: &str) {
        // Once a piece did not fit none after it does, so that what is kept is a beginning.
        if self.text_bytes <= TURN_TEXT_BYTES_MAX {
            let bytes = limits::json_len(piece);
            self.text_bytes += bytes;
            if self.text_bytes <= TURN_TEXT_BYTES_MAX {
                self.text.push_str(piece);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stretch_is_told_whole_when_another_begins() {
        let mut speech = Speech::default();
        let mut told = vec![];
        speech.think("hm", &mut told);
        speech.think("m", &mut told);
        speech.say("a", &mut told);
        speech.say("b", &mut told);
        speech.end(&mut told);
        speech.end(&mut told);
        speech.say("c", &mut told);
        let text = |text: &str| text.to_owned();
        assert_eq!(
            told,
            [
                EventBody::ThinkingStart { text: text("hm") },
                EventBody::ThinkingProgress { text: text("m") },
                EventBody::ThinkingComplete { text: text("hmm") },
                EventBody::TextDelta { text: text("a") },
                EventBody::TextDelta { text: text("b") },
                EventBody::TextComplete { text: text("ab") },
                EventBody::TextDelta { text: text("c") },
            ]
        );
        assert_eq!((speech.text(), speech.open_text()), ("abc", "c"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn pieces_and_stretches_tell_the_same(
            said in prop::collection::vec((any::<bool>(), ".{0,40}", 1_usize..8_000), 0..8)
        ) {
            let mut speech = Speech::default();
            let mut told = vec![];
            for (is_thought, text, times) in &said {
                let text = text.repeat(*times);
                if *is_thought { speech.think(&text, &mut told) } else { speech.say(&text, &mut told) }
            }
            speech.end(&mut told);
            let mut all = [const { String::new() }; 4];
            for body in &told {
                let (at, text) = match body {
                    EventBody::TextDelta { text } => (0, text),
                    EventBody::TextComplete { text } => (1, text),
                    EventBody::ThinkingStart { text } | EventBody::ThinkingProgress { text } => (2, text),
                    EventBody::ThinkingComplete { text } => (3, text),
                    other => panic!("{other:?}"),
                };
                prop_assert!(text.len() <= STRETCH_BYTES_MAX);
                all[at].push_str(text);
            }
            prop_assert_eq!(&all[0], &all[1]);
            prop_assert_eq!(&all[2], &all[3]);
            prop_assert!(all[0].starts_with(speech.text()));
            prop_assert!(limits::json_len(speech.text()) <= TURN_TEXT_BYTES_MAX);
        }
    }
}
