//! The page of one session: how it stands, what it used, and one view of what was done in it.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use futures_util::future::{try_join, try_join4};
use minijinja::{Value, context};
use oriel_wire::{
    ProvenanceReport, Report, SessionEntries, SessionFiles, SessionState, SessionWithEvents,
    TurnPage,
};
use serde::{Deserialize, Serialize};

use super::parts::{Place, TEXT_BYTES, target};
use super::{chart, first_words};
use crate::address::{Address, encode, of_session};
use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::page::{Page, shown};
use crate::pages::agents::of_agent;

/// So many turns are on a page.
const TURNS: usize = 50;

/// So many files are on a page.
const FILES: usize = 200;

/// So many events are on a page of them.
const EVENTS: usize = 100;

/// So many entries are drawn over time.
const DRAWN: usize = 400;

/// The views, with what they are called.
const VIEWS: [(&str, &str); 6] = [
    ("transcript", "Transcript"),
    ("turns", "Turns"),
    ("timeline", "Timeline"),
    ("files", "Files"),
    ("events", "Events"),
    ("provenance", "Provenance"),
];

/// Which view of a session is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    view: Option<String>,
    /// Where a list of files goes on.
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    order: Option<String>,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    before: Option<String>,
    #[serde(default)]
    until: Option<String>,
    #[serde(default)]
    at: Option<String>,
}

impl Asked {
    fn place(&self) -> Result<Place, PageError> {
        let number = |name: &str, text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => text.parse::<i64>().map(Some).map_err(|_| {
                PageError::Bad(format!(
                    "`{name}` in the address is {text:?}; it is the number of an event"
                ))
            }),
        };
        Ok(Place {
            order: self.order.clone(),
            after: number("after", &self.after)?,
            before: number("before", &self.before)?,
            until: number("until", &self.until)?,
            at: number("at", &self.at)?,
        })
    }
}

/// A tab.
#[derive(Debug, Serialize)]
struct Tab {
    label: &'static str,
    url: String,
    is_here: bool,
}

/// What the head of the page says.
pub(crate) struct Head {
    pub(crate) session: SessionWithEvents<'static>,
    pub(crate) state: SessionState,
    pub(crate) usage: Report,
    pub(crate) span: Span,
}

/// When a session was, by the clocks of those who told of it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Span {
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
    seconds: Option<i64>,
}

/// Shows a session.
pub(crate) async fn page(
    State(app): Shared,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Page, PageError> {
    let view = asked.view.as_deref().unwrap_or("transcript");
    let view = VIEWS
        .iter()
        .map(|(name, _)| *name)
        .find(|name| *name == view)
        .ok_or_else(|| PageError::NotFound(format!("a session has no view {view:?}")))?;
    let place = asked.place()?;
    let target = target(&headers);
    if let Some(target) = target.filter(|target| matches!(*target, "more" | "earlier")) {
        // Only a part is shown, so nothing else is asked for.
        let until = place.until.unwrap_or(i64::MAX);
        let part = place.read(&app, &id, true, until, None, TEXT_BYTES).await?;
        let shows = context! { part => shown(&part), url => of_session(&id), is_alone => target };
        return Ok(Page::new("live/entries", "", shows));
    }
    let newest = app.newest_event().await?;
    let head = Head::read(&app, &id);
    let (head, body) = match view {
        "transcript" => {
            let head = head.await?;
            let is_over = head.state.phase == "ended";
            let part = place.read(&app, &id, is_over, newest, None, TEXT_BYTES).await?;
            let order = if part.is_newest_first { "new" } else { "old" };
            let at = place.at;
            (
                head,
                context! { part => shown(&part), order, at, is_part => place.after.or(place.before).is_some() },
            )
        }
        "turns" => try_join(head, turns(&app, &id, place.before)).await?,
        "timeline" => try_join(head, timeline(&app, &id, &place)).await?,
        "files" => try_join(head, files(&app, &id, asked.cursor.as_deref())).await?,
        "events" => try_join(head, events(&app, &id, &place)).await?,
        _ => try_join(head, provenance(&app, &id)).await?,
    };
    let name = match head.state.title.clone().filter(|title| !title.trim().is_empty()) {
        Some(title) => Some(title),
        None => first_words(&app, &id).await,
    };
    let url = of_session(&id);
    let tabs: Vec<Tab> = VIEWS
        .iter()
        .map(|(name, label)| Tab {
            label,
            url: match *name {
                "transcript" => url.clone(),
                name => Address::new(&url).with("view", Some(name)).into(),
            },
            is_here: *name == view,
        })
        .collect();
    let parent = head.state.parent.as_ref().and_then(|parent| parent.session.as_deref());
    let opinions = |path: &str| -> String {
        let address = Address::new(path).with("resource_kind", Some("session"));
        address.with("resource_id", Some(&id)).into()
    };
    let shows = context! {
        view, name, url,
        tabs => shown(&tabs),
        id => id.as_str(),
        parent_url => parent.map(of_session),
        agent_url => app.gateway.session_of(&id).await.map(|agent| of_agent(&agent)),
        opinions_url => opinions("/opinions"),
        new_opinion_url => opinions("/opinions/new"),
        ..head.shows()
    };
    let title = shows.get_attr("name").ok().and_then(|name| name.as_str().map(short));
    let live =
        Address::new("/live/session").with("id", Some(&id)).with("after", Some(newest)).with(
            "order",
            body.get_attr("order").ok().and_then(|order| order.as_str().map(str::to_owned)),
        );
    let page = Page::new(
        "session/one",
        title.unwrap_or_else(|| "Session".to_owned()),
        context! { ..body, ..shows },
    );
    Ok(page.live(live))
}

impl Head {
    pub(crate) async fn read(app: &App, id: &str) -> Result<Self, AskError> {
        let path = format!("/api/sessions/{}", encode(id));
        let session = Address::new(&path).with("event_limit", Some(0));
        let state = format!("{path}/state");
        let usage =
            Address::new("/api/reports").with("by", Some("model")).with("session", Some(id));
        let (session, state, usage, span) = try_join4(
            app.runtime.get(session.as_str()),
            app.runtime.get(&state),
            app.runtime.get(usage.as_str()),
            Span::read(app, id),
        )
        .await?;
        Ok(Self { session, state, usage, span })
    }

    pub(crate) fn shows(&self) -> Value {
        context! {
            session => shown(&self.session.session),
            state => shown(&self.state),
            usage => shown(&self.usage.totals),
            models => shown(&self.usage.rows),
            span => shown(&self.span),
        }
    }
}

impl Span {
    async fn read(app: &App, id: &str) -> Result<Self, AskError> {
        let first = Place { after: Some(0), ..Place::default() };
        let last = Place::default();
        let (first, last) = try_join(bare(app, id, &first, 1), bare(app, id, &last, 1)).await?;
        let at = |part: &SessionEntries<'_>| {
            let event = &part.entries.first()?.event;
            let at = event.client_timestamp.as_ref().unwrap_or(&event.created_at);
            Some(at.clone().into_owned())
        };
        let (first, last) = (at(&first), at(&last));
        let millis = |at: &Option<String>| at.as_deref().and_then(chart::millis);
        let seconds = millis(&last).zip(millis(&first));
        let seconds = seconds.map(|(last, first)| last.saturating_sub(first).max(0) / 1000);
        Ok(Self { first, last, seconds })
    }
}

