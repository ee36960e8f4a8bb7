//! What people put into settings that we do not change ourselves: Codex's, and their shell's.

use super::shell::{quote, words};

/// The events of Codex that are told.
const EVENTS: &[&str] = &[
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PermissionRequest",
    "PreCompact",
    "PostCompact",
    "SubagentStart",
    "SubagentStop",
    "Stop",
];

/// Codex allows some of its hooks no more seconds than these.
const TIMEOUT_SECONDS: u32 = 3;

/// Returns the part of Codex's `config.toml` that makes it tell.
#[must_use]
pub fn config(program: &str, flags: &[(String, String)], url: &str) -> String {
    let mut command = format!("{} hook codex", quote(program));
    for (name, value) in flags {
        command.push_str(&format!(" {name} {}", quote(value)));
    }
    let mut text = format!(
        "\
# For ~/.codex/config.toml.

[otel]
log_user_prompt = true
exporter = {{ otlp-http = {{ endpoint = {logs}, protocol = \"json\" }} }}
metrics_exporter = {{ otlp-http = {{ endpoint = {metrics}, protocol = \"json\" }} }}

# Codex runs hooks only once you have trusted them: start it and enter /hooks.
",
        logs = toml_text(&format!("{url}/api/otel/v1/logs")),
        metrics = toml_text(&format!("{url}/api/otel/v1/metrics")),
    );
    for event in EVENTS {
        text.push_str(&format!(
            "\n[[hooks.{event}]]\n[[hooks.{event}.hooks]]\ntype = \"command\"\n\
             command = {}\ntimeout = {TIMEOUT_SECONDS}\n",
            toml_text(&command)
        ));
    }
    let words = [program, "hook", "codex"].map(toml_text).join(", ");
    text.push_str(&format!(
        "\n# A Codex without hooks tells at least of the end of each turn. Put this line above every\n\
         # [table] of the file:\n# notify = [{words}]\n"
    ));
    text
}

/// Returns the variables that make Claude Code send its telemetry.
#[must_use]
pub fn claude_otel(url: &str) -> String {
    [
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &quote(&format!("{url}/api/otel"))),
    ]
    .map(|(name, value)| format!("export {name}={value}\n"))
    .concat()
}

/// Returns the programs of ours that a `config.toml` of Codex has as hooks or for its notices; nothing
/// where it is no TOML.
pub(super) fn programs(text: &str) -> Option<Vec<String>> {
    let config: toml::Table = text.parse().ok()?;
    let mut programs = Vec::new();
    let hooks = config.get("hooks").and_then(toml::Value::as_table).into_iter().flatten();
    let groups = hooks.filter_map(|(_, groups)| groups.as_array()).flatten();
    let hooks = groups.filter_map(|group| group.get("hooks")?.as_array()).flatten();
    programs.extend(hooks.filter_map(|hook| ours(&words(hook.get("command")?.as_str()?)?)));
    let notify = config.get("notify").and_then(toml::Value::as_array);
    let notify: Option<Vec<String>> = notify
        .map(|words| words.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect());
    programs.extend(notify.as_deref().and_then(ours));
    programs.dedup();
    Some(programs)
}

/// Returns the program of a command that we told people to use.
fn ours(words: &[String]) -> Option<String> {
    let [program, hook, agent, ..] = words else { return None };
    let name = program.rsplit('/').next().unwrap_or_default();
    let is_ours = name.starts_with("oriel") && hook == "hook" && agent == "codex";
    is_ours.then(|| program.clone())
}

fn toml_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_quotes_what_it_must() {
        let flags = [("--data-dir".to_owned(), "/d\"x".to_owned())];
        let text = config("/opt/it's/oriel", &flags, "http://127.0.0.1:3142");
        assert!(text.contains("\"http://127.0.0.1:3142/api/otel/v1/logs\""), "{text}");
        let command = r#"command = "'/opt/it'\\''s/oriel' hook codex --data-dir '/d\"x'""#;
        assert!(text.contains(command), "{text}");
        assert!(text.contains("[[hooks.Stop.hooks]]"), "{text}");
        assert!(claude_otel("http://h:1").contains("='http://h:1/api/otel'\n"));
    }

    #[test]
    fn what_was_put_there_by_hand_is_found_again() {
        let flags = [("--data-dir".to_owned(), "/d\"x".to_owned())];
        let text = config("/opt/it's/oriel", &flags, "http://127.0.0.1:3142");
        assert_eq!(programs(&text).unwrap(), ["/opt/it's/oriel"]);
        let notify = "notify = [\"/opt/oriel\", \"hook\", \"codex\"]";
        assert_eq!(programs(notify).unwrap(), ["/opt/oriel"]);
        let others = "notify = [\"beep\"]\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ncommand = \"x\"";
        assert!(programs(others).unwrap().is_empty());
        assert_eq!(programs("notify = "), None);
    }
}
