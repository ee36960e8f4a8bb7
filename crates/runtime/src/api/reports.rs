//! Reports: what was used and what it cost, where that is known from, budgets and prices.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::tz::TimeZone;
use oriel_model::EventNumber;
use oriel_store::{EventFilter, Telling, UsageFilter};
use oriel_wire::time::{iso_text, rfc3339};
use oriel_wire::{
    Budgets, Counts, EventWithTellings, PriceList, Problem, ProvenanceReport, RecalculateReport,
    RecalculateRequest, Report, TellingRow,
};
use tokio::time::Instant;

use super::Shared;
use super::error::ApiError;
use super::params::{Params, ROWS_MAX};
use super::reply::{found, read_body};
use crate::app::App;
use crate::ingest::price_of;
use crate::report::{By, Wanted};
use crate::zone::{self, Edge};
use crate::{budget, prices, report};

/// The longest body that asks to work out costs.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Shows what was used and what it cost.
///
/// Times are those of the senders' clocks, to a quarter of an hour. Days are those of `tz`, which
/// is the machine's own unless told; `until` is exclusive where it is a time, and inclusive where it
/// is a day.
#[utoipa::path(get, path = "/api/reports", tag = "reports", params(
        ("by" = Option<String>, Query, description = "`day` (unless told), `week`, `month`, `session`, `project`, `branch`, `model`, `agent` or `block`"),
        ("tz" = Option<String>, Query, description = "A name such as `Europe/Vienna`, or an offset such as `+01:00`"),
        ("since" = Option<String>, Query, description = "A day of `tz`, or a time as in RFC 3339"),
        ("until" = Option<String>, Query, description = "A day of `tz`, or a time as in RFC 3339"),
        ("agent_type" = Option<String>, Query), ("project" = Option<String>, Query),
        ("branch" = Option<String>, Query), ("model" = Option<String>, Query),
        ("session" = Option<String>, Query), ("source" = Option<String>, Query),
        ("limit" = Option<i64>, Query, description = "How many rows, 10,000 unless told")),
    responses((status = 200, body = Report), (status = 400, body = Problem)))]
pub(super) async fn usage(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let by = params.text("by").unwrap_or_else(|| By::Day.as_str().to_owned());
    let by = By::from_word(&by).ok_or_else(|| {
        let words = "day, week, month, session, project, branch, model, agent or block";
        ApiError::Bad(format!("`by` must be one of {words}").into())
    })?;
    let zone = zone_of(&app, &params)?;
    let moment = |name, edge| match params.text(name) {
        None => Ok(None),
        Some(text) => zone::moment(&text, &zone, edge).map(Some).map_err(|error| bad(&error)),
    };
    let (since, before) = (moment("since", Edge::Start)?, moment("until", Edge::End)?);
    let filter = UsageFilter {
        agent_type: params.text("agent_type"),
        model: params.text("model"),
        source: params.text("source"),
        session: params.text("session"),
        project: params.text("project"),
        branch: params.text("branch"),
        since: since.filter(|_| by != By::Block),
        before,
    };
    let used = if by.needs_sessions() {
        app.store()?.usage(filter, true).await?
    } else {
        let (zone, now) = (zone.clone(), app.now());
        app.store()?.usage_over(filter, move |at| by.stretch(at, &zone, now)).await?
    };
    let rows_max = params.limit("limit", ROWS_MAX);
    let limits = app.config.usage_limits.clone();
    let wanted = Wanted { by, zone, since, now: app.now(), rows_max, limits };
    Ok(found::<Report>(&report::report(&wanted, &used)))
}

/// Shows how much of each budget is spent.
#[utoipa::path(get, path = "/api/budgets", tag = "reports",
    params(("tz" = Option<String>, Query, description = "The zone of the days, the machine's own unless told")),
    responses((status = 200, body = Budgets), (status = 400, body = Problem)))]
pub(super) async fn budgets(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let zone = zone_of(&app, &params)?;
    let budgets = budget::read(app.store()?, &app.config.budget, &zone, app.now()).await?;
    Ok(found::<Budgets>(&budgets))
}

/// Lists what models cost, and the models in use that have no price.
#[utoipa::path(get, path = "/api/prices", tag = "reports",
    responses((status = 200, body = PriceList)))]
