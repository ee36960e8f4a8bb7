//! The gateway: sessions that a person has with an agent through it, as it tells of them.
//!
//! Where the monitor knows the agent by what that tells itself, the same things get the same names, the
//! agent's own, and are counted once. What is told of a call in several events is one event, told when
//! the call ends; so whoever sends events sends beside them those that opened what is still open.

mod open;
mod tools;
mod turns;

use oriel_model::{About, EventKind, Note, SessionId};
use oriel_wire::gateway::{EventBody, SessionEvent, SessionMeta};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::codex::folder_name;
use crate::draft::Draft;
use crate::ids::hashed;
use crate::parsed::{Parsed, Reason};
use open::Open;

/// The word for what the gateway tells.
const SOURCE: &str = "gateway";

/// What the gateway sent cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("the body is no session with its events: {0}; send `session`, `events` and what is `open`")]
pub struct HandoverError(serde_json::Error);

/// What the gateway sends, with events that are read one by one: one that cannot be read is none of the
/// others' affair. [`oriel_wire::gateway::Handover`] is the same, as it is sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    session: SessionMeta,
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    native_session: Option<String>,
    #[serde(default)]
    open: Vec<Box<RawValue>>,
    #[serde(default)]
    events: Vec<Box<RawValue>>,
}

/// Reads what the gateway tells of a session.
///
/// # Errors
/// Where it names no session.
pub fn read(body: &[u8]) -> Result<Parsed, HandoverError> {
    let text = String::from_utf8_lossy(body);
    let Body { session, agent, native_session, open, events } =
        serde_json::from_str(&text).map_err(HandoverError)?;
    let mut told = Told {
        who: Who::of(&session, agent, native_session),
        session,
        open: Open::default(),
        parsed: Parsed::default(),
    };
    for event in open {
        // What opened something and cannot be read is as good as not sent.
        if let Ok(event) = serde_json::from_str::<SessionEvent>(event.get()) {
            told.open.see(&event);
        }
    }
    for event in events {
        match serde_json::from_str::<SessionEvent>(event.get()) {
            Ok(event) => {
                told.tell(&event);
                told.open.see(&event);
            }
            Err(error) => {
                let nth = told.parsed.tally.records + 1;
                told.parsed.tally.bad(nth, error.to_string());
            }
        }
    }
    Ok(told.parsed)
}

/// How the monitor calls a session and its agent.
struct Who {
    agent: String,
    session: String,
    /// Whether these are the names by which the agent tells of it itself.
    is_known: bool,
}

impl Who {
    fn of(session: &SessionMeta, agent: Option<String>, native: Option<String>) -> Self {
        let word = |word: Option<String>| word.filter(|word| !word.trim().is_empty());
        match (word(agent), word(native)) {
            (Some(agent), Some(session)) => Self { agent, session, is_known: true },
            _ => Self {
                agent: session.agent_type.clone(),
                session: session.id.clone(),
                is_known: false,
            },
        }
    }

    /// Returns whether this is an agent of such a name, by its own telling.
    fn is(&self, agents: &[&str]) -> bool {
        self.is_known && agents.contains(&&*self.agent)
    }
}

/// A session, and what is made of its events.
struct Told {
    who: Who,
    session: SessionMeta,
    open: Open,
    parsed: Parsed,
}

impl Told {
    fn tell(&mut self, event: &SessionEvent) {
        match &event.body {
            EventBody::SessionUpdated { session } => self.updated(event, session),
            EventBody::TurnStarted { text, .. } => self.turn_started(event, text),
            EventBody::TurnSteered { text } => self.prompt(event, text),
            EventBody::TextComplete { text } => self.said(event, text),
            EventBody::ToolCallStart { tool_call_id, tool_name, title } => {
                self.does(event, tool_call_id, tool_name, title.clone());
            }
            EventBody::ToolCall { tool_call_id, tool_name, input, .. } => {
                self.does(event, tool_call_id, tool_name, tools::detail(input));
            }
            EventBody::ToolResult { tool_call_id, output, diff, .. } => {
                self.went(event, tool_call_id, output, diff, true);
            }
            EventBody::ToolError { tool_call_id, output, diff, .. } => {
                self.went(event, tool_call_id, output, diff, false);
            }
            EventBody::QuestionRequested { prompt, .. } => self.asks(event, prompt, None, "answer"),
            EventBody::PermissionRequested { title, tool_call_id, .. } => {
                let tool =
                    tool_call_id.as_deref().and_then(|id| self.open.tool(id)).map(str::to_owned);
                self.asks(event, title, tool.as_deref(), "permission");
            }
            EventBody::ApprovalResolved { question_id, .. } => self.resolved(event, question_id),
            EventBody::FileChanged { path, iteration, size, kind, .. } => {
                self.file_changed(event, path, *iteration, *size, *kind);
            }
            EventBody::TurnUsage { usage } => self.used(event, usage),
            EventBody::TurnComplete { final_text, stop_reason } => {
                self.turn_complete(event, final_text, stop_reason);
            }
            EventBody::TurnError { code, message, .. } => self.turn_error(event, *code, message),
            EventBody::PlanUpdated { .. } => self.leave_out("plan.updated", Reason::Housekeeping),
            EventBody::TerminalComplete { .. } => {
                self.leave_out("terminal.complete", Reason::SaidElsewhere);
            }
            EventBody::ThinkingComplete { .. } => {
                self.leave_out("thinking.complete", Reason::Internals);
            }
            EventBody::TextDelta { .. }
            | EventBody::ThinkingStart { .. }
            | EventBody::ThinkingProgress { .. }
            | EventBody::ToolCallDelta { .. }
            | EventBody::TerminalStream { .. } => {
                self.leave_out("deltas", Reason::SaidElsewhere);
            }
        }
    }

    /// Begins an event that is made of this one.
    fn draft(&self, event: &SessionEvent, kind: EventKind) -> Draft {
        self.draft_named(&event.seq.to_string(), event.ts, kind)
    }

    /// Begins an event, with what tells it from all others of the session.
    fn draft_named(&self, what: &str, at_ms: i64, kind: EventKind) -> Draft {
        let Who { agent, session, .. } = &self.who;
        let workspace = self.session.workspace.trim_end_matches(['/', '\\']);
        let project = (!workspace.is_empty()).then(|| folder_name(workspace));
        Draft::new(agent, SOURCE, session, kind)
            .id(hashed("gateway-", &format!("{} {what}", self.session.id)))
            .at(Some(at_ms))
            .place(project, None)
    }

    fn event(&mut self, draft: Draft) {
        self.parsed.events.push(draft.build());
    }

    fn leave_out(&mut self, kind: &str, reason: Reason) {
        self.parsed.tally.left_out(kind, reason);
    }

    /// Notes how the session stands at the time of an event.
    fn note(&mut self, event: &SessionEvent, name: &str, value: &Value) {
        let about = About::Session(SessionId(self.who.session.clone()));
        let note = Note { about, name: name.to_owned(), value: value.to_string(), at_ms: event.ts };
        self.parsed.notes.push(note);
    }
}
