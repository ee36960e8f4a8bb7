//! Opening a conversation: it is joined, its last turns are read in full, and what came meanwhile follows.

use oriel_gateway_client::{ClientError, History, PastEvents};
use oriel_wire::gateway::{MessageRole, SessionEvent, Snapshot};

use super::{Effect, Model};
use crate::chat::talk::Talk;

/// A session that is passed by more quickly than this is not joined.
const REST_MS: u64 = 150;

/// How many messages back a conversation is shown in full; before that, only the words.
const FULL_MESSAGES: usize = 30;

/// What came while a conversation is read is kept up to this; then what was to be read is not waited for.
const MEANWHILE_MAX: usize = 10_000;

/// How far a conversation is opened.
#[derive(Debug, Default)]
pub(in crate::chat) enum Opening {
    /// Nothing is.
    #[default]
    Closed,
    /// It is joined once this time has come.
    Due { at: u64, leaves: Option<String> },
    /// It was asked for.
    Joining { meanwhile: Vec<SessionEvent> },
    /// It is joined, and its last turns are being read.
    Reading { snapshot: Box<Snapshot>, meanwhile: Vec<SessionEvent> },
    /// It is shown.
    Open,
    /// It could not be joined; it is tried again once the gateway is there again.
    Failed,
}

impl Model {
    /// Looks at another session.
    pub(super) fn select(&mut self, id: String) {
        if self.selected.as_ref() == Some(&id) {
            return;
        }
        let left = self.selected.replace(id);
        let leaves = match std::mem::take(&mut self.opening) {
            Opening::Due { leaves, .. } => leaves,
            Opening::Closed | Opening::Failed => None,
            Opening::Joining { .. } | Opening::Reading { .. } | Opening::Open => left,
        };
        // The first is opened at once.
        let rest = if leaves.is_some() { REST_MS } else { 0 };
        self.opening = Opening::Due { at: self.now + rest, leaves };
        self.talk = Talk::default();
        (self.scroll, self.is_asking_older) = (0, false);
    }

    /// Joins the session that is looked at again.
    pub(super) fn reopen(&mut self) {
        self.opening = Opening::Due { at: self.now, leaves: None };
    }

    pub(super) fn open_when_due(&mut self) -> Vec<Effect> {
        let (Opening::Due { at, .. }, Some(id)) = (&self.opening, self.selected.clone()) else {
            return Vec::new();
        };
        if self.now < *at {
            return Vec::new();
        }
        let opening = Opening::Joining { meanwhile: Vec::new() };
        let Opening::Due { leaves, .. } = std::mem::replace(&mut self.opening, opening) else {
            return Vec::new();
        };
        let leave = leaves.filter(|left| *left != id).map(|id| Effect::Leave { id });
        leave.into_iter().chain([Effect::Join { id }]).collect()
    }

    pub(super) fn on_joined(
        &mut self,
        id: &str,
        result: Result<Snapshot, ClientError>,
    ) -> Vec<Effect> {
        if self.selected.as_deref() != Some(id) {
            // Somebody went on before it came.
            return match result {
                Ok(_) => vec![Effect::Leave { id: id.to_owned() }],
                Err(_) => Vec::new(),
            };
        }
        let snapshot = match result {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.opening = match &error {
                    ClientError::Refused { retry_after: Some(wait), .. } => {
                        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                        Opening::Due { at: self.now.saturating_add(wait), leaves: None }
                    }
                    _ => Opening::Failed,
                };
                self.notice = Some(error.to_string());
                return Vec::new();
            }
        };
        let meanwhile = match std::mem::take(&mut self.opening) {
            Opening::Joining { meanwhile } => meanwhile,
            _ => Vec::new(),
        };
        self.put(snapshot.session.clone());
        let from = full_from(&snapshot);
        self.talk.begin(&snapshot, from);
        self.opening = Opening::Reading { snapshot: Box::new(snapshot), meanwhile };
        vec![Effect::Past { id: id.to_owned(), after: from.saturating_sub(1) }]
    }

    pub(super) fn on_past(
        &mut self,
        id: &str,
        result: Result<PastEvents, ClientError>,
    ) -> Vec<Effect> {
        if self.selected.as_deref() != Some(id) || !matches!(self.opening, Opening::Reading { .. })
        {
            return Vec::new();
        }
        match result {
            Ok(past) => {
                let last = past.events.last().map(|event| event.seq);
                past.events.into_iter().for_each(|event| self.talk.on(event));
                if let (true, Some(after)) = (past.has_more, last) {
                    return vec![Effect::Past { id: id.to_owned(), after }];
                }
            }
            Err(error) => {
                self.notice = Some(error.to_string());
                if let Opening::Reading { snapshot, .. } = &self.opening {
                    self.talk.give_up_past(snapshot);
                }
            }
        }
        if let Opening::Reading { meanwhile, .. } =
            std::mem::replace(&mut self.opening, Opening::Open)
        {
            meanwhile.into_iter().for_each(|event| self.talk.on(event));
        }
        Vec::new()
    }

    pub(super) fn on_event(&mut self, event: SessionEvent) {
        use oriel_wire::gateway::EventBody;

        if let EventBody::SessionUpdated { session } = &event.body {
            self.put(session.clone());
        }
        if self.selected.as_ref() != Some(&event.session_id) {
            return;
        }
        match &mut self.opening {
            Opening::Joining { meanwhile } | Opening::Reading { meanwhile, .. }
                if meanwhile.len() < MEANWHILE_MAX =>
            {
                meanwhile.push(event);
            }
            // What is beyond the bound is dropped, and read anew.
            Opening::Joining { .. } | Opening::Reading { .. } => self.reopen(),
            Opening::Open => self.talk.on(event),
            Opening::Closed | Opening::Due { .. } | Opening::Failed => {}
        }
    }

    /// Asks for what was said before, where there is any.
    pub(super) fn ask_older(&mut self) -> Vec<Effect> {
        let (Some(before), Some(id)) = (self.talk.older, self.selected.clone()) else {
            return Vec::new();
        };
        if self.is_asking_older || !matches!(self.opening, Opening::Open) {
            return Vec::new();
        }
        self.is_asking_older = true;
        vec![Effect::Older { id, before }]
    }

    pub(super) fn on_older(&mut self, id: &str, result: Result<History, ClientError>) {
        if self.selected.as_deref() != Some(id) {
            return;
        }
        self.is_asking_older = false;
        match result {
            Ok(history) => self.talk.prepend(&history.messages, history.has_more),
            Err(error) => self.notice = Some(error.to_string()),
        }
    }
}

/// Returns from which event on a conversation is shown in full: a turn is never cut in two.
fn full_from(snapshot: &Snapshot) -> u64 {
    let messages = &snapshot.messages;
    let recent = &messages[messages.len().saturating_sub(FULL_MESSAGES)..];
    let first = recent.iter().find(|message| message.role == MessageRole::User);
    match first {
        Some(message) if FULL_MESSAGES < messages.len() => message.seq,
        // All that was ever said is here.
        _ => 1,
    }
}
