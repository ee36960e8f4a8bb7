//! Calls of tools, and what they do to files.

use oriel_model::{EventKind, Key, Outcome, Role};
use oriel_wire::gateway::{FileChange, FileDiff, SessionEvent};
use serde_json::{Value, json};

use super::Told;
use super::open::Call;
use crate::draft::{Draft, clip};
use crate::edits::lines;
use crate::loose::Fields;
use crate::parts::given;

/// The most of an output that is shown, in UTF-16 units.
const PREVIEW_UNITS_MAX: usize = 500;

/// The most of what a call is about that is shown, in UTF-16 units.
const DETAIL_UNITS_MAX: usize = 200;

impl Told {
    /// A call has begun, or more is known of one.
    pub(super) fn does(
        &mut self,
        event: &SessionEvent,
        id: &str,
        tool: &str,
        detail: Option<String>,
    ) {
        let detail = detail.map(|detail| clip(detail.trim(), DETAIL_UNITS_MAX).to_owned());
        self.note(event, "doing", &json!({ "tool": tool, "detail": detail, "id": id }));
        self.parsed.tally.joined();
    }

    /// A call has ended.
    pub(super) fn went(
        &mut self,
        event: &SessionEvent,
        id: &str,
        output: &str,
        diffs: &[FileDiff],
        is_well: bool,
    ) {
        let call = self.open.find(id).cloned();
        let at_ms = call.as_ref().map_or(event.ts, |call| call.began_ms);
        let took_ms = u64::try_from(event.ts.saturating_sub(at_ms)).ok();
        let preview = clip(output.trim_end(), PREVIEW_UNITS_MAX);
        let mut draft = self.call(
            self.draft_named(&event.seq.to_string(), at_ms, EventKind::ToolUse),
            id,
            call.as_ref(),
        );
        draft = draft.duration(took_ms.filter(|_| call.is_some()));
        draft = draft.text(Role::Output, output).fact("content_preview", preview);
        draft = if is_well {
            self.edited(draft, call.as_ref(), diffs)
        } else {
            draft.outcome(Outcome::Error).fact("error", preview)
        };
        self.event(draft);
        self.parsed.tally.told();
        self.note(event, "doing", &Value::Null);
    }

    /// The turn ended before these calls did.
    pub(super) fn cut_off(&mut self, why: Option<&str>) {
        for call in self.open.calls() {
            let what = format!("{} cut", call.seq);
            let draft = self.draft_named(&what, call.began_ms, EventKind::ToolUse);
            let mut draft = self.call(draft, &call.id, Some(&call));
            if let Some(why) = why {
                draft = draft.outcome(Outcome::Error).fact("error", why);
            }
            self.event(draft);
        }
    }

    /// Adds to an event what is known of its call.
    fn call(&self, draft: Draft, id: &str, call: Option<&Call>) -> Draft {
        let key = Key::one(&self.who.agent, "tool", id);
        let draft = draft.key(key).fact("tool_use_id", id);
        let Some(call) = call else { return draft };
        let draft = draft.tool(Some(&call.tool));
        let Some(input) = &call.input else { return draft };
        let text = json!({ "input": input }).to_string();
        let fields = Fields::read(&text);
        given(draft, fields.as_ref().and_then(|fields| fields.get("input")), &call.tool)
    }

    /// Adds how a call changed files: by what it was given, as the agent's own telling counts it, or
    /// else by the difference that it made.
    fn edited(&self, draft: Draft, call: Option<&Call>, diffs: &[FileDiff]) -> Draft {
        let input = call.and_then(|call| call.input.as_ref());
        let (mut added, mut removed) = input.map_or((0, 0), lines_of_input);
        if (added, removed) == (0, 0) {
            let counts = diffs.iter().map(|diff| changed_lines(diff.old.as_deref(), &diff.new));
            (added, removed) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        }
        let count = |lines: u64| (lines > 0).then_some(lines);
        let draft = draft.fact("lines_added", count(added)).fact("lines_removed", count(removed));
        let is_named = input.is_some_and(|input| path_of_input(input).is_some());
        let path =
            diffs.first().map(|diff| &diff.path).or(call.and_then(|call| call.path.as_ref()));
        match path {
            Some(path) if !is_named => draft.fact("file_path", self.place(path)),
            _ => draft,
        }
    }

