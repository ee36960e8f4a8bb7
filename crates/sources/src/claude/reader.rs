//! Reads a history line by line. Every line has a fate: an event, more of an event or of a session,
//! or a reason for which it is left out.

use std::borrow::Cow;
use std::path::Path;

use oriel_model::{EventKind, Key, NewEvent, Sign};

use super::AGENT;
use super::calls::Calls;
use super::json::{Raw, trim};
use super::line::{Line, base_name};
use super::message::Message;
use super::origin::Origin;
use super::records::{Purpose, purpose};
use super::sequence::Sequence;
use super::state::State;
use crate::draft::Draft;
use crate::format::Reader;
use crate::ids::hashed;
use crate::parsed::{Parsed, Reason};

mod answers;
mod old;
mod sessions;
mod users;

/// The most of a line that nobody understands that is kept.
const RAW_BYTES_MAX: usize = 4 * 1024;

/// The most of an error that is shown, in UTF-16 units.
const ERROR_UNITS_MAX: usize = 500;

/// Reads one history of Claude Code.
pub(super) struct FileReader {
    origin: Origin,
    state: State,
    message: Option<Message>,
    calls: Calls,
    sequence: Sequence,
}

impl FileReader {
    pub(super) fn new(file: &Path, state: Option<&str>) -> Self {
        Self {
            origin: Origin::of(file),
            state: State::from_json(state),
            message: None,
            calls: Calls::default(),
            sequence: Sequence::default(),
        }
    }
}

impl Reader for FileReader {
    fn line(&mut self, line: &[u8], out: &mut Parsed) {
        let index = self.state.index;
        self.state.index += 1;
        let text = String::from_utf8_lossy(line);
        if trim(&text).is_empty() {
            out.tally.left_out("(padding)", Reason::Empty);
            return;
        }
        match Line::read(&text) {
            Some(line) => At { reader: self, index, line, out }.read(),
            None => out.tally.bad(index + 1, "it is no whole JSON object"),
        }
    }

    fn pause(&mut self, out: &mut Parsed) {
        self.close_message(out);
        for event in self.calls.release(&mut self.state) {
            self.sequence.tell(event, out);
        }
        self.sequence.release(out);
        let session = self.session(None);
        self.state.tell_notes(&session, out);
    }

    fn state(&self) -> String {
        self.state.to_json()
    }
}

impl FileReader {
    /// Returns the session of a line: the one it names, or the one that its file is named for.
    fn session(&self, named: Option<Cow<'_, str>>) -> String {
        match named {
            Some(session) => session.into_owned(),
            None if self.origin.is_named_for_session => self.origin.session.clone(),
            None => self.state.session.clone().unwrap_or_else(|| self.origin.session.clone()),
        }
    }

    fn close_message(&mut self, out: &mut Parsed) {
        if let Some(message) = self.message.take() {
            self.state.message =
                message.identity.clone().map(|identity| (identity, message.cost_usd));
            self.sequence.tell(message.tell(), out);
        }
    }
}

/// A reader at one of its lines.
struct At<'r, 'a> {
    reader: &'r mut FileReader,
    index: u64,
    line: Line<'a>,
    out: &'r mut Parsed,
}

impl At<'_, '_> {
    fn read(&mut self) {
        self.learn();
        let kind = self.line.kind.and_then(Raw::word);
        let Some(kind) = kind else {
            if self.line.session.is_none() {
                self.out.tally.left_out("(no type)", Reason::NoSession);
            } else {
                self.unknown("(no type)");
            }
            return;
        };
        match purpose(&kind) {
            Purpose::Read => self.read_kind(&kind),
            Purpose::Ignored(reason) => self.out.tally.left_out(&kind, reason),
            Purpose::Unknown => self.unknown(&kind),
        }
    }

