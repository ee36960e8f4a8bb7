//! Orders to an agent, one piece of work after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{CancelNotification, ContentBlock, PromptRequest};
use agent_client_protocol::{Agent, Error, JsonRpcMessage as _, is_incoming_transport_closed};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use oriel_wire::gateway::EventBody;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::driver::Role;
use super::greeting::{is_login_wanted, words};
use super::requests::Desk;
use crate::agent::{News, ORDERS_MAX, Order};

/// How work ended.
pub(super) enum Worked {
    /// Nobody gives orders any more.
    Stopped,
    /// The agent is gone.
    Gone,
}

/// Hands orders to an agent until there are no more, or it is gone.
pub(super) async fn work(
    agent: &ConnectionTo<Agent>,
    session: &str,
    orders: &mut mpsc::Receiver<Order>,
    desk: &Arc<Desk>,
    news: &mpsc::Sender<News>,
    role: &Role,
) -> Worked {
    // Work that was given while other work runs. More than this is refused.
    let mut next: VecDeque<String> = VecDeque::new();
    let mut running: Option<BoxFuture<'static, Result<Value, Error>>> = None;
    let mut is_cancelled = false;
    loop {
        if running.is_none()
            && let Some(text) = next.pop_front()
        {
            desk.telling().is_replay = false;
            is_cancelled = false;
            running = Some(prompt(agent, session, text));
        }
        let ended = async {
            match running.as_mut() {
                Some(running) => running.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            order = orders.recv() => match order {
                None => return Worked::Stopped,
                Some(Order::Prompt(text)) if next.len() < ORDERS_MAX => next.push_back(text),
                Some(Order::Prompt(_)) => {
                    let much = Err("too much work waits already".to_owned());
                    _ = news.send(News::PromptEnded(much)).await;
                }
                Some(Order::Cancel) => {
                    is_cancelled = true;
                    cancel(agent, session, desk);
                    // What has not begun never will.
                    for _ in next.drain(..) {
                        _ = news.send(News::PromptEnded(Ok("cancelled".to_owned()))).await;
                    }
                }
            },
            answer = ended => {
                running = None;
                if answer.as_ref().is_err_and(is_incoming_transport_closed) {
                    return Worked::Gone;
                }
                // Some agents call it an error that they were stopped.
                let answer = match answer {
                    Err(_) if is_cancelled => Ok(json!({"stopReason": "cancelled"})),
                    answer => answer,
                };
                if tell(answer, desk, news, role).await.is_err() {
                    return Worked::Stopped;
                }
            }
            () = agent.incoming_closed() => return Worked::Gone,
        }
    }
}

fn prompt(
    agent: &ConnectionTo<Agent>,
    session: &str,
    text: String,
) -> BoxFuture<'static, Result<Value, Error>> {
    let request = PromptRequest::new(session.to_owned(), vec![ContentBlock::from(text)]);
    match request.to_untyped_message() {
        Ok(request) => agent.send_request(request).block_task().boxed(),
        Err(error) => std::future::ready(Err(error)).boxed(),
    }
}

fn cancel(agent: &ConnectionTo<Agent>, session: &str, desk: &Desk) {
    // It hears of the cancelling before its questions come back, so that it does not go on without an
    // answer.
    if let Err(error) = agent.send_notification(CancelNotification::new(session.to_owned())) {
        tracing::debug!(%error, "an agent went away before it was told to stop");
    }
    desk.asks.cancel();
}

async fn tell(
    answer: Result<Value, Error>,
    desk: &Desk,
    news: &mpsc::Sender<News>,
    role: &Role,
) -> Result<(), mpsc::error::SendError<News>> {
    let told = answer.as_ref().unwrap_or(&Value::Null);
    let usage = desk.telling().meter.turn(told);
    // Where the work failed, only what it cost says anything.
    let usage = usage.filter(|it| answer.is_ok() || it.cost_usd.is_some_and(|cost| 0.0 < cost));
    if let Some(usage) = usage {
        news.send(News::Happened(EventBody::TurnUsage { usage })).await?;
    }
    let ended = match answer {
        Ok(answer) => {
            let reason = answer.get("stopReason").and_then(Value::as_str);
            Ok(reason.unwrap_or("end_turn").to_owned())
        }
        Err(error) if is_login_wanted(&error) => Err(format!(
            "{} wants to know who you are ({}); log in with its own program first: {}",
            role.label,
            words(&error),
            role.hint
        )),
        Err(error) => Err(words(&error)),
    };
    news.send(News::PromptEnded(ended)).await
}
