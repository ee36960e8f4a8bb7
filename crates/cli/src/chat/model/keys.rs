//! What keys do.

use oriel_wire::gateway::{Answer, OptionKind};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Effect, Line, Model, Overlay};
use crate::chat::editor::{Editor, Go};
use crate::chat::talk::Question;

/// A question that appears while somebody types is not answered by the letter that was on its way.
const QUESTION_REST_MS: u64 = 500;

/// The longest name that a gateway takes.
const NAME_CHARS_MAX: usize = 200;

/// The agent that a new session is first offered: it is always there.
const AGENT: &str = "echo";

impl Model {
    pub(super) fn on_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        self.notice = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('q') {
            return vec![Effect::Quit];
        }
        match self.overlay.take() {
            Some(overlay) => self.on_overlay_key(overlay, key),
            None if key.modifiers.contains(KeyModifiers::CONTROL) => self.on_control(key),
            None if key.modifiers.contains(KeyModifiers::ALT) => self.on_alt(key),
            None => self.on_plain(key),
        }
    }

    pub(super) fn on_paste(&mut self, text: &str) {
        let fits = match &mut self.overlay {
            Some(Overlay::Rename { name, .. }) => name.insert(&one_line(text)),
            Some(Overlay::New { agent, in_folder: false, .. }) => agent.insert(&one_line(text)),
            Some(Overlay::New { folder, .. }) => folder.insert(&one_line(text)),
            Some(Overlay::Help | Overlay::Delete { .. }) => true,
            None => self.draft_mut().is_none_or(|draft| draft.insert(text)),
        };
        if !fits {
            self.notice = Some("that is too long to be sent; put it into a file".to_owned());
        }
    }

    fn on_control(&mut self, key: KeyEvent) -> Vec<Effect> {
        match key.code {
            KeyCode::Char('c') => match self.draft_mut() {
                Some(draft) if !draft.is_empty() => draft.clear(),
                _ => return vec![Effect::Quit],
            },
            KeyCode::Char('x') => return self.stop(),
            KeyCode::Char('n') => {
                let folder = self.session().map_or(&self.working, |session| &session.workspace);
                let agent = self.session().map_or(AGENT, |session| &session.agent_type);
                self.overlay = Some(Overlay::New {
                    agent: Editor::with(agent),
                    folder: Editor::with(folder),
                    in_folder: false,
                });
            }
            KeyCode::Char('r') => {
                let named = self.session().map(|it| (it.id.clone(), Editor::with(&it.name)));
                self.overlay = named.map(|(id, name)| Overlay::Rename { id, name });
            }
            KeyCode::Char('g') => {
                let session = self.session();
                let archive =
                    session.map(|it| Effect::Archive { id: it.id.clone(), archived: !it.archived });
                return archive.into_iter().collect();
            }
            KeyCode::Char('d') => {
                self.overlay = self.selected.clone().map(|id| Overlay::Delete { id });
            }
            KeyCode::Char('y') => self.shows_archived = !self.shows_archived,
            KeyCode::Char('t') => self.shows_thinking = !self.shows_thinking,
            KeyCode::Char('o') => self.shows_details = !self.shows_details,
            KeyCode::Char('l') => self.shows_list = !self.shows_list,
            KeyCode::Up => self.step(-1),
            KeyCode::Down => self.step(1),
            KeyCode::Home => self.scroll_by(isize::MAX),
            KeyCode::End => self.scroll = 0,
            _ => {
                if let Some(draft) = self.draft_mut() {
                    control_in(draft, key.code);
                }
            }
        }
        Vec::new()
    }

    fn on_alt(&mut self, key: KeyEvent) -> Vec<Effect> {
        match key.code {
            KeyCode::Enter => self.on_paste("\n"),
            KeyCode::Up => self.step(-1),
            KeyCode::Down => self.step(1),
            KeyCode::Char(letter) => return self.answer_by(letter).unwrap_or_default(),
            _ => {}
        }
        Vec::new()
    }

    fn on_plain(&mut self, key: KeyEvent) -> Vec<Effect> {
        let is_empty = self.draft().is_none_or(Editor::is_empty);
        match key.code {
            KeyCode::Enter if key.modifiers.contains(KeyModifiers::SHIFT) => self.on_paste("\n"),
            KeyCode::Enter => return self.send(),
            KeyCode::Esc => return self.stop(),
            KeyCode::Tab => self.step(1),
            KeyCode::BackTab => self.step(-1),
            KeyCode::PageUp => self.scroll_by(self.page.max(1).cast_signed()),
            KeyCode::PageDown => self.scroll_by(-self.page.max(1).cast_signed()),
            KeyCode::F(1) => self.overlay = Some(Overlay::Help),
            KeyCode::Char('?') if is_empty => self.overlay = Some(Overlay::Help),
            KeyCode::Char(letter) if is_empty => match self.answer_by(letter) {
                Some(todo) => return todo,
                None => self.on_paste(&letter.to_string()),
            },
            KeyCode::Char(letter) => self.on_paste(&letter.to_string()),
            code => {
                if let Some(draft) = self.draft_mut() {
                    plain_in(draft, code);
                }
            }
        }
        Vec::new()
    }

    fn on_overlay_key(&mut self, overlay: Overlay, key: KeyEvent) -> Vec<Effect> {
        if key.code == KeyCode::Esc {
            return Vec::new();
        }
        match overlay {
            // Any other key closes it too.
            Overlay::Help => Vec::new(),
            Overlay::Delete { id } => match key.code {
                KeyCode::Char('y') => vec![Effect::Delete { id }],
                _ => Vec::new(),
            },
            Overlay::Rename { id, mut name } => {
                let trimmed = name.text().trim();
                if key.code == KeyCode::Enter && !trimmed.is_empty() {
                    let name = trimmed.chars().take(NAME_CHARS_MAX).collect();
                    return vec![Effect::Rename { id, name }];
                }
                type_in(&mut name, key);
                self.overlay = Some(Overlay::Rename { id, name });
                Vec::new()
            }
            Overlay::New { mut agent, mut folder, in_folder } => {
                let is_whole = !agent.text().trim().is_empty() && !folder.text().trim().is_empty();
                match key.code {
                    KeyCode::Enter if in_folder && is_whole => {
                        let agent = agent.text().trim().to_owned();
                        let workspace = folder.text().trim().to_owned();
                        return vec![Effect::Create { agent, workspace }];
                    }
                    KeyCode::Enter
                    | KeyCode::Tab
                    | KeyCode::BackTab
                    | KeyCode::Up
                    | KeyCode::Down => {
                        self.overlay = Some(Overlay::New { agent, folder, in_folder: !in_folder });
                        return Vec::new();
                    }
                    _ => type_in(if in_folder { &mut folder } else { &mut agent }, key),
                }
                self.overlay = Some(Overlay::New { agent, folder, in_folder });
                Vec::new()
            }
        }
    }

    /// Sends what was typed: as the answer to a question for words, to the agent that works, or as
    /// something to do.
    fn send(&mut self) -> Vec<Effect> {
        let Some(id) = self.selected.clone() else {
            self.notice = Some("there is no session yet; Ctrl+N makes one".to_owned());
            return Vec::new();
        };
        if self.draft().is_none_or(|draft| draft.text().trim().is_empty()) {
            return Vec::new();
        }
        if self.line != Line::Up {
            self.notice =
                Some("not sent: the connection is down; what you type is kept".to_owned());
            return Vec::new();
        }
        let question = self.talk.open_question().filter(|question| question.options.is_empty());
        let question_id = question.map(|question| question.id.clone());
        let has_turn = self.talk.has_turn;
        let Some(text) = self.draft_mut().map(Editor::take) else { return Vec::new() };
        self.scroll = 0;
        vec![match question_id {
            Some(question_id) => {
                let answer = Answer::Text(text);
                Effect::Answer { id, question_id, answer, is_typed: true }
            }
            None if has_turn => Effect::Steer { id, text },
            None => self.run(id, text),
        }]
    }

    fn run(&mut self, id: String, text: String) -> Effect {
        let known = self.unsure.take().filter(|(session, said, _)| *session == id && *said == text);
        let client_turn_id = known.map_or_else(
            || {
                self.turns += 1;
                format!("{}-{}", self.turn_prefix, self.turns)
            },
            |(_, _, name)| name,
        );
        self.unsure = Some((id.clone(), text.clone(), client_turn_id.clone()));
        Effect::Run { id, text, client_turn_id }
    }

    fn stop(&mut self) -> Vec<Effect> {
        match &self.selected {
            Some(id) if self.talk.has_turn => vec![Effect::Stop { id: id.clone() }],
            _ => Vec::new(),
        }
    }

    /// Answers the question that waits by a letter or number, where that is an answer to it.
    fn answer_by(&mut self, letter: char) -> Option<Vec<Effect>> {
        let question = self.talk.open_question()?;
        let (_, since) = self.question_since.as_ref()?;
        if self.now < since.saturating_add(QUESTION_REST_MS) {
            return None;
        }
        let answer = answer(question, letter)?;
        let (id, question_id) = (self.selected.clone()?, question.id.clone());
        if self.line != Line::Up {
            self.notice = Some("not answered: the connection is down".to_owned());
            return Some(Vec::new());
        }
        Some(vec![Effect::Answer { id, question_id, answer, is_typed: false }])
    }

    /// Looks at the session so many places on in the list.
    fn step(&mut self, by: isize) {
        let listed = self.listed();
        if listed.is_empty() {
            return;
        }
        let at = listed.iter().position(|it| Some(&it.id) == self.selected.as_ref());
        let len = listed.len().cast_signed();
        let next = at.map_or(0, |at| (at.cast_signed() + by).rem_euclid(len));
        let id = listed[next.cast_unsigned()].id.clone();
        self.select(id);
    }

    fn scroll_by(&mut self, by: isize) {
        // The view brings it back to what there is.
        self.scroll = self.scroll.saturating_add_signed(by);
    }
}

