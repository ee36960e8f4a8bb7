//! The one list of requests.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use tower::ServiceExt;

use super::audit::audited;
use super::error::ApiError;
use super::grants;
use super::guard::{Class, guard};
use super::opinions;
use super::reply::with_etag;
use super::{audit, board, gate, gateway, parts, stream, told, tools};
use super::{
    control, events, health, imports, notices, openapi, reports, search, sessions, states, stats,
};
use super::{modules, settings, setup, sync};
use crate::app::App;

/// A request that there is.
pub(crate) struct Route {
    pub method: Method,
    /// The path, with `{name}` for what varies.
    pub path: &'static str,
    pub class: Class,
    handler: fn() -> MethodRouter<Arc<App>>,
}

/// Every request that there is.
pub(crate) const ROUTES: &[Route] = &[
    ingest("/api/events", || post(events::post_event)),
    ingest("/api/events/batch", || post(events::post_batch)),
    ingest("/api/hooks/{agent}", || post(told::hook)),
    ingest("/api/gateway/events", || post(gateway::events)),
    ingest("/api/otel/v1/logs", || post(told::logs)),
    ingest("/api/otel/v1/metrics", || post(told::metrics)),
    ingest("/api/otel/v1/traces", || post(told::traces)),
    read("/api/events", || get(events::list)),
    read("/api/events/wait", || get(events::wait)),
    read("/api/stats", || get(stats::totals)),
    read("/api/stats/tools", || get(stats::tools)),
    read("/api/stats/cost", || get(stats::costs)),
    read("/api/stats/usage-monitor", || get(stats::usage)),
    read("/api/sessions", || get(sessions::list)),
    read("/api/sessions/{id}", || get(sessions::one)),
    read("/api/sessions/{id}/transcript", || get(sessions::transcript)),
    read("/api/search", || get(search::search)),
    read("/api/sessions/{id}/state", || get(states::one)),
    read("/api/waiting", || get(states::waiting)),
    read("/api/limits", || get(states::limits)),
    read("/api/notices", || get(notices::list)),
    read("/api/notices/counts", || get(notices::counts)),
    read("/api/filter-options", || get(sessions::filter_options)),
    read("/api/stream", || get(stream::stream)),
    read("/api/health", || get(health::health)),
    read("/api/openapi.json", || get(openapi::document)),
    read("/metrics", || get(health::metrics)),
    control(Method::GET, "/control/status", || get(control::status)),
    control(Method::GET, "/control/readiness", || get(control::readiness)),
    control(Method::POST, "/control/shutdown", || post(control::shutdown)),
    control(Method::POST, "/control/store/verify", || post(control::verify)),
    control(Method::POST, "/control/store/backup", || post(control::backup)),
    control(Method::POST, "/control/store/compact", || post(control::compact)),
    read("/api/reports", || get(reports::usage)),
    read("/api/budgets", || get(reports::budgets)),
    read("/api/prices", || get(reports::price_list)),
    read("/api/events/{id}", || get(reports::event)),
    read("/api/sessions/{id}/provenance", || get(reports::provenance)),
    control(Method::POST, "/control/costs/recalculate", || post(reports::recalculate)),
    control(Method::POST, "/control/notices/{id}/open", || post(notices::open)),
    control(Method::POST, "/control/notices/{id}/snooze", || post(notices::snooze)),
    control(Method::POST, "/control/notices/{id}/handle", || post(notices::handle)),
    control(Method::POST, "/control/imports", || post(imports::start)),
    control(Method::GET, "/control/imports", || get(imports::overview)),
    control(Method::GET, "/control/imports/{id}", || get(imports::one)),
    control(Method::DELETE, "/control/imports/{id}", || delete(imports::cancel)),
    control(Method::GET, "/control/archive", || get(imports::archive)),
    control(Method::POST, "/control/archive/restore", || post(imports::restore)),
    control(Method::POST, "/control/archive/verify", || post(imports::verify_archive)),
    read("/api/board", || get(board::board)),
    read("/api/sessions/table", || get(board::table)),
    read("/api/sessions/{id}/turns", || get(parts::turns)),
    read("/api/sessions/{id}/files", || get(parts::files)),
    read("/api/stats/tools/detail", || get(tools::detail)),
    control(Method::POST, "/control/readiness/{id}/{action}", || post(gate::act)),
    control(Method::POST, "/control/restart", || post(gate::restart)),
    control(Method::GET, AUDIT, || get(audit::list)),
    control(Method::POST, AUDIT, || post(audit::note)),
    read("/api/opinions", || get(opinions::list)),
    read("/api/opinions/{id}", || get(opinions::one)),
    control(Method::POST, "/control/opinions", || post(opinions::compose)),
    control(Method::POST, "/control/opinions/preview", || post(opinions::preview)),
    control(Method::POST, "/control/opinions/verify", || post(opinions::verify)),
    control(Method::GET, "/control/keys", || get(opinions::key)),
    control(Method::POST, "/control/keys", || post(opinions::create_key)),
    control(Method::GET, "/control/modules", || get(modules::list)),
    control(Method::GET, "/control/modules/{id}/reach", || get(modules::reach)),
    control(Method::POST, "/control/modules/{id}/{action}", || post(modules::act)),
    control(Method::GET, "/control/settings", || get(settings::list)),
    control(Method::POST, "/control/settings", || post(settings::change)),
    control(Method::GET, "/control/hooks", || get(setup::hooks)),
    control(Method::POST, "/control/hooks/{agent}/install", || post(setup::install)),
    control(Method::POST, "/control/hooks/{agent}/uninstall", || post(setup::uninstall)),
    control(Method::GET, "/control/setup", || get(setup::overview)),
    control(Method::POST, "/control/setup/test", || post(setup::test)),
    control(Method::GET, "/control/access", || get(setup::access)),
    control(Method::POST, "/control/token/rotate", || post(setup::rotate)),
    control(Method::GET, "/control/grants", || get(grants::list)),
    control(Method::POST, "/control/grants/revoke", || post(grants::revoke)),
    control(Method::GET, "/control/about", || get(setup::about)),
    read("/api/sessions/{id}/entries", || get(sessions::entries)),
    control(Method::GET, "/control/sync", || get(sync::list)),
    control(Method::GET, "/control/sync/events", || get(sync::events)),
    control(Method::GET, "/control/sync/{id}", || get(sync::one)),
    control(Method::GET, "/control/sync/{id}/conflict", || get(sync::conflict)),
    control(Method::POST, "/control/sync/start", || post(sync::start)),
    control(Method::POST, "/control/sync/stop", || post(sync::stop)),
    control(Method::POST, "/control/sync/confirm", || post(sync::confirm)),
    control(Method::POST, "/control/sync/resolve", || post(sync::resolve)),
    control(Method::POST, "/control/sync/verify", || post(sync::verify)),
];

