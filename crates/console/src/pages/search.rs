//! Full-text search over what people asked, agents answered, and tools were given and gave back.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use futures_util::future::join;
use minijinja::context;
use oriel_wire::{FilterOptions, SearchHit, SearchPage};
use serde::{Deserialize, Serialize};

use super::filters::{Pages, chosen};
use crate::address::{Address, of_session};
use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::page::{Page, shown};

/// So many hits are on a page.
const HITS: usize = 30;

/// Longer words than this are not searched for; nobody typed them.
const QUERY_CHARS_MAX: usize = 1000;

/// Whose words can be searched, with what they are called.
const ROLES: [(&str, &str); 4] = [
    ("prompt", "Prompts"),
    ("answer", "Answers"),
    ("input", "Tool inputs"),
    ("output", "Tool outputs"),
];

/// What is searched for, as the address says it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    agent: String,
    project: String,
    role: String,
    since: String,
    session: String,
    cursor: String,
}

/// A hit, and where to read it.
#[derive(Debug, Serialize)]
struct Hit<'a> {
    #[serde(flatten)]
    hit: &'a SearchHit<'static>,
    url: String,
    at: &'a str,
}

/// Searches.
pub(crate) async fn page(
    State(app): Shared,
    Query(asked): Query<Asked>,
) -> Result<Page, PageError> {
    let options = app.runtime.get::<FilterOptions>("/api/filter-options");
    let (options, found) = join(options, asked.search(&app)).await;
    let options = options?;
    let (found, wrong) = match found {
        Ok(found) => (found, None),
        // What was typed is at fault, and not the page.
        Err(AskError::Refused { status: StatusCode::BAD_REQUEST, problem, .. }) => {
            (None, Some(problem))
        }
        Err(error) => return Err(error.into()),
    };
    let hits: Option<Vec<Hit<'_>>> = found.as_ref().map(|page| {
        let hits = page.hits.iter().map(|hit| {
            let event = &hit.event;
            let there = Address::new(of_session(&event.session_id)).with("at", Some(event.id));
            let at = event.client_timestamp.as_ref().unwrap_or(&event.created_at);
            Hit { hit, url: format!("{}#e-{}", there.as_str(), event.id), at }
        });
        hits.collect()
    });
    let field = wrong.as_deref().map(|wrong| {
        ["since", "role", "cursor"].into_iter().find(|name| wrong.contains(*name)).unwrap_or("q")
    });
    let next = found.as_ref().and_then(|page| page.next).map(|cursor| cursor.to_string());
    let at = |cursor: &str| Asked { cursor: cursor.to_owned(), ..asked.clone() }.address();
    let pages = Pages::beside(&asked.cursor, next.as_deref(), at);
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shows = context! {
        asked => shown(&asked),
        agents => chosen(options.agent_types, &asked.agent),
        projects => chosen(options.projects, &asked.project),
        roles => shown(&ROLES),
        hits => shown(&hits),
        is_searched => found.is_some(),
        at_least => found.as_ref().map(|page| page.total_is_at_least),
        next_page => pages.next,
        first_page => pages.first,
        session_url => (!asked.session.is_empty()).then(|| of_session(&asked.session)),
        wrong, field,
    };
    let title = if asked.q.trim().is_empty() {
        "Search".to_owned()
    } else {
        format!("Search: {}", asked.q.chars().take(60).collect::<String>())
    };
    let page = Page::new("search", title, shows).status(status);
    Ok(page.header("hx-push-url", asked.address().as_str()))
}

impl Asked {
    fn address(&self) -> Address {
        Address::new("/search")
            .filled("q", &self.q)
            .filled("agent", &self.agent)
            .filled("project", &self.project)
            .filled("role", &self.role)
            .filled("since", &self.since)
            .filled("session", &self.session)
            .filled("cursor", &self.cursor)
    }

    /// Searches where there is something to search for.
    async fn search(&self, app: &App) -> Result<Option<SearchPage<'static>>, AskError> {
        let words: String = self.q.trim().chars().take(QUERY_CHARS_MAX).collect();
        if words.is_empty() {
            return Ok(None);
        }
        let address = Address::new("/api/search")
            .filled("q", &words)
            .filled("agent_type", self.agent.trim())
            .filled("project", self.project.trim())
            .filled("role", self.role.trim())
            .filled("since", self.since.trim())
            .filled("session_id", self.session.trim())
            .filled("cursor", self.cursor.trim())
            .with("limit", Some(HITS));
        app.runtime.get(address.as_str()).await.map(Some)
    }
}
