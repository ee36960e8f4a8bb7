//! What the tools do: each asks the runtime one or two questions.

use oriel_runtime::config::Config;
use oriel_wire::{SearchPage, SessionPage, SessionRow, Transcript, TranscriptEntry};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::super::search::{agent_type, minute, whole_session};
use super::{outline, schema};
use crate::daemon::CallError;
use crate::query::Query;
use crate::service::Service;
use crate::text;

/// How many hits and sessions are told of where nothing is said.
const ROWS: usize = 20;

/// How many entries of a session.
const ENTRIES: usize = 50;

/// So much of an entry is shown in words; the whole of it is in the structured content.
const DETAIL_CHARACTERS: usize = 600;

/// What a tool tells: in words, and as an object.
#[derive(Debug)]
pub(super) struct Told {
    pub text: String,
    pub json: Value,
}

/// Uses a tool, or says why it cannot be used so.
pub(super) async fn call(
    config: Config,
    name: &str,
    arguments: &Map<String, Value>,
) -> Result<Told, String> {
    schema::check(name, arguments)?;
    let service = Service::reach(config).await.map_err(|error| chain(&error))?;
    let asked = Asked { service: &service, arguments };
    let told = match name {
        "search" => asked.search().await,
        "sessions" => asked.sessions().await,
        "session" => asked.session().await,
        "report" => asked.report().await,
        "waiting" => asked.plain("/api/waiting", "who waits").await,
        _ => asked.plain("/api/limits", "of limits").await,
    };
    service.close().await;
    told
}

/// A call with what it was given.
struct Asked<'a> {
    service: &'a Service,
    arguments: &'a Map<String, Value>,
}

impl Asked<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.arguments.get(name).and_then(schema::said).filter(|said| !said.is_empty())
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    fn agent(&self) -> Option<String> {
        self.text("agent").map(|agent| agent_type(&agent))
    }

    async fn get<T: DeserializeOwned>(&self, query: &Query) -> Result<T, String> {
        self.service.get(query.as_str()).await.map_err(|error| chain(&error))
    }

    async fn whole_session(&self, name: &str) -> Result<String, String> {
        whole_session(self.service, name).await.map_err(|error| chain(error.as_ref()))
    }

    async fn search(&self) -> Result<Told, String> {
        let session = match self.text("session") {
            Some(session) => Some(self.whole_session(&session).await?),
            None => None,
        };
        let query = Query::to("/api/search")
            .with("q", self.text("words"))
            .with("agent_type", self.agent())
            .with("session_id", session)
            .with("project", self.text("project"))
            .with("branch", self.text("branch"))
            .with("model", self.text("model"))
            .with("tool_name", self.text("tool"))
            .with("role", self.text("role"))
            .with("since", self.text("since"))
            .with("until", self.text("until"))
            .with("limit", Some(self.number("limit").unwrap_or(ROWS)))
            .with("cursor", self.text("cursor"));
        let page: SearchPage<'static> = self.get(&query).await?;
        let mut lines = String::new();
        for hit in &page.hits {
            let event = &hit.event;
            let at = event.client_timestamp.as_deref().unwrap_or(&event.created_at);
            let project = event.project.as_deref().unwrap_or("no project");
            lines.push_str(&format!(
                "- {} {} in {project}, session {}, {}: {}\n",
                minute(at),
                event.agent_type,
                event.session_id,
                hit.role,
                hit.text,
            ));
        }
        match (page.hits.is_empty(), page.next) {
            (true, None) => lines.push_str("Nothing is found.\n"),
            (_, Some(next)) => lines.push_str(&format!("There may be more: cursor {next}.\n")),
            (false, None) => {}
        }
        told(lines, &page)
    }

    async fn sessions(&self) -> Result<Told, String> {
        let limit = self.number("limit").unwrap_or(ROWS);
        let project = self.text("project");
        // The list knows no projects, so all of it is looked through for one.
        let asked_for = if project.is_some() { 10_000 } else { limit };
        let query = Query::to("/api/sessions")
            .with("status", self.text("status"))
            .with("agent_type", self.agent())
            .with("since", self.text("since"))
            .with("limit", Some(asked_for));
        let mut page: SessionPage = self.get(&query).await?;
        page.sessions.retain(|session| project.is_none() || session.project == project);
        page.sessions.truncate(limit);
        page.total = page.sessions.len();
        let mut lines: String =
            page.sessions.iter().map(|session| format!("- {}\n", of_session(session))).collect();
        if lines.is_empty() {
            lines.push_str("There are no such sessions.\n");
        }
        told(lines, &page)
    }

    async fn session(&self) -> Result<Told, String> {
        let id = self.whole_session(&self.text("id").unwrap_or_default()).await?;
        let one = Query::to("/api/sessions").part(&id);
        let head: Value = match self.service.get(one.clone().with("limit", Some(0)).as_str()).await
        {
            Err(error) if is_absent(&error) => return Err(format!("there is no session {id:?}")),
            head => head.map_err(|error| chain(&error))?,
        };
        let session: SessionRow = serde_json::from_value(head["session"].clone())
            .map_err(|error| format!("the session cannot be made out: {error}"))?;
        let transcript: Transcript<'static> = self.get(&one.then("/transcript")).await?;
        let total = transcript.entries.len();
        let limit = self.number("limit").unwrap_or(ENTRIES);
        let from = self.number("from").unwrap_or(total.saturating_sub(limit)).min(total);
        let entries: Vec<_> = transcript.entries.into_iter().skip(from).take(limit).collect();
        let next = Some(from + entries.len()).filter(|next| *next < total);
        let mut lines = format!("{}\n", of_session(&session));
        lines.push_str(&format!("{} of {total} entries, from {from}:\n", entries.len()));
        lines.extend(entries.iter().map(of_entry));
        if let Some(next) = next {
            lines.push_str(&format!("There is more: from {next}.\n"));
        }
        let json = json!({
            "session": session, "entries": entries, "from": from, "next": next, "total": total,
        });
        Ok(Told { text: lines, json })
    }

    async fn report(&self) -> Result<Told, String> {
        let query = Query::to("/api/reports")
            .with("by", Some(self.text("by").unwrap_or_else(|| "day".to_owned())))
            .with("since", self.text("since"))
            .with("until", self.text("until"))
            .with("project", self.text("project"))
            .with("agent_type", self.agent());
        self.plain(query.as_str(), "of usage by days or models").await
    }

    /// Passes an answer on as it is.
    async fn plain(&self, path: &str, what: &str) -> Result<Told, String> {
        let answer: Value = match self.service.get(path).await {
            Err(error) if is_absent(&error) => {
                let next = if self.service.is_own() {
                    "this version of Oriel has no such answer"
                } else {
                    "the daemon is of an earlier version; restart it with `oriel stop` and \
                     `oriel serve`"
                };
                return Err(format!("it cannot be told {what}: {next}"));
            }
            answer => answer.map_err(|error| chain(&error))?,
        };
        let text = outline::of(&answer);
        // The protocol wants an object.
        let json = if answer.is_object() { answer } else { json!({ "result": answer }) };
        Ok(Told { text, json })
    }
}

