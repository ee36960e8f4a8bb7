//! Frames: a length and a JSON text.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Answer, Event, Request};

/// The longest text of a frame. Whoever is sent a longer one ends the conversation, since nothing after it
/// can be told apart.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A request under an id of the driver's choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Comes back with the answer.
    pub id: u64,
    /// What is asked.
    pub request: Request,
}

/// What a session says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(untagged)]
pub enum Told {
    /// The answer to a request.
    Answer {
        /// The request's id; 0 where a frame was none.
        id: u64,
        /// The answer.
        answer: Answer,
    },
    /// Something happened.
    Event {
        /// What.
        event: Event,
    },
}

/// A frame is none.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// It is longer than any may be.
    #[error("a frame of {0} bytes is longer than any may be")]
    Long(usize),
    /// Its text is not what it should be.
    #[error("the frame's text is no message: {0}")]
    Text(#[from] serde_json::Error),
}

/// Returns a message as a frame.
///
/// # Errors
/// Where it is longer than any may be.
pub fn frame(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    let told = u32::try_from(length).ok().filter(|_| length <= FRAME_BYTES_MAX);
    let told = told.ok_or(FrameError::Long(length))?;
    bytes[..4].copy_from_slice(&told.to_le_bytes());
    Ok(bytes)
}

/// Returns how long the text after these four bytes is.
///
/// # Errors
/// Where it is longer than any may be.
pub fn frame_length(head: [u8; 4]) -> Result<usize, FrameError> {
    let length = u32::from_le_bytes(head) as usize;
    if length > FRAME_BYTES_MAX { Err(FrameError::Long(length)) } else { Ok(length) }
}

/// Reads the text of a frame.
///
/// # Errors
/// Where it is not what it should be.
pub fn read_frame<T: DeserializeOwned>(text: &[u8]) -> Result<T, FrameError> {
    Ok(serde_json::from_slice(text)?)
}
