//! The inbox: what a person was told of, and what can be done about it.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::{NoticeList, NoticeRow, NoticeTally, SnoozeRequest};
use serde::Deserialize;

use crate::app::{App, Shared};
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::live::After;
use crate::page::{Page, shown};
use crate::pages::session::own_path;
use crate::sessions::Said;

/// A rule takes a moment to make a notice of an event, so the inbox looks again this soon.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What of the inbox is asked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    before: Option<i64>,
    /// What the page shows, in short.
    #[serde(default)]
    shows: Option<String>,
}

impl Ask {
    fn state(&self) -> &'static str {
        if self.state.as_deref() == Some("all") { "all" } else { "open" }
    }
}

/// Shows notices, the newest first.
pub(crate) async fn page(State(app): Shared, Query(ask): Query<Ask>) -> Result<Page, PageError> {
    let list = app.notices(&ask).await?;
    let newest = app.newest_event().await.unwrap_or_default();
    let live = format!("/live/inbox?after={newest}&state={}&shows={}", ask.state(), digest(&list));
    let first = ask.before.is_none();
    let shows = context! { list => shown(&list), state => ask.state(), first };
    let page = Page::new("inbox", "Inbox", shows);
    // A page further back stays as it is while one reads it.
    Ok(if first { page.live(live) } else { page })
}

/// Tells of notices that came or changed.
pub(crate) async fn live(
    State(app): Shared,
    Query(after): Query<After>,
    Query(ask): Query<Ask>,
) -> Result<Page, PageError> {
    let waited = tokio::time::timeout(LOOK_AGAIN, app.wait_for_news(&after)).await;
    let newest = waited.unwrap_or(Ok(after.after.unwrap_or_default()))?;
    let tally = app.runtime.get::<NoticeTally>("/api/notices/counts");
    let (list, tally) = futures_util::future::join(app.notices(&ask), tally).await;
    let (list, tally) = (list?, tally?);
    let now_shows = digest(&list);
    let changed = ask.shows.as_deref() != Some(now_shows.as_str());
    let shows = context! {
        next => format!("/live/inbox?after={newest}&state={}&shows={now_shows}", ask.state()),
        unread => tally.unopened,
        list => changed.then(|| shown(&list)),
        state => ask.state(),
        first => true,
    };
    Ok(Page::new("live/inbox", "", shows))
}

/// Does something with a notice, or with all that are shown.
pub(crate) async fn act(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let actor = visitor.actor();
    let (said, back) = match form.get("action") {
        Some("handle") => {
            let row = app.change(&form, "handle", &actor).await?;
            (format!("Done: {}", row.title), "/inbox".to_owned())
        }
        Some("snooze") => {
            let minutes = form.get("minutes").and_then(|text| text.parse().ok()).unwrap_or(60);
            let id = number(&form)?;
            let request = SnoozeRequest { until: None, minutes: Some(minutes) };
            let path = format!("/control/notices/{id}/snooze");
            let row: NoticeRow = app.runtime.tell(Method::POST, &path, &request, &actor).await?;
            let until = row.snoozed_until.unwrap_or_default();
            (format!("Put off until {until}: {}", row.title), "/inbox".to_owned())
        }
        Some("open") => {
            let row = app.change(&form, "open", &actor).await?;
            // Going there says enough.
            return Ok(Redirect::to(own_path(Some(&place_of(&row)))).into_response());
        }
        Some("handle-all") => {
            let open = app.notices(&Ask::default()).await?;
            for notice in &open.notices {
                let path = format!("/control/notices/{}/handle", notice.id);
                let _: NoticeRow =
                    app.runtime.tell(Method::POST, &path, &serde_json::json!({}), &actor).await?;
            }
            (format!("Done with {} notices", open.notices.len()), "/inbox".to_owned())
        }
        _ => return Err(PageError::Bad("the form says nothing that can be done".to_owned())),
    };
    if let Some(session) = &visitor.session {
        app.sessions.say(session, Said { ok: true, text: said });
    }
    Ok(Redirect::to(&back).into_response())
}

impl App {
    async fn notices(&self, ask: &Ask) -> Result<NoticeList, PageError> {
        let before = ask.before.map(|before| format!("&before={before}")).unwrap_or_default();
        let path = format!("/api/notices?state={}{before}", ask.state());
        Ok(self.runtime.get(&path).await?)
    }

    async fn change(&self, form: &Form, what: &str, actor: &str) -> Result<NoticeRow, PageError> {
        let path = format!("/control/notices/{}/{what}", number(form)?);
        Ok(self.runtime.tell(Method::POST, &path, &serde_json::json!({}), actor).await?)
    }
}

fn number(form: &Form) -> Result<i64, PageError> {
    form.get("id")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| PageError::Bad("the form names no notice".to_owned()))
}

/// Returns the page of what a notice is about.
fn place_of(notice: &NoticeRow) -> String {
    match &notice.subject {
        Some(subject) if subject.kind == "session" => {
            let id: String = form_urlencoded::byte_serialize(subject.id.as_bytes()).collect();
            format!("/sessions/{}", id.replace('+', "%20"))
        }
        Some(subject) if subject.kind == "budget" => "/costs".to_owned(),
        Some(subject) if subject.kind == "blocker" => "/readiness".to_owned(),
        Some(subject) if matches!(subject.kind.as_str(), "import" | "history" | "archive") => {
            "/imports".to_owned()
        }
        _ => "/inbox".to_owned(),
    }
}

/// Returns what tells one list from another.
fn digest(list: &NoticeList) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for notice in &list.notices {
        let state = (&notice.opened_at, &notice.handled_at, &notice.snoozed_until);
        (notice.id, notice.version, state, &notice.delivery.decision).hash(&mut hasher);
    }
    format!("{:x}", hasher.finish())
}
