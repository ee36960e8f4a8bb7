//! What is known of a tool call: from what the tool was given, and from what it gave back.

use std::borrow::Cow;

use oriel_model::{Outcome, Role};

use super::json::{Raw, strings, whole};
use super::line::said;
use crate::draft::{Draft, clip};
use crate::edits::{Edit, lines};

/// The most of a command that is shown, in UTF-16 units.
const COMMAND_UNITS_MAX: usize = 200;

/// The most of an output that is shown, in UTF-16 units.
const PREVIEW_UNITS_MAX: usize = 500;

/// The most of what a tool was given that is gathered; [`Draft::text`] keeps less.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// What a refused call's answer begins with, in versions that do not mark it.
const REFUSALS: [&str; 2] =
    ["The user doesn't want to proceed with this tool use", "Permission to use "];

/// What a tool gave back.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer<'a> {
    pub(super) output: Cow<'a, str>,
    pub(super) is_error: bool,
    pub(super) is_denied: bool,
    pub(super) duration_ms: Option<u64>,
}

/// A block of a line that says what a tool gave back.
#[derive(Debug, Clone)]
pub(super) struct ToolResult<'a> {
    pub(super) id: Cow<'a, str>,
    content: Option<Raw<'a>>,
    is_error: bool,
}

impl<'a> ToolResult<'a> {
    pub(super) fn of(block: Raw<'a>) -> Option<Self> {
        // The content may be huge, so the block is walked once.
        let [id, content, is_error] = block.pick(["tool_use_id", "content", "is_error"]);
        Some(Self { id: id?.word()?, content, is_error: is_error.is_some_and(Raw::is_true) })
    }
}

impl<'a> Answer<'a> {
    /// Reads what a `tool_result` block says, and how long it took by what stands beside it.
    pub(super) fn of(result: &ToolResult<'a>, duration_ms: Option<u64>) -> Self {
        let output = result.content.map(said).unwrap_or_default();
        let is_error = result.is_error;
        let is_denied = is_error && REFUSALS.iter().any(|text| output.starts_with(text));
        Self { output, is_error, is_denied, duration_ms }
    }

    /// Adds to a call what the tool gave back. An edit that failed changed no line.
    pub(super) fn finish(&self, draft: Draft, edit: &Edit) -> Draft {
        let preview = clip(self.output.trim_end(), PREVIEW_UNITS_MAX);
        let draft = draft
            .duration(self.duration_ms)
            .text(Role::Output, &self.output)
            .fact("content_preview", preview);
        if self.is_error || self.is_denied {
            let draft = draft.outcome(Outcome::Error).fact("error", preview);
            return if self.is_denied { draft.fact("denied", true) } else { draft };
        }
        lines_of(draft, edit)
    }
}

/// Adds how many lines an edit changed.
pub(super) fn lines_of(draft: Draft, edit: &Edit) -> Draft {
    let count = |lines: u64| (lines > 0).then_some(lines);
    draft
        .fact("lines_added", count(edit.lines_added))
        .fact("lines_removed", count(edit.lines_removed))
}

/// Adds to a call what the tool was given.
pub(super) fn input(draft: Draft, id: Option<&str>, input: Option<Raw<'_>>) -> Draft {
    let draft = draft.fact("tool_use_id", id);
    let Some(input) = input.filter(|input| input.is_object()) else { return draft };
    let mut draft = draft.text(Role::Input, &strings(input, INPUT_BYTES_MAX));
    for (name, value) in input.fields() {
        let (fact, units_max) = match name {
            "command" => ("command", COMMAND_UNITS_MAX),
            "file_path" | "notebook_path" => ("file_path", usize::MAX),
            "pattern" | "query" | "url" | "description" => (name, PREVIEW_UNITS_MAX),
            _ => continue,
        };
        if let Some(word) = value.word() {
            draft = draft.fact(fact, clip(&word, units_max));
        }
    }
    draft
}

/// Returns how many lines a call adds and removes if it works.
pub(super) fn edit(tool: &str, input: Option<Raw<'_>>) -> Edit {
    let mut edit = Edit::default();
    let Some(input) = input else { return edit };
    let lines_in = |value: Raw<'_>, name: &str| {
        value.get(name).and_then(Raw::string).map_or(0, |text| lines(&text))
    };
    match tool {
        "Edit" | "MultiEdit" => {
            let edits = input.get("edits").into_iter().flat_map(Raw::items);
            for part in edits.chain([input]) {
                edit.lines_added += lines_in(part, "new_string");
                edit.lines_removed += lines_in(part, "old_string");
            }
        }
        "Write" => edit.lines_added = lines_in(input, "content"),
        "NotebookEdit" => edit.lines_added = lines_in(input, "new_source"),
        _ => {}
    }
    edit
}

