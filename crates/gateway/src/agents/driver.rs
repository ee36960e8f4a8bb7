//! The life of an agent's program: started, greeted, given work, and ended with all that it started.

use std::sync::Arc;
use std::time::Duration;

use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::{Channel, Client, UntypedMessage};
use agent_client_protocol::{on_receive_notification, on_receive_request};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

use super::confine::Cage;
use super::greeting::{self, Greeted};
use super::lines;
use super::process::{Program, Spawner};
use super::requests::Desk;
use super::tail::Tail;
use super::telling::Telling;
use super::terminals::Terminals;
use super::texts::Texts;
use super::work::{self, Worked};
use crate::agent::{Agent, AgentError, NEWS_MAX, News, ORDERS_MAX, Order, Ready};

/// How long is waited for the rest of what a program wrote once it ended.
const REST_WITHIN: Duration = Duration::from_millis(300);

/// How long an agent may take to answer the greeting. Programs that are interpreted start slowly.
pub(super) const GREETED_WITHIN: Duration = Duration::from_secs(60);

/// What an agent is, for the one who drives it.
#[derive(Debug, Clone)]
pub(super) struct Role {
    /// What people call it.
    pub(super) label: String,
    /// How to get it and log in.
    pub(super) hint: String,
    /// How long it may take to answer the greeting.
    pub(super) greeted_within: Duration,
    /// The session that it is to go on with.
    pub(super) resume: Option<String>,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nobody gives it orders any more.
    Stopped,
    /// The program closed its output.
    Gone,
    /// It is of no use, for this reason.
    Useless(String),
}

/// Starts an agent's program and greets it. It is there when this returns.
///
/// # Errors
/// Where it cannot be started or does not do what an agent does.
pub(super) async fn start(
    mut program: Program,
    role: Role,
    cage: Cage,
    spawner: Spawner,
) -> Result<Agent, AgentError> {
    let missing = || AgentError(format!("cannot start {}: it has no pipes", role.label));
    let stdin = program.child.stdin.take().ok_or_else(missing)?;
    let stdout = program.child.stdout.take().ok_or_else(missing)?;
    let tail = Tail::default();
    if let Some(stderr) = program.child.stderr.take() {
        tokio::spawn(tail.clone().fill(stderr));
    }
    let pipes = Pipes { stdin, stdout, tail };
    let ended = async move { program.end().await };
    run(pipes, role, cage, spawner, Box::pin(ended)).await
}

/// What an agent's program is spoken to through.
pub(super) struct Pipes<I, O> {
    pub(super) stdin: I,
    pub(super) stdout: O,
    pub(super) tail: Tail,
}

/// Drives an agent over pipes. `end` ends its program, whose standard input is closed then, and says how
/// it ended.
pub(super) async fn run<I, O>(
    pipes: Pipes<I, O>,
    role: Role,
    cage: Cage,
    spawner: Spawner,
    end: BoxFuture<'static, String>,
) -> Result<Agent, AgentError>
where
    I: AsyncWrite + Unpin + Send + 'static,
    O: AsyncRead + Unpin + Send + 'static,
{
    let (orders, taken) = mpsc::channel(ORDERS_MAX);
    let (news, told) = mpsc::channel(NEWS_MAX);
    let (ready, is_ready) = oneshot::channel();
    let life = Life { role, cage, spawner, news, orders: taken, ready: Some(ready) };
    tokio::spawn(life.live(pipes, end));
    match is_ready.await {
        Ok(Ok(())) => Ok(Agent { orders, news: told }),
        Ok(Err(error)) => Err(AgentError(error)),
        Err(_) => Err(AgentError("the gateway ends".to_owned())),
    }
}

struct Life {
    role: Role,
    cage: Cage,
    spawner: Spawner,
    news: mpsc::Sender<News>,
    orders: mpsc::Receiver<Order>,
    /// Takes whether the agent is there, once.
    ready: Option<oneshot::Sender<Result<(), String>>>,
}

