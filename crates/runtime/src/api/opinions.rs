//! Opinions: listed, shown with their records, composed and signed; and the operator's key.
//!
//! The key is read anew for each request: it may be made by another program, and who takes it away
//! must not find it used.

use std::path::PathBuf;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use oriel_sign::record::{OPINION_SCHEMA, RECORD_BYTES_MAX, RULE};
use oriel_sign::{Key, KeyError, Opinion, Record};
use oriel_store::{NewRecord, RecordFilter, Recorded, StoredRecord};
use oriel_wire::time::rfc3339;
use oriel_wire::{
    FieldError, Invalid, KeyStatus, OpinionConflict, OpinionDetail, OpinionForm, OpinionList,
    OpinionPreview, OpinionRow, Problem, Verification,
};
use serde_json::Value;

use super::Shared;
use super::error::ApiError;
use super::params::Params;
use super::reply::{found, json, read_body};
use crate::app::App;

/// So many opinions are listed unless told.
const USUAL: usize = 50;

/// So many opinions of one author on one resource are shown beside each other.
const HISTORY_MAX: usize = 200;

/// Longer words are looked for nowhere.
const WORDS_CHARS_MAX: usize = 200;

/// Lists opinions, the newest first.
#[utoipa::path(get, path = "/api/opinions", tag = "opinions", params(
        ("resource_kind" = Option<String>, Query, description = "Of resources of this kind, such as `session`"),
        ("resource_id" = Option<String>, Query, description = "Of this resource, byte for byte"),
        ("author" = Option<String>, Query, description = "By this `did:key`"),
        ("q" = Option<String>, Query, description = "With this in the text, the tags or the resource's name"),
        ("state" = Option<String>, Query, description = "`active` (unless told): whose place no later one has taken; or `all`"),
        ("limit" = Option<i64>, Query, description = "50 unless told, at most 500"),
        ("before" = Option<i64>, Query, description = "The `next` of the page before")),
    responses((status = 200, body = OpinionList), (status = 400, body = Problem)))]
pub(super) async fn list(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let active_only = match params.text("state").as_deref() {
        None | Some("active") => true,
        Some("all") => false,
        Some(_) => return Err(ApiError::Bad("`state` must be `active` or `all`".into())),
    };
    let words = params.text("q");
    if words.as_ref().is_some_and(|words| words.chars().count() > WORDS_CHARS_MAX) {
        let message = format!("`q` must be at most {WORDS_CHARS_MAX} characters");
        return Err(ApiError::Bad(message.into()));
    }
    let filter = RecordFilter {
        resource_kind: params.text("resource_kind"),
        resource_id: params.text("resource_id"),
        author: params.text("author"),
        words,
        active_only,
    };
    let limit = params.limit("limit", USUAL);
    let page = app.store()?.records(filter, limit, params.int("before")).await?;
    let own = own_did(&app).await;
    let opinions = page.records.iter().map(|record| row(record, own.as_deref())).collect();
    Ok(found(&OpinionList { opinions, next: page.next }))
}

/// Shows an opinion with its record, whether that verifies, and what its author said before and
/// after.
#[utoipa::path(get, path = "/api/opinions/{id}", tag = "opinions",
    params(("id" = String, Path, description = "The id of its record, `sha256:…`")),
    responses((status = 200, body = OpinionDetail), (status = 404, body = Problem)))]
pub(super) async fn one(State(app): Shared, Path(id): Path<String>) -> Result<Response, ApiError> {
    let store = app.store()?;
    let stored = store.record(id).await?.ok_or_else(|| {
        ApiError::NotFound("there is no such opinion; GET /api/opinions lists them".into())
    })?;
    let filter = RecordFilter {
        resource_kind: Some(stored.record.resource_kind.clone()),
        resource_id: Some(stored.record.resource_id.clone()),
        author: Some(stored.record.author.clone()),
        ..RecordFilter::default()
    };
    let history = store.records(filter, HISTORY_MAX, None).await?.records;
    let own = own_did(&app).await;
    Ok(found(&OpinionDetail {
        opinion: row(&stored, own.as_deref()),
        record: value_of(&stored),
        verification: verification(stored.record.body.as_bytes()),
        history: history.iter().map(|record| row(record, own.as_deref())).collect(),
    }))
}

