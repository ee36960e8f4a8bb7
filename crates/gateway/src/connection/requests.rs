//! What a client asks, to whoever answers it: the list, a session's owner, or a reader of what is kept.

use std::sync::Arc;

use oriel_wire::gateway::{ClientMessage, ErrorCode, Member, MemberAction, Reply, SessionMeta};

use super::guest::Guest;
use crate::asker::{Asker, Refusal};
use crate::hub::{self, Hub, no_session};
use crate::session::{Command, Wish};
use crate::store::{Base, StoreError};
use crate::workspace::{self, Look};
use crate::{journal, sessions};

/// The only user of a gateway on one's own machine.
pub(super) const OWNER: &str = "owner";

/// How many messages and events an answer has at most, and how many where the client does not say.
const MESSAGES_MAX: u32 = 500;
const MESSAGES_USUAL: u32 = 100;
const EVENTS_MAX: u32 = 1000;
const EVENTS_USUAL: u32 = 500;

/// How long they are at most together. What is more is asked for next.
const PAGE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// How long a list of sessions is at most, as JSON. Of more, those that changed last are told.
const LIST_BYTES_MAX: usize = 12 * 1024 * 1024;

/// Answers a message of a client that is known, or has it answered.
pub(super) async fn answer(guest: &mut Guest, asker: Asker, message: ClientMessage) {
    let hub = Arc::clone(&guest.house.hub);
    let known = message.session_id().map(|id| hub.meta(id).ok_or_else(no_session)).transpose();
    let session = match known {
        Ok(session) => session,
        Err(refusal) => return asker.refuse(refusal),
    };
    let (id, wish) = match message {
        // The guest sees to it itself.
        ClientMessage::Authenticate { .. } => return,
        ClientMessage::ListSessions { include_archived } => {
            return asker.reply(Reply::SessionList { sessions: list(&hub, include_archived) });
        }
        ClientMessage::Ping { nonce } => {
            return asker.reply(Reply::Pong { nonce, ts: hub.clock.unix_ms() });
        }
        ClientMessage::CreateSession { agent_type, name, workspace } => {
            let create = sessions::create(Arc::clone(&hub), asker, agent_type, name, workspace);
            return hub.spawn(create);
        }
        ClientMessage::GetHistory { session_id, before, limit } => {
            return read(&hub, asker, history(Arc::clone(&hub), session_id, before, limit));
        }
        ClientMessage::GetEvents { session_id, after_seq, limit } => {
            return read(&hub, asker, events(Arc::clone(&hub), session_id, after_seq, limit));
        }
        ClientMessage::ListFiles { path, depth, .. } => {
            return look(&hub, asker, session, Look::List { path, depth });
        }
        ClientMessage::ReadFile { path, offset, length, .. } => {
            return look(&hub, asker, session, Look::Read { path, offset, length });
        }
        ClientMessage::FileHistory { path, .. } => {
            return look(&hub, asker, session, Look::History { path });
        }
        ClientMessage::FileAtIteration { path, iteration, .. } => {
            return look(&hub, asker, session, Look::Iteration { path, iteration });
        }
        ClientMessage::ManageMembers { session_id, action, .. } => {
            return hub::answer(asker, members(session_id, action));
        }
        ClientMessage::RenameSession { session_id, name } => match sessions::check_name(&name) {
            Ok(()) => (session_id, Wish::Rename(name)),
            Err(refusal) => return asker.refuse(refusal),
        },
        ClientMessage::ArchiveSession { session_id } => (session_id, Wish::Archive(true)),
        ClientMessage::UnarchiveSession { session_id } => (session_id, Wish::Archive(false)),
        ClientMessage::DeleteSession { session_id } => (session_id, Wish::Delete),
        ClientMessage::JoinSession { session_id, after_seq } => {
            guest.joined.insert(session_id.clone());
            (session_id, Wish::Join { after_seq })
        }
        ClientMessage::LeaveSession { session_id } => {
            if !guest.joined.remove(&session_id) {
                return asker.reply(Reply::Left { session_id });
            }
            (session_id, Wish::Leave)
        }
        ClientMessage::RunTurn { session_id, text, client_turn_id } => {
            (session_id, Wish::RunTurn { text, client_turn_id })
        }
        ClientMessage::StopTurn { session_id } => (session_id, Wish::StopTurn),
        ClientMessage::Steer { session_id, text } => (session_id, Wish::Steer(text)),
        ClientMessage::AnswerQuestion { session_id, question_id, answer } => {
            (session_id, Wish::Answer { question_id, answer })
        }
    };
    hub.command(&id, Command::Asked(asker, wish)).await;
}

