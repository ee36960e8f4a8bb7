//! What happens, newest first: rows of events, as many as a page holds, filtered as the address says.
//!
//! Rows are put before those that the page has while few are new, and all of them are made anew where
//! many are. So a page holds the same rows as a reload would show, however much it missed.

use axum::http::{StatusCode, Uri};
use minijinja::context;
use oriel_wire::{EventPage, EventRow, EventsAfter};
use serde::Serialize;
use serde_json::Value as Json;

use crate::app::App;
use crate::ask::AskError;
use crate::form::Form;
use crate::live::regions::Regions;
use crate::live::{After, News};
use crate::page::shown;

/// A page holds so many rows; older ones give way.
pub(super) const ROWS_MAX: usize = 60;

/// Where more are new than this, all rows are made anew, which is less work for the browser.
const ROWS_BEFORE_MAX: usize = 40;

/// What may tell most of an event, in the order in which it is looked for.
const DETAILS: [&str; 14] = [
    "message",
    "prompt",
    "content_preview",
    "command",
    "file_path",
    "pattern",
    "query",
    "url",
    "description",
    "error",
    "reason",
    "text",
    "title",
    "diff_preview",
];

/// A detail is cut to so many characters.
const DETAIL_CHARS_MAX: usize = 240;

/// The fields of the filter, by their names in the runtime's API and here.
const FIELDS: [&str; 8] =
    ["agent_type", "event_type", "tool_name", "model", "project", "branch", "status", "text"];

/// Which events are shown.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Fields of [`FIELDS`] with their values.
    fields: Vec<(&'static str, String)>,
    /// The cursor at which the page stands still until the reader wants it to go on.
    paused: Option<i64>,
}

/// The filter as the form shows it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Fields<'a> {
    agent_type: &'a str,
    event_type: &'a str,
    tool_name: &'a str,
    model: &'a str,
    project: &'a str,
    branch: &'a str,
    status: &'a str,
    text: &'a str,
}

impl Filter {
    pub(super) fn of(uri: &Uri) -> Self {
        let query = Form::parse(uri.query().unwrap_or_default().as_bytes());
        let value = |name| query.get(name).map(str::to_owned);
        let paused = query.get("paused").map(|cursor| cursor.parse().unwrap_or(0));
        let fields = FIELDS.iter().filter_map(|name| Some((*name, value(name)?)));
        Self { fields: fields.collect(), paused }
    }

    pub(super) fn is_any(&self) -> bool {
        !self.fields.is_empty()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Has a page that is to stand still do so at this cursor.
    pub(super) fn pause_at(&mut self, cursor: i64) {
        self.paused = self.paused.map(|_| cursor);
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        let field = |name| {
            let found = self.fields.iter().find(|(known, _)| *known == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        Fields {
            agent_type: field("agent_type"),
            event_type: field("event_type"),
            tool_name: field("tool_name"),
            model: field("model"),
            project: field("project"),
            branch: field("branch"),
            status: field("status"),
            text: field("text"),
        }
    }

    /// Returns the address of the page that stands still.
    pub(super) fn pause(&self) -> String {
        let query = self.query();
        format!("/?{query}{}paused=1", if query.is_empty() { "" } else { "&" })
    }

    /// Returns the address of the page that goes on.
    pub(super) fn resume(&self) -> String {
        format!("/?{}", self.query())
    }

    /// Has a live page go on with this filter.
    pub(super) fn keep(&self, mut regions: Regions) -> Regions {
        for (name, value) in &self.fields {
            regions = regions.keep(name, value);
        }
        match self.paused {
            Some(cursor) => regions.keep("paused", &cursor.to_string()),
            None => regions,
        }
    }

    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.fields);
        query.finish()
    }
}

/// The rows of a page, or those that are new to it.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// Newest first.
    pub(super) rows: Vec<Row>,
    /// The cursor of a page that has them.
    pub(super) next: i64,
    /// Why the filter cannot be used.
    pub(super) problem: Option<String>,
    how: How,
    /// How many events came that the page did not show.
    missed: Option<i64>,
}

/// How rows come to a page.
#[derive(Debug, Default, PartialEq, Eq)]
enum How {
    /// They are all that it shows.
    #[default]
    All,
    /// They come before those that it has.
    Before,
    /// It goes on to show what it has.
    None,
}

/// One event.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    id: i64,
    session_id: String,
    agent_type: String,
    event_type: String,
    tool_name: Option<String>,
    status: String,
    detail: Option<String>,
    project: Option<String>,
    branch: Option<String>,
    model: Option<String>,
    tokens: u64,
    cost_usd: Option<f64>,
    duration_ms: Option<u64>,
    created_at: String,
    /// Whether the page did not have it before.
    is_new: bool,
}

