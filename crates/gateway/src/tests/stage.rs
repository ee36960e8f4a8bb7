//! Agents that a test plays: it sees what each was started with and told, and says what it does.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use oriel_wire::gateway::{AnswerOption, EventBody, OptionKind};
use tokio::sync::{mpsc, oneshot};

use super::PATIENCE;
use crate::agent::{
    Agent, AgentError, Asked, Given, NEWS_MAX, News, ORDERS_MAX, Order, Ready, Start, StartsAgents,
};

/// Where agents play.
pub(super) struct Stage {
    entrances: mpsc::UnboundedSender<Played>,
    played: tokio::sync::Mutex<mpsc::UnboundedReceiver<Played>>,
    /// Why no agent can be started right now.
    pub(super) problem: Mutex<Option<String>>,
}

/// An agent that the test plays.
pub(super) struct Played {
    pub(super) start: Start,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) news: mpsc::Sender<News>,
}

impl Stage {
    pub(super) fn new() -> Arc<Self> {
        let (entrances, played) = mpsc::unbounded_channel();
        let played = tokio::sync::Mutex::new(played);
        Arc::new(Self { entrances, played, problem: Mutex::default() })
    }

    /// Returns the agent that was started next.
    pub(super) async fn next(&self) -> Played {
        let next = async { self.played.lock().await.recv().await };
        let next = tokio::time::timeout(PATIENCE, next).await;
        next.expect("no agent was started").unwrap()
    }

    /// Returns whether an agent was started that nobody has taken.
    pub(super) async fn has_more(&self) -> bool {
        !self.played.lock().await.is_empty()
    }
}

impl StartsAgents for Stage {
    fn start(&self, start: Start) -> BoxFuture<'static, Result<Agent, AgentError>> {
        let problem = self.problem.lock().unwrap().clone();
        let entrances = self.entrances.clone();
        Box::pin(async move {
            if let Some(problem) = problem {
                return Err(AgentError(problem));
            }
            let (orders, taken) = mpsc::channel(ORDERS_MAX);
            let (told, news) = mpsc::channel(NEWS_MAX);
            // A test that has ended plays nobody.
            _ = entrances.send(Played { start, orders: taken, news: told });
            Ok(Agent { orders, news })
        })
    }

    fn knows(&self, agent_type: &str) -> bool {
        agent_type == "played"
    }

    fn names(&self) -> Vec<String> {
        vec!["played".to_owned()]
    }

    fn monitor_name(&self, _: &str) -> Option<String> {
        Some("played".to_owned())
    }
}

impl Played {
    pub(super) async fn ready(&mut self) {
        let native_session = Some("native-1".to_owned());
        self.tell(News::Ready(Ready { native_session, ..Ready::default() })).await;
    }

    pub(super) async fn tell(&self, news: News) {
        tokio::time::timeout(PATIENCE, self.news.send(news)).await.unwrap().unwrap();
    }

    pub(super) async fn say(&self, text: &str) {
        self.tell(News::Happened(EventBody::TextDelta { text: text.to_owned() })).await;
    }

    pub(super) async fn think(&self, text: &str) {
        self.tell(News::Happened(EventBody::ThinkingProgress { text: text.to_owned() })).await;
    }

    pub(super) async fn use_tool(&self, id: &str, output: &str) {
        let tool_call_id = id.to_owned();
        self.tell(News::Happened(EventBody::ToolCallStart {
            tool_call_id: tool_call_id.clone(),
            tool_name: "shell".to_owned(),
            title: None,
        }))
        .await;
        self.tell(News::Happened(EventBody::ToolResult {
            tool_call_id,
            output: output.to_owned(),
            truncated: false,
            diff: vec![],
        }))
        .await;
    }

    pub(super) async fn end(&self) {
        self.tell(News::PromptEnded(Ok("end_turn".to_owned()))).await;
    }

    /// Asks for leave, and returns what the answer will be.
    pub(super) async fn ask_leave(&self) -> oneshot::Receiver<Given> {
        let (answer, given) = oneshot::channel();
        let option =
            |id: &str, kind| AnswerOption { id: id.to_owned(), label: id.to_owned(), kind };
        self.tell(News::Asked(Asked {
            is_permission: true,
            tool_call_id: Some("call-1".to_owned()),
            prompt: "run it?".to_owned(),
            options: vec![
                option("yes", OptionKind::AllowOnce),
                option("no", OptionKind::RejectOnce),
            ],
            answer,
        }))
        .await;
        given
    }

    pub(super) async fn order(&mut self) -> Option<Order> {
        tokio::time::timeout(PATIENCE, self.orders.recv()).await.expect("no order came")
    }

    pub(super) async fn prompted(&mut self) -> String {
        match self.order().await {
            Some(Order::Prompt(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn cancelled(&mut self) {
        let order = self.order().await;
        assert!(matches!(order, Some(Order::Cancel)), "{order:?}");
    }

    /// Waits until the gateway has let go of the agent.
    pub(super) async fn let_go(&mut self) {
        while self.order().await.is_some() {}
    }
}
