//! The table of sessions: searched, filtered, sorted, page by page. Where it shows the latest ones,
//! it is live.

use axum::extract::{Query, State};
use futures_util::future::try_join;
use minijinja::context;
use oriel_wire::{FilterOptions, SessionTable, SessionTableRow};
use serde::{Deserialize, Serialize};

use self::entry::{Entry, Kind};
use super::filters::{Pages, chosen};
use crate::address::{Address, of_session};
use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::live::After;
use crate::page::{Page, shown};

pub(crate) mod change;
pub(crate) mod chart;
pub(crate) mod entry;
pub(crate) mod export;
pub(crate) mod live;
mod markdown;
pub(crate) mod one;
pub(crate) mod parts;

/// So many sessions are on a page.
const ROWS: usize = 50;

/// What can be sorted by, in the order of the columns.
const COLUMNS: [Column; 10] = [
    Column { label: "State", sort: None, is_number: false },
    Column { label: "Agent", sort: None, is_number: false },
    Column { label: "Session", sort: None, is_number: false },
    Column { label: "Project", sort: None, is_number: false },
    Column { label: "Branch", sort: None, is_number: false },
    Column { label: "Turns", sort: Some("turns"), is_number: true },
    Column { label: "Tokens", sort: Some("tokens"), is_number: true },
    Column { label: "Cost", sort: Some("cost"), is_number: true },
    Column { label: "Duration", sort: Some("duration"), is_number: true },
    Column { label: "Last seen", sort: Some("last"), is_number: true },
];

struct Column {
    label: &'static str,
    sort: Option<&'static str>,
    is_number: bool,
}

/// Which sessions are asked for, as the address says it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    agent: String,
    project: String,
    branch: String,
    phase: String,
    model: String,
    sort: String,
    order: String,
    cursor: String,
}

/// A column's heading.
#[derive(Debug, Serialize)]
struct Heading {
    label: &'static str,
    is_number: bool,
    url: Option<String>,
    sorted: Option<&'static str>,
}

/// A row, with what it is called.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    row: SessionTableRow,
    url: String,
    name: Option<String>,
    tokens: u64,
}

/// Shows the table.
pub(crate) async fn page(
    State(app): Shared,
    Query(asked): Query<Asked>,
) -> Result<Page, PageError> {
    // The number is asked for first: what comes while the table is read is news, and not lost.
    let newest = app.newest_event().await?;
    let options = async { app.runtime.get::<FilterOptions>("/api/filter-options").await };
    let (options, (rows, table)) = try_join(options, asked.rows(&app)).await?;
    let options = context! {
        agents => chosen(options.agent_types, &asked.agent),
        projects => chosen(options.projects, &asked.project),
        branches => chosen(options.branches.into_iter().map(|it| it.value).collect(), &asked.branch),
        models => chosen(options.models, &asked.model),
    };
    let shows = context! { options, ..asked.shows(&rows, &table) };
    let page =
        Page::new("sessions", "Sessions", shows).header("hx-push-url", asked.address().as_str());
    Ok(if asked.is_live() { page.live(asked.live(newest)) } else { page })
}

/// Shows the table anew, once something has happened.
pub(crate) async fn news(
    State(app): Shared,
    Query(after): Query<After>,
    Query(asked): Query<Asked>,
) -> Result<Page, PageError> {
    let newest = app.wait_for_news(&after).await?;
    let next = asked.live(newest);
    if after.after == Some(newest) || !asked.is_live() {
        return Ok(Page::new("live/sessions", "", context! { next }));
    }
    let (rows, table) = asked.rows(&app).await?;
    let shows = context! { next, anew => true, ..asked.shows(&rows, &table) };
    Ok(Page::new("live/sessions", "", shows))
}

impl Asked {
    /// Returns whether these are the latest sessions.
    fn is_live(&self) -> bool {
        self.cursor.is_empty() && self.sort() == "last" && !self.is_ascending()
    }

    fn sort(&self) -> &str {
        if self.sort.is_empty() { "last" } else { &self.sort }
    }

