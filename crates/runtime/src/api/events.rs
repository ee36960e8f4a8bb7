//! Events: posted, listed, and waited for.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use oriel_model::{EventNumber, NewEvent};
use oriel_store::{Appended, Followed};
use oriel_wire::{
    BatchReceipt, EventPage, EventsAfter, FieldError, Invalid, Problem, RawEvent, Receipt,
    RejectedEvent,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::error::ApiError;
use super::params::Params;
use super::reply::{found, is_textual, json, read_body};
use crate::app::App;
use crate::rows::event_row;

/// The longest body of one request.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The most events of one batch. Every one that is not valid has its place in the answer, which
/// would otherwise be far longer than the request.
const BATCH_EVENTS_MAX: usize = 20_000;

/// Senders have been seen to quote JSON up to this often.
const QUOTES_MAX: usize = 3;

/// How long a long poll waits where it does not say.
const WAIT_SECONDS: i64 = 25;

/// A wait for words looks so often for them in events that are there before it answers without any.
const LOOKS_MAX: usize = 8;

/// The longest that a long poll waits.
const WAIT_SECONDS_MAX: i64 = 60;

/// Stores one event.
///
/// Posting the same `event_id` again changes nothing, so a sender may retry blindly. When it is
/// answered the event is on disk.
#[utoipa::path(post, path = "/api/events", tag = "events",
    request_body(content = Object, description = "An event"),
    responses((status = 201, body = Receipt), (status = 200, body = Receipt, description = "A duplicate"),
        (status = 400, body = Invalid), (status = 503, body = Problem)))]
pub(super) async fn post_event(
    State(app): Shared,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body = Document::read(&headers, body).await?;
    let event = admit_one(&app, &body)?;
    Ok(match app.append(vec![event], vec![]).await?.as_slice() {
        [Appended::New(EventNumber(number))] => {
            let receipt = Receipt { received: 1, ids: vec![*number], duplicates: 0 };
            json(StatusCode::CREATED, &receipt)
        }
        _ => found(&Receipt { received: 0, ids: vec![], duplicates: 1 }),
    })
}

