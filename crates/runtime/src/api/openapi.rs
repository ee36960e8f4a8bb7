//! The API's own description, made from the handlers and the wire types.

use axum::response::Response;
use utoipa::OpenApi;

use super::grants;
use super::opinions;
use super::reply::found;
use super::{audit, board, gate, gateway, parts, stream, told, tools};
use super::{control, events, health, imports, notices, reports, search, sessions, states, stats};
use super::{modules, settings, setup, sync};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Oriel runtime",
        description = "Takes in agents' events, keeps them, answers questions about them and streams them.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        events::post_event, events::post_batch, events::list, events::wait,
        told::hook, gateway::events, told::logs, told::metrics, told::traces,
        stats::totals, stats::tools, stats::costs, stats::usage,
        sessions::list, sessions::one, sessions::transcript, sessions::filter_options,
        search::search,
        states::one, states::waiting, states::limits, notices::list, notices::counts,
        notices::open, notices::snooze, notices::handle,
        stream::stream, health::health, health::metrics, document,
        control::status, control::readiness, control::shutdown,
        control::verify, control::backup, control::compact,
        reports::usage, reports::budgets, reports::price_list, reports::event,
        reports::provenance, reports::recalculate,
        imports::start, imports::overview, imports::one, imports::cancel,
        imports::archive, imports::restore, imports::verify_archive,
        board::board, board::table, parts::turns, parts::files, tools::detail,
        gate::act, gate::restart, audit::list, audit::note,
        opinions::list, opinions::one, opinions::compose, opinions::preview, opinions::verify,
        opinions::key, opinions::create_key,
        modules::list, modules::reach, modules::act,
        settings::list, settings::change, setup::hooks, setup::install, setup::uninstall,
        setup::overview, setup::test, setup::access, setup::rotate, setup::about,
        sessions::entries, grants::list, grants::revoke,
        sync::list, sync::one, sync::conflict, sync::events, sync::start, sync::stop, sync::confirm,
        sync::resolve, sync::verify,
    ),
    components(schemas(oriel_wire::EventsAfter<'static>))
)]
struct Api;

/// Returns the description of the API as JSON text.
#[must_use]
pub fn openapi_json() -> String {
    Api::openapi().to_pretty_json().expect("a description has string keys")
}

/// Describes the API.
#[utoipa::path(get, path = "/api/openapi.json", tag = "health",
    responses((status = 200, body = Object)))]
pub(super) async fn document() -> Response {
    found(&Api::openapi())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::routes::ROUTES;
    use super::*;

    #[test]
    fn the_description_names_every_route_and_no_other() {
        let api = serde_json::to_value(Api::openapi()).unwrap();
        let described: BTreeSet<String> = api["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let routed: BTreeSet<String> =
            ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        assert_eq!(described, routed);
    }
}