/// Signs an opinion with the operator's key and keeps it.
///
/// The very same opinion may be sent again within its second; it is the same record then.
#[utoipa::path(post, path = "/control/opinions", tag = "opinions", request_body = OpinionForm,
    responses((status = 201, body = Object, description = "The signed record"),
        (status = 400, body = Problem), (status = 409, body = OpinionConflict),
        (status = 422, body = Invalid), (status = 423, body = Problem)))]
pub(super) async fn compose(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let store = app.store()?;
    let opinion = opinion_of(body).await?;
    let key = signing_key(&app).await?;
    let record = opinion.sign(&key, &rfc3339(app.now()));
    match store.append_record(new_record(&record)).await? {
        Recorded::New | Recorded::Known => {}
        Recorded::Refused { active } => return Ok(conflict(active)),
    }
    tracing::info!(id = record.id(), "an opinion was signed");
    Ok(json(StatusCode::CREATED, record.value()))
}

/// Checks an opinion and shows what would be signed.
#[utoipa::path(post, path = "/control/opinions/preview", tag = "opinions",
    request_body = OpinionForm,
    responses((status = 200, body = OpinionPreview), (status = 400, body = Problem),
        (status = 422, body = Invalid)))]
pub(super) async fn preview(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let store = app.store()?;
    let opinion = opinion_of(body).await?;
    let did = own_did(&app).await;
    let active = match &did {
        None => None,
        Some(did) => {
            let (kind, id) = (opinion.resource_kind.clone(), opinion.resource_id.clone());
            store.active_record(did.clone(), kind, id).await?.map(|stored| stored.record.id)
        }
    };
    let record = opinion.unsigned(did.as_deref(), &rfc3339(app.now()));
    Ok(found(&OpinionPreview { record, did, active }))
}

/// Tells whether a record verifies, whoever signed it. Nothing is kept.
#[utoipa::path(post, path = "/control/opinions/verify", tag = "opinions",
    request_body(content = Object, description = "A record"),
    responses((status = 200, body = Verification), (status = 413, body = Problem)))]
pub(super) async fn verify(body: Body) -> Result<Response, ApiError> {
    let body = read_body(body, RECORD_BYTES_MAX).await?;
    Ok(found(&verification(&body)))
}

/// Tells which key the operator signs with.
#[utoipa::path(get, path = "/control/keys", tag = "opinions",
    responses((status = 200, body = KeyStatus)))]
pub(super) async fn key(State(app): Shared) -> Response {
    found(&match read_key(&app).await {
        Ok(Some(key)) => key_status(&key),
        Ok(None) => KeyStatus { did: None, exists: false, created: None, problem: None },
        Err(error) => {
            let problem = Some(whole_message(&error));
            KeyStatus { did: None, exists: true, created: None, problem }
        }
    })
}

/// Makes the operator's key. One that is there is never replaced.
#[utoipa::path(post, path = "/control/keys", tag = "opinions",
    responses((status = 201, body = KeyStatus), (status = 409, body = Problem)))]
pub(super) async fn create_key(State(app): Shared) -> Result<Response, ApiError> {
    let folder = keys_folder(&app);
    let made = blocking(move || Key::create(&folder)).await;
    match made {
        Ok(key) => {
            tracing::info!(did = key.did(), "a key was made");
            Ok(json(StatusCode::CREATED, &key_status(&key)))
        }
        Err(error @ KeyError::Exists(_)) => {
            Ok(json(StatusCode::CONFLICT, &Problem { error: error.to_string().into() }))
        }
        Err(error) => Err(ApiError::Key(whole_message(&error))),
    }
}

async fn opinion_of(body: Body) -> Result<Opinion, ApiError> {
    let body = read_body(body, RECORD_BYTES_MAX).await?;
    let form: Value = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Bad(format!("the request cannot be read: {error}").into()))?;
    Opinion::from_form(&form).map_err(|faults| {
        let details = faults
            .into_iter()
            .map(|fault| FieldError { field: fault.field.into(), message: fault.message.into() });
        ApiError::Fields(details.collect())
    })
}