/// Returns the answer that a letter or number stands for.
fn answer(question: &Question, letter: char) -> Option<Answer> {
    use OptionKind::{AllowAlways, AllowOnce, RejectAlways, RejectOnce};

    let by_kind = |kinds: &[OptionKind]| {
        let found = kinds
            .iter()
            .find_map(|kind| question.options.iter().find(|option| option.kind == *kind));
        found.map(|option| Answer::Text(option.id.clone()))
    };
    match letter {
        'a' if question.is_permission => by_kind(&[AllowOnce]),
        's' if question.is_permission => by_kind(&[AllowAlways]),
        'd' if question.is_permission => by_kind(&[RejectOnce, RejectAlways]),
        letter => {
            let number = letter.to_digit(10)?.checked_sub(1)?;
            let option = question.options.get(number as usize)?;
            Some(Answer::Text(option.id.clone()))
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Types into a line.
fn type_in(line: &mut Editor, key: KeyEvent) {
    match key.code {
        code if key.modifiers.contains(KeyModifiers::CONTROL) => {
            if code != KeyCode::Char('j') {
                control_in(line, code);
            }
        }
        KeyCode::Char(letter) => {
            line.insert(&letter.to_string());
        }
        KeyCode::Up | KeyCode::Down => {}
        code => plain_in(line, code),
    }
}

fn control_in(draft: &mut Editor, code: KeyCode) {
    match code {
        KeyCode::Char('j') => {
            draft.insert("\n");
        }
        KeyCode::Char('a') => draft.go(Go::LineStart),
        KeyCode::Char('e') => draft.go(Go::LineEnd),
        KeyCode::Char('w') | KeyCode::Backspace => draft.delete_word(),
        KeyCode::Char('u') => draft.delete_to_line_start(),
        KeyCode::Left => draft.go(Go::WordLeft),
        KeyCode::Right => draft.go(Go::WordRight),
        _ => {}
    }
}

fn plain_in(draft: &mut Editor, code: KeyCode) {
    match code {
        KeyCode::Backspace => draft.backspace(),
        KeyCode::Delete => draft.delete(),
        KeyCode::Left => draft.go(Go::Left),
        KeyCode::Right => draft.go(Go::Right),
        KeyCode::Up => draft.go(Go::Up),
        KeyCode::Down => draft.go(Go::Down),
        KeyCode::Home => draft.go(Go::LineStart),
        KeyCode::End => draft.go(Go::LineEnd),
        _ => {}
    }
}
