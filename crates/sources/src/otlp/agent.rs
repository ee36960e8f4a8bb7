//! Whose export it is, and of which session.

use super::attributes::Attributes;

/// Where a record names its session, the surest first. `session.id` comes before the conversation,
/// since Claude Code gives a sub-agent a conversation of its own.
const OF_RECORD: &[&str] = &[
    "gen_ai.session.id",
    "conversation.id",
    "session.id",
    "gen_ai.conversation.id",
    "conversation_id",
    "session_id",
    "ai.telemetry.metadata.sessionId",
];

/// Where a resource names its session.
const OF_RESOURCE: &[&str] =
    &["session.id", "gen_ai.session.id", "conversation.id", "gen_ai.conversation.id"];

/// What a program calls itself contains one of these; the first that fits tells the agent.
const AGENTS: &[(&str, &str)] = &[
    ("codex", "codex"),
    ("claude", "claude_code"),
    ("gemini-cli", "gemini_cli"),
    ("gemini_cli", "gemini_cli"),
    ("qwen-code", "qwen_code"),
    ("qwen_code", "qwen_code"),
    ("opencode", "opencode"),
    ("copilot", "copilot_cli"),
];

/// Returns the agent that a resource stands for.
pub(super) fn of(resource: &Attributes) -> String {
    let service = resource.text(&["service.name"]);
    let kit = resource.text(&["telemetry.sdk.name"]);
    let names = [service.as_deref().unwrap_or_default(), kit.as_deref().unwrap_or_default()];
    let told = names.join(" ").to_ascii_lowercase();
    match AGENTS.iter().find(|(part, _)| told.contains(part)) {
        Some((_, agent)) => (*agent).to_owned(),
        None => match names[0].trim() {
            "" => "unknown".to_owned(),
            name => name.to_owned(),
        },
    }
}

/// Returns whether an agent's records are known here by name.
pub(super) fn is_known(agent: &str) -> bool {
    AGENTS.iter().any(|(_, known)| *known == agent)
}

/// Returns the session that a record of a resource belongs to.
pub(super) fn session(record: &Attributes, resource: &Attributes) -> Option<String> {
    let told = record.text(OF_RECORD).or_else(|| resource.text(OF_RESOURCE))?;
    Some(told.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Any;
    use super::*;

    #[test]
    fn an_agent_is_known_by_what_its_program_is_called() {
        check("claude-code", "", "claude_code");
        check("codex_exec", "opentelemetry", "codex");
        check("codex_cli_rs", "", "codex");
        check("my-wrapper", "Codex-OTEL", "codex");
        check("gemini-cli", "", "gemini_cli");
        check("qwen-code", "", "qwen_code");
        check("opencode", "", "opencode");
        check("github-copilot", "", "copilot_cli");
        check("Night Shift", "opentelemetry", "Night Shift");
        check("", "opentelemetry", "unknown");
    }

    fn check(service: &str, kit: &str, agent: &str) {
        let resource = Attributes(vec![
            ("service.name".to_owned(), Any::Text(service.to_owned())),
            ("telemetry.sdk.name".to_owned(), Any::Text(kit.to_owned())),
        ]);
        assert_eq!(of(&resource), agent);
    }
}