fn told(text: String, answer: &impl serde::Serialize) -> Result<Told, String> {
    let json = serde_json::to_value(answer).map_err(|error| error.to_string())?;
    Ok(Told { text, json })
}

fn is_absent(error: &CallError) -> bool {
    matches!(error, CallError::Refused { status, .. } if status.as_u16() == 404)
}

fn of_session(session: &SessionRow) -> String {
    format!(
        "{} ({}, {}, {}): last event {}, {}, {} tokens in, {} out, ${:.4}",
        session.id,
        session.agent_type,
        session.project.as_deref().unwrap_or("no project"),
        session.status,
        session.last_event_at,
        text::counted(session.event_count.cast_signed(), "event", "events"),
        text::count(session.tokens_in.cast_signed()),
        text::count(session.tokens_out.cast_signed()),
        session.total_cost_usd,
    )
}

fn of_entry(entry: &TranscriptEntry<'_>) -> String {
    let mut line = format!("- {} {}", minute(&entry.timestamp), entry.role);
    if let Some(tool) = &entry.tool_name {
        line.push_str(&format!(" {tool}"));
    } else if entry.detail.is_none() {
        line.push_str(&format!(" {}", entry.kind));
    }
    if let Some(status) = &entry.status {
        line.push_str(&format!(" ({status})"));
    }
    if let Some(detail) = &entry.detail {
        let mut shown: String = detail.chars().take(DETAIL_CHARACTERS).collect();
        if shown.len() < detail.len() {
            shown.push('…');
        }
        line.push_str(&format!(": {}", shown.replace('\n', "\n  ")));
    }
    line.push('\n');
    line
}

fn chain(error: &dyn std::error::Error) -> String {
    crate::chain(error)
}
