//! What an agent wants of the gateway while it works: every request is answered, and every update told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_client_protocol::v1::Responder;
use agent_client_protocol::v1::schema::{
    CreateTerminalResponse, ReadTextFileResponse, RequestPermissionRequest, SessionNotification,
    WaitForTerminalExitResponse,
};
use agent_client_protocol::{Error, UntypedMessage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::asks::Asks;
use super::lines::Waiting;
use super::telling::Telling;
use super::terminals::{Terminals, refusal};
use super::texts::Texts;
use crate::agent::News;

/// How many requests of an agent may wait for their answers. One more is refused.
const REQUESTS_MAX: usize = 128;

/// What an agent's requests are answered with.
pub(super) struct Desk {
    pub(super) telling: Mutex<Telling>,
    pub(super) asks: Asks,
    pub(super) terminals: Terminals,
    pub(super) texts: Texts,
    pub(super) news: mpsc::Sender<News>,
    pub(super) waiting: Waiting,
    room: Arc<Semaphore>,
}

impl Desk {
    pub(super) fn new(
        telling: Telling,
        terminals: Terminals,
        texts: Texts,
        news: mpsc::Sender<News>,
    ) -> Self {
        Self {
            telling: Mutex::new(telling),
            asks: Asks::new(news.clone()),
            terminals,
            texts,
            news,
            waiting: Waiting::new(),
            room: Arc::new(Semaphore::new(REQUESTS_MAX)),
        }
    }

    pub(super) fn telling(&self) -> MutexGuard<'_, Telling> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what an agent said unasked. What is not understood is passed over.
    pub(super) async fn notified(&self, message: UntypedMessage) {
        if message.method == "session/update" {
            match serde_json::from_value::<SessionNotification>(message.params) {
                Ok(told) => {
                    let events = self.telling().update(told.update);
                    for event in events {
                        self.tell(News::Happened(event)).await;
                    }
                }
                Err(error) => tracing::debug!(%error, "an agent's update is not understood"),
            }
        }
        self.waiting.handled();
    }

    /// Answers a request, at once or later.
    pub(super) async fn requested(self: &Arc<Self>, message: UntypedMessage, responder: Responder) {
        self.waiting.handled();
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return answer(responder, Err(refusal("too many requests wait for their answers")));
        };
        // What is asked stands between what was told before and what is told after.
        let open = match message.method.as_str() {
            "session/request_permission" => match parse::<RequestPermissionRequest>(&message) {
                Ok(request) => {
                    let id = request.tool_call.tool_call_id.to_string();
                    let (events, title) = self.telling().asked(request.tool_call);
                    for event in events {
                        self.tell(News::Happened(event)).await;
                    }
                    Some(self.asks.permission(id, title, request.options).await)
                }
                Err(error) => return answer(responder, Err(error)),
            },
            _ => None,
        };
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            let result = match open {
                Some(open) => to_value(open.leave().await),
                None => desk.serve(message).await,
            };
            answer(responder, result);
            drop(room);
        });
    }

    async fn serve(self: &Arc<Self>, message: UntypedMessage) -> Result<Value, Error> {
        match message.method.as_str() {
            "fs/read_text_file" => {
                let request = parse(&message)?;
                let texts = self.texts.clone();
                let text = blocking(move || texts.read(&request)).await?;
                to_value(ReadTextFileResponse::new(text))
            }
            "fs/write_text_file" => {
                let request = parse(&message)?;
                let texts = self.texts.clone();
                let path = blocking(move || texts.write(&request)).await?;
                self.tell(News::Touched(path)).await;
                Ok(json!({}))
            }
            "terminal/create" => {
                let id = self.terminals.create(parse(&message)?).await?;
                to_value(CreateTerminalResponse::new(id))
            }
            "terminal/output" => to_value(self.terminals.output(&terminal(&message)?)?),
            "terminal/wait_for_exit" => {
                let status = self.terminals.wait(&terminal(&message)?).await?;
                to_value(WaitForTerminalExitResponse::new(status))
            }
            "terminal/kill" => self.terminals.kill(&terminal(&message)?).map(|()| json!({})),
            "terminal/release" => self.terminals.release(&terminal(&message)?).map(|()| json!({})),
            "elicitation/create" => to_value(self.asks.form(parse(&message)?).await),
            _ => Err(Error::method_not_found()),
        }
    }

    async fn tell(&self, news: News) {
        // Where nobody listens any more the agent is about to be ended.
        _ = self.news.send(news).await;
    }
}

fn answer(responder: Responder, result: Result<Value, Error>) {
    if let Err(error) = responder.respond_with_result(result) {
        tracing::debug!(%error, "an agent went away before it had its answer");
    }
}

fn parse<T: DeserializeOwned>(message: &UntypedMessage) -> Result<T, Error> {
    T::deserialize(&message.params).map_err(|error| refusal(&error.to_string()))
}

fn terminal(message: &UntypedMessage) -> Result<String, Error> {
    let id = message.params.get("terminalId").and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| refusal("`terminalId` is missing"))
}

fn to_value(answer: impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(Error::into_internal_error)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::into_internal_error)?
}