impl Feed {
    /// Reads the newest rows. The cursor is no less than that of the newest event that is known of.
    pub(super) async fn newest(app: &App, filter: &Filter, newest: i64) -> Result<Self, AskError> {
        let query = filter.query();
        let path = format!("/api/events?limit={ROWS_MAX}&{query}");
        let page: EventPage<'static> = match app.runtime.get(&path).await {
            Ok(page) => page,
            // Of the fields only words can be such that nothing can be looked for.
            Err(AskError::Refused { status: StatusCode::BAD_REQUEST, problem, .. }) => {
                return Ok(Self { next: newest, problem: Some(problem), ..Self::default() });
            }
            Err(error) => return Err(error),
        };
        // The list is of one moment, so it has all that it should have up to its newest row.
        let next = page.events.first().map_or(newest, |event| newest.max(event.id));
        let rows = page.events.into_iter().map(|event| Row::of(event, false)).collect();
        Ok(Self { rows, next, ..Self::default() })
    }

    /// Reads what came after a cursor.
    pub(super) async fn after(
        app: &App,
        filter: &Filter,
        after: &After,
        news: News,
    ) -> Result<Self, AskError> {
        let cursor = after.after.unwrap_or(news.next);
        if let Some(since) = filter.paused {
            let missed = Some(news.last.saturating_sub(since)).filter(|missed| 0 < *missed);
            return Ok(Self { next: news.last, how: How::None, missed, ..Self::default() });
        }
        if news.is_other || after.after.is_none() {
            return Self::newest(app, filter, news.last).await;
        }
        if news.events.is_empty() {
            return Ok(Self { next: news.next, how: How::None, ..Self::default() });
        }
        let (events, next) = if filter.fields.is_empty() {
            (news.events, news.next)
        } else {
            let (query, most) = (filter.query(), ROWS_MAX + 1);
            let path = format!("/api/events?after={cursor}&limit={most}&{query}");
            let EventsAfter { events, next, .. } = app.runtime.get(&path).await?;
            (events, next)
        };
        if events.len() <= ROWS_BEFORE_MAX {
            let how = if events.is_empty() { How::None } else { How::Before };
            let rows = events.into_iter().rev().map(|event| Row::of(event, true)).collect();
            return Ok(Self { rows, next, how, ..Self::default() });
        }
        let is_long = ROWS_MAX < events.len();
        let mut feed = Self::newest(app, filter, next.max(news.last)).await?;
        for row in &mut feed.rows {
            row.is_new = cursor < row.id;
        }
        let came = feed.next.saturating_sub(cursor);
        feed.missed = Some(came.saturating_sub(ROWS_MAX as i64)).filter(|_| is_long);
        Ok(feed)
    }

    /// Adds what the page is to show of it.
    pub(super) fn regions(&self, regions: Regions) -> Regions {
        let rows = context! { rows => shown(&self.rows) };
        let regions = match self.how {
            How::All => regions.rows("feed", "now/rows", rows),
            How::Before => regions.rows_before("feed", "now/rows", rows),
            How::None => regions,
        };
        regions.part("missed", "now/missed", context! { missed => self.missed })
    }
}

impl Row {
    fn of(event: EventRow<'_>, is_new: bool) -> Self {
        Self {
            id: event.id,
            detail: detail(&event.metadata),
            session_id: event.session_id.into_owned(),
            agent_type: event.agent_type.into_owned(),
            event_type: event.event_type.into_owned(),
            tool_name: event.tool_name.map(Into::into),
            status: event.status.into_owned(),
            project: event.project.map(Into::into),
            branch: event.branch.map(Into::into),
            model: event.model.map(Into::into),
            tokens: event.tokens_in.saturating_add(event.tokens_out),
            cost_usd: event.cost_usd,
            duration_ms: event.duration_ms,
            created_at: event.created_at.into_owned(),
            is_new,
        }
    }
}

/// Returns what tells most of an event.
fn detail(metadata: &str) -> Option<String> {
    let metadata: Json = serde_json::from_str(metadata).ok()?;
    let text = |value: &Json| {
        let text = value.as_str()?.trim();
        (!text.is_empty()).then(|| text.chars().take(DETAIL_CHARS_MAX).collect::<String>())
    };
    let found = |object: &Json| {
        DETAILS.iter().find_map(|key| {
            let value = object.get(key)?;
            text(value).or_else(|| text(value.get("message")?))
        })
    };
    found(&metadata).or_else(|| found(metadata.get("tool_input")?))
}
