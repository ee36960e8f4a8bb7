//! Who wrote a user's line. Only some of them are a person's words: the program writes its own
//! notices, the output of commands and its instructions to sub-agents as the user's too.

use super::json::Raw;
use super::line::Line;
use crate::parsed::Reason;

/// Whose words a user's line has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Author {
    /// A person asked this.
    Person(String),
    /// A person stopped the agent.
    Interruption(String),
    /// The program wrote it; with the kind that it is counted as.
    Program(&'static str, Reason),
}

/// What the program writes, by how it begins.
const NOTICES: [(&str, &str, Reason); 12] = [
    ("<command-name>", "user/command", Reason::Housekeeping),
    ("<local-command-", "user/command", Reason::Housekeeping),
    ("<bash-input>", "user/command", Reason::Housekeeping),
    ("<bash-stdout>", "user/command", Reason::Housekeeping),
    ("<bash-stderr>", "user/command", Reason::Housekeeping),
    ("<user-memory-input>", "user/command", Reason::Housekeeping),
    ("<task-notification>", "user/notification", Reason::SaidElsewhere),
    ("<agent-notification>", "user/notification", Reason::SaidElsewhere),
    ("<teammate-message", "user/notification", Reason::SaidElsewhere),
    ("<system-reminder>", "user/meta", Reason::Scaffolding),
    ("<user-prompt-submit-hook>", "user/meta", Reason::Scaffolding),
    ("Caveat: The messages below were generated", "user/meta", Reason::Scaffolding),
];

/// Tells whose words a user's line has.
pub(super) fn author(line: &Line<'_>, of_sub_agent: bool) -> Author {
    let is_true = |name: &str| line.whole.get(name).is_some_and(Raw::is_true);
    if line.is_meta {
        return Author::Program("user/meta", Reason::Scaffolding);
    }
    if is_true("isCompactSummary") || is_true("isVisibleInTranscriptOnly") {
        return Author::Program("user/summary", Reason::Scaffolding);
    }
    if of_sub_agent || line.is_sidechain {
        return Author::Program("user/instruction", Reason::SaidElsewhere);
    }
    let kind = line.whole.get("origin").and_then(|origin| origin.word_of("kind"));
    if kind.as_deref() == Some("task-notification") {
        return Author::Program("user/notification", Reason::SaidElsewhere);
    }
    author_of_text(&words(line))
}

/// Tells whose words a text is by how it begins.
pub(super) fn author_of_text(text: &str) -> Author {
    let text = text.trim();
    if text.is_empty() {
        return Author::Program("user", Reason::Empty);
    }
    if text.starts_with("[Request interrupted by user") {
        return Author::Interruption(text.to_owned());
    }
    let notice = NOTICES.iter().find(|(begin, ..)| text.starts_with(begin));
    if let Some((_, kind, reason)) = notice {
        return Author::Program(kind, *reason);
    }
    Author::Person(slash_command(text).unwrap_or_else(|| text.to_owned()))
}

/// Returns what a person typed of a command that was expanded to a prompt.
fn slash_command(text: &str) -> Option<String> {
    if !text.starts_with("<command-message>") {
        return None;
    }
    let between = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.trim())
    };
    let name = between("command-name")?;
    let arguments = between("command-args").unwrap_or_default();
    Some(format!("{name} {arguments}").trim_end().to_owned())
}

/// Returns the words of a line without what an editor or the program adds in blocks of its own.
fn words(line: &Line<'_>) -> String {
    let Some(content) = line.content() else { return String::new() };
    if let Some(text) = content.string() {
        return text.into_owned();
    }
    let mut words = Vec::new();
    let mut has_picture = false;
    for block in content.items() {
        match block.get("text").and_then(Raw::string).or_else(|| block.string()) {
            Some(text) if is_added(&text) => {}
            Some(text) => words.push(text.into_owned()),
            None => has_picture |= block.word_of("type").as_deref() == Some("image"),
        }
    }
    if words.is_empty() && has_picture {
        words.push("[image]".to_owned());
    }
    words.join("\n")
}

fn is_added(text: &str) -> bool {
    let text = text.trim_start();
    ["<ide_", "<system-reminder>"].iter().any(|begin| text.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_typed_is_a_prompt() {
        check(
            r#"{"message":{"content":"mend the gate"}}"#,
            &Author::Person("mend the gate".into()),
        );
        check(
            r#"{"message":{"content":[{"type":"text","text":"<ide_opened_file>a.rs</ide_opened_file>"},
                {"type":"text","text":"mend it"}]}}"#,
            &Author::Person("mend it".into()),
        );
        check(
            r#"{"message":{"content":"<command-message>tidy</command-message>\n<command-name>/tidy</command-name>\n<command-args>all</command-args>"}}"#,
            &Author::Person("/tidy all".into()),
        );
        check(r#"{"message":{"content":[{"type":"image"}]}}"#, &Author::Person("[image]".into()));
        check(
            r#"{"content":"as old lines say it"}"#,
            &Author::Person("as old lines say it".into()),
        );
    }

    #[test]
    fn what_the_program_writes_is_none() {
        let program = |kind, reason| Author::Program(kind, reason);
        check(
            r#"{"isMeta":true,"message":{"content":"x"}}"#,
            &program("user/meta", Reason::Scaffolding),
        );
        check(
            r#"{"isSidechain":true,"message":{"content":"look around"}}"#,
            &program("user/instruction", Reason::SaidElsewhere),
        );
        check(
            r#"{"message":{"content":"<local-command-stdout>x</local-command-stdout>"}}"#,
            &program("user/command", Reason::Housekeeping),
        );
        check(
            r#"{"origin":{"kind":"task-notification"},"message":{"content":"done"}}"#,
            &program("user/notification", Reason::SaidElsewhere),
        );
        check(r#"{"message":{"content":[]}}"#, &program("user", Reason::Empty));
    }

    fn check(text: &str, expected: &Author) {
        let line = Line::read(text).unwrap();
        assert_eq!(&author(&line, false), expected, "{text}");
    }
}
