//! Settings: what each is, who said so, and a form that writes it into the file. What runs stays as it is
//! until a restart, which the page offers as soon as there is a reason for one.

pub(crate) mod about;
pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod folders;
pub(crate) mod hooks;
pub(crate) mod sources;

mod entry;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future::join;
use minijinja::context;
use oriel_wire::Invalid;
use oriel_wire::control::Readiness;
use oriel_wire::settings::{SettingChange, SettingChanged, SettingsList};
use serde::{Deserialize, Serialize};

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::form::Form;
use crate::guard::Visitor;
use crate::page::{Page, shown};
use crate::sessions::Said;
use entry::{groups, posted};

/// Which settings are looked at.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(crate) struct Ask {
    /// A part of a key, of its help or of its value.
    #[serde(default)]
    q: String,
    /// `set` for those that somebody set, `pending` for those that wait for a restart.
    #[serde(default)]
    only: String,
}

/// What was posted and not written.
struct Refused<'a> {
    key: &'a str,
    typed: &'a str,
    problem: String,
}

/// Shows settings.
pub(crate) async fn page(State(app): Shared, Query(ask): Query<Ask>) -> Result<Page, PageError> {
    let list = app.settings().await?;
    Ok(app.shows_settings(&list, &ask, None).await)
}

/// Writes a setting, or takes it out of the file.
pub(crate) async fn change(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    form: Form,
) -> Result<Response, PageError> {
    let ask = Ask {
        q: form.get("q").unwrap_or_default().to_owned(),
        only: form.get("only").unwrap_or_default().to_owned(),
    };
    let key = form.get("key").ok_or_else(|| PageError::Bad("the form names no setting".into()))?;
    let typed = form.raw("value").unwrap_or_default();
    let list = app.settings().await?;
    let setting = list.settings.iter().find(|setting| setting.key == key);
    let setting =
        setting.ok_or_else(|| PageError::NotFound(format!("there is no setting {key:?}")))?;
    let value = match form.get("action") {
        Some("save") => Some(posted(setting, typed)),
        Some("reset") => None,
        _ => return Err(PageError::Bad("the form names nothing to do with it".into())),
    };
    let body = SettingChange { key: key.to_owned(), value };
    let told = app.runtime.tell(Method::POST, "/control/settings", &body, &visitor.actor()).await;
    match told {
        Ok(changed) => {
            app.tell_visitor(&visitor, true, what_changed(&changed));
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("q", &ask.q)
                .append_pair("only", &ask.only)
                .finish();
            Ok(Redirect::to(&format!("/settings?{query}#set-{key}")).into_response())
        }
        Err(AskError::Refused { status, problem, body }) if status.is_client_error() => {
            let refused = Refused { key, typed, problem: what_is_wrong(key, problem, &body) };
            let page = app.shows_settings(&list, &ask, Some(&refused)).await;
            Ok(page.status(status).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn what_changed(changed: &SettingChanged) -> String {
    let SettingChanged { key, file_value, next_value, .. } = changed;
    if !changed.changed {
        return format!("The file says that of {key} already.");
    }
    let done = match file_value {
        Some(_) => format!("{key} is written into the file."),
        None => format!("{key} is taken out of the file."),
    };
    match &changed.overridden_by {
        Some(over) => format!("{done} It has no effect while {over} says otherwise."),
        None if next_value.is_empty() => format!("{done} It is without a value after a restart."),
        None if next_value.len() > 80 || next_value.contains('\n') => {
            format!("{done} It takes effect after a restart.")
        }
        None => format!("{done} It is {next_value} after a restart."),
    }
}

/// Returns what to say beside a field. The whole file is checked, so it may be about another key.
fn what_is_wrong(key: &str, problem: String, body: &[u8]) -> String {
    let Ok(invalid) = serde_json::from_slice::<Invalid>(body) else { return problem };
    let said = invalid.details.iter().map(|one| match one.field.as_ref() {
        field if field == key => one.message.to_string(),
        field => format!("{field}: {}", one.message),
    });
    match said.collect::<Vec<_>>() {
        said if said.is_empty() => problem,
        said => said.join("; "),
    }
}

impl App {
    async fn settings(&self) -> Result<SettingsList, PageError> {
        Ok(self.runtime.get("/control/settings").await?)
    }

    async fn shows_settings(
        &self,
        list: &SettingsList,
        ask: &Ask,
        refused: Option<&Refused<'_>>,
    ) -> Page {
        let readiness = self.runtime.get::<Readiness>("/control/readiness");
        let (readiness, groups) = join(readiness, async { groups(list, ask, refused) }).await;
        let shows = context! {
            tab => "settings",
            file => list.file.as_str(),
            file_exists => list.file_exists,
            problem => list.problem.as_deref(),
            warnings => shown(&list.warnings),
            restart_needed => list.restart_needed,
            pending => list.settings.iter().filter(|setting| setting.pending).count(),
            restartable => readiness.is_ok_and(|readiness| readiness.restartable),
            refused => refused.map(|one| context! { key => one.key, problem => one.problem.as_str() }),
            shown => groups.iter().map(|group| group.settings.len()).sum::<usize>(),
            all => list.settings.len(),
            groups => shown(&groups),
            ask => shown(ask),
        };
        Page::new("settings", "Settings", shows)
    }

    /// Has something said on the visitor's next page.
    pub(crate) fn tell_visitor(&self, visitor: &Visitor, ok: bool, text: String) {
        if let Some(session) = &visitor.session {
            self.sessions.say(session, Said { ok, text });
        }
    }

    /// Leads back to a page on which is said what the runtime refused. What it did not refuse in words
    /// is an error.
    fn refused_on(
        &self,
        visitor: &Visitor,
        to: &str,
        error: AskError,
    ) -> Result<Response, PageError> {
        match error {
            AskError::Refused { status, problem, .. }
                if status.is_client_error() && status != StatusCode::UNAUTHORIZED =>
            {
                self.tell_visitor(visitor, false, problem);
                Ok(Redirect::to(to).into_response())
            }
            error => Err(error.into()),
        }
    }
}
