//! A frame: one message with what stands around it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::ClientMessage;
use super::delta::Flat;
use super::event::SessionEvent;
use super::reply::{ErrorCode, Reply};
use super::{CLIENT_FRAME_BYTES_MAX, REQUEST_ID_BYTES_MAX};

/// A message of a client with the name by which its answer is known again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientFrame {
    /// Comes back with the answer; at most 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The message.
    #[serde(flatten)]
    pub message: ClientMessage,
}

/// An answer with the name of what it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplyFrame {
    /// The name that the client gave its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The answer.
    #[serde(flatten)]
    pub reply: Reply,
}

/// A frame of a gateway as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerFrame {
    /// Something happened in a session.
    Event(SessionEvent),
    /// The gateway says something to this connection.
    Reply(ReplyFrame),
    /// Something of a newer gateway, as it came.
    Other(RawFrame),
}

/// A frame of a type that this end does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct RawFrame {
    /// Its type.
    pub kind: String,
    /// The session it is about.
    pub session_id: Option<String>,
    /// Its number, for an event.
    pub seq: Option<u64>,
    /// The name of what it answers.
    pub request_id: Option<String>,
    /// All of it, its type as well.
    pub fields: Map<String, Value>,
}

/// A frame could not be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// Why, for programs.
    pub code: ErrorCode,
    /// Why, and what to do next.
    pub message: String,
    /// The name of the message, where that could be read.
    pub request_id: Option<String>,
}

/// Reads a frame of a client.
///
/// # Errors
/// Where it is too long, is no JSON object or no message.
pub fn read_client(text: &str) -> Result<ClientFrame, FrameError> {
    let refuse = |code, message: String, request_id| FrameError { code, message, request_id };
    if text.len() > CLIENT_FRAME_BYTES_MAX {
        let message = format!(
            "the message is {} bytes long, and at most {CLIENT_FRAME_BYTES_MAX} are read; \
             send less at once",
            text.len()
        );
        return Err(refuse(ErrorCode::MessageTooLarge, message, None));
    }
    let fields: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        let message = format!("the message is no JSON object: {error}; send one object in a frame");
        refuse(ErrorCode::InvalidJson, message, None)
    })?;
    let request_id = match fields.get("requestId") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if id.len() <= REQUEST_ID_BYTES_MAX => Some(id.clone()),
        Some(_) => {
            let message =
                format!("requestId must be a string of at most {REQUEST_ID_BYTES_MAX} bytes");
            return Err(refuse(ErrorCode::InvalidMessage, message, None));
        }
    };
    match ClientMessage::deserialize(Value::Object(fields)) {
        Ok(message) => Ok(ClientFrame { request_id, message }),
        Err(error) => {
            let message = format!(
                "the message cannot be understood: {error}; see the protocol's list of messages"
            );
            Err(refuse(ErrorCode::InvalidMessage, message, request_id))
        }
    }
}

impl ServerFrame {
    /// Reads a frame of a gateway. What is an object with a type is never refused: what is not
    /// understood is kept as it came.
    ///
    /// # Errors
    /// Where it is no JSON object with a type.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        if let Some(mut flat) = Flat::read(text) {
            if let Some(event) = flat.piece() {
                return Ok(Self::Event(event));
            }
            if let Some(known) = Self::known(text, flat.seq.is_some()) {
                return Ok(known);
            }
        }
        let raw = RawFrame::read(text)?;
        // The long way forgives what the short one does not, such as a field that is there twice.
        let text = Value::Object(raw.fields.clone()).to_string();
        Ok(Self::known(&text, raw.seq.is_some()).unwrap_or(Self::Other(raw)))
    }

    /// An event has a number and no reply does, so nobody needs a list of both to tell them apart.
    fn known(text: &str, has_number: bool) -> Option<Self> {
        // What is not understood is kept as it came, whatever is wrong with it.
        if has_number {
            serde_json::from_str(text).map(Self::Event).ok()
        } else {
            serde_json::from_str(text).map(Self::Reply).ok()
        }
    }
}

impl RawFrame {
    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let fields: Map<String, Value> = serde_json::from_str(text)?;
        let word = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some(kind) = word("type") else {
            return Err(serde::de::Error::missing_field("type"));
        };
        Ok(Self {
            session_id: word("sessionId"),
            seq: fields.get("seq").and_then(Value::as_u64),
            request_id: word("requestId"),
            kind,
            fields,
        })
    }
}