async fn turns(app: &App, id: &str, before: Option<i64>) -> Result<Value, AskError> {
    let address = Address::new(format!("/api/sessions/{}/turns", encode(id)))
        .with("limit", Some(TURNS))
        .with("before", before);
    let page: TurnPage = app.runtime.get(address.as_str()).await?;
    let url = |before: Option<i64>| -> String {
        Address::new(of_session(id)).with("view", Some("turns")).with("before", before).into()
    };
    Ok(context! {
        turns => shown(&page.turns),
        chart => shown(&chart::of_turns(&page.turns)),
        next_page => page.next.map(|next| url(Some(next))),
        first_page => before.map(|_| url(None)),
    })
}

async fn files(app: &App, id: &str, cursor: Option<&str>) -> Result<Value, AskError> {
    let address = Address::new(format!("/api/sessions/{}/files", encode(id)))
        .with("limit", Some(FILES))
        .with("cursor", cursor);
    let page: SessionFiles = app.runtime.get(address.as_str()).await?;
    let next = page.next.as_ref().map(|next| -> String {
        let address = Address::new(of_session(id)).with("view", Some("files"));
        address.with("cursor", Some(next)).into()
    });
    Ok(context! { files => shown(&page.files), total => page.total, next_page => next })
}

/// Reads a part of a session without its words: the latest one, or the one that is asked for.
async fn bare(
    app: &App,
    id: &str,
    place: &Place,
    limit: usize,
) -> Result<SessionEntries<'static>, AskError> {
    let address = Address::new(format!("/api/sessions/{}/entries", encode(id)))
        .with("after", place.after)
        .with("before", place.before.filter(|_| place.after.is_none()))
        .with("limit", Some(limit))
        .with("text_bytes", Some(if limit == DRAWN { 120 } else { 0 }));
    app.runtime.get(address.as_str()).await
}

async fn events(app: &App, id: &str, place: &Place) -> Result<Value, AskError> {
    let part = bare(app, id, place, EVENTS).await?;
    let events: Vec<_> = part.entries.iter().rev().map(|entry| &entry.event).collect();
    Ok(context! { events => shown(&events), ..beside(id, "events", &part) })
}

async fn timeline(app: &App, id: &str, place: &Place) -> Result<Value, AskError> {
    let part = bare(app, id, place, DRAWN).await?;
    let lanes = chart::of_entries(&part.entries);
    Ok(context! { lanes => shown(&lanes), ..beside(id, "timeline", &part) })
}

fn beside(id: &str, view: &str, part: &SessionEntries<'_>) -> Value {
    let url = |name: &str, number: Option<i64>| -> Option<String> {
        let address = Address::new(of_session(id)).with("view", Some(view));
        Some(address.with(name, Some(number?)).into())
    };
    context! { older => url("before", part.older), newer => url("after", part.newer) }
}

async fn provenance(app: &App, id: &str) -> Result<Value, AskError> {
    let path = format!("/api/sessions/{}/provenance", encode(id));
    let report: ProvenanceReport = app.runtime.get(&path).await?;
    let all = report.parts.iter().map(|part| part.events).sum::<u64>();
    Ok(context! { provenance => shown(&report), all_events => all })
}

/// Cuts a name to what a title bar shows.
fn short(name: &str) -> String {
    let line = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
