//! Opinions: listed, composed, signed by the runtime, revised and checked.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::{
    Invalid, KeyStatus, OpinionConflict, OpinionDetail, OpinionForm, OpinionList, Verification,
};
use serde::{Deserialize, Serialize};

use crate::address::query;
use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::page::{Page, shown};
use crate::sessions::Said;

/// A longer record is none that was ever signed here.
const RECORD_CHARS_MAX: usize = 100_000;

/// Which opinions are asked for.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Ask {
    #[serde(default)]
    q: String,
    #[serde(default)]
    resource_kind: String,
    #[serde(default)]
    resource_id: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    before: Option<i64>,
}

/// Lists opinions, the newest first.
pub(crate) async fn page(State(app): Shared, Query(ask): Query<Ask>) -> Result<Page, PageError> {
    let state = if ask.state == "all" { "all" } else { "active" };
    let before = ask.before.map(|before| before.to_string()).unwrap_or_default();
    let fields = [
        ("q", ask.q.as_str()),
        ("resource_kind", &ask.resource_kind),
        ("resource_id", &ask.resource_id),
        ("state", state),
        ("before", &before),
    ];
    let path = format!("/api/opinions?{}", query(&fields));
    let (list, key) =
        futures_util::future::join(app.runtime.get::<OpinionList>(&path), app.key()).await;
    let list = list?;
    let next = list.next.map(|next| {
        let fields = fields.map(|(name, value)| (name, value.to_owned()));
        let fields = fields
            .map(|(name, value)| (name, if name == "before" { next.to_string() } else { value }));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        format!("/opinions?{}", query(&fields))
    });
    let compose =
        query(&[("resource_kind", &ask.resource_kind), ("resource_id", &ask.resource_id)]);
    let shows = context! {
        ask => shown(&ask), state, list => shown(&list), key => shown(&key?), next,
        compose => format!("/opinions/new?{compose}"),
        is_about_one => !ask.resource_id.is_empty(),
    };
    Ok(Page::new("opinions", "Opinions", shows))
}

/// Shows one opinion with its record and its history.
pub(crate) async fn one(State(app): Shared, Path(id): Path<String>) -> Result<Page, PageError> {
    let detail = app.opinion(&id).await?;
    let record = serde_json::to_string_pretty(&detail.record).unwrap_or_default();
    let shows = context! { detail => shown(&detail), record };
    Ok(Page::new("opinion", "Opinion", shows))
}

/// Gives the record as a file, for `oriel opinions verify`.
pub(crate) async fn record(
    State(app): Shared,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let detail = app.opinion(&id).await?;
    let name: String = id.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"opinion-{name}.json\"")),
    ];
    Ok((headers, serde_json::to_vec(&detail.record).unwrap_or_default()).into_response())
}

