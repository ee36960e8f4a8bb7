//! What was asked and answered, each told once.
//!
//! A rollout writes the same words down up to three times: as an item for the model, as an event
//! for the screen, and as an item that is complete. Which of them stand in a file depends on the
//! version, so whichever comes first is told and the others are recognised.

use oriel_model::{EventKind, Key, Role};

use super::AGENT;
use super::rollout::{Line, Rollout, joined_text};
use super::state::{Mark, short};
use crate::draft::clip;
use crate::ids::hashed;
use crate::loose::Fields;
use crate::parsed::{Parsed, Reason};

/// How many messages are held that may be prompts. Beyond it the oldest counts as one.
const CANDIDATES_MAX: usize = 8;

/// How messages begin that the agent itself puts into a person's mouth.
const SCAFFOLDING: [&str; 9] = [
    "<environment_context>",
    "<user_instructions>",
    "<INSTRUCTIONS>",
    "<turn_aborted>",
    "<subagent_notification>",
    "<user_shell_command>",
    "<skill>",
    "<hook_prompt",
    "# AGENTS.md instructions",
];

/// A message that may be a prompt. Whether it is one is known when the model acts and nothing else
/// has told of the prompt.
pub(crate) struct Candidate {
    text: String,
    at: Option<i64>,
    turn: Option<String>,
}

impl Rollout {
    /// Reads a message of the conversation with the model.
    pub(crate) fn message(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let message = &line.payload;
        let role = message.text("role").unwrap_or_default();
        let label = format!("response_item/message/{}", clip(&role, 60));
        let parts = message.items("content");
        let text = match parts.is_empty() {
            true => message.text("content").unwrap_or_default().into_owned(),
            false => joined_text(&parts),
        };
        match role.as_ref() {
            "assistant" => self.answer(&text, &label, line.at, out),
            "user" if is_scaffolding(&text, message) => {
                out.tally.left_out(&label, Reason::Scaffolding);
            }
            "user" if self.state.has_prompts => {
                out.tally.left_out(&label, Reason::SaidElsewhere);
            }
            "user" => {
                let turn = self.state.turn.clone();
                self.candidates.push(Candidate { text, at: line.at, turn });
                if self.candidates.len() > CANDIDATES_MAX {
                    let oldest = self.candidates.remove(0);
                    self.prompt(oldest, "message", out);
                }
                // It will be told, or another record says the same.
                out.tally.joined();
            }
            "developer" | "system" => out.tally.left_out(&label, Reason::Scaffolding),
            _ => self.unknown(&label, line, out),
        }
    }

    /// Reads a prompt as the screen shows it.
    pub(crate) fn user_message(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let message = &line.payload;
        let is_plain = message.text("kind").is_none_or(|kind| kind == "plain");
        let text = message.text("message").unwrap_or_default().into_owned();
        if !is_plain {
            return out.tally.left_out("event_msg/user_message", Reason::Scaffolding);
        }
        let turn = self.state.turn.clone();
        self.certain_prompt(Candidate { text, at: line.at, turn }, out);
    }

    /// Reads a prompt as a complete item.
    pub(crate) fn prompt_item(&mut self, line: &Line<'_>, item: &Fields<'_>, out: &mut Parsed) {
        let text = joined_text(&item.items("content"));
        let turn = line.payload.text("turn_id").map(|turn| short(&turn));
        self.certain_prompt(Candidate { text, at: line.at, turn }, out);
    }

    fn certain_prompt(&mut self, mut prompt: Candidate, out: &mut Parsed) {
        if prompt.text.trim().is_empty() {
            return out.tally.left_out("event_msg/user_message", Reason::Empty);
        }
        let held = std::mem::take(&mut self.candidates);
        let twin = held.into_iter().find(|held| held.text == prompt.text);
        if let Some(twin) = twin {
            prompt.at = twin.at.or(prompt.at);
        }
        let was_first = !std::mem::replace(&mut self.state.has_prompts, true);
        let mark = Mark { digest: digest(&prompt.text), by: "message".to_owned() };
        if was_first && self.state.prompt.as_ref() == Some(&mark) {
            self.state.prompt = None;
            return out.tally.joined();
        }
        self.prompt(prompt, "event", out);
        out.tally.told();
    }

    /// Tells of the messages that nothing else has called a prompt.
    pub(crate) fn settle_prompts(&mut self, out: &mut Parsed) {
        for candidate in std::mem::take(&mut self.candidates) {
            self.prompt(candidate, "message", out);
        }
    }

    fn prompt(&mut self, prompt: Candidate, by: &str, out: &mut Parsed) {
        let nth = self.state.counts.prompts;
        self.state.counts.prompts += 1;
        self.state.prompt = Some(Mark { digest: digest(&prompt.text), by: by.to_owned() });
        let draft = self
            .draft(EventKind::UserPrompt, &format!("prompt:{nth}"), prompt.at)
            .key(prompt_key(&self.state.session, &prompt.text))
            .text(Role::Prompt, &prompt.text)
            .fact("message", prompt.text)
            .fact("prompt_id", prompt.turn);
        self.tell(draft, out);
    }

    /// Reads what the agent said, told by a record of some kind.
    pub(crate) fn answer(&mut self, text: &str, by: &str, at: Option<i64>, out: &mut Parsed) {
        self.settle_prompts(out);
        if text.trim().is_empty() {
            return out.tally.left_out(by, Reason::Empty);
        }
        let digest = digest(text);
        if self.state.answer.as_ref().is_some_and(|told| told.digest == digest && told.by != by) {
            self.state.answer = None;
            return out.tally.left_out(by, Reason::SaidElsewhere);
        }
        self.state.answer = Some(Mark { digest, by: by.to_owned() });
        let nth = self.state.counts.answers;
        self.state.counts.answers += 1;
        let draft = self
            .draft(EventKind::Response, &format!("answer:{nth}"), at)
            .key(answer_key(&self.state.session, text))
            .text(Role::Answer, text)
            .fact("content_preview", clip(text, 500))
            .fact("prompt_id", self.state.turn.clone());
        self.tell(draft, out);
        out.tally.told();
    }
}

/// Names a prompt as every source knows it, also those that do not tell its words.
pub(crate) fn prompt_key(thread: &str, prompt: &str) -> Key {
    Key::alike(AGENT, "prompt", &format!("{thread} {}", prompt.chars().count()))
}

/// Names an answer as files and hooks know it.
pub(crate) fn answer_key(thread: &str, answer: &str) -> Key {
    Key::alike(AGENT, "answer", &format!("{thread} {}", digest(answer)))
}

fn digest(text: &str) -> String {
    hashed("", text.trim())
}

fn is_scaffolding(text: &str, message: &Fields<'_>) -> bool {
    let kinds = message.fields("internal_chat_message_metadata_passthrough");
    let kinds = kinds.items("content_item_kinds");
    let is_persons = |kind: &crate::loose::Loose<'_>| {
        kind.text().is_some_and(|kind| kind.starts_with("user.") || kind == "unknown")
    };
    let text = text.trim_start();
    (!kinds.is_empty() && !kinds.iter().any(is_persons))
        || text.is_empty()
        || SCAFFOLDING.iter().any(|beginning| text.starts_with(beginning))
}
