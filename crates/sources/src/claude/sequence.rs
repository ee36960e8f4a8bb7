//! The order in which events are told, and which prompt a name belongs to.
//!
//! A fork copies the lines of the session that it continues, and gives all their prompts the name of
//! its own first one, by which hooks and exporters know that one. So the last prompt of a name is the
//! one that is really called so. While that is in doubt, events are held back, in their order.

use oriel_model::{Key, NewEvent};

use super::AGENT;
use super::state::State;
use crate::parsed::Parsed;

/// How many events are held back. When one more comes, the doubt is over.
const HELD_MAX: usize = 256;

/// The order in which events are told.
#[derive(Default)]
pub(super) struct Sequence(Option<Doubt>);

/// A prompt whose name may be another one's, and what was told after it.
struct Doubt {
    name: String,
    prompt: NewEvent,
    rest: Vec<NewEvent>,
}

impl Sequence {
    /// Tells an event.
    pub(super) fn tell(&mut self, event: NewEvent, out: &mut Parsed) {
        match &mut self.0 {
            Some(doubt) if doubt.rest.len() < HELD_MAX => doubt.rest.push(event),
            Some(_) => {
                self.settle(true, out);
                out.events.push(event);
            }
            None => out.events.push(event),
        }
    }

    /// Tells a prompt that may have a name.
    pub(super) fn tell_prompt(
        &mut self,
        event: NewEvent,
        name: Option<&str>,
        state: &mut State,
        out: &mut Parsed,
    ) {
        let Some(name) = name else { return self.tell(event, out) };
        let is_first = state.prompts == 0;
        state.prompts += 1;
        if self.0.as_ref().is_some_and(|doubt| doubt.name == name) {
            self.settle(false, out);
        } else {
            self.settle(true, out);
            if state.named_prompt.as_deref() == Some(name) {
                out.events.push(event);
                return;
            }
            if !is_first {
                out.events.push(named(event, name));
                state.named_prompt = Some(name.to_owned());
                return;
            }
        }
        state.named_prompt = Some(name.to_owned());
        self.0 = Some(Doubt { name: name.to_owned(), prompt: event, rest: Vec::new() });
    }

    /// Tells all that is held back.
    pub(super) fn release(&mut self, out: &mut Parsed) {
        self.settle(true, out);
    }

    fn settle(&mut self, is_its_name: bool, out: &mut Parsed) {
        let Some(Doubt { name, prompt, rest }) = self.0.take() else { return };
        out.events.push(if is_its_name { named(prompt, &name) } else { prompt });
        out.events.extend(rest);
    }
}

/// Gives a prompt its name, which is surer than the line it stands in.
fn named(mut prompt: NewEvent, name: &str) -> NewEvent {
    prompt.told.keys.insert(0, Key::one(AGENT, "prompt", name));
    prompt
}
