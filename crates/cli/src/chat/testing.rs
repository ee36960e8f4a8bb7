//! What the tests of the chat need: sessions, events and keys.

use oriel_wire::gateway::{
    AnswerOption, EventBody, Message, MessageRole, OptionKind, SessionEvent, SessionMeta,
    SessionState, Snapshot, Usage,
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::model::Msg;

pub(super) fn meta(id: &str, state: SessionState, updated_at: i64) -> SessionMeta {
    SessionMeta {
        id: id.to_owned(),
        name: format!("Session {id}"),
        agent_type: "echo".to_owned(),
        workspace: "/home/ada/project".to_owned(),
        state,
        archived: false,
        created_at: 0,
        updated_at,
        last_seq: 0,
        turns: 0,
        pending: 0,
        usage: Usage::default(),
        problem: None,
        monitor_session: None,
    }
}

pub(super) fn snapshot(id: &str, last_seq: u64) -> Snapshot {
    let mut session = meta(id, SessionState::Ready, 1);
    session.last_seq = last_seq;
    Snapshot { session, last_seq, current_turn: None, pending: Vec::new(), messages: Vec::new() }
}

pub(super) fn message(seq: u64, role: MessageRole, text: &str) -> Message {
    let (turn_id, text) = ("t".to_owned(), text.to_owned());
    Message { seq, ts: 0, turn_id, role, text, error: None }
}

pub(super) fn event(seq: u64, body: EventBody) -> SessionEvent {
    let (session_id, turn_id) = ("s".to_owned(), Some("t".to_owned()));
    SessionEvent { session_id, turn_id, seq, ts: 0, body }
}

pub(super) fn started(text: &str) -> EventBody {
    EventBody::TurnStarted { text: text.to_owned(), client_turn_id: None }
}

pub(super) fn delta(text: &str) -> EventBody {
    EventBody::TextDelta { text: text.to_owned() }
}

pub(super) fn whole(text: &str) -> EventBody {
    EventBody::TextComplete { text: text.to_owned() }
}

pub(super) fn ended() -> EventBody {
    EventBody::TurnComplete { final_text: String::new(), stop_reason: "end_turn".to_owned() }
}

pub(super) fn permission() -> EventBody {
    let option = |id: &str, label: &str, kind| AnswerOption {
        id: id.to_owned(),
        label: label.to_owned(),
        kind,
    };
    EventBody::PermissionRequested {
        question_id: "q".to_owned(),
        tool_call_id: None,
        title: "write notes.txt".to_owned(),
        options: vec![
            option("once", "Allow", OptionKind::AllowOnce),
            option("always", "Always allow", OptionKind::AllowAlways),
            option("no", "Deny", OptionKind::RejectOnce),
        ],
    }
}

pub(super) fn question() -> EventBody {
    let (question_id, prompt) = ("w".to_owned(), "Which name?".to_owned());
    EventBody::QuestionRequested { question_id, prompt, options: Vec::new() }
}

pub(super) fn key(code: KeyCode) -> Msg {
    Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

pub(super) fn control(letter: char) -> Msg {
    Msg::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL))
}
