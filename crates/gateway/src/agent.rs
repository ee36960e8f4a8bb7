//! An agent as the gateway sees it: it takes orders and tells what it does. What it is, a program that
//! speaks the Agent Client Protocol or a script of a test, only who starts it knows.

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use oriel_wire::gateway::{Answer, AnswerOption, EventBody};
use tokio::sync::{mpsc, oneshot};

/// How much of an agent's news waits to be taken. At the bound the agent's pipe is not read on, so an
/// agent that is faster than the disk waits.
pub(crate) const NEWS_MAX: usize = 256;

/// How many orders wait to be taken: a person gives one at a time.
pub(crate) const ORDERS_MAX: usize = 16;

/// An agent that was started.
#[derive(Debug)]
pub(crate) struct Agent {
    /// Takes what it is to do. When this is dropped, the agent ends.
    pub(crate) orders: mpsc::Sender<Order>,
    /// Gives what it does, in order. It ends after [`News::Ended`].
    pub(crate) news: mpsc::Receiver<News>,
}

/// What an agent is to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Begin to work on this. It is answered by [`News::PromptEnded`].
    Prompt(String),
    /// Stop that work. It is answered by [`News::PromptEnded`] too, sooner or later or, where the agent
    /// does not listen, by nothing.
    Cancel,
}

/// What an agent does.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most news is what happened, and little of it waits")]
pub(crate) enum News {
    /// It can be given work. The first news of every agent that could be started.
    Ready(Ready),
    /// Something happened that clients hear of as it is: what it says (`TextDelta`), thinks
    /// (`ThinkingProgress`), its tools, terminals, plan and usage.
    Happened(EventBody),
    /// It asks a person.
    Asked(Asked),
    /// It says that it wrote this file.
    Touched(PathBuf),
    /// The work is over: the agent's word for why, or what went wrong.
    PromptEnded(Result<String, String>),
    /// The agent is no more: what is known of why.
    Ended(String),
}

/// What an agent says of itself once it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ready {
    /// Its own name for the session, by which it can go on with it later and by which the monitor may
    /// know it.
    pub(crate) native_session: Option<String>,
    /// The model that it uses.
    pub(crate) model: Option<String>,
    /// Whether it went on with the session that it was asked to.
    pub(crate) has_resumed: bool,
    /// What keeps it from harm, or why nothing does, for people.
    pub(crate) confinement: String,
}

/// A question of an agent.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Whether it asks for leave, and not for words.
    pub(crate) is_permission: bool,
    /// The call that it is about.
    pub(crate) tool_call_id: Option<String>,
    /// What is asked.
    pub(crate) prompt: String,
    /// What can be answered; without any, words.
    pub(crate) options: Vec<AnswerOption>,
    /// Takes the answer. Dropped, the question is cancelled.
    pub(crate) answer: oneshot::Sender<Given>,
}

/// An answer, fitted to its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// This option.
    Option(String),
    /// These words.
    Words(String),
}

/// Starts agents. There are two: what the catalogue names, and the script of a test.
pub(crate) trait StartsAgents: Send + Sync + 'static {
    /// Starts an agent. It is there once it tells [`News::Ready`].
    fn start(&self, start: Start) -> BoxFuture<'static, Result<Agent, AgentError>>;

    /// Returns whether there is an agent of this name.
    fn knows(&self, agent_type: &str) -> bool;

    /// Returns every name there is, for messages.
    fn names(&self) -> Vec<String>;

    /// Returns the name under which the monitor knows what this agent tells of itself, if it does.
    fn monitor_name(&self, agent_type: &str) -> Option<String>;
}

/// Which agent to start, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// Its name in the catalogue.
    pub(crate) agent_type: String,
    /// The folder that it works in, which exists.
    pub(crate) workspace: PathBuf,
    /// The agent's own name for a session that it is to go on with.
    pub(crate) resume: Option<String>,
    /// The gateway's name for the session.
    pub(crate) session_id: String,
}

/// An agent could not be started. The message is for the person who wanted it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct AgentError(pub(crate) String);

/// Fits an answer to the options of a question: an option by its id, leave by the option that gives it, or
/// words where there are no options.
///
/// # Errors
/// Where it is none of the answers that the question has.
pub(crate) fn fit(options: &[AnswerOption], answer: &Answer) -> Result<Given, String> {
    use oriel_wire::gateway::OptionKind::{AllowAlways, AllowOnce, RejectAlways, RejectOnce};

    match answer {
        Answer::Text(text) if options.is_empty() => Ok(Given::Words(text.clone())),
        Answer::Text(text) => match options.iter().find(|option| option.id == *text) {
            Some(option) => Ok(Given::Option(option.id.clone())),
            None => Err(format!("{text:?} is no answer; choose one of {}", ids(options))),
        },
        Answer::Leave { allow, remember } => {
            // Whoever says "always" where the agent knows only "once" means at least once; whoever says
            // "once" never means "always".
            let kinds: &[_] = match (allow, remember) {
                (true, true) => &[AllowAlways, AllowOnce],
                (true, false) => &[AllowOnce],
                (false, true) => &[RejectAlways, RejectOnce],
                (false, false) => &[RejectOnce],
            };
            let found = kinds.iter().find_map(|kind| options.iter().find(|it| it.kind == *kind));
            match found {
                Some(option) => Ok(Given::Option(option.id.clone())),
                None => Err(format!("there is no such leave here; choose one of {}", ids(options))),
            }
        }
    }
}

fn ids(options: &[AnswerOption]) -> String {
    let ids: Vec<&str> = options.iter().map(|option| option.id.as_str()).collect();
    ids.join(", ")
}
