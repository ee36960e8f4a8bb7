//! What the terminal client knows and what it wants next: a function of what came and what was pressed.
//!
//! Nothing here waits, draws or reads a clock. What is to be done is returned as [`Effect`]s, and what came
//! of it comes back as [`Done`].

mod keys;
mod open;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use oriel_gateway_client::{ClientError, History, Incoming, PastEvents};
use oriel_wire::gateway::{Answer, SessionMeta, SessionState, Snapshot};
use ratatui::crossterm::event::KeyEvent;

use super::editor::Editor;
use super::talk::Talk;
use super::view::Drawn;
pub(super) use open::Opening;

/// Something that the model takes.
#[derive(Debug)]
pub(super) enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// Something came.
    Incoming(Incoming),
    /// Something that was wanted is done, or is not.
    Done(Done),
    /// Time passes.
    Tick,
}

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    List,
    Create { agent: String, workspace: String },
    Rename { id: String, name: String },
    Archive { id: String, archived: bool },
    Delete { id: String },
    Join { id: String },
    Leave { id: String },
    Past { id: String, after: u64 },
    Older { id: String, before: u64 },
    Run { id: String, text: String, client_turn_id: String },
    Steer { id: String, text: String },
    Stop { id: String },
    Answer { id: String, question_id: String, answer: Answer, is_typed: bool },
    Quit,
}

/// What came of an effect.
#[derive(Debug)]
pub(super) enum Done {
    Listed(Result<Vec<SessionMeta>, ClientError>),
    Created(Result<SessionMeta, ClientError>),
    Changed(Result<SessionMeta, ClientError>),
    Deleted { id: String, result: Result<(), ClientError> },
    Joined { id: String, result: Box<Result<Snapshot, ClientError>> },
    Past { id: String, result: Result<PastEvents, ClientError> },
    Older { id: String, result: Result<History, ClientError> },
    Sent { id: String, text: String, result: Result<(), ClientError> },
    Told(Result<(), ClientError>),
}

/// Whether the gateway is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Up,
    /// It is tried again at this time, in milliseconds of the program's life.
    Down {
        reason: String,
        at: u64,
    },
    /// It will not be there again.
    Dead {
        reason: String,
    },
}

/// What lies over the screen.
#[derive(Debug)]
pub(super) enum Overlay {
    Help,
    New { agent: Editor, folder: Editor, in_folder: bool },
    Rename { id: String, name: Editor },
    Delete { id: String },
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Model {
    pub(super) sessions: Vec<SessionMeta>,
    pub(super) has_listed: bool,
    /// The session that is looked at.
    pub(super) selected: Option<String>,
    pub(super) talk: Talk,
    /// How far the conversation is opened.
    pub(super) opening: Opening,
    drafts: HashMap<String, Editor>,
    pub(super) line: Line,
    pub(super) overlay: Option<Overlay>,
    /// What is to be told once.
    pub(super) notice: Option<String>,
    pub(super) shows_thinking: bool,
    pub(super) shows_details: bool,
    pub(super) shows_archived: bool,
    /// On a narrow terminal, whether the list is shown in the place of the conversation.
    pub(super) shows_list: bool,
    /// How many lines from the end the conversation is scrolled.
    pub(super) scroll: usize,
    /// The page, in lines, as it was drawn last.
    pub(super) page: usize,
    is_asking_older: bool,
    /// When the question that waits was first seen.
    question_since: Option<(String, u64)>,
    /// The folder for new sessions.
    working: String,
    /// The session that the command line names.
    wanted: Option<String>,
    /// What names our turns apart from those of others.
    turn_prefix: String,
    turns: u64,
    /// What could not be sent for certain, and the name that it had: the same words sent again are the
    /// same turn.
    unsure: Option<(String, String, String)>,
    /// Now, in milliseconds of the program's life.
    pub(super) now: u64,
}

impl Model {
    pub(crate) fn new(working: String, wanted: Option<String>, turn_prefix: String) -> Self {
        Self {
            sessions: Vec::new(),
            has_listed: false,
            selected: None,
            talk: Talk::default(),
            opening: Opening::Closed,
            drafts: HashMap::new(),
            line: Line::Up,
            overlay: None,
            notice: None,
            shows_thinking: false,
            shows_details: false,
            shows_archived: false,
            shows_list: false,
            scroll: 0,
            page: 10,
            is_asking_older: false,
            question_since: None,
            working,
            wanted,
            turn_prefix,
            turns: 0,
            unsure: None,
            now: 0,
        }
    }

    /// Takes something at this time, and returns what is to be done.
    pub(super) fn on(&mut self, msg: Msg, now: u64) -> Vec<Effect> {
        self.now = now;
        let mut todo = match msg {
            Msg::Key(key) => self.on_key(key),
            Msg::Paste(text) => {
                self.on_paste(&text);
                Vec::new()
            }
            Msg::Incoming(incoming) => self.on_incoming(incoming),
            Msg::Done(done) => self.on_done(done),
            Msg::Tick => Vec::new(),
        };
        todo.extend(self.open_when_due());
        self.notice_question();
        todo
    }

    /// Returns the session that is looked at.
    pub(super) fn session(&self) -> Option<&SessionMeta> {
        let selected = self.selected.as_ref()?;
        self.sessions.iter().find(|session| session.id == *selected)
    }

    /// Returns the sessions in the order of the list: who waits for a person first.
    pub(super) fn listed(&self) -> Vec<&SessionMeta> {
        let mut listed: Vec<_> = self
            .sessions
            .iter()
            .filter(|it| {
                self.shows_archived || !it.archived || self.selected.as_ref() == Some(&it.id)
            })
            .collect();
        listed.sort_by_key(|it| (urgency(it), std::cmp::Reverse(it.updated_at), it.id.clone()));
        listed
    }