pub(super) async fn price_list(State(app): Shared) -> Result<Response, ApiError> {
    let used = app.store()?.usage_over(UsageFilter::default(), |_| (i64::MIN, i64::MAX)).await?;
    Ok(found::<PriceList>(&prices::list(&app.prices, &used)))
}

/// Shows which sources know of a session, and what only one of them knows.
#[utoipa::path(get, path = "/api/sessions/{id}/provenance", tag = "reports",
    params(("id" = String, Path)),
    responses((status = 200, body = ProvenanceReport), (status = 404, body = Problem)))]
pub(super) async fn provenance(
    State(app): Shared,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let store = app.store()?;
    if store.session(id.clone()).await?.is_none() {
        return Err(ApiError::NotFound("Session not found".into()));
    }
    let parts = store.provenance(id.clone()).await?;
    Ok(found::<ProvenanceReport>(&report::provenance(id, &parts)))
}

/// Shows one event with what each source told of it.
#[utoipa::path(get, path = "/api/events/{id}", tag = "events",
    params(("id" = i64, Path)),
    responses((status = 200, body = EventWithTellings<'static>), (status = 404, body = Problem)))]
pub(super) async fn event(
    State(app): Shared,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::NotFound("Event not found".into());
    let number = id.parse().ok().filter(|&number: &i64| number > 0).ok_or_else(missing)?;
    let (store, number) = (app.store()?, EventNumber(number));
    let next = store.events_after(EventNumber(number.0 - 1), EventFilter::default(), 1).await?;
    let stored = next.into_iter().find(|stored| stored.number == number).ok_or_else(missing)?;
    let tellings = store.tellings(number).await?;
    let texts = store.texts(number, usize::MAX).await?;
    Ok(found(&EventWithTellings {
        event: crate::rows::event_row(&stored),
        tellings: tellings.into_iter().map(telling_row).collect(),
        texts: texts.into_iter().map(crate::rows::text_row).collect(),
    }))
}

/// Works out anew what every event with a model and usage costs, but for what agents stated.
///
/// Events wait while it does.
#[utoipa::path(post, path = "/control/costs/recalculate", tag = "control",
    request_body = RecalculateRequest,
    responses((status = 200, body = RecalculateReport), (status = 400, body = Problem)))]
pub(super) async fn recalculate(State(app): Shared, body: Body) -> Result<Response, ApiError> {
    let began = Instant::now();
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let RecalculateRequest { dry_run } = match body.is_empty() {
        true => RecalculateRequest::default(),
        false => serde_json::from_slice(&body).map_err(|error| {
            ApiError::Bad(format!("the request cannot be read: {error}").into())
        })?,
    };
    let prices = app.prices.clone();
    let price = move |stored: &oriel_model::StoredEvent| {
        price_of(&prices, &stored.event, stored.created_at.saturating_mul(1000))
    };
    let done = app.store()?.reprice(Box::new(price), dry_run).await?;
    Ok(found(&RecalculateReport {
        dry_run,
        updated: done.updated,
        unchanged: done.unchanged,
        stated: done.stated,
        unknown_models: Counts(done.unknown.into_iter().collect()),
        cost_before_usd: done.before.dollars(),
        cost_after_usd: done.after.dollars(),
        elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    }))
}

fn zone_of(app: &App, params: &Params) -> Result<TimeZone, ApiError> {
    match params.text("tz") {
        Some(text) => zone::zone(&text).map_err(|error| bad(&error)),
        None => Ok(app.config.clock.zone()),
    }
}

fn bad(error: &zone::ZoneError) -> ApiError {
    ApiError::Bad(error.to_string().into())
}

fn telling_row(told: Telling) -> TellingRow {
    TellingRow {
        source: told.source,
        event_id: told.event_id,
        told_at: rfc3339(told.told_at),
        client_timestamp: told.client_ms.map(iso_text),
        model: told.model,
        tokens_in: told.tokens.input,
        tokens_out: told.tokens.output,
        cache_read_tokens: told.tokens.cache_read,
        cache_write_tokens: told.tokens.cache_write,
        cache_write_1h_tokens: told.tokens.cache_write_1h,
        cost_usd: told.cost_usd,
        cost_is_stated: told.cost_is_stated,
        duration_ms: told.duration_ms,
    }
}
