//! Hooks: how they stand with each agent, what installing them would change, and what is set up by hand.

use axum::Extension;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future::try_join;
use minijinja::context;
use oriel_wire::setup::{
    HookChanged, HookInstall, HookList, SetupOverview, SetupTest, SetupTestRequest,
};

use crate::app::{App, Shared};
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::page::{Page, shown};

const HERE: &str = "/settings/hooks";

/// Shows how hooks stand.
pub(crate) async fn page(State(app): Shared) -> Result<Page, PageError> {
    let (hooks, overview) = try_join(
        app.runtime.get::<HookList>("/control/hooks"),
        app.runtime.get::<SetupOverview>("/control/setup"),
    )
    .await?;
    let shows = context! {
        tab => "hooks",
        agents => shown(&hooks.agents),
        otlp => shown(&overview.otlp),
        last_test_at => overview.last_test_at,
    };
    Ok(Page::new("settings/hooks", "Hooks", shows))
}

/// Installs or uninstalls hooks, or sends a test event.
pub(crate) async fn act(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let agent = form.get("agent");
    let agent = agent.ok_or_else(|| PageError::Bad("the form names no agent".into()))?;
    let done = match form.get("action") {
        Some("install") => {
            let wanted = HookInstall { statusline: form.get("statusline").is_some() };
            app.change_hooks(&visitor, agent, "install", &wanted).await
        }
        Some("uninstall") => {
            app.change_hooks(&visitor, agent, "uninstall", &serde_json::json!({})).await
        }
        Some("test") => app.send_test(&visitor, agent).await,
        _ => return Err(PageError::Bad("the form names nothing to do".into())),
    };
    match done {
        Ok(text) => {
            app.tell_visitor(&visitor, true, text);
            Ok(Redirect::to(HERE).into_response())
        }
        Err(error) => app.refused_on(&visitor, HERE, error),
    }
}

impl App {
    async fn change_hooks(
        &self,
        visitor: &Visitor,
        agent: &str,
        doing: &str,
        body: &(impl serde::Serialize + Sync),
    ) -> Result<String, crate::ask::AskError> {
        let agent: String = form_urlencoded::byte_serialize(agent.as_bytes()).collect();
        let path = format!("/control/hooks/{agent}/{doing}");
        let changed: HookChanged =
            self.runtime.tell(Method::POST, &path, body, &visitor.actor()).await?;
        let label = &changed.agent.label;
        let done = match (changed.changed, doing) {
            (false, _) => return Ok(format!("Nothing was to change in the settings of {label}.")),
            (true, "install") => format!(
                "The hooks of {label} are installed; sessions that it begins from now on have them."
            ),
            (true, _) => format!("The hooks of {label} are uninstalled."),
        };
        Ok(match changed.backup {
            Some(backup) => format!("{done} What the file was before is kept in {backup}."),
            None => done,
        })
    }

    async fn send_test(
        &self,
        visitor: &Visitor,
        agent: &str,
    ) -> Result<String, crate::ask::AskError> {
        let body = SetupTestRequest { agent_type: Some(agent.to_owned()) };
        let told: SetupTest =
            self.runtime.tell(Method::POST, "/control/setup/test", &body, &visitor.actor()).await?;
        Ok(format!(
            "The test event is on disk: number {}, {:.1} ms after its first byte.",
            told.number, told.elapsed_ms
        ))
    }
}
