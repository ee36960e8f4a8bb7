//! Reading what comes most: the small pieces in which an agent's words, thoughts and output arrive.
//!
//! Such a frame is flat, so it is read in one pass and nothing is built that is thrown away again. What
//! else it is, a frame tells here by its type and by whether it has a number, and is then read as that.

use std::borrow::Cow;

use serde::Deserialize;

use super::event::{EventBody, SessionEvent};

/// A frame with the fields that pieces have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flat<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    pub(super) seq: Option<u64>,
    ts: Option<i64>,
    session_id: Option<String>,
    turn_id: Option<String>,
    text: Option<String>,
    tool_call_id: Option<String>,
    delta: Option<String>,
    terminal_id: Option<String>,
    chunk: Option<String>,
}

impl<'a> Flat<'a> {
    /// Reads a frame. A frame of which these fields are something else is none of these.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        // Whoever needs to know why reads the frame again, as whole.
        serde_json::from_str(text).ok()
    }

    /// Returns the piece that the frame is.
    pub(super) fn piece(&mut self) -> Option<SessionEvent> {
        let (Some(seq), Some(ts)) = (self.seq, self.ts) else { return None };
        let body = self.body()?;
        let session_id = self.session_id.take()?;
        Some(SessionEvent { session_id, turn_id: self.turn_id.take(), seq, ts, body })
    }

    fn body(&mut self) -> Option<EventBody> {
        // Without a session it is no event, and what was taken from it here would be missing later.
        self.session_id.as_ref()?;
        match &*self.kind {
            "text_delta" => Some(EventBody::TextDelta { text: self.text.take()? }),
            "thinking.progress" => Some(EventBody::ThinkingProgress { text: self.text.take()? }),
            "tool_call_delta" => Some(EventBody::ToolCallDelta {
                tool_call_id: self.tool_call_id.take()?,
                delta: self.delta.take()?,
            }),
            "terminal.stream" => Some(EventBody::TerminalStream {
                terminal_id: self.terminal_id.take()?,
                chunk: self.chunk.take()?,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gateway::ServerFrame;

    #[test]
    fn a_piece_is_read_as_its_long_way_would_read_it() {
        let common =
            json!({ "sessionId": "s", "turnId": "t", "seq": 7, "ts": -1, "new": { "a": 1 } });
        for fields in [
            json!({ "type": "text_delta", "text": "a\n\u{1b}[0m \u{1f980}" }),
            json!({ "type": "thinking.progress", "text": "" }),
            json!({ "type": "tool_call_delta", "toolCallId": "c", "delta": "d" }),
            json!({ "type": "terminal.stream", "terminalId": "c", "chunk": "d" }),
            json!({ "type": "terminal.stream", "terminalId": "c", "chunk": "d", "turnId": null }),
        ] {
            let mut frame = common.clone();
            frame.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let text = frame.to_string();
            let piece = Flat::read(&text).unwrap().piece().unwrap();
            assert_eq!(piece, serde_json::from_str::<SessionEvent>(&text).unwrap(), "{text}");
            assert_eq!(ServerFrame::read(&text).unwrap(), ServerFrame::Event(piece));
        }
    }

    #[test]
    fn what_lacks_a_part_of_a_piece_is_none() {
        for text in [
            r#"{"type":"text_delta","sessionId":"s","seq":1,"ts":1}"#,
            r#"{"type":"text_delta","sessionId":"s","seq":1,"text":"a"}"#,
            r#"{"type":"text_delta","sessionId":"s","ts":1,"text":"a"}"#,
            r#"{"type":"text_delta","seq":1,"ts":1,"text":"a"}"#,
            r#"{"type":"terminal.stream","sessionId":"s","seq":1,"ts":1,"chunk":"a"}"#,
            r#"{"type":"turn_started","sessionId":"s","seq":1,"ts":1,"text":"a"}"#,
        ] {
            assert_eq!(Flat::read(text).unwrap().piece(), None, "{text}");
            assert!(ServerFrame::read(text).is_ok(), "{text}");
        }
    }
}
