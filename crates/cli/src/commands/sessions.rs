//! `oriel sessions`: a list of sessions, the liveliest first; and finding one by its beginning.

use oriel_runtime::settings::Flag;
use oriel_runtime::zone::Edge;
use oriel_wire::{SessionPage, SessionRow};
use serde_json::json;

use crate::Exit;
use crate::address::{Address, encode};
use crate::args::{Phase, Sessions};
use crate::csv;
use crate::daemon::CallError;
use crate::output::{Output, Paint, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::text;
use oriel_daemon::Surroundings;

/// How many sessions a message names.
const NAMED_MAX: usize = 5;

/// Lists sessions.
pub(super) fn run(
    asked: &Sessions,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let zone = surroundings.clock.zone();
    // Whatever the daemon does not filter by is filtered here, so that it has to send all.
    let picky = asked.project.is_some() || asked.branch.is_some();
    let limit = if asked.all || picky { 0 } else { asked.limit };
    let address = Address::new("/api/sessions")
        .with("limit", Some(limit.to_string()))
        .with("status", asked.status.map(Phase::word))
        .with("agent_type", asked.agent.as_ref())
        .with("since", super::moment(asked.since.as_ref(), &zone, Edge::Start)?);
    let config = surroundings.resolve(flags)?.config;
    let page: SessionPage = super::wait(super::ask(config, &address))?;
    let is = |asked: &Option<String>, found: &Option<String>| asked.is_none() || asked == found;
    let mut sessions = page.sessions;
    sessions.retain(|row| is(&asked.project, &row.project) && is(&asked.branch, &row.branch));
    if !asked.all {
        sessions.truncate(usize::try_from(asked.limit).unwrap_or(usize::MAX));
    }
    if asked.form.json {
        output.json(&json!({ "sessions": sessions }))?;
    } else if asked.form.csv {
        output.print(&as_csv(&sessions))?;
    } else {
        output.print(&as_table(&sessions, output.paint()))?;
    }
    Ok(Exit::Done)
}

impl Phase {
    /// Returns the word for it in a request.
    fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Ended => "ended",
        }
    }
}

/// Returns the name of the one session that is called so, or whose name begins so.
pub(super) async fn find(service: &Service, name: &str) -> anyhow::Result<String> {
    let path = format!("/api/sessions/{}?event_limit=0", encode(name));
    match service.get::<serde_json::Value>(&path).await {
        Ok(_) if !name.is_empty() => return Ok(name.to_owned()),
        Err(CallError::Refused { status, .. }) if status.as_u16() == 404 => {}
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    let all: SessionPage = service.get("/api/sessions?limit=0").await?;
    let mut found: Vec<String> = all.sessions.into_iter().map(|session| session.id).collect();
    found.retain(|id| id.starts_with(name));
    match &found[..] {
        [only] => Ok(only.clone()),
        [] => anyhow::bail!("there is no session {name:?}; `oriel sessions --all` lists them"),
        many => {
            let names = many.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
            anyhow::bail!(
                "{} sessions begin with {name:?}, such as {names}; write more of its name",
                many.len()
            )
        }
    }
}

fn as_csv(sessions: &[SessionRow]) -> String {
    let mut lines = csv::line([
        "session_id",
        "agent_type",
        "project",
        "branch",
        "status",
        "started_at",
        "last_event_at",
        "events",
        "tokens_in",
        "tokens_out",
        "cost_usd",
        "files_edited",
        "lines_added",
        "lines_removed",
    ]);
    for session in sessions {
        lines.push_str(&csv::line([
            session.id.clone(),
            session.agent_type.clone(),
            session.project.clone().unwrap_or_default(),
            session.branch.clone().unwrap_or_default(),
            session.status.clone(),
            session.started_at.clone(),
            session.last_event_at.clone(),
            session.event_count.to_string(),
            session.tokens_in.to_string(),
            session.tokens_out.to_string(),
            session.total_cost_usd.to_string(),
            session.files_edited.to_string(),
            session.lines_added.to_string(),
            session.lines_removed.to_string(),
        ]));
    }
    lines
}

fn as_table(sessions: &[SessionRow], paint: Paint) -> String {
    if sessions.is_empty() {
        return "no session matches\n".to_owned();
    }
    let head = ["session", "agent", "project", "branch", "status", "last event (UTC)"];
    let mut rows = vec![row(
        head.map(|name| Cell::new(Style::Faint, name)),
        ["events", "tokens", "cost"].map(|name| Cell::number(name).styled(Style::Faint)),
    )];
    for session in sessions {
        let count = |count: u64| text::count(i64::try_from(count).unwrap_or(i64::MAX));
        let style = match session.status.as_str() {
            "active" => Style::Good,
            "idle" => Style::Doubtful,
            _ => Style::Faint,
        };
        let word = |word: &Option<String>| Cell::plain(word.as_deref().unwrap_or(""));
        rows.push(row(
            [
                Cell::plain(&session.id),
                Cell::plain(&session.agent_type),
                word(&session.project),
                word(&session.branch),
                Cell::new(style, &session.status),
                Cell::plain(&session.last_event_at),
            ],
            [
                Cell::number(count(session.event_count)),
                Cell::number(count(session.tokens_in.saturating_add(session.tokens_out))),
                Cell::number(text::dollars(session.total_cost_usd)),
            ],
        ));
    }
    table::render(&rows, paint)
}

fn row(words: [Cell; 6], numbers: [Cell; 3]) -> [Cell; 9] {
    let [a, b, c, d, e, f] = words;
    let [g, h, i] = numbers;
    [a, b, c, d, e, f, g, h, i]
}
