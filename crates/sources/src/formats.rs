//! Every format there is.

use crate::claude::ClaudeCode;
use crate::codex::Codex;
use crate::copilot::Copilot;
use crate::format::Format;
use crate::gemini::{GeminiLines, GeminiWhole};
use crate::opencode::OpenCode;
use crate::qwen::Qwen;

/// Returns every format of a history, in the order in which they are asked whether a file is theirs.
#[must_use]
pub fn formats() -> Vec<Box<dyn Format>> {
    vec![
        Box::new(ClaudeCode),
        Box::new(Codex),
        Box::new(GeminiLines),
        Box::new(GeminiWhole),
        Box::new(Qwen),
        Box::new(OpenCode),
        Box::new(Copilot),
    ]
}