/// Where the console tells of what it refused, which makes an entry of its own.
const AUDIT: &str = "/control/audit";

impl Route {
    /// Returns whether it is written down who asked for it.
    fn is_audited(&self) -> bool {
        self.class == Class::Control && self.method != Method::GET && self.path != AUDIT
    }
}

const fn ingest(path: &'static str, handler: fn() -> MethodRouter<Arc<App>>) -> Route {
    Route { method: Method::POST, path, class: Class::Ingest, handler }
}

const fn read(path: &'static str, handler: fn() -> MethodRouter<Arc<App>>) -> Route {
    Route { method: Method::GET, path, class: Class::Read, handler }
}

const fn control(
    method: Method,
    path: &'static str,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    Route { method, path, class: Class::Control, handler }
}

/// Returns the service that answers all of them.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let guarded = |class| from_fn_with_state((Arc::clone(app), class), guard);
    let mut router = Router::new();
    for route in ROUTES {
        let mut handler = (route.handler)();
        if route.class == Class::Read {
            handler = handler.layer(from_fn(with_etag));
        }
        handler = handler.layer(guarded(route.class));
        if route.is_audited() {
            handler = handler.layer(from_fn_with_state((Arc::clone(app), route.path), audited));
        }
        router = router.route(route.path, handler);
    }
    // What does not exist is as closed as what does.
    let router = router
        .method_not_allowed_fallback(nothing_there.layer(guarded(Class::Read)))
        .fallback(nothing_there.layer(guarded(Class::Read)))
        .with_state(Arc::clone(app));
    Router::new().fallback_service(router.map_request(with_usual_path))
}

