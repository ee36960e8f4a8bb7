//! The first run: nothing is recorded yet, and the page says in three steps how something will be.

use axum::Extension;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use oriel_wire::setup::{SetupOverview, SetupTest, SetupTestRequest};

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::guard::Visitor;
use crate::live::After;
use crate::live::regions::Regions;
use crate::page::{Page, shown};
use crate::sessions::Said;

/// Shows how to get going.
pub(super) async fn page(app: &App) -> Result<Page, PageError> {
    // What is not known is only not offered.
    let setup = app.runtime.get::<SetupOverview>("/control/setup").await.unwrap_or_default();
    let histories: Vec<_> =
        setup.histories.into_iter().filter(|history| !history.folders.is_empty()).collect();
    let hooks: Vec<_> = setup.hooks.into_iter().filter(|hook| hook.found).collect();
    let hooked = hooks.iter().any(|hook| hook.installed == "ours");
    let shows = context! {
        first_run => true,
        histories => shown(&histories),
        hooks => shown(&hooks),
        hooked,
        importing => setup.importing,
    };
    let live = Regions::new("/live/now", &After::default(), 0).url();
    Ok(Page::new("now", "Live", shows).live(live))
}

/// Has the page loaded whole: with the first event it is another page.
pub(super) fn over() -> Page {
    let regions = Regions::new("/live/now", &After::default(), 0);
    Page::new("now", "", context! {}).regions(regions).header("hx-refresh", "true")
}

/// Has a test event told, in the way in which agents tell.
pub(crate) async fn test(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, PageError> {
    let told = app
        .runtime
        .tell::<SetupTest>(
            Method::POST,
            "/control/setup/test",
            &SetupTestRequest::default(),
            &visitor.actor(),
        )
        .await;
    let said = match told {
        Ok(told) => Said {
            ok: true,
            text: format!("A test event was recorded in {:.0} ms.", told.elapsed_ms),
        },
        Err(AskError::Refused { problem, .. }) => {
            Said { ok: false, text: format!("No test event was recorded: {problem}.") }
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(session) = &visitor.session {
        app.sessions.say(session, said);
    }
    Ok(Redirect::to("/").into_response())
}
