//! Texts and events are cut to what can be kept and sent. What is cut says so.

use oriel_wire::gateway::{EventBody, FileDiff};
use serde_json::{Value, json};

/// The longest output of a tool or a terminal that is kept. Of a tool the beginning is kept, of a terminal
/// the end.
pub(crate) const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// The longest input of a tool, as JSON. A longer one is replaced by a note of its length.
const INPUT_BYTES_MAX: usize = 256 * 1024;

/// How much of changes to files an event tells. What is more is left out; the files are kept elsewhere.
const DIFF_BYTES_MAX: usize = 512 * 1024;

/// The longest event as JSON. One that is longer even after it was cut is not told at all.
pub(crate) const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The longest name of anything that an agent names.
const NAME_BYTES_MAX: usize = 1024;

/// The longest question.
pub(crate) const PROMPT_BYTES_MAX: usize = 16 * 1024;

/// How many answers a question may offer. The first ones are kept.
pub(crate) const OPTIONS_MAX: usize = 32;

/// A delta is sent in pieces of this length at most.
pub(crate) const DELTA_BYTES_MAX: usize = 64 * 1024;

/// A stretch of text or thoughts that grows longer is told whole, and a new one begins.
pub(crate) const STRETCH_BYTES_MAX: usize = 256 * 1024;

/// How much of a turn's text, as JSON, `finalText` and snapshots hold. What comes after it is told by
/// `text.complete` only.
pub(crate) const TURN_TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How many tools of a turn a snapshot tells of. Of more, the first ones are told.
pub(crate) const OPEN_TOOLS_MAX: usize = 64;

/// How many questions wait at once. One more is cancelled as soon as it is asked.
pub(crate) const QUESTIONS_MAX: usize = 32;

/// The longest message of what went wrong.
pub(crate) const PROBLEM_BYTES_MAX: usize = 2 * 1024;

/// How many steps of a plan are kept.
const PLAN_MAX: usize = 256;

/// Returns the longest beginning of a text that has at most so many bytes and ends with a whole character.
pub(crate) fn beginning(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// Returns the longest end of a text that has at most so many bytes and begins with a whole character.
pub(crate) fn end(text: &str, bytes_max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes_max))..]
}

/// Cuts a text in place. Returns whether anything was cut.
pub(crate) fn cut(text: &mut String, bytes_max: usize) -> bool {
    let is_long = text.len() > bytes_max;
    if is_long {
        text.truncate(text.floor_char_boundary(bytes_max));
    }
    is_long
}

/// Returns a text in pieces of at most so many bytes, which must be four or more.
pub(crate) fn pieces(text: &str, bytes_max: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(bytes_max));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Returns how long a text is in JSON, without its quotes.
pub(crate) fn json_len(text: &str) -> usize {
    let escaped = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..32 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

/// Cuts what an agent tells to what is kept.
pub(crate) fn fit(mut body: EventBody) -> EventBody {
    match &mut body {
        EventBody::ToolCallStart { tool_call_id, tool_name, title } => {
            cut(tool_call_id, NAME_BYTES_MAX);
            cut(tool_name, NAME_BYTES_MAX);
            if let Some(title) = title {
                cut(title, PROMPT_BYTES_MAX);
            }
        }
        EventBody::ToolCall { tool_call_id, tool_name, input, locations } => {
            cut(tool_call_id, NAME_BYTES_MAX);
            cut(tool_name, NAME_BYTES_MAX);
            fit_input(input);
            locations.truncate(PLAN_MAX);
        }
        EventBody::ToolResult { tool_call_id, output, truncated, diff }
        | EventBody::ToolError { tool_call_id, output, truncated, diff } => {
            cut(tool_call_id, NAME_BYTES_MAX);
            *truncated |= cut(output, OUTPUT_BYTES_MAX);
            *truncated |= fit_diff(diff);
        }
        EventBody::TerminalComplete { terminal_id, output, truncated, .. } => {
            cut(terminal_id, NAME_BYTES_MAX);
            if output.len() > OUTPUT_BYTES_MAX {
                *output = end(output, OUTPUT_BYTES_MAX).to_owned();
                *truncated = true;
            }
        }
        EventBody::PlanUpdated { entries } => {
            entries.truncate(PLAN_MAX);
            for entry in entries {
                cut(&mut entry.text, NAME_BYTES_MAX);
                cut(&mut entry.status, NAME_BYTES_MAX);
                cut(&mut entry.priority, NAME_BYTES_MAX);
            }
        }
        EventBody::ToolCallDelta { tool_call_id: id, .. }
        | EventBody::TerminalStream { terminal_id: id, .. } => {
            cut(id, NAME_BYTES_MAX);
        }
        _ => {}
    }
    body
}

fn fit_input(input: &mut Value) {
    let bytes = input.to_string().len();
    if bytes > INPUT_BYTES_MAX {
        *input = json!({ "truncated": true, "bytes": bytes });
    }
}

/// Leaves out changes from the first one on that does not fit. Returns whether there was one.
fn fit_diff(diff: &mut Vec<FileDiff>) -> bool {
    let mut bytes = 0_usize;
    let len = |it: &FileDiff| it.path.len() + it.new.len() + it.old.as_ref().map_or(0, String::len);
    let fitting = diff.iter().take_while(|it| {
        bytes = bytes.saturating_add(len(it));
        bytes <= DIFF_BYTES_MAX
    });
    let fitting = fitting.count();
    let is_long = fitting < diff.len();
    diff.truncate(fitting);
    is_long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(beginning("aé", 2), "a");
        assert_eq!(end("éa", 2), "a");
        assert_eq!((beginning("aé", 3), end("éa", 9)), ("aé", "éa"));
        assert_eq!(pieces("aébcd", 4).collect::<Vec<_>>(), ["aéb", "cd"]);
        assert_eq!(pieces("", 4).count(), 0);
    }

    #[test]
    fn a_length_in_json_is_what_json_takes() {
        for text in ["", "plain", "a\"b\\c\n\u{1}\u{8}", "é \u{7f} 😀"] {
            assert_eq!(json_len(text) + 2, serde_json::to_string(text).unwrap().len(), "{text:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let output = "é".repeat(OUTPUT_BYTES_MAX);
        let result = EventBody::ToolResult {
            tool_call_id: "c".to_owned(),
            output: output.clone(),
            truncated: false,
            diff: vec![],
        };
        let EventBody::ToolResult { output: kept, truncated, .. } = fit(result) else { panic!() };
        assert!(truncated && kept.len() <= OUTPUT_BYTES_MAX && output.starts_with(&kept));

        let small = FileDiff { path: "a".to_owned(), old: None, new: "b".to_owned() };
        let large = FileDiff { new: "x".repeat(DIFF_BYTES_MAX), ..small.clone() };
        let error = EventBody::ToolError {
            tool_call_id: "c".to_owned(),
            output: String::new(),
            truncated: false,
            diff: vec![small.clone(), large],
        };
        let EventBody::ToolError { truncated, diff, .. } = fit(error) else { panic!() };
        assert_eq!((truncated, diff), (true, vec![small]));

        let call = EventBody::ToolCall {
            tool_call_id: "c".to_owned(),
            tool_name: "t".to_owned(),
            input: json!({ "text": "x".repeat(INPUT_BYTES_MAX) }),
            locations: vec![],
        };
        let EventBody::ToolCall { input, .. } = fit(call) else { panic!() };
        assert_eq!(input["truncated"], true);
    }
}
