//! The one list of requests.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use crate::app::App;
use crate::dress::dress;
use crate::error::PageError;
use crate::guard::{Class, Visitor, guard};
use crate::shrink::shrink;
use crate::{assets, live, mount, pages};

/// A request that there is.
pub(crate) struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "tests go through all requests"))]
    pub(crate) method: Method,
    /// The path, with `{name}` for what varies.
    pub(crate) path: &'static str,
    pub(crate) class: Class,
    handler: fn() -> MethodRouter<Arc<App>>,
}

/// Every request that there is.
pub(crate) const ROUTES: &[Route] = &[
    open("/static/{name}", || get(assets::asset)),
    open("/desktop/ready", || get(pages::status::ready)),
    open("/session/open/{secret}", || get(pages::session::open)),
    read("/", || get(pages::now::page)),
    read("/status", || get(pages::status::page)),
    read("/live/frame", || get(live::frame)),
    read("/inbox", || get(pages::inbox::page)),
    change("/inbox", || post(pages::inbox::act)),
    read("/live/inbox", || get(pages::inbox::live)),
    read("/imports", || get(pages::imports::page)),
    change("/imports", || post(pages::imports::start)),
    change("/imports/cancel", || post(pages::imports::cancel)),
    read("/live/imports", || get(pages::imports::live)),
    read("/costs", || get(pages::costs::page)),
    read("/costs.csv", || get(pages::costs::csv)),
    read("/tools", || get(pages::tools::page)),
    read("/readiness", || get(pages::readiness::page)),
    change("/readiness", || post(pages::readiness::act)),
    change("/restart", || post(pages::readiness::restart_daemon)),
    read("/restarting", || get(pages::readiness::restarting)),
    read("/opinions", || get(pages::opinions::page)),
    change("/opinions", || post(pages::opinions::sign)),
    read("/opinions/new", || get(pages::opinions::compose)),
    change("/opinions/key", || post(pages::opinions::create_key)),
    read("/opinions/verify", || get(pages::opinions::verify_form)),
    change("/opinions/verify", || post(pages::opinions::verify)),
    read("/opinions/{id}", || get(pages::opinions::one)),
    read("/opinions/{id}/record", || get(pages::opinions::record)),
    read("/modules", || get(pages::modules::list)),
    change("/modules", || post(pages::modules::act)),
    read("/modules/{id}", || get(pages::modules::to_root)),
    read("/modules/{id}/", || get(mount::root)),
    read("/modules/{id}/{*rest}", || get(mount::below)),
    change("/modules/{id}/", || post(mount::root)),
    change("/modules/{id}/{*rest}", || post(mount::below)),
    change("/theme", || post(pages::session::theme)),
    read("/sessions", || get(pages::sessions::page)),
    read("/sessions/{id}", || get(pages::sessions::one::page)),
    read("/sessions/{id}/export", || get(pages::sessions::export::file)),
    read("/live/sessions", || get(pages::sessions::news)),
    read("/live/session", || get(pages::sessions::live::session)),
    read("/agents", || get(pages::agents::page)),
    change("/agents", || post(pages::agents::create)),
    read("/agents/{id}", || get(pages::agents::one::page)),
    change("/agents/{id}", || post(pages::agents::act::act)),
    read("/agents/{id}/events/{seq}", || get(pages::agents::one::event)),
    read("/live/agents", || get(pages::agents::news)),
    read("/live/agent", || get(pages::agents::live::session)),
    read("/events/{id}", || get(pages::event::page)),
    read("/search", || get(pages::search::page)),
    read("/live/now", || get(pages::now::live)),
    change("/first-run/test", || post(pages::now::test)),
    read("/palette", || get(pages::palette::page)),
    read("/live/status", || get(pages::status::live)),
    read("/status/metrics", || get(pages::status::metrics)),
    read("/status/openapi.json", || get(pages::status::description)),
    read("/settings", || get(pages::settings::page)),
    change("/settings", || post(pages::settings::change)),
    read("/settings/hooks", || get(pages::settings::hooks::page)),
    change("/settings/hooks", || post(pages::settings::hooks::act)),
    read("/settings/sources", || get(pages::settings::sources::page)),
    read("/settings/access", || get(pages::settings::access::page)),
    change("/settings/access", || post(pages::settings::access::act)),
    read("/settings/folders", || get(pages::settings::folders::page)),
    change("/settings/folders", || post(pages::settings::folders::act)),
    read("/settings/audit", || get(pages::settings::audit::page)),
    read("/settings/about", || get(pages::settings::about::page)),
    read("/sync", || get(pages::sync::page)),
    change("/sync", || post(pages::sync::act)),
    read("/live/sync", || get(pages::sync::news)),
    read("/sync/{session}/conflict", || get(pages::sync::conflict::page)),
    change("/sync/{session}/conflict", || post(pages::sync::conflict::resolve)),
];

const fn open(path: &'static str, handler: fn() -> MethodRouter<Arc<App>>) -> Route {
    Route { method: Method::GET, path, class: Class::Open, handler }
}

const fn read(path: &'static str, handler: fn() -> MethodRouter<Arc<App>>) -> Route {
    Route { method: Method::GET, path, class: Class::Read, handler }
}

const fn change(path: &'static str, handler: fn() -> MethodRouter<Arc<App>>) -> Route {
    Route { method: Method::POST, path, class: Class::Change, handler }
}

/// Returns the service that answers all of them.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let guarded = |class| from_fn_with_state((Arc::clone(app), class), guard);
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, (route.handler)().layer(guarded(route.class)));
    }
    router
        // Made by whoever can read the data directory, who proves it with the token.
        .route("/session/links", post(pages::session::new_link).layer(guarded(Class::Open)))
        .method_not_allowed_fallback(wrong_method.layer(guarded(Class::Open)))
        .fallback(nothing_there.layer(guarded(Class::Read)))
        .with_state(Arc::clone(app))
        .layer(from_fn_with_state(Arc::clone(app), dress))
        .layer(from_fn(shrink))
}

async fn nothing_there(uri: Uri) -> PageError {
    PageError::NotFound(format!("there is no page at {}", uri.path()))
}

/// Refuses a method that an address does not take. Where the address changes something, that is worth a
/// line in the audit: a page elsewhere may be trying.
async fn wrong_method(State(app): State<Arc<App>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or_default();
    let refusal = PageError::Method(if method == Method::GET || method == Method::HEAD {
        "POST"
    } else {
        "GET"
    });
    app.audit_refusal(&visitor, &method, &path, &refusal);
    refusal.into_response()
}