    fn read_kind(&mut self, kind: &str) {
        match kind {
            "assistant" => self.assistant(),
            "user" => self.user(),
            "system" => self.system(),
            "attachment" => self.attachment(),
            "tool_use" | "tool_result" => self.old_call(kind),
            "error" => self.plain(EventKind::Error),
            "session_start" => self.plain(EventKind::SessionStart),
            "session_end" => self.plain(EventKind::SessionEnd),
            _ => self.standing(kind),
        }
    }

    /// Learns what most lines say of their session.
    fn learn(&mut self) {
        let state = &mut self.reader.state;
        let at_ms = self.line.at_ms();
        state.newest_ms = state.newest_ms.max(at_ms);
        if state.begun_ms.is_none() && self.line.uuid.is_none() {
            state.begun_ms = at_ms;
        }
        let set = |place: &mut Option<String>, value: Option<Raw<'_>>| {
            if let Some(word) =
                value.and_then(Raw::word).filter(|word| place.as_deref() != Some(word))
            {
                *place = Some(word.into_owned());
                return true;
            }
            false
        };
        set(&mut state.session, self.line.session);
        set(&mut state.branch, self.line.branch);
        let moved = set(&mut state.cwd, self.line.cwd);
        set(&mut state.prompt_id, self.line.prompt_id);
        if self.is_main() {
            let state = &mut self.reader.state;
            if let (true, Some(cwd)) = (moved, state.cwd.clone()) {
                state.note_word("cwd", &cwd, at_ms);
            }
            for (name, value) in
                [("version", self.line.version), ("entrypoint", self.line.entrypoint)]
            {
                if let Some(word) = value.and_then(Raw::word) {
                    state.note_word(name, &word, at_ms);
                }
            }
        }
        self.settle_compaction();
    }

    /// Returns whether the line is of the conversation that a person has.
    fn is_main(&self) -> bool {
        self.reader.origin.agent.is_none() && !self.line.is_sidechain
    }

    fn session(&self) -> String {
        self.reader.session(self.line.session.and_then(Raw::word))
    }

    /// Returns the name of an event of this line.
    fn event_id(&self, suffix: &str) -> String {
        let session = self.session();
        let agent = self.reader.origin.agent.as_deref();
        let slash = if agent.is_some() { "/" } else { "" };
        let (agent, index) = (agent.unwrap_or_default(), self.index);
        hashed("import-cc-", &format!("claude-code:{session}{slash}{agent}:{index}{suffix}"))
    }

    /// Begins an event of this line.
    fn draft(&self, kind: EventKind, suffix: &str) -> Draft {
        let state = &self.reader.state;
        let project = state.cwd.as_deref().and_then(base_name);
        let line_agent = self.line.agent_id.and_then(Raw::word);
        let agent = self.reader.origin.agent.as_deref().or(line_agent.as_deref());
        let side = (self.line.is_sidechain && agent.is_none()).then_some(true);
        Draft::new(AGENT, "import", &self.session(), kind)
            .id(self.event_id(suffix))
            .at(self.line.at_ms())
            .place(project, state.branch.as_deref())
            .fact("agent_id", agent)
            .fact("sidechain", side)
    }

    /// Adds the key by which a copy of this line in another file is known.
    fn keyed_by_line(&self, draft: Draft) -> Draft {
        match self.line.uuid.and_then(Raw::word) {
            Some(uuid) => draft.key(Key::one(AGENT, "line", &uuid)),
            None => draft,
        }
    }

    fn tell(&mut self, event: NewEvent) {
        self.reader.sequence.tell(event, self.out);
    }

    /// Keeps a line that nobody understands, so that nothing vanishes.
    fn unknown(&mut self, kind: &str) {
        let text = self.line.whole.text();
        let draft = self
            .draft(EventKind::Response, "")
            .sign(Sign::Aside)
            .fact("record_type", kind)
            .fact("raw", &text[..text.floor_char_boundary(RAW_BYTES_MAX)]);
        let event = self.keyed_by_line(draft).build();
        self.tell(event);
        self.out.tally.told();
    }
}
