//! What several agents write alike: the parts of a message and the arguments of a tool.

use oriel_model::Role;

use crate::draft::{Draft, clip};
use crate::edits;
use crate::loose::{Fields, Loose};

/// Returns the words of a message's content: a string, one part or several.
pub(crate) fn words(content: Option<Loose<'_>>) -> String {
    let Some(content) = content else { return String::new() };
    if let Some(text) = content.text() {
        return text.into_owned();
    }
    let one = content.fields().text("text").map(String::from);
    one.unwrap_or_else(|| {
        let parts = content.items();
        let spoken = parts
            .iter()
            .filter(|part| part.fields().get("thought").and_then(Loose::flag) != Some(true));
        spoken
            .filter_map(|part| match part.text() {
                Some(text) => Some(text.into_owned()),
                None => part.fields().text("text").map(String::from),
            })
            .collect()
    })
}

/// Adds what a tool was given.
pub(crate) fn given(draft: Draft, args: Option<Loose<'_>>, tool: &str) -> Draft {
    let Some(args) = args else { return draft };
    // Some write the arguments as JSON within a string.
    let inner = args.text();
    let fields = match &inner {
        Some(text) => Fields::read(text).unwrap_or_default(),
        None => args.fields(),
    };
    let mut draft = draft.text(Role::Input, inner.as_deref().unwrap_or(args.raw()));
    for (name, known) in [
        ("command", &["command", "cmd"][..]),
        ("file_path", &["file_path", "filePath", "absolute_path", "path"]),
        ("pattern", &["pattern"]),
        ("query", &["query"]),
        ("url", &["url"]),
        ("description", &["description"]),
    ] {
        if let Some(text) = fields.first(known).and_then(Loose::text) {
            draft = draft.fact(name, clip(&text, 4_000));
        }
    }
    let count = |names: &[&str]| {
        fields.first(names).and_then(Loose::text).map_or(0, |text| edits::lines(&text))
    };
    match tool {
        "replace" | "edit" | "str_replace" => draft
            .fact("lines_added", count(&["new_string", "newString", "new_str"]))
            .fact("lines_removed", count(&["old_string", "oldString", "old_str"])),
        "write_file" | "write" | "create" => {
            draft.fact("lines_added", count(&["content", "file_text"]))
        }
        _ => draft,
    }
}
