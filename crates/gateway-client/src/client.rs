//! The half that asks: one method for each message that a client can say.

use std::time::Duration;

use oriel_wire::gateway::{
    Answer, ClientMessage, FileContent, FileEntry, FileIteration, Member, MemberAction, Message,
    Reply, SessionEvent, SessionMeta, Snapshot,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::driver::{COMMANDS_MAX, Command, Driver};
use crate::error::{ClientError, ConnectError};
use crate::options::ClientOptions;
use crate::socket;
use crate::stream::{self, EventStream};

/// Asks a gateway. Clones ask over the same connection.
#[derive(Debug, Clone)]
pub struct GatewayClient {
    commands: mpsc::Sender<Command>,
    answer_within: Duration,
}

/// A part of what was said in a session, the newest last.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// What was said.
    pub messages: Vec<Message>,
    /// Whether there is more before.
    pub has_more: bool,
}

/// A part of a session's durable events, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct PastEvents {
    /// The events.
    pub events: Vec<SessionEvent>,
    /// Whether there is more after.
    pub has_more: bool,
    /// The number of the session's last durable event.
    pub last_seq: u64,
}

/// What lies in a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Files {
    /// What lies there, by path.
    pub entries: Vec<FileEntry>,
    /// Whether there was more than is listed.
    pub truncated: bool,
}

/// Takes the reply that answers a message out of all that there are.
macro_rules! reply {
    ($asked:literal, $reply:expr, $pattern:pat => $value:expr) => {
        match $reply {
            $pattern => Ok($value),
            _ => Err(ClientError::Unexpected { asked: $asked }),
        }
    };
}

impl GatewayClient {
    /// Connects to a gateway and tells it who this is. From then on the connection comes back by
    /// itself. It ends with [`Self::close`], or once all clients and the stream are dropped.
    ///
    /// # Errors
    /// Where there is no gateway, or it does not want this client, and that within
    /// [`ClientOptions::connect_within`].
    pub async fn connect(options: ClientOptions) -> Result<(Self, EventStream), ConnectError> {
        let linked = socket::open(&options).await?;
        let (commands, taken) = mpsc::channel(COMMANDS_MAX);
        let (feed, events) = stream::channel();
        let client = Self { commands, answer_within: options.answer_within };
        tokio::spawn(Driver::new(options, taken, feed).run(linked));
        Ok((client, events))
    }

    /// Returns the sessions, the one that changed last first.
    ///
    /// # Errors
    /// As all that is asked: where the link is down or breaks, or the gateway says no.
    pub async fn list_sessions(
        &self,
        include_archived: bool,
    ) -> Result<Vec<SessionMeta>, ClientError> {
        let reply = self.ask(ClientMessage::ListSessions { include_archived }).await?;
        reply!("list_sessions", reply, Reply::SessionList { sessions } => sessions)
    }

