//! The words in what was posted that someone may look for again.

use oriel_model::{EventKind, NewEvent, Role, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    command: Option<&'a RawValue>,
    #[serde(borrow)]
    query: Option<&'a RawValue>,
    #[serde(borrow)]
    content_preview: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Adds the words of a posted event's metadata to what can be searched for.
pub(super) fn find(event: &mut NewEvent) {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(event.metadata.text()) else { return };
    let found: &[(Role, Option<&RawValue>)] = match event.facet.kind {
        EventKind::UserPrompt => &[(Role::Prompt, fields.message)],
        EventKind::ToolUse | EventKind::FileChange | EventKind::GitCommit | EventKind::PlanStep => {
            &[
                (Role::Input, fields.command.or(fields.query)),
                (Role::Output, fields.content_preview.or(fields.error)),
            ]
        }
        EventKind::Error => &[(Role::Output, fields.error.or(fields.message))],
        EventKind::Response | EventKind::LlmRequest | EventKind::LlmResponse => {
            &[(Role::Answer, fields.content_preview.or(fields.message))]
        }
        EventKind::SessionStart | EventKind::SessionEnd | EventKind::InstructionLoad => &[],
    };
    let texts: Vec<Text> = found
        .iter()
        .filter_map(|(role, raw)| {
            let text = serde_json::from_str(raw.as_ref()?.get()).ok()?;
            Some(Text { role: *role, text })
        })
        .collect();
    event.told.texts = texts;
}