impl Life {
    async fn live<I, O>(mut self, pipes: Pipes<I, O>, end: BoxFuture<'static, String>)
    where
        I: AsyncWrite + Unpin + Send + 'static,
        O: AsyncRead + Unpin + Send + 'static,
    {
        let workspace = self.cage.workspace.clone();
        let terminals = Terminals::new(self.cage.clone(), self.spawner.clone(), self.news.clone());
        let telling = Telling::new(workspace.clone());
        let desk = Desk::new(telling, terminals, Texts::new(workspace), self.news.clone());
        let desk = Arc::new(desk);
        let (ours, theirs) = Channel::duplex();
        let (from, to) = ours.into_parts();
        let listen = move |frame| to.unbounded_send(frame).is_ok();
        let (waiting, tail) = (desk.waiting.clone(), pipes.tail.clone());
        let mut reader = tokio::spawn(lines::read(pipes.stdout, listen, waiting, tail));
        let writer = tokio::spawn(lines::write(from, pipes.stdin));

        let how = self.connect(theirs, &desk).await;
        desk.asks.cancel();
        desk.terminals.close().await;
        // Its standard input closes, by which it knows that it is over.
        writer.abort();
        _ = writer.await;
        let exit = end.await;
        let fault = match tokio::time::timeout(REST_WITHIN, &mut reader).await {
            Ok(Ok(Err(fault))) => Some(fault),
            _ => None,
        };
        reader.abort();
        drop(desk);
        self.tell_end(&how, fault, &exit, &pipes.tail).await;
    }

    async fn connect(&mut self, channel: Channel, desk: &Arc<Desk>) -> End {
        let (notified, requested) = (Arc::clone(desk), Arc::clone(desk));
        let connection = Client
            .v1()
            .name("oriel")
            .on_receive_request(
                async move |message: UntypedMessage, responder, _cx| {
                    requested.requested(message, responder).await;
                    Ok(())
                },
                on_receive_request!(),
            )
            .on_receive_notification(
                async move |message: UntypedMessage, _cx| {
                    notified.notified(message).await;
                    Ok(())
                },
                on_receive_notification!(),
            )
            .connect_with(channel, async |agent| Ok(self.speak(&agent, desk).await));
        match connection.await {
            Ok(end) => end,
            Err(error) => {
                tracing::debug!(%error, "the connection to an agent broke");
                End::Gone
            }
        }
    }

    async fn speak(
        &mut self,
        agent: &ConnectionTo<agent_client_protocol::Agent>,
        desk: &Arc<Desk>,
    ) -> End {
        // Whoever wants the agent no more, also while it is greeted, drops what orders come from.
        let greeted = tokio::select! {
            greeted = greeting::greet(agent, &self.role, &self.cage.workspace, desk) => greeted,
            _ = self.orders.recv() => return End::Stopped,
        };
        let Greeted { session, has_resumed } = match greeted {
            Ok(greeted) => greeted,
            Err(end) => return end,
        };
        let ready = Ready {
            native_session: Some(session.clone()),
            model: desk.telling().meter.model.clone(),
            has_resumed,
            confinement: self.cage.told.clone(),
        };
        if self.news.send(News::Ready(ready)).await.is_err() {
            return End::Stopped;
        }
        if let Some(sender) = self.ready.take() {
            // Where nobody waits any more the orders have ended too.
            _ = sender.send(Ok(()));
        }
        match work::work(agent, &session, &mut self.orders, desk, &self.news, &self.role).await {
            Worked::Stopped => End::Stopped,
            Worked::Gone => End::Gone,
        }
    }

    /// Tells that the agent is no more, and why, to whoever waits for it.
    async fn tell_end(mut self, how: &End, fault: Option<String>, exit: &str, tail: &Tail) {
        let label = &self.role.label;
        let said = tail.text();
        let said = if said.is_empty() { String::new() } else { format!("; it last said:\n{said}") };
        let why = match (how, fault) {
            (End::Stopped, _) => "it was stopped".to_owned(),
            (_, Some(fault)) => format!("it was ended because {fault}"),
            (End::Useless(why), None) => format!("{why}{said}"),
            (End::Gone, None) => format!("{exit}{said}"),
        };
        match self.ready.take() {
            // Nobody waits where the start was given up.
            Some(ready) => _ = ready.send(Err(format!("cannot start {label}: {why}"))),
            None => _ = self.news.send(News::Ended(format!("{label}: {why}"))).await,
        }
    }
}
