//! The task that owns the socket: it says what is asked, hands on what comes, and when the link breaks
//! it comes back.
//!
//! It is always ready for what is asked of it: it waits for nothing else without listening for that
//! too, so a command on a dead link fails at once.

mod live;

use std::time::Duration;

use oriel_wire::gateway::ClientMessage;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::error::{ClientError, ConnectError};
use crate::incoming::Incoming;
use crate::options::ClientOptions;
use crate::pending::{Answer, Pending};
use crate::rejoin::Joined;
use crate::socket::{self, Linked};
use crate::stream::Feed;

/// How many commands wait to be taken. At the bound whoever asks waits.
pub(crate) const COMMANDS_MAX: usize = 64;

/// What the task is asked.
#[derive(Debug)]
pub(crate) enum Command {
    /// Ask the gateway.
    Ask { message: ClientMessage, answer: Answer },
    /// Come to an end, and say when that is done.
    Close { done: oneshot::Sender<()> },
}

/// The task.
#[derive(Debug)]
pub(crate) struct Driver {
    options: ClientOptions,
    commands: mpsc::Receiver<Command>,
    /// No command will come any more.
    is_deaf: bool,
    feed: Feed,
    backoff: Backoff,
    joined: Joined,
    pending: Pending,
}

/// How a link ended.
#[derive(Debug)]
enum End {
    /// It broke.
    Lost(String),
    /// Whoever asked for its end waits to hear of it.
    Asked(oneshot::Sender<()>),
    /// Nobody wants it any more.
    Unwanted,
}

impl Driver {
    pub(crate) fn new(
        options: ClientOptions,
        commands: mpsc::Receiver<Command>,
        feed: Feed,
    ) -> Self {
        let chance = match options.seed {
            Some(seed) => fastrand::Rng::with_seed(seed),
            None => fastrand::Rng::new(),
        };
        Self {
            joined: Joined::new(options.answer_within),
            options,
            commands,
            is_deaf: false,
            feed,
            backoff: Backoff::new(chance),
            pending: Pending::default(),
        }
    }

    /// Runs until nobody wants it any more, or it cannot come back.
    pub(crate) async fn run(mut self, linked: Linked) {
        let mut link = Some(linked);
        while let Some(linked) = link.take() {
            let began = Instant::now();
            let end = self.live(linked).await;
            self.pending.interrupt();
            self.backoff.held(began.elapsed());
            match end {
                End::Lost(reason) => link = self.come_back(reason).await,
                End::Asked(done) => {
                    let _ = done.send(());
                }
                End::Unwanted => {}
            }
        }
    }

    /// Tries until the link is there again. Returns none where it never will be, or nobody wants it.
    async fn come_back(&mut self, mut reason: String) -> Option<Linked> {
        let mut at_least = Duration::ZERO;
        loop {
            let wait = self.backoff.next().max(at_least);
            self.feed.push(Incoming::Disconnected { reason, retry_in: Some(wait) }, 0);
            self.while_down(|_, _| tokio::time::sleep(wait)).await?;
            // A reader that reads nothing would be told of ever more attempts.
            self.while_down(|_, feed| feed.room()).await?;
            match self.while_down(|options, _| socket::open(options)).await? {
                Ok(linked) => return Some(linked),
                Err(error) => {
                    reason = error.to_string();
                    if error.is_final() {
                        self.feed.push(Incoming::Disconnected { reason, retry_in: None }, 0);
                        return None;
                    }
                    at_least = match error {
                        ConnectError::TooManyTokens { retry_after, .. } => retry_after,
                        _ => None,
                    }
                    .unwrap_or_default();
                }
            }
        }
    }

    /// Waits for something while the link is down. Returns none when nobody wants it any more.
    async fn while_down<'a, W: Future>(
        &'a mut self,
        work: impl FnOnce(&'a ClientOptions, &'a Feed) -> W,
    ) -> Option<W::Output> {
        let Self { options, commands, is_deaf, feed, .. } = self;
        let mut work = std::pin::pin!(work(options, feed));
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                command = commands.recv(), if !*is_deaf => match command {
                    // Whoever gave up waits for no answer.
                    Some(Command::Ask { answer, .. }) => {
                        let _ = answer.send(Err(ClientError::NotConnected));
                    }
                    Some(Command::Close { done }) => {
                        let _ = done.send(());
                        return None;
                    }
                    None => *is_deaf = true,
                },
                () = feed.left(), if *is_deaf => return None,
            }
        }
    }
}