fn conflict(active: Option<String>) -> Response {
    let error = match &active {
        Some(id) => format!(
            "you have an opinion on this resource; to revise it, send `record/supersedes` with {id}"
        ),
        None => "there is no opinion of yours on this resource that this one could take the place \
                 of; leave `record/supersedes` out"
            .to_owned(),
    };
    json(StatusCode::CONFLICT, &OpinionConflict { error, active })
}

fn new_record(record: &Record) -> NewRecord {
    let opinion = record.opinion();
    NewRecord {
        id: record.id().to_owned(),
        kind: OPINION_SCHEMA.to_owned(),
        resource_kind: opinion.resource_kind.clone(),
        resource_id: opinion.resource_id.clone(),
        author: record.author().to_owned(),
        created_at: record.authored_at().to_owned(),
        supersedes: opinion.supersedes.clone(),
        body: record.text(),
    }
}

/// Returns a record as it is stored. One that somebody else wrote into the file may be no JSON.
fn value_of(stored: &StoredRecord) -> Value {
    serde_json::from_str(&stored.record.body).unwrap_or(Value::Null)
}

fn row(stored: &StoredRecord, own: Option<&str>) -> OpinionRow {
    let value = value_of(stored);
    let content = &value["content"];
    let text = |name: &str| content[name].as_str().map(str::to_owned);
    let tags = content["opinion/tags"].as_array();
    let tags = tags.into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned));
    let record = &stored.record;
    OpinionRow {
        id: record.id.clone(),
        resource_kind: record.resource_kind.clone(),
        resource_id: record.resource_id.clone(),
        text: text("opinion/text"),
        rating: content["opinion/rating"].as_u64().and_then(|rating| u8::try_from(rating).ok()),
        lang: text("opinion/lang"),
        tags: tags.collect(),
        author: record.author.clone(),
        authored_at: record.created_at.clone(),
        supersedes: record.supersedes.clone(),
        active: stored.active,
        own: own == Some(record.author.as_str()),
    }
}

/// Checks a record, and tells what it says of itself either way.
fn verification(text: &[u8]) -> Verification {
    let refused = Record::read(text).err();
    let says: Value = serde_json::from_slice(text).unwrap_or(Value::Null);
    let says = |name: &str| says[name].as_str().map(|text| text.chars().take(200).collect());
    Verification {
        verifies: refused.is_none(),
        code: refused.as_ref().map(|reason| reason.code().to_owned()),
        reason: refused.as_ref().map(ToString::to_string),
        rule: RULE.to_owned(),
        id: says("record/id"),
        author: says("author/participant-id"),
        authored_at: says("authored/at"),
    }
}

fn key_status(key: &Key) -> KeyStatus {
    let seconds = key.created().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let created = seconds.and_then(|since| i64::try_from(since.as_secs()).ok()).map(rfc3339);
    KeyStatus { did: Some(key.did().to_owned()), exists: true, created, problem: None }
}

async fn signing_key(app: &App) -> Result<Key, ApiError> {
    match read_key(app).await {
        Ok(Some(key)) => Ok(key),
        Ok(None) => Err(ApiError::Locked(
            "there is no key to sign with; make one with `oriel keys create` or \
             POST /control/keys"
                .into(),
        )),
        Err(error) => Err(ApiError::Locked(whole_message(&error).into())),
    }
}

/// Returns who the operator is. A key that cannot be used is nobody's.
async fn own_did(app: &App) -> Option<String> {
    read_key(app).await.ok().flatten().map(|key| key.did().to_owned())
}

async fn read_key(app: &App) -> Result<Option<Key>, KeyError> {
    let folder = keys_folder(app);
    blocking(move || Key::open(&folder)).await
}

fn keys_folder(app: &App) -> PathBuf {
    app.home.folder().join("keys")
}

/// Does something with files where it keeps no other request waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("reading or making a key does not panic")
}

/// Returns an error with what it came from.
fn whole_message(error: &KeyError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