    pub(super) fn file_changed(
        &mut self,
        event: &SessionEvent,
        path: &str,
        iteration: u32,
        size: u64,
        kind: FileChange,
    ) {
        let word = match kind {
            FileChange::Created => "created",
            FileChange::Modified => "modified",
            FileChange::Deleted => "deleted",
        };
        let draft = self
            .draft(event, EventKind::FileChange)
            .fact("file_path", self.place(path))
            .fact("event", word)
            .fact("iteration", iteration)
            .fact("size", size);
        self.event(draft);
        self.parsed.tally.told();
    }

    /// Returns where a file of the workspace lies, as agents themselves tell it.
    fn place(&self, path: &str) -> String {
        let workspace = self.session.workspace.trim_end_matches('/');
        if path.starts_with('/') || workspace.is_empty() {
            return path.to_owned();
        }
        format!("{workspace}/{path}")
    }
}

/// Returns in a few words what a call is about.
pub(super) fn detail(input: &Value) -> Option<String> {
    let names = [
        "command",
        "file_path",
        "notebook_path",
        "path",
        "pattern",
        "query",
        "url",
        "description",
        "prompt",
    ];
    let found = names.iter().find_map(|name| input.get(name)?.as_str())?;
    Some(found.to_owned()).filter(|found| !found.trim().is_empty())
}

fn path_of_input(input: &Value) -> Option<&str> {
    let names = ["file_path", "filePath", "absolute_path", "path"];
    names.iter().find_map(|name| input.get(name)?.as_str())
}

/// Returns how many lines an edit adds and removes by what it is given.
fn lines_of_input(input: &Value) -> (u64, u64) {
    let count = |part: &Value, names: [&str; 3]| {
        names.iter().find_map(|name| part.get(name)?.as_str()).map_or(0, lines)
    };
    let edits = input.get("edits").and_then(Value::as_array).into_iter().flatten();
    let (mut added, mut removed) = (0, 0);
    for part in edits.chain([input]) {
        added += count(part, ["new_string", "newString", "new_str"]);
        removed += count(part, ["old_string", "oldString", "old_str"]);
    }
    let is_file = path_of_input(input).is_some();
    if (added, removed) == (0, 0) && is_file {
        added = count(input, ["content", "file_text", "new_source"]);
    }
    (added, removed)
}

/// Returns how many lines differ between two texts, of which many tell whole files: all but those that
/// both begin and end with.
fn changed_lines(old: Option<&str>, new: &str) -> (u64, u64) {
    let Some(old) = old else { return (lines(new), 0) };
    let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let alike =
        |one: &[&str], two: &[&str]| one.iter().zip(two).take_while(|(a, b)| a == b).count();
    let head = alike(&old, &new);
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    ((new.len() - tail) as u64, (old.len() - tail) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_counts_only_the_lines_that_differ() {
        assert_eq!(changed_lines(None, "a\nb"), (2, 0));
        assert_eq!(changed_lines(Some("a\nb\nc\n"), "a\nB\nx\nc\n"), (2, 1));
        assert_eq!(changed_lines(Some("a\nb\n"), "a\nb\n"), (0, 0));
        assert_eq!(changed_lines(Some("a\na\n"), "a\na\na\n"), (1, 0));
    }

    #[test]
    fn an_edit_counts_what_it_is_given_as_the_agents_own_telling_does() {
        let check = |input: Value, expected: (u64, u64)| {
            assert_eq!(lines_of_input(&input), expected, "{input}");
        };
        check(json!({ "file_path": "a", "old_string": "x", "new_string": "y\nz" }), (2, 1));
        check(
            json!({ "edits": [{ "old_string": "a", "new_string": "b" }, { "old_string": "c\nd", "new_string": "" }] }),
            (1, 3),
        );
        check(json!({ "file_path": "a", "content": "1\n2\n" }), (3, 0));
        check(json!({ "content": "no file" }), (0, 0));
        check(json!("text"), (0, 0));
    }
}
