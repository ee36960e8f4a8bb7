//! The terminal client: all sessions, what their agents do, and what they ask.
//!
//! [`model`] is all that there is to know and decide, [`view`] draws it, and `run` brings keys, the
//! gateway and the terminal to them. Whatever an agent wrote is made safe in [`words`] before it is drawn.

mod editor;
mod markdown;
mod model;
mod run;
mod screen;
mod talk;
#[cfg(test)]
mod testing;
mod theme;
mod view;
mod words;

pub(crate) use model::Model;
pub(crate) use run::run;