    /// Makes a session. No agent is started yet.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn create_session(
        &self,
        agent_type: impl Into<String>,
        name: Option<String>,
        workspace: Option<String>,
    ) -> Result<SessionMeta, ClientError> {
        let agent_type = agent_type.into();
        let reply = self.ask(ClientMessage::CreateSession { agent_type, name, workspace }).await?;
        reply!("create_session", reply, Reply::SessionCreated { session } => session)
    }

    /// Gives a session another name.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn rename_session(
        &self,
        session_id: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<SessionMeta, ClientError> {
        let (session_id, name) = (session_id.into(), name.into());
        let reply = self.ask(ClientMessage::RenameSession { session_id, name }).await?;
        reply!("rename_session", reply, Reply::SessionUpdated { session } => session)
    }

    /// Puts a session away.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn archive_session(
        &self,
        session_id: impl Into<String>,
    ) -> Result<SessionMeta, ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::ArchiveSession { session_id }).await?;
        reply!("archive_session", reply, Reply::SessionUpdated { session } => session)
    }

    /// Takes a session out again.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn unarchive_session(
        &self,
        session_id: impl Into<String>,
    ) -> Result<SessionMeta, ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::UnarchiveSession { session_id }).await?;
        reply!("unarchive_session", reply, Reply::SessionUpdated { session } => session)
    }

    /// Removes a session and all that the gateway keeps of it.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn delete_session(&self, session_id: impl Into<String>) -> Result<(), ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::DeleteSession { session_id }).await?;
        reply!("delete_session", reply, Reply::SessionDeleted { .. } => ())
    }

    /// Joins a session: returns it as it is now. What came after `after_seq` then comes over the
    /// stream, and all that comes from now on, also after the link broke and came back.
    ///
    /// # Errors
    /// As [`Self::list_sessions`]; the session is then not joined, or as it was before.
    pub async fn join_session(
        &self,
        session_id: impl Into<String>,
        after_seq: Option<u64>,
    ) -> Result<Snapshot, ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::JoinSession { session_id, after_seq }).await?;
        reply!("join_session", reply, Reply::StateSnapshot(snapshot) => *snapshot)
    }

    /// Wants no more of a session. It is not joined again, whatever becomes of this message.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn leave_session(&self, session_id: impl Into<String>) -> Result<(), ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::LeaveSession { session_id }).await?;
        reply!("leave_session", reply, Reply::Left { .. } => ())
    }

    /// Gives the agent something to do, and returns the name of the turn. With the same
    /// `client_turn_id` it may be asked again: it is then the same turn.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn run_turn(
        &self,
        session_id: impl Into<String>,
        text: impl Into<String>,
        client_turn_id: Option<String>,
    ) -> Result<String, ClientError> {
        let (session_id, text) = (session_id.into(), text.into());
        let reply = self.ask(ClientMessage::RunTurn { session_id, text, client_turn_id }).await?;
        reply!("run_turn", reply, Reply::Accepted { turn_id: Some(turn_id), .. } => turn_id)
    }

    /// Stops the turn that runs, if one does.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn stop_turn(&self, session_id: impl Into<String>) -> Result<(), ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::StopTurn { session_id }).await?;
        reply!("stop_turn", reply, Reply::Accepted { .. } => ())
    }

    /// Tells the agent something while it works.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn steer(
        &self,
        session_id: impl Into<String>,
        text: impl Into<String>,
    ) -> Result<(), ClientError> {
        let (session_id, text) = (session_id.into(), text.into());
        let reply = self.ask(ClientMessage::Steer { session_id, text }).await?;
        reply!("steer", reply, Reply::Accepted { .. } => ())
    }

    /// Answers a question of the agent.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn answer_question(
        &self,
        session_id: impl Into<String>,
        question_id: impl Into<String>,
        answer: Answer,
    ) -> Result<(), ClientError> {
        let (session_id, question_id) = (session_id.into(), question_id.into());
        let asked = ClientMessage::AnswerQuestion { session_id, question_id, answer };
        reply!("answer_question", self.ask(asked).await?, Reply::Accepted { .. } => ())
    }

    /// Returns what was said before a message, or last.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn get_history(
        &self,
        session_id: impl Into<String>,
        before: Option<u64>,
        limit: Option<u32>,
    ) -> Result<History, ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::GetHistory { session_id, before, limit }).await?;
        reply!("get_history", reply, Reply::History { messages, has_more, .. } =>
            History { messages, has_more })
    }

    /// Returns durable events after a number, or from the first.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn get_events(
        &self,
        session_id: impl Into<String>,
        after_seq: Option<u64>,
        limit: Option<u32>,
    ) -> Result<PastEvents, ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::GetEvents { session_id, after_seq, limit }).await?;
        reply!("get_events", reply, Reply::Events { events, has_more, last_seq, .. } =>
            PastEvents { events, has_more, last_seq })
    }

    /// Returns the gateway's clock, in Unix milliseconds.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn ping(&self) -> Result<i64, ClientError> {
        let reply = self.ask(ClientMessage::Ping { nonce: None }).await?;
        reply!("ping", reply, Reply::Pong { ts, .. } => ts)
    }

    /// Returns what lies in a folder of the workspace, so many levels down.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn list_files(
        &self,
        session_id: impl Into<String>,
        path: impl Into<String>,
        depth: Option<u32>,
    ) -> Result<Files, ClientError> {
        let (session_id, path) = (session_id.into(), path.into());
        let reply = self.ask(ClientMessage::ListFiles { session_id, path, depth }).await?;
        reply!("list_files", reply, Reply::FileList { entries, truncated, .. } =>
            Files { entries, truncated })
    }

    /// Returns a part of a file as it is now.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn read_file(
        &self,
        session_id: impl Into<String>,
        path: impl Into<String>,
        offset: Option<u64>,
        length: Option<u64>,
    ) -> Result<FileContent, ClientError> {
        let (session_id, path) = (session_id.into(), path.into());
        let reply = self.ask(ClientMessage::ReadFile { session_id, path, offset, length }).await?;
        reply!("read_file", reply, Reply::FileContent(content) => content)
    }

    /// Returns what is kept of a file's past, the oldest first.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn file_history(
        &self,
        session_id: impl Into<String>,
        path: impl Into<String>,
    ) -> Result<Vec<FileIteration>, ClientError> {
        let (session_id, path) = (session_id.into(), path.into());
        let reply = self.ask(ClientMessage::FileHistory { session_id, path }).await?;
        reply!("file_history", reply, Reply::FileHistory { iterations, .. } => iterations)
    }

    /// Returns a file as it was.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn file_at_iteration(
        &self,
        session_id: impl Into<String>,
        path: impl Into<String>,
        iteration: u32,
    ) -> Result<FileContent, ClientError> {
        let (session_id, path) = (session_id.into(), path.into());
        let reply =
            self.ask(ClientMessage::FileAtIteration { session_id, path, iteration }).await?;
        reply!("file_at_iteration", reply, Reply::FileContent(content) => content)
    }

    /// Returns who may use a session, after changing that where the action says so.
    ///
    /// # Errors
    /// As [`Self::list_sessions`].
    pub async fn manage_members(
        &self,
        session_id: impl Into<String>,
        action: MemberAction,
        user_id: Option<String>,
    ) -> Result<Vec<Member>, ClientError> {
        let session_id = session_id.into();
        let reply = self.ask(ClientMessage::ManageMembers { session_id, action, user_id }).await?;
        reply!("manage_members", reply, Reply::Members { members, .. } => members)
    }

    /// Ends the connection for all clients: tells the gateway, and returns once that is done. The stream
    /// still gives what came before.
    pub async fn close(self) {
        let (done, ended) = oneshot::channel();
        if self.commands.send(Command::Close { done }).await.is_ok() {
            // A task that ended by itself says nothing, and that is as good.
            let _ = ended.await;
        }
    }

    async fn ask(&self, message: ClientMessage) -> Result<Reply, ClientError> {
        let asked = async {
            let (answer, given) = oneshot::channel();
            let sent = self.commands.send(Command::Ask { message, answer }).await;
            sent.map_err(|_| ClientError::Closed)?;
            given.await.unwrap_or(Err(ClientError::Closed))
        };
        match timeout(self.answer_within, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::NoAnswer { seconds: self.answer_within.as_secs() }),
        }
    }
}