/// Returns in a few words what a call is about.
pub(super) fn detail(input: Option<Raw<'_>>) -> Option<String> {
    let names = [
        "command",
        "file_path",
        "notebook_path",
        "pattern",
        "query",
        "url",
        "description",
        "skill",
        "prompt",
    ];
    let input = input?;
    let question = || input.get("questions")?.items().next()?.word_of("question");
    let found = names.iter().find_map(|name| input.word_of(name)).or_else(question)?;
    Some(clip(&found, COMMAND_UNITS_MAX).to_owned())
}

/// Returns how long a tool took, by what it says of itself.
pub(super) fn duration(result: Raw<'_>) -> Option<u64> {
    let fields = ["durationMs", "totalDurationMs", "duration_ms", "durationSeconds"];
    let [ms, total_ms, old_ms, seconds] =
        result.pick(fields).map(|field| field.and_then(Raw::number));
    let in_seconds = seconds.map(|seconds| seconds * 1000.0);
    ms.or(total_ms).or(old_ms).or(in_seconds).map(|ms| whole(ms.round()))
}

/// Returns what a tool gave back in a hook's `tool_response`, which each tool forms as it likes.
pub(super) fn output_of_response(response: Raw<'_>) -> Cow<'_, str> {
    if !response.is_object() {
        return said(response);
    }
    // An edit's answer holds the whole file; what it changed is enough.
    if let Some(patch) = response.get("structuredPatch") {
        return Cow::Owned(strings(patch, INPUT_BYTES_MAX));
    }
    let names = ["stdout", "content", "result", "text", "output"];
    let plain = names.iter().find_map(|name| Some(said(response.get(name)?)));
    if let Some(text) = plain.filter(|text| !text.trim().is_empty()) {
        let errors = response.word_of("stderr");
        return match errors {
            Some(errors) => Cow::Owned(format!("{text}\n{errors}")),
            None => text,
        };
    }
    let file = response.get("file").and_then(|file| file.word_of("content"));
    file.or_else(|| response.word_of("stderr"))
        .unwrap_or_else(|| Cow::Owned(strings(response, INPUT_BYTES_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_counts_the_lines_of_what_it_replaces() {
        let check = |tool: &str, input: &str, added: u64, removed: u64| {
            let found = edit(tool, Raw::document(input));
            assert_eq!((found.lines_added, found.lines_removed), (added, removed), "{input}");
        };
        check("Edit", r#"{"old_string":"a","new_string":"b\nc"}"#, 2, 1);
        check("Write", r#"{"content":"a\nb\n"}"#, 3, 0);
        check("NotebookEdit", r#"{"new_source":"x = 1"}"#, 1, 0);
        let two = r#"{"edits":[{"old_string":"a","new_string":"b"},{"old_string":"c\nd","new_string":""}]}"#;
        check("MultiEdit", two, 1, 3);
        check("Read", r#"{"content":"a"}"#, 0, 0);
    }

    #[test]
    fn what_a_tool_gave_back_is_found_in_its_own_form() {
        let check = |response: &str, said: &str| {
            assert_eq!(output_of_response(Raw::document(response).unwrap()), said, "{response}");
        };
        check(r#"{"stdout":"ok","stderr":"","interrupted":false}"#, "ok");
        check(r#"{"stdout":"","stderr":"no such file"}"#, "no such file");
        check(r#"[{"type":"text","text":"5"}]"#, "5");
        check(r#"{"type":"text","file":{"filePath":"a","content":"one"}}"#, "one");
        check(r#""plain""#, "plain");
    }

    #[test]
    fn a_duration_is_what_the_tool_says() {
        let check = |text: &str, ms: Option<u64>| {
            assert_eq!(duration(Raw::document(text).unwrap()), ms, "{text}");
        };
        check(r#"{"durationMs":12.6}"#, Some(13));
        check(r#"{"durationSeconds":1.5}"#, Some(1500));
        check(r#"{"stdout":"x"}"#, None);
    }
}
