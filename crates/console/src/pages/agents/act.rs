//! Doing something with a session of the gateway: giving its agent work, telling it more, stopping it,
//! answering it, and naming, putting away or deleting the session.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use oriel_wire::gateway::Answer;

use super::of_agent;
use super::one::{Asked, Kept};
use crate::app::{App, Shared};
use crate::error::PageError;
use crate::form::Form;
use crate::gateway::GatewayError;
use crate::guard::Visitor;

/// What was done.
struct Done {
    /// For the audit.
    detail: String,
    /// For the person, unless the page shows it by itself.
    says: Option<String>,
    /// Where the page goes on.
    to: String,
}

/// Does something with a session.
pub(crate) async fn act(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let url = of_agent(&id);
    let action = form.get("action").unwrap_or_default().to_owned();
    if action == "delete" && form.get("sure") != Some("delete") {
        return Ok(Redirect::to(&format!("{url}?sure=delete#manage")).into_response());
    }
    match app.do_agent(&id, &action, &form).await {
        Ok(done) => {
            app.audit_agents(&visitor, &url, StatusCode::SEE_OTHER, &done.detail);
            if let Some(says) = done.says {
                app.tell_visitor(&visitor, true, says);
            }
            Ok(Redirect::to(&done.to).into_response())
        }
        Err(error) => {
            let detail = format!("{action}: {error}");
            app.audit_agents(&visitor, &url, error.status(), &detail);
            app.not_done(&visitor, &id, &action, &form, error).await
        }
    }
}

impl App {
    async fn do_agent(&self, id: &str, action: &str, form: &Form) -> Result<Done, PageError> {
        let at = |place: &str| format!("{}#{place}", of_agent(id));
        let done = |detail: &str, says: Option<&str>, to: String| Done {
            detail: detail.to_owned(),
            says: says.map(str::to_owned),
            to,
        };
        match action {
            "run" => {
                let (text, turn) = (&words(form)?, form.get("turn").map(str::to_owned));
                let begun = self.gateway.ask(|gateway| {
                    let turn = turn.clone();
                    async move { gateway.run_turn(id, text, turn).await }
                });
                let turn = begun.await?;
                Ok(done(&format!("began turn {turn}"), None, at("end")))
            }
            "steer" => {
                let text = &words(form)?;
                self.gateway.ask(|gateway| async move { gateway.steer(id, text).await }).await?;
                Ok(done("told the agent more", None, at("end")))
            }
            "stop" => {
                self.gateway.ask(|gateway| async move { gateway.stop_turn(id).await }).await?;
                Ok(done("stopped the turn", Some("The agent is told to stop."), at("end")))
            }
            "answer" => {
                let question = required(form, "question", "the form names no question")?;
                let answer = &answer(form)?;
                let given = self.gateway.ask(|gateway| async move {
                    gateway.answer_question(id, question, answer.clone()).await
                });
                given.await?;
                let detail = format!("answered question {question}");
                Ok(done(&detail, Some("The agent has your answer."), at("end")))
            }
            "rename" => {
                let name = required(form, "name", "a session has to have a name")?;
                let named = self
                    .gateway
                    .ask(|gateway| async move { gateway.rename_session(id, name).await });
                let says = format!("It is called {} now.", named.await?.name);
                Ok(done("renamed the session", Some(&says), of_agent(id)))
            }
            "archive" => {
                self.gateway
                    .ask(|gateway| async move { gateway.archive_session(id).await })
                    .await?;
                let says = "It is put away. It stands among the archived sessions.";
                Ok(done("put the session away", Some(says), of_agent(id)))
            }
            "unarchive" => {
                let taken =
                    self.gateway.ask(|gateway| async move { gateway.unarchive_session(id).await });
                taken.await?;
                Ok(done("took the session out", Some("It is in the list again."), of_agent(id)))
            }
            "delete" => {
                self.gateway.ask(|gateway| async move { gateway.delete_session(id).await }).await?;
                let says = "The session and all that the gateway kept of it are gone.";
                Ok(done("deleted the session", Some(says), "/agents".to_owned()))
            }
            _ => Err(PageError::Bad("the form says nothing that can be done".to_owned())),
        }
    }

    /// Says why something was not done. What a person wrote is still there.
    async fn not_done(
        self: &Arc<Self>,
        visitor: &Visitor,
        id: &str,
        action: &str,
        form: &Form,
        error: PageError,
    ) -> Result<Response, PageError> {
        let is_refusal = match &error {
            PageError::Gateway(error) => error.is_refusal(),
            error => matches!(error, PageError::Bad(_)),
        };
        let status = error.status();
        if matches!(action, "run" | "steer") && status != StatusCode::NOT_FOUND {
            let kept = Kept {
                text: form.raw("text").unwrap_or_default().to_owned(),
                problem: Some(error.to_string()),
                turn: form.get("turn").map(str::to_owned),
            };
            let status = match status {
                StatusCode::BAD_REQUEST => StatusCode::UNPROCESSABLE_ENTITY,
                status => status,
            };
            return match self.agent_page(id, &Asked::default(), kept.clone(), status).await {
                Ok(page) => Ok(page.into_response()),
                // The gateway is away, so nothing of the session can be shown but what was written.
                Err(PageError::Gateway(away)) => Ok(unsent(id, &kept, &away)),
                Err(other) => Err(other),
            };
        }
        let is_known = status != StatusCode::NOT_FOUND
            && ["answer", "stop", "rename", "archive", "unarchive", "delete"].contains(&action);
        if is_refusal && is_known {
            self.tell_visitor(visitor, false, error.to_string());
            return Ok(Redirect::to(&of_agent(id)).into_response());
        }
        Err(error)
    }
}

/// Returns a page with what a person wrote, to be sent once the gateway is back.
fn unsent(id: &str, kept: &Kept, away: &GatewayError) -> Response {
    let shows = minijinja::context! {
        url => of_agent(id), kept => crate::page::shown(kept), why => away.to_string(),
    };
    crate::page::Page::new("agents/unsent", "Not sent", shows).status(away.status()).into_response()
}

fn required<'a>(form: &'a Form, name: &str, otherwise: &str) -> Result<&'a str, PageError> {
    form.get(name).ok_or_else(|| PageError::Bad(otherwise.to_owned()))
}

/// Returns what a person wrote, with the ends of lines that agents expect.
fn words(form: &Form) -> Result<String, PageError> {
    let text = required(form, "text", "write what the agent is to do")?;
    Ok(text.replace("\r\n", "\n"))
}

fn answer(form: &Form) -> Result<Answer, PageError> {
    match form.raw("option") {
        // An option is known by its name as it is, blanks and all.
        Some(option) if !option.is_empty() => Ok(Answer::Text(option.to_owned())),
        _ => {
            let text = required(form, "text", "choose or write an answer")?;
            Ok(Answer::Text(text.replace("\r\n", "\n")))
        }
    }
}
