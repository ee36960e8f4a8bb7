//! Finding the words that were said again.

use axum::extract::State;
use axum::response::Response;
use oriel_model::Role;
use oriel_store::{Fragment, Hit, SearchCursor, SearchFilter, SearchQuery};
use oriel_wire::{Problem, SearchHit, SearchPage, SnippetPart};

use super::Shared;
use super::error::ApiError;
use super::params::Params;
use super::reply::found;
use crate::rows::event_row;

/// A page has so many hits where nothing is said.
const HITS: usize = 50;

/// A page has no more hits than this; a longer list is read in pages.
const HITS_MAX: usize = 200;

/// Searches what people asked, agents answered and tools read and wrote, newest first.
#[utoipa::path(get, path = "/api/search", tag = "events", params(
        ("q" = Option<String>, Query,
            description = "`words`, `\"a phrase\"`, `begin*`, `-without`, `one OR other`"),
        ("agent_type" = Option<String>, Query), ("session_id" = Option<String>, Query),
        ("project" = Option<String>, Query), ("branch" = Option<String>, Query),
        ("model" = Option<String>, Query), ("tool_name" = Option<String>, Query),
        ("role" = Option<String>, Query, description = "prompt, answer, input or output"),
        ("since" = Option<String>, Query, description = "A day in UTC, or a time"),
        ("until" = Option<String>, Query, description = "A day in UTC with all of it, or a time"),
        ("limit" = Option<i64>, Query, description = "50 unless told, 200 at most"),
        ("cursor" = Option<i64>, Query, description = "`next` of the page before")),
    responses((status = 200, body = SearchPage<'static>), (status = 400, body = Problem)))]
pub(super) async fn search(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let query = query(&params)?;
    let page = app.store()?.search(query).await?;
    Ok(found(&SearchPage {
        hits: page.hits.iter().map(hit).collect(),
        next: page.next.map(|SearchCursor(place)| place),
        total_is_at_least: page.total_is_at_least,
    }))
}

fn query(params: &Params) -> Result<SearchQuery, ApiError> {
    let role = params.text("role").map(|word| {
        let role = Role::from_word(word.trim());
        role.ok_or_else(|| {
            let known = Role::ALL.map(Role::as_str).join(", ");
            ApiError::Bad(format!("`role` is {word:?}; it is one of {known}").into())
        })
    });
    let cursor = params.text("cursor").map(|text| {
        let place = text.trim().parse().map(SearchCursor);
        place.map_err(|_| ApiError::Bad("`cursor` is no `next` of a page before".into()))
    });
    Ok(SearchQuery {
        words: params.text("q").unwrap_or_default(),
        filter: SearchFilter {
            agent_type: params.text("agent_type"),
            session: params.text("session_id"),
            project: params.text("project"),
            branch: params.text("branch"),
            model: params.text("model"),
            tool: params.text("tool_name"),
            role: role.transpose()?,
            since: params.since()?,
            until: params.until()?,
        },
        limit: params.limit("limit", HITS).min(HITS_MAX),
        cursor: cursor.transpose()?,
    })
}

fn hit(hit: &Hit) -> SearchHit<'_> {
    let part = |fragment: &Fragment| SnippetPart {
        text: fragment.text.clone(),
        matched: fragment.matched,
    };
    let snippet: Vec<_> = hit.snippet.iter().map(part).collect();
    SearchHit {
        event: event_row(&hit.event),
        role: hit.role.as_str().to_owned(),
        text: SearchHit::marked(&snippet),
        snippet,
    }
}