/// Answers where there is nothing, or nothing of this method.
async fn nothing_there(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let allowed = allowed(path);
    if method == Method::OPTIONS && !allowed.is_empty() {
        let allow = HeaderValue::from_str(&allowed).unwrap_or(HeaderValue::from_static(""));
        return (StatusCode::OK, [(ALLOW, allow)], allowed).into_response();
    }
    ApiError::NotFound(format!("Cannot {method} {path}").into()).into_response()
}

/// Returns the methods that a path answers to.
fn allowed(path: &str) -> String {
    let mut methods = Vec::new();
    // A name of its own comes before one that varies, as in the router.
    let exact = ROUTES.iter().any(|route| route.path == path);
    let here = |route: &&Route| if exact { route.path == path } else { is_at(route.path, path) };
    for route in ROUTES.iter().filter(here) {
        methods.push(route.method.as_str());
        if route.method == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.join(",")
}

/// Returns whether a path is that of a route.
fn is_at(route: &str, path: &str) -> bool {
    let (mut of_route, mut of_path) = (route.split('/'), path.split('/'));
    loop {
        match (of_route.next(), of_path.next()) {
            (None, None) => return true,
            (Some(name), Some(part)) if name == part => {}
            (Some(name), Some(part)) if name.starts_with('{') && !part.is_empty() => {}
            _ => return false,
        }
    }
}

/// Writes the path as the routes do: in lower case but for names of sessions and opinions, and without a slash
/// at its end.
fn with_usual_path(mut request: Request) -> Request {
    let path = request.uri().path();
    let is_usual = !path.bytes().any(|byte| byte.is_ascii_uppercase())
        && (path.len() == 1 || !path.ends_with('/'));
    if is_usual {
        return request;
    }
    let usual = usual_path(path);
    let target = match request.uri().query() {
        Some(query) => format!("{usual}?{query}"),
        None => usual,
    };
    if let Ok(target) = target.parse::<Uri>() {
        *request.uri_mut() = target;
    }
    request
}

fn usual_path(path: &str) -> String {
    const SESSIONS: &str = "/api/sessions/";
    const OPINIONS: &str = "/api/opinions/";
    const SYNC: &str = "/control/sync/";
    let path = match path.strip_suffix('/') {
        Some("") | None => path,
        Some(shorter) => shorter,
    };
    let lower = path.to_ascii_lowercase();
    if lower.starts_with(OPINIONS) {
        return format!("{OPINIONS}{}", &path[OPINIONS.len()..]);
    }
    if lower.starts_with(SYNC) {
        return format!("{SYNC}{}", &path[SYNC.len()..]);
    }
    let Some(rest) = lower.strip_prefix(SESSIONS) else { return lower };
    let id = &path[SESSIONS.len()..];
    for part in ["/transcript", "/provenance", "/state", "/turns", "/files", "/entries"] {
        if let Some(shorter) = rest.strip_suffix(part) {
            return format!("{SESSIONS}{}{part}", &id[..shorter.len()]);
        }
    }
    format!("{SESSIONS}{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_the_routes_are() {
        for (path, expected) in [
            ("/API/Events/", "/api/events"),
            ("/", "/"),
            ("/api/Sessions/AbC", "/api/sessions/AbC"),
            ("/api/sessions/AbC/Transcript/", "/api/sessions/AbC/transcript"),
            ("/api/Sessions/AbC/Provenance", "/api/sessions/AbC/provenance"),
            ("/Metrics", "/metrics"),
            ("/API/Opinions/sha256:AbC/", "/api/opinions/sha256:AbC"),
            ("/Control/Sync/AbC/", "/control/sync/AbC"),
        ] {
            assert_eq!(usual_path(path), expected);
        }
    }

    #[test]
    fn a_path_is_one_of_a_route_where_all_of_its_parts_are() {
        assert_eq!(allowed("/api/events"), "POST,GET,HEAD");
        assert_eq!(allowed("/api/events/batch"), "POST");
        assert_eq!(allowed("/api/events/7"), "GET,HEAD");
        assert_eq!(allowed("/api/sessions/x"), "GET,HEAD");
        assert_eq!(allowed("/api/sessions/"), "");
        assert_eq!(allowed("/api"), "");
    }
}
