//! The page of one session of the gateway: how it stands, what was said and done, what it asks, and what
//! may be done with it.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use data_encoding::BASE64URL_NOPAD;
use minijinja::{Value, context};
use oriel_wire::gateway::{CurrentTurn, OpenQuestion, OptionKind, SessionEvent, Snapshot};
use serde::{Deserialize, Serialize};

use super::hold::{digest, lasting};
use super::part::Part;
use super::{Row, of_agent};
use crate::address::Address;
use crate::app::{App, Shared};
use crate::error::PageError;
use crate::gateway::GatewayError;
use crate::live::regions::element_id;
use crate::page::{Page, shown};
use crate::pages::sessions::parts::target;

/// So much of what an agent says right now is shown: the end of it. Once it is said, it is an entry with a
/// way to all of it.
const SAYS_BYTES: usize = 16 * 1024;

/// So much of what it thinks right now is in the line above it.
const THINKS_BYTES: usize = 140;

/// What of a session is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    /// The part that ends before the event of this number.
    #[serde(default)]
    before: Option<u64>,
    /// What a person is asked once more about.
    #[serde(default)]
    sure: Option<String>,
}

/// What a form held that was not done.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Kept {
    pub(crate) text: String,
    pub(crate) problem: Option<String>,
    /// The name of the turn that the form begins, so that sending it twice begins one.
    pub(crate) turn: Option<String>,
}

/// What the agent does right now.
#[derive(Debug, Serialize)]
struct Running {
    text: String,
    is_text_cut: bool,
    thinking: String,
    /// The end of that, for a line.
    thinks: String,
    is_thinking_cut: bool,
    tools: Vec<RunningTool>,
}

#[derive(Debug, Serialize)]
struct RunningTool {
    name: String,
    title: Option<String>,
}

/// A question that waits.
#[derive(Debug, Serialize)]
struct Open<'a> {
    key: String,
    at: i64,
    /// Those that give leave, then the others.
    options: Vec<Choice<'a>>,
    question: &'a OpenQuestion,
}

#[derive(Debug, Serialize)]
struct Choice<'a> {
    id: &'a str,
    label: &'a str,
    class: &'static str,
}

