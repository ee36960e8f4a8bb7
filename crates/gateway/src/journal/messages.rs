//! What was said in a session, from the events that tell it.

use oriel_wire::gateway::{EventBody, Message, MessageRole, SessionEvent};
use rusqlite::{Connection, params};

use super::event;
use crate::limits::json_len;

/// Returns what was said last before the message of a number, the newest last, and whether there is more
/// before it: as many as asked for, and no more than so many bytes of text, but one at least.
pub(crate) fn messages(
    connection: &Connection,
    before: Option<u64>,
    count: usize,
    bytes_max: usize,
) -> rusqlite::Result<(Vec<Message>, bool)> {
    let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
    let sql = "SELECT frame FROM events WHERE is_said = 1 AND seq < ?1 ORDER BY seq DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![before])?;
    let mut messages = vec![];
    let mut bytes = 0_usize;
    let mut has_more = false;
    while let Some(row) = rows.next()? {
        let Some(message) = message(event(row.get_ref(0)?.as_str()?)?) else { continue };
        bytes += json_len(&message.text);
        if (messages.len() >= count || bytes > bytes_max) && !messages.is_empty() {
            has_more = true;
            break;
        }
        messages.push(message);
    }
    messages.reverse();
    Ok((messages, has_more))
}

/// Returns what an event says, if it says something.
fn message(event: SessionEvent) -> Option<Message> {
    let (role, text, error) = match event.body {
        EventBody::TurnStarted { text, .. } | EventBody::TurnSteered { text } => {
            (MessageRole::User, text, None)
        }
        EventBody::TurnComplete { final_text, .. } => (MessageRole::Agent, final_text, None),
        EventBody::TurnError { final_text, message, .. } => {
            (MessageRole::Agent, final_text, Some(message))
        }
        _ => return None,
    };
    let turn_id = event.turn_id.unwrap_or_default();
    Some(Message { seq: event.seq, ts: event.ts, turn_id, role, text, error })
}