/// Has something read beside the connection, which goes on meanwhile.
fn read(
    hub: &Hub,
    asker: Asker,
    reading: impl Future<Output = Result<Reply, StoreError>> + Send + 'static,
) {
    hub.spawn(async move {
        match reading.await {
            Ok(reply) => asker.reply(reply),
            Err(error) => {
                tracing::error!(%error, "what is kept of a session could not be read");
                asker.refuse(Refusal::from(&error));
            }
        }
    });
}

fn look(hub: &Arc<Hub>, asker: Asker, session: Option<SessionMeta>, look: Look) {
    let Some(session) = session else { return asker.refuse(no_session()) };
    let house = Arc::clone(hub);
    hub.spawn(async move {
        hub::answer(asker, workspace::look(&house, &session, look).await);
    });
}

async fn history(
    hub: Arc<Hub>,
    session_id: String,
    before: Option<u64>,
    limit: Option<u32>,
) -> Result<Reply, StoreError> {
    let count = count(limit, MESSAGES_USUAL, MESSAGES_MAX);
    let base = Base::Session(session_id.clone());
    let read = move |c: &_| journal::messages(c, before, count, PAGE_BYTES_MAX);
    let (messages, has_more) = hub.store.read(base, read).await?;
    Ok(Reply::History { session_id, messages, has_more })
}

async fn events(
    hub: Arc<Hub>,
    session_id: String,
    after_seq: Option<u64>,
    limit: Option<u32>,
) -> Result<Reply, StoreError> {
    let count = count(limit, EVENTS_USUAL, EVENTS_MAX);
    let base = Base::Session(session_id.clone());
    let read = move |c: &rusqlite::Connection| {
        let last_seq = journal::last_seq(c)?;
        let after = after_seq.unwrap_or_default();
        let page = journal::frames(c, after, last_seq, count, PAGE_BYTES_MAX)?;
        let events = page.frames.iter().map(|(_, frame)| journal::event(frame));
        Ok((events.collect::<rusqlite::Result<_>>()?, page.has_more, last_seq))
    };
    let (events, has_more, last_seq) = hub.store.read(base, read).await?;
    Ok(Reply::Events { session_id, events, has_more, last_seq })
}

/// Returns how many to tell: as many as asked for, but one at least.
fn count(limit: Option<u32>, usual: u32, most: u32) -> usize {
    let count = limit.unwrap_or(usual).clamp(1, most);
    usize::try_from(count).unwrap_or(1)
}

fn list(hub: &Hub, include_archived: bool) -> Vec<SessionMeta> {
    let mut sessions = hub.list(include_archived);
    let mut bytes = 0_usize;
    let fitting = sessions.iter().take_while(|session| {
        bytes += serde_json::to_string(session).map_or(0, |text| text.len() + 1);
        bytes <= LIST_BYTES_MAX
    });
    let fitting = fitting.count();
    sessions.truncate(fitting);
    sessions
}

fn members(session_id: String, action: MemberAction) -> Result<Reply, Refusal> {
    match action {
        MemberAction::List => {
            let members = vec![Member { user_id: OWNER.to_owned(), role: "owner".to_owned() }];
            Ok(Reply::Members { session_id, members })
        }
        MemberAction::Add | MemberAction::Remove => {
            let message = "sessions of this gateway have one owner, and no others can be let in";
            Err(Refusal::new(ErrorCode::Unsupported, message))
        }
    }
}