/// Shows a session.
pub(crate) async fn page(
    State(app): Shared,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Page, PageError> {
    if target(&headers) == Some("earlier")
        && let Some(before) = asked.before
    {
        // Only a part is shown, so nothing else is asked for.
        let part = Part::read(&app, &id, before.saturating_sub(1)).await?;
        let shows = context! { own => true, ..of_part(&id, &part) };
        return Ok(Page::new("live/agent-part", "", shows));
    }
    app.agent_page(&id, &asked, Kept::default(), StatusCode::OK).await
}

/// Shows one event, with all that is kept of it.
pub(crate) async fn event(
    State(app): Shared,
    Path((id, seq)): Path<(String, u64)>,
) -> Result<Page, PageError> {
    let gone = || PageError::NotFound(format!("this session has no event {seq}"));
    let (session, after) = (id.as_str(), seq.checked_sub(1).ok_or_else(gone)?);
    let events = app
        .gateway
        .ask(|gateway| async move { gateway.get_events(session, Some(after), Some(1)).await });
    let event: SessionEvent =
        events.await?.events.into_iter().find(|event| event.seq == seq).ok_or_else(gone)?;
    let texts = texts(&event);
    let whole = serde_json::to_string_pretty(&event).unwrap_or_default();
    let shows =
        context! { seq, url => of_agent(&id), texts, whole, at => event.ts.div_euclid(1000) };
    Ok(Page::new("agents/event", format!("Event {seq}"), shows))
}

/// Returns the long texts of an event as they are, without the marks of JSON.
fn texts(event: &SessionEvent) -> Vec<String> {
    use oriel_wire::gateway::EventBody as Body;
    match &event.body {
        Body::TurnStarted { text, .. }
        | Body::TurnSteered { text }
        | Body::TextComplete { text }
        | Body::ThinkingComplete { text } => vec![text.clone()],
        Body::ToolResult { output, diff, .. } | Body::ToolError { output, diff, .. } => {
            let files = diff.iter().map(|diff| format!("{}\n\n{}", diff.path, diff.new));
            std::iter::once(output.clone()).chain(files).filter(|text| !text.is_empty()).collect()
        }
        Body::TerminalComplete { output, .. } => vec![output.clone()],
        _ => Vec::new(),
    }
}

impl App {
    pub(super) async fn agent_page(
        &self,
        id: &str,
        asked: &Asked,
        kept: Kept,
        status: StatusCode,
    ) -> Result<Page, PageError> {
        let snapshot = self.snapshot(id).await?;
        let until = match asked.before {
            Some(before) => before.saturating_sub(1),
            None => snapshot.session.last_seq,
        };
        let part = Part::read(self, id, until).await?;
        let kept = Kept { turn: kept.turn.or_else(new_name), ..kept };
        let shows = context! {
            kept => shown(&kept),
            sure => asked.sure.clone(),
            is_newest => asked.before.is_none(),
            own => asked.before.is_none(),
            ..context! { ..of_part(id, &part), ..of_now(&snapshot) }
        };
        let page = Page::new("agents/one", snapshot.session.name.clone(), shows).status(status);
        if asked.before.is_some() {
            return Ok(page);
        }
        let live = Address::new("/live/agent")
            .with("after", Some(snapshot.session.last_seq))
            .with("id", Some(id))
            .with("shows", Some(digest_of(&snapshot)));
        Ok(page.live(live))
    }

    /// Returns how a session is now.
    pub(super) async fn snapshot(&self, id: &str) -> Result<Snapshot, GatewayError> {
        let asked = self.gateway.ask(|gateway| async move {
            let snapshot = gateway.join_session(id, None).await?;
            // Nobody reads what this connection would hear of it. Where it cannot be said, the
            // connection is lost, and with it what was joined.
            _ = gateway.leave_session(id).await;
            Ok(snapshot)
        });
        asked.await
    }
}

/// Returns what tells one state of a session to show from another.
pub(super) fn digest_of(snapshot: &Snapshot) -> String {
    digest(&(lasting(&snapshot.session), &snapshot.pending, &snapshot.current_turn))
}

/// Returns what a page shows of a part.
fn of_part(id: &str, part: &Part) -> Value {
    let url = of_agent(id);
    let earlier =
        part.earlier.map(|earlier| String::from(Address::new(&url).with("before", Some(earlier))));
    context! { url, entries => shown(&part.entries), earlier }
}

/// Returns what a page shows of how a session is now.
pub(super) fn of_now(snapshot: &Snapshot) -> Value {
    let pending: Vec<Open<'_>> = snapshot.pending.iter().map(Open::of).collect();
    context! {
        url => of_agent(&snapshot.session.id),
        row => shown(&Row::of(snapshot.session.clone())),
        pending => shown(&pending),
        running => shown(&snapshot.current_turn.as_ref().map(Running::of)),
    }
}

/// Returns what a list of questions shows of each, with the name of its element.
pub(super) fn questions(snapshot: &Snapshot) -> Vec<(String, Value)> {
    let url = of_agent(&snapshot.session.id);
    let questions = snapshot.pending.iter().map(|question| {
        let open = Open::of(question);
        let key = open.key.clone();
        (key, context! { url => url.clone(), open => shown(&open) })
    });
    questions.collect()
}

impl Running {
    fn of(turn: &CurrentTurn) -> Self {
        let (text, is_text_cut) = end(&turn.open_text, SAYS_BYTES);
        let (thinking, is_thinking_cut) = end(&turn.thinking, SAYS_BYTES);
        let (thinks, _) = end(&turn.thinking, THINKS_BYTES);
        let tools = turn
            .open_tools
            .iter()
            .map(|tool| RunningTool { name: tool.tool_name.clone(), title: tool.title.clone() });
        Self { text, is_text_cut, thinking, thinks, is_thinking_cut, tools: tools.collect() }
    }
}

impl<'a> Open<'a> {
    fn of(question: &'a OpenQuestion) -> Self {
        let options = question.options.iter().map(|option| Choice {
            id: &option.id,
            label: &option.label,
            class: match option.kind {
                OptionKind::AllowOnce => "",
                OptionKind::AllowAlways | OptionKind::Choice => "quiet",
                OptionKind::RejectOnce | OptionKind::RejectAlways => "danger",
            },
        });
        Self {
            key: element_id("open", &question.question_id),
            at: question.ts.div_euclid(1000),
            options: options.collect(),
            question,
        }
    }
}

/// Returns the end of a text, from the beginning of a line on where there is one, and whether more is
/// before it.
fn end(text: &str, bytes_max: usize) -> (String, bool) {
    let Some(from) = text.len().checked_sub(bytes_max).filter(|from| *from > 0) else {
        return (text.to_owned(), false);
    };
    let rest = &text[text.ceil_char_boundary(from)..];
    let line = rest.find('\n').map_or(rest, |at| &rest[at + 1..]);
    (line.to_owned(), true)
}

/// Returns a name that no other turn has. Without chance there is none, and a form that is sent twice is
/// refused while its first turn runs.
fn new_name() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(BASE64URL_NOPAD.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_answer_the_last_lines_are_shown() {
        assert_eq!(end("short", SAYS_BYTES), ("short".to_owned(), false));
        let long = format!("{}\n{}", "é".repeat(SAYS_BYTES), "end");
        assert_eq!(end(&long, SAYS_BYTES), ("end".to_owned(), true));
        let (line, is_cut) = end(&"é".repeat(SAYS_BYTES), SAYS_BYTES);
        assert!(is_cut && line.len() <= SAYS_BYTES && line.starts_with('é'));
    }
}