/// Stores many events.
///
/// Those that are valid are stored in one transaction and in their order; the others are named.
#[utoipa::path(post, path = "/api/events/batch", tag = "events",
    request_body(content = Object, description = "`events`: an array of events"),
    responses((status = 201, body = BatchReceipt), (status = 400, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn post_batch(
    State(app): Shared,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body = Document::read(&headers, body).await?;
    let (events, rejected) = admit_batch(&app, &body)?;
    app.metrics.rejected.inc_by(rejected.len() as u64);
    let appended = app.append(events, vec![]).await?;
    let ids: Vec<i64> = appended
        .iter()
        .filter_map(|appended| match appended {
            Appended::New(number) => Some(number.0),
            Appended::Joined(_) | Appended::Duplicate => None,
        })
        .collect();
    let duplicates = appended.len() - ids.len();
    let receipt = BatchReceipt { received: ids.len(), ids, duplicates, rejected };
    Ok(json(StatusCode::CREATED, &receipt))
}

/// Lists events, newest first, or those after a number, oldest first.
#[utoipa::path(get, path = "/api/events", tag = "events", params(
        ("agent_type" = Option<String>, Query), ("event_type" = Option<String>, Query),
        ("status" = Option<String>, Query), ("tool_name" = Option<String>, Query),
        ("session_id" = Option<String>, Query), ("branch" = Option<String>, Query),
        ("project" = Option<String>, Query), ("model" = Option<String>, Query),
        ("source" = Option<String>, Query), ("since" = Option<String>, Query),
        ("until" = Option<String>, Query), ("limit" = Option<i64>, Query),
        ("offset" = Option<i64>, Query),
        ("text" = Option<String>, Query, description = "Words, as `q` of `/api/search`"),
        ("after" = Option<i64>, Query, description = "Answers with `EventsAfter`")),
    responses((status = 200, body = EventPage<'static>)))]
pub(super) async fn list(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let (filter, limit) = (params.event_filter(), params.limit("limit", 50));
    if let Some(after) = params.int("after") {
        let page = Following::read(&app, EventNumber(after), &params, limit).await?;
        return Ok(page.answer());
    }
    let offset = params.int("offset").and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0);
    let page = app.store()?.events(filter, limit, offset).await?;
    let events = page.events.iter().map(event_row).collect();
    Ok(found(&EventPage { events, total: page.total }))
}

/// Waits for events after a number, and answers as soon as there are some or the time is up.
#[utoipa::path(get, path = "/api/events/wait", tag = "events", params(
        ("after" = i64, Query, description = "The last event that was seen; 0 is before all"),
        ("timeout" = Option<i64>, Query, description = "Seconds, 25 unless told, 60 at most"),
        ("limit" = Option<i64>, Query), ("session_id" = Option<String>, Query),
        ("agent_type" = Option<String>, Query), ("event_type" = Option<String>, Query),
        ("status" = Option<String>, Query), ("tool_name" = Option<String>, Query),
        ("branch" = Option<String>, Query), ("project" = Option<String>, Query),
        ("model" = Option<String>, Query), ("source" = Option<String>, Query),
        ("text" = Option<String>, Query, description = "Words, as `q` of `/api/search`")),
    responses((status = 200, body = EventsAfter<'static>)))]
pub(super) async fn wait(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let mut after = EventNumber(params.int("after").ok_or_else(|| {
        ApiError::Bad("say `after`: the number of the last event that you have seen, or 0".into())
    })?);
    let limit = params.limit("limit", 50);
    let seconds = params.int("timeout").unwrap_or(WAIT_SECONDS).clamp(0, WAIT_SECONDS_MAX);
    let until = Instant::now() + Duration::from_secs(seconds.unsigned_abs());
    let mut last_event = app.hub.last_event();
    let mut stopping = pin!(app.stopping());
    let mut looks = 0;
    loop {
        last_event.borrow_and_update();
        let page = Following::read(&app, after, &params, limit).await?;
        after = page.next;
        if !page.events.is_empty() {
            return Ok(page.answer());
        }
        // Words are looked for in so many events at a time. Where many more are left, whoever asks
        // is told how far it is and asks again.
        if !page.is_at_end {
            looks += 1;
            if looks == LOOKS_MAX || Instant::now() >= until {
                return Ok(page.answer());
            }
            continue;
        }
        looks = 0;
        let committed = async {
            tokio::select! {
                committed = last_event.changed() => committed.is_ok(),
                () = &mut stopping => false,
            }
        };
        if !timeout_at(until, committed).await.unwrap_or(false) {
            return Ok(page.answer());
        }
    }
}

/// Events after a number.
struct Following {
    events: Vec<oriel_model::StoredEvent>,
    /// Where to go on: all events up to this one were looked at.
    next: EventNumber,
    /// The last event that there is.
    last: EventNumber,
    /// Whether nothing is left to look at.
    is_at_end: bool,
}

impl Following {
    async fn read(
        app: &App,
        after: EventNumber,
        params: &Params,
        limit: usize,
    ) -> Result<Self, ApiError> {
        let store = app.store()?;
        // Read before the events are: what is committed in between is read again, not missed.
        let last = *app.hub.last_event().borrow();
        if last <= after {
            return Ok(Self { events: Vec::new(), next: after, last, is_at_end: true });
        }
        let Followed { events, reached } =
            store.follow(after, params.event_filter(), limit).await?;
        let seen = events.last().map_or(after, |stored| stored.number);
        let next = reached.unwrap_or(seen.max(last));
        Ok(Self { events, next, last: last.max(seen), is_at_end: reached.is_none() })
    }

    fn answer(&self) -> Response {
        let events = self.events.iter().map(event_row).collect();
        found(&EventsAfter { events, next: self.next.0, last: self.last.0 })
    }
}

/// Admits an event that was posted as this text.
pub(crate) fn admit_text(app: &App, text: &str) -> Result<NewEvent, ApiError> {
    let body = Document::parse(text.as_bytes().to_vec());
    admit_one(app, &body.ok_or_else(|| ApiError::Bad("Invalid JSON payload".into()))?)
}

fn admit_one(app: &App, body: &Document) -> Result<NewEvent, ApiError> {
    let admitted = match body.object() {
        Some(text) => admit(app, text),
        None => Err(vec![not_an_object()]),
    };
    admitted.map_err(|details| {
        app.metrics.rejected.inc();
        ApiError::Invalid(details)
    })
}

fn admit_batch(
    app: &App,
    body: &Document,
) -> Result<(Vec<NewEvent>, Vec<RejectedEvent>), ApiError> {
    #[derive(Deserialize)]
    struct Batch<'a> {
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
    }
    let batch: Option<Batch<'_>> = body.object().and_then(|text| serde_json::from_str(text).ok());
    let Some(batch) = batch else {
        return Err(ApiError::Bad("Expected { events: [...] }".into()));
    };
    if batch.events.len() > BATCH_EVENTS_MAX {
        return Err(ApiError::TooMany(BATCH_EVENTS_MAX));
    }
    let mut events = Vec::with_capacity(batch.events.len());
    let mut rejected = Vec::new();
    for (index, raw) in batch.events.iter().enumerate() {
        match admit(app, raw.get()) {
            Ok(event) => events.push(event),
            Err(errors) => {
                let errors =
                    errors.iter().map(|error| format!("{}: {}", error.field, error.message));
                rejected.push(RejectedEvent { index, errors: errors.collect() });
            }
        }
    }
    Ok((events, rejected))
}

fn admit(app: &App, text: &str) -> Result<NewEvent, Vec<FieldError>> {
    if !text.starts_with('{') {
        return Err(vec![not_an_object()]);
    }
    let raw: RawEvent<'_> = serde_json::from_str(text).map_err(|_| vec![not_an_object()])?;
    let now_ms = app.now_ms();
    let mut event = app.admission(now_ms).admit(&raw)?;
    let place = &mut event.place;
    if let (None, Some(project), Some(branches)) = (&place.branch, &place.project, &app.branches)
        && event.facet.source != "import"
    {
        place.branch = branches.of(project, now_ms);
    }
    Ok(event)
}

fn not_an_object() -> FieldError {
    FieldError { field: "body".into(), message: "must be a JSON object".into() }
}

/// The body of a request: valid JSON, or nothing where the sender did not say that it is any.
struct Document(Option<String>);

impl Document {
    async fn read(headers: &HeaderMap, body: Body) -> Result<Self, ApiError> {
        let bytes = read_body(body, BODY_BYTES_MAX).await?;
        if !is_textual(headers) {
            return Ok(Self(None));
        }
        if bytes.is_empty() {
            return Ok(Self(Some("{}".to_owned())));
        }
        Self::parse(bytes.into()).ok_or_else(|| ApiError::Bad("Invalid JSON payload".into()))
    }

    fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        oriel_wire::json::mend_lone_surrogates(&mut bytes);
        let mut text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        for _ in 0..=QUOTES_MAX {
            let plain = text.trim_start_matches('\u{feff}').trim();
            let whole: &RawValue = serde_json::from_str(plain).ok()?;
            match whole.get().as_bytes().first() {
                Some(b'"') => text = serde_json::from_str(plain).ok()?,
                Some(b'{' | b'[') => return Some(Self(Some(plain.to_owned()))),
                _ => return None,
            }
        }
        None
    }

    /// Returns the text, if it is that of an object.
    fn object(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| text.starts_with('{'))
    }
}