    /// Returns whether something is being typed to a session that is not looked at.
    pub(super) fn has_draft(&self, id: &str) -> bool {
        self.selected.as_deref() != Some(id)
            && self.drafts.get(id).is_some_and(|draft| !draft.is_empty())
    }

    /// Returns whether the screen changes though nothing happens.
    pub(super) fn changes_with_time(&self) -> bool {
        matches!(self.line, Line::Down { .. })
    }

    /// Takes what the view found, and returns what is to be done about it.
    pub(super) fn was_drawn(&mut self, drawn: Drawn) -> Vec<Effect> {
        (self.page, self.scroll) = (drawn.page, drawn.scroll);
        if drawn.is_at_top { self.ask_older() } else { Vec::new() }
    }

    /// Returns what is being typed to the session that is looked at.
    pub(super) fn draft(&self) -> Option<&Editor> {
        self.drafts.get(self.selected.as_ref()?)
    }

    fn draft_mut(&mut self) -> Option<&mut Editor> {
        let selected = self.selected.clone()?;
        Some(self.drafts.entry(selected).or_default())
    }

    fn on_incoming(&mut self, incoming: Incoming) -> Vec<Effect> {
        match incoming {
            Incoming::Connected { .. } => {
                self.line = Line::Up;
                if matches!(self.opening, Opening::Failed) {
                    self.reopen();
                }
                return vec![Effect::List];
            }
            Incoming::Disconnected { reason, retry_in: Some(wait) } => {
                let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                self.line = Line::Down { reason, at: self.now.saturating_add(wait) };
            }
            Incoming::Disconnected { reason, retry_in: None } => self.line = Line::Dead { reason },
            Incoming::Snapshot(snapshot) => {
                if self.selected.as_ref() == Some(&snapshot.session.id) {
                    self.talk.follow(&snapshot);
                }
                self.put(snapshot.session);
            }
            Incoming::Event(event) => self.on_event(event),
            Incoming::SessionCreated(session) | Incoming::SessionUpdated(session) => {
                self.put(session);
            }
            Incoming::SessionDeleted { session_id } => self.forget(&session_id),
            // What only newer clients understand, they show.
            Incoming::Other(_) => {}
        }
        Vec::new()
    }

    fn on_done(&mut self, done: Done) -> Vec<Effect> {
        match done {
            Done::Listed(Ok(sessions)) => self.on_listed(sessions),
            Done::Created(Ok(session)) => {
                let id = session.id.clone();
                self.put(session);
                self.select(id);
            }
            Done::Changed(Ok(session)) => self.put(session),
            Done::Deleted { id, result: Ok(()) } => self.forget(&id),
            Done::Joined { id, result } => return self.on_joined(&id, *result),
            Done::Past { id, result } => return self.on_past(&id, result),
            Done::Older { id, result } => self.on_older(&id, result),
            Done::Sent { id, text, result } => self.on_sent(id, &text, result),
            Done::Told(Ok(())) => {}
            Done::Listed(Err(error))
            | Done::Created(Err(error))
            | Done::Changed(Err(error))
            | Done::Deleted { result: Err(error), .. }
            | Done::Told(Err(error)) => self.notice = Some(error.to_string()),
        }
        Vec::new()
    }

    fn on_listed(&mut self, sessions: Vec<SessionMeta>) {
        self.sessions = sessions;
        self.has_listed = true;
        if let Some(wanted) = self.wanted.take() {
            match crate::gateway::named(&self.sessions, &wanted).map(|it| it.id.clone()) {
                Ok(id) => return self.select(id),
                Err(error) => self.notice = Some(error.to_string()),
            }
        }
        if self.session().is_none() {
            self.selected = None;
            if let Some(id) = self.listed().first().map(|it| it.id.clone()) {
                self.select(id);
            }
        }
    }

    /// A message was sent or not. What was not is what is being typed again.
    fn on_sent(&mut self, id: String, text: &str, result: Result<(), ClientError>) {
        let Err(error) = result else {
            self.unsure = None;
            return;
        };
        if !matches!(error, ClientError::Interrupted | ClientError::NoAnswer { .. }) {
            self.unsure = None;
        }
        self.notice = Some(error.to_string());
        self.drafts.entry(id).or_default().put_back(text);
    }

    /// Puts what is known of a session in the place of what was.
    fn put(&mut self, session: SessionMeta) {
        match self.sessions.iter_mut().find(|it| it.id == session.id) {
            Some(known) => *known = session,
            None => self.sessions.push(session),
        }
    }

    fn forget(&mut self, id: &str) {
        self.sessions.retain(|session| session.id != id);
        self.drafts.remove(id);
        if self.selected.as_deref() == Some(id) {
            // It cannot be left any more, so it is as if nothing were open.
            self.selected = None;
            self.opening = Opening::Closed;
            self.talk = Talk::default();
            if let Some(id) = self.listed().first().map(|it| it.id.clone()) {
                self.select(id);
            }
        }
    }

    fn notice_question(&mut self) {
        let open = self.talk.open_question().map(|question| question.id.clone());
        if self.question_since.as_ref().map(|(id, _)| id) != open.as_ref() {
            self.question_since = open.map(|id| (id, self.now));
        }
    }
}

/// Returns how much a session wants a person: less is more.
fn urgency(session: &SessionMeta) -> u8 {
    match session.state {
        _ if session.archived => 4,
        SessionState::Waiting => 0,
        _ if 0 < session.pending => 0,
        SessionState::Error => 1,
        SessionState::Running | SessionState::Activating => 2,
        SessionState::Ready | SessionState::Inactive | SessionState::Deactivating => 3,
    }
}
