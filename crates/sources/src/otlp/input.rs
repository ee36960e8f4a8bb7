//! The facts in what a tool was given.

use serde_json::{Map, Value};

use crate::draft::Draft;
use crate::edits::{Edit, lines, patch};

/// Where a patch begins, wherever it stands.
const PATCH: &str = "*** Begin Patch";

/// The tools that write a whole file.
const WRITERS: &[&str] = &["Write", "write_file", "create_file", "write"];

/// Adds what a tool was given to the event, from the text of its arguments. Of values as long as
/// `whole_max` or longer, the end may be missing; their lines are not counted.
pub(super) fn facts(draft: Draft, tool: Option<&str>, text: &str, whole_max: usize) -> Draft {
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(fields) => fields_facts(draft, tool, &fields, whole_max),
        Err(_) if text.contains(PATCH) => edit_facts(draft, patch(text)),
        Err(_) => draft,
    }
}

fn fields_facts(
    mut draft: Draft,
    tool: Option<&str>,
    fields: &Map<String, Value>,
    whole_max: usize,
) -> Draft {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let command = ["command", "cmd", "full_command", "bash_command"].iter().find_map(|name| {
        match fields.get(*name)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(words) => {
                Some(words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
            }
            _ => None,
        }
    });
    let file = ["file_path", "absolute_path", "notebook_path"].iter().find_map(|name| text(name));
    for name in ["pattern", "query", "url", "description"] {
        draft = draft.fact(name, text(name));
    }
    draft = draft.fact("file_path", file);
    let is_whole = |part: &&str| part.encode_utf16().count() < whole_max;
    let given = [text("input"), text("patch"), command.as_deref()];
    let given = given.into_iter().flatten().find(|part| part.contains(PATCH));
    let edit = match given {
        Some(part) => Some(part).filter(is_whole).map(patch),
        None => replaced(fields, tool, whole_max),
    };
    draft = draft.fact("command", command.as_deref());
    match edit {
        Some(edit) => edit_facts(draft, edit),
        None => draft,
    }
}

/// Returns what replacing or writing text does, where all of the text is there.
fn replaced(fields: &Map<String, Value>, tool: Option<&str>, whole_max: usize) -> Option<Edit> {
    let one = std::slice::from_ref(fields);
    let several: Vec<_>;
    let edits = match fields.get("edits").and_then(Value::as_array) {
        Some(edits) => {
            several = edits.iter().filter_map(|edit| edit.as_object().cloned()).collect();
            &several[..]
        }
        None => one,
    };
    let mut edit = Edit::default();
    for fields in edits {
        for (name, is_new) in [("old_string", false), ("new_string", true), ("content", true)] {
            let Some(text) = fields.get(name).and_then(Value::as_str) else { continue };
            if name == "content" && !tool.is_some_and(|tool| WRITERS.contains(&tool)) {
                continue;
            }
            if text.encode_utf16().count() >= whole_max {
                return None;
            }
            let count = if is_new { &mut edit.lines_added } else { &mut edit.lines_removed };
            *count += lines(text);
        }
    }
    Some(edit)
}

pub(super) fn edit_facts(mut draft: Draft, edit: Edit) -> Draft {
    draft = draft.fact("file_path", edit.file_path);
    if edit.lines_added > 0 {
        draft = draft.fact("lines_added", edit.lines_added);
    }
    if edit.lines_removed > 0 {
        draft = draft.fact("lines_removed", edit.lines_removed);
    }
    draft
}

#[cfg(test)]
mod tests {
    use oriel_model::EventKind;

    use super::*;

    #[test]
    fn lines_are_counted_where_all_of_the_text_is_there() {
        check("Edit", r#"{"file_path":"a.rs","old_string":"x","new_string":"y\nz"}"#, 512, (2, 1));
        check("Edit", r#"{"file_path":"a.rs","old_string":"x","new_string":"y\nz"}"#, 3, (0, 0));
        check(
            "MultiEdit",
            r#"{"file_path":"a.rs","edits":[{"old_string":"x","new_string":""},{"old_string":"","new_string":"y"}]}"#,
            512,
            (1, 1),
        );
        check("Write", r#"{"file_path":"a.rs","content":"1\n2\n"}"#, 512, (3, 0));
        check("Post", r#"{"file_path":"a.rs","content":"1\n2\n"}"#, 512, (0, 0));
    }

    #[test]
    fn a_patch_is_read_wherever_it_stands() {
        let patch = "*** Begin Patch\n*** Add File: a.rs\n+one\n+two\n*** End Patch";
        check("apply_patch", patch, 512, (2, 0));
        let given = serde_json::json!({ "input": patch });
        check("apply_patch", &given.to_string(), 512, (2, 0));
        let given = serde_json::json!({ "cmd": format!("apply_patch <<'EOF'\n{patch}\nEOF") });
        check("exec_command", &given.to_string(), 512, (2, 0));
    }

    #[test]
    fn a_command_may_be_a_list_of_words() {
        let draft = Draft::new("codex", "otel", "s", EventKind::ToolUse);
        let event = facts(draft, Some("shell"), r#"{"command":["ls","-l"]}"#, 512).build();
        assert_eq!(event.metadata.text(), r#"{"command":"ls -l"}"#);
    }

    fn check(tool: &str, text: &str, whole_max: usize, expected: (u64, u64)) {
        let draft = Draft::new("claude_code", "otel", "s", EventKind::ToolUse);
        let event = facts(draft, Some(tool), text, whole_max).build();
        let known = event.metadata.facts();
        assert_eq!(known.file_path.as_deref(), Some("a.rs"), "{text}");
        assert_eq!((known.lines_added, known.lines_removed), expected, "{text}");
    }
}
