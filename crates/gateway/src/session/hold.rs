//! The session's hold on its agent: none, one that is being started, one that works, one that leaves.

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::agent::{Agent, AgentError, News};

/// The session's hold on its agent.
pub(super) enum Hold {
    /// There is no agent.
    Nothing,
    /// It is being started, and must be ready by then.
    Starting { agent: BoxFuture<'static, Result<Agent, AgentError>>, by: Instant },
    /// It was started and is not ready yet, and must be by then.
    Waking { agent: Agent, by: Instant },
    /// It is there. It has had nothing to do since then, or a turn runs.
    There { agent: Agent, idle_since: Instant },
    /// It was let go, and is forgotten by then if it does not end.
    Leaving { news: mpsc::Receiver<News>, by: Instant },
}

/// What was heard of an agent.
#[expect(clippy::large_enum_variant, reason = "there is one, and it is taken at once")]
pub(super) enum Heard {
    Started(Result<Agent, AgentError>),
    News(News),
}

impl Hold {
    /// Waits for what is heard next. Without an agent that is never.
    pub(super) async fn next(&mut self) -> Heard {
        match self {
            Self::Nothing => std::future::pending().await,
            Self::Starting { agent, .. } => Heard::Started(agent.await),
            Self::Waking { agent: Agent { news, .. }, .. }
            | Self::There { agent: Agent { news, .. }, .. }
            | Self::Leaving { news, .. } => {
                let silence = || News::Ended("the agent went away without a word".to_owned());
                Heard::News(news.recv().await.unwrap_or_else(silence))
            }
        }
    }

    /// Returns what waits to be heard, without waiting.
    pub(super) fn try_next(&mut self) -> Option<News> {
        match self {
            Self::Waking { agent, .. } | Self::There { agent, .. } => agent.news.try_recv().ok(),
            Self::Nothing | Self::Starting { .. } | Self::Leaving { .. } => None,
        }
    }

    /// Lets go of the agent, which ends it.
    pub(super) fn let_go(&mut self, by: Instant) {
        *self = match std::mem::replace(self, Self::Nothing) {
            // What is started and not waited for ends by itself.
            Self::Nothing | Self::Starting { .. } => Self::Nothing,
            Self::Waking { agent, .. } | Self::There { agent, .. } => {
                Self::Leaving { news: agent.news, by }
            }
            leaving @ Self::Leaving { .. } => leaving,
        };
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}