/// Shows the form for a new opinion, filled in from the address: with what is asked for, or with what a
/// preview handed over, or with the opinion that is revised.
pub(crate) async fn compose(
    State(app): Shared,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Page, PageError> {
    let get = |name: &str| {
        let found = given.iter().rev().find(|(key, _)| key.replace('/', "_") == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let mut form = OpinionForm {
        resource_kind: get("resource_kind").unwrap_or_else(|| "url".to_owned()),
        resource_id: get("resource_id").unwrap_or_default(),
        text: get("opinion_text"),
        ..OpinionForm::default()
    };
    if let Some(id) = get("revises") {
        let old = app.opinion(&id).await?.opinion;
        form = OpinionForm {
            resource_kind: old.resource_kind,
            resource_id: old.resource_id,
            text: old.text,
            rating: old.rating.map(|rating| rating.to_string()),
            lang: old.lang,
            tags: Some(old.tags),
            supersedes: Some(old.id),
        };
    }
    let key = app.key().await?;
    Ok(form_page(&form, &key, get("observed_title").as_deref(), &Refused::default()))
}

/// Has an opinion signed and kept.
pub(crate) async fn sign(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let text = |name: &str| form.get(name).map(str::to_owned);
    let opinion = OpinionForm {
        resource_kind: text("resource/kind").unwrap_or_default(),
        // A resource's name is kept byte for byte.
        resource_id: form.raw("resource/id").unwrap_or_default().to_owned(),
        text: text("opinion/text").map(|text| text.replace("\r\n", "\n")),
        rating: text("opinion/rating"),
        lang: text("opinion/lang"),
        tags: text("opinion/tags").map(|tags| {
            tags.split(',')
                .map(str::trim)
                .filter(|tag| !tag.is_empty())
                .map(str::to_owned)
                .collect()
        }),
        supersedes: text("record/supersedes"),
    };
    let signed = app
        .runtime
        .tell::<serde_json::Value>(Method::POST, "/control/opinions", &opinion, &visitor.actor())
        .await;
    let refused = match signed {
        Ok(record) => {
            let id = record["record/id"].as_str().unwrap_or_default().to_owned();
            if let Some(session) = &visitor.session {
                let text = "Signed and kept.".to_owned();
                app.sessions.say(session, Said { ok: true, text });
            }
            return Ok(Redirect::to(&format!("/opinions/{id}")).into_response());
        }
        Err(AskError::Refused { status, problem, body }) => Refused::of(status, problem, &body)?,
        Err(error) => return Err(error.into()),
    };
    let key = app.key().await?;
    Ok(form_page(&opinion, &key, None, &refused).status(refused.status).into_response())
}

/// Makes the operator's key.
pub(crate) async fn create_key(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, PageError> {
    let made = app
        .runtime
        .tell::<KeyStatus>(Method::POST, "/control/keys", &serde_json::json!({}), &visitor.actor())
        .await;
    let said = match made {
        Ok(_) => Said {
            ok: true,
            text: "Your key is made. Keep a copy of the folder `keys`.".to_owned(),
        },
        Err(AskError::Refused { problem, .. }) => Said { ok: false, text: problem },
        Err(error) => return Err(error.into()),
    };
    if let Some(session) = &visitor.session {
        app.sessions.say(session, said);
    }
    Ok(Redirect::to("/opinions").into_response())
}

/// Shows the form for checking a record.
pub(crate) async fn verify_form() -> Page {
    Page::new("opinion-verify", "Check a record", context! { record => "" })
}

/// Checks a record that somebody pasted.
pub(crate) async fn verify(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Page, PageError> {
    let text = form.raw("record").unwrap_or_default();
    let record = (text.len() <= RECORD_CHARS_MAX)
        .then(|| serde_json::from_str::<Box<serde_json::value::RawValue>>(text.trim()).ok())
        .flatten();
    let Some(record) = record else {
        let shows =
            context! { record => text, problem => "that is no JSON; paste one whole record" };
        let page = Page::new("opinion-verify", "Check a record", shows);
        return Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY));
    };
    // As it was pasted: what a reader would put in order must not be.
    let body = bytes::Bytes::from(record.get().to_owned());
    let answer = app
        .runtime
        .send(Method::POST, "/control/opinions/verify", Some(body), Some(&visitor.actor()))
        .await?;
    let found: Verification = serde_json::from_slice(&answer)
        .map_err(|source| AskError::Form { path: "/control/opinions/verify".to_owned(), source })?;
    let shows = context! { record => text, found => shown(&found) };
    Ok(Page::new("opinion-verify", "Check a record", shows))
}

/// Why an opinion was not signed.
#[derive(Debug, Default)]
struct Refused {
    status: StatusCode,
    problem: Option<String>,
    fields: Vec<(String, String)>,
    active: Option<String>,
}

impl Refused {
    fn of(status: StatusCode, problem: String, body: &[u8]) -> Result<Self, PageError> {
        let mut refused = Self { status, problem: Some(problem), ..Self::default() };
        match status {
            StatusCode::UNPROCESSABLE_ENTITY => {
                let invalid = serde_json::from_slice::<Invalid>(body).ok();
                refused.fields = invalid
                    .into_iter()
                    .flat_map(|invalid| invalid.details)
                    .map(|fault| (fault.field.into_owned(), fault.message.into_owned()))
                    .collect();
            }
            StatusCode::CONFLICT => {
                let conflict = serde_json::from_slice::<OpinionConflict>(body).ok();
                refused.active = conflict.and_then(|conflict| conflict.active);
            }
            StatusCode::LOCKED | StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => {}
            _ => {
                let problem = refused.problem.unwrap_or_default();
                return Err(AskError::Refused { status, problem, body: bytes::Bytes::new() }.into());
            }
        }
        Ok(refused)
    }
}

fn form_page(form: &OpinionForm, key: &KeyStatus, title: Option<&str>, refused: &Refused) -> Page {
    let of = |field: &str| {
        let found = refused.fields.iter().filter(|(name, _)| name == field);
        found.map(|(_, message)| message.as_str()).collect::<Vec<_>>().join("; ")
    };
    let known = [
        "resource/kind",
        "resource/id",
        "opinion/text",
        "opinion/rating",
        "opinion/lang",
        "opinion/tags",
    ];
    let others = refused.fields.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    let shows = context! {
        form => context! {
            kind => &form.resource_kind, id => &form.resource_id, text => &form.text,
            rating => &form.rating, lang => &form.lang,
            tags => form.tags.as_deref().map(|tags| tags.join(", ")),
            supersedes => &form.supersedes,
        },
        wrong => context! {
            kind => of("resource/kind"), id => of("resource/id"), text => of("opinion/text"),
            rating => of("opinion/rating"), lang => of("opinion/lang"), tags => of("opinion/tags"),
        },
        others => others.map(|(name, message)| format!("{name} {message}")).collect::<Vec<_>>(),
        problem => refused.fields.is_empty().then(|| refused.problem.clone()).flatten(),
        active => &refused.active,
        key => shown(key),
        title,
    };
    let heading = if form.supersedes.is_some() { "Revise an opinion" } else { "New opinion" };
    Page::new("opinion-form", heading, shows)
}

impl App {
    async fn key(&self) -> Result<KeyStatus, PageError> {
        Ok(self.runtime.get("/control/keys").await?)
    }

    async fn opinion(&self, id: &str) -> Result<OpinionDetail, PageError> {
        let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
        Ok(self.runtime.get(&format!("/api/opinions/{id}")).await?)
    }
}