    fn is_ascending(&self) -> bool {
        self.order == "asc"
    }

    fn is_filtered(&self) -> bool {
        self.filters().iter().any(|(_, value)| !value.trim().is_empty())
    }

    fn filters(&self) -> [(&'static str, &str); 6] {
        [
            ("q", &self.q),
            ("agent", &self.agent),
            ("project", &self.project),
            ("branch", &self.branch),
            ("phase", &self.phase),
            ("model", &self.model),
        ]
    }

    fn filtered(&self, path: &str) -> Address {
        let filters = self.filters().into_iter();
        filters.fold(Address::new(path), |address, (name, value)| address.filled(name, value))
    }

    /// Returns the address of this very page.
    fn address(&self) -> Address {
        self.filtered("/sessions")
            .filled("sort", &self.sort)
            .filled("order", &self.order)
            .filled("cursor", &self.cursor)
    }

    fn live(&self, after: i64) -> String {
        self.filtered("/live/sessions").with("after", Some(after)).into()
    }

    async fn rows(&self, app: &App) -> Result<(Vec<Row>, SessionTable), AskError> {
        let address = Address::new("/api/sessions/table")
            .filled("q", &self.q)
            .filled("agent_type", &self.agent)
            .filled("project", &self.project)
            .filled("branch", &self.branch)
            .filled("phase", &self.phase)
            .filled("model", &self.model)
            .filled("sort", &self.sort)
            .filled("order", &self.order)
            .filled("cursor", &self.cursor)
            .with("limit", Some(ROWS));
        let mut table: SessionTable = app.runtime.get(address.as_str()).await?;
        let rows = table.rows.drain(..).map(|row| {
            let name = row.title.clone().or_else(|| row.opening.clone());
            let tokens = [row.tokens_in, row.tokens_out, row.cache_read, row.cache_write];
            let tokens = tokens.into_iter().fold(0, u64::saturating_add);
            Row { url: of_session(&row.session_id), name, tokens, row }
        });
        Ok((rows.collect(), table))
    }

    fn shows(&self, rows: &[Row], table: &SessionTable) -> minijinja::Value {
        let at = |cursor: &str| Self { cursor: cursor.to_owned(), ..self.clone() }.address();
        let pages = Pages::beside(&self.cursor, table.next.as_deref(), at);
        context! {
            asked => shown(self),
            headings => shown(&self.headings()),
            rows => shown(rows),
            total => table.total,
            next_page => pages.next,
            first_page => pages.first,
            is_filtered => self.is_filtered(),
        }
    }

    fn headings(&self) -> Vec<Heading> {
        let headings = COLUMNS.iter().map(|column| {
            let is_here = column.sort == Some(self.sort());
            let next = if is_here && !self.is_ascending() { "asc" } else { "" };
            Heading {
                label: column.label,
                is_number: column.is_number,
                url: column.sort.map(|sort| {
                    let sort = if sort == "last" { "" } else { sort };
                    let other = Self {
                        sort: sort.to_owned(),
                        order: next.to_owned(),
                        cursor: String::new(),
                        ..self.clone()
                    };
                    other.address().into()
                }),
                sorted: is_here.then_some(if self.is_ascending() {
                    "ascending"
                } else {
                    "descending"
                }),
            }
        });
        headings.collect()
    }
}

/// Returns what was asked first in a session, which is what it is called where nobody named it.
pub(crate) async fn first_words(app: &App, id: &str) -> Option<String> {
    let path = format!("/api/sessions/{}/entries", crate::address::encode(id));
    let address = Address::new(path)
        .with("after", Some(0))
        .with("limit", Some(6))
        .with("text_bytes", Some(300));
    let part: oriel_wire::SessionEntries<'static> = app.runtime.get(address.as_str()).await.ok()?;
    let prompt = part.entries.iter().map(Entry::of).find(|entry| entry.kind == Kind::Prompt);
    prompt?.words.map(|words| words.text)
}
