//! The tools, and what each may be given.

use serde_json::{Map, Value, json};

/// A tool, with what it may be given.
struct Tool {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    arguments: &'static [Argument],
}

/// Something that a tool may be given.
struct Argument {
    name: &'static str,
    kind: Kind,
    description: &'static str,
    is_required: bool,
}

enum Kind {
    Text,
    Number { most: u64 },
    Word(&'static [&'static str]),
}

const fn text(name: &'static str, description: &'static str) -> Argument {
    Argument { name, kind: Kind::Text, description, is_required: false }
}

const fn word(
    name: &'static str,
    words: &'static [&'static str],
    description: &'static str,
) -> Argument {
    Argument { name, kind: Kind::Word(words), description, is_required: false }
}

const fn number(name: &'static str, most: u64, description: &'static str) -> Argument {
    Argument { name, kind: Kind::Number { most }, description, is_required: false }
}

const fn required(mut argument: Argument) -> Argument {
    argument.is_required = true;
    argument
}

const AGENT: Argument = text(
    "agent",
    "Only this agent: claude_code, codex, gemini_cli, qwen_code, opencode, copilot_cli.",
);
const PROJECT: Argument =
    text("project", "Only this project: the name of the folder that was worked in.");
const SINCE: Argument =
    text("since", "Only from then on: a day in UTC such as 2026-01-31, or a time as RFC 3339.");
const UNTIL: Argument =
    text("until", "Only until then: a day in UTC, all of which is included, or a time.");

const TOOLS: &[Tool] = &[
    Tool {
        name: "search",
        title: "Search what was said",
        description: "Finds words in what people asked coding agents, what these answered, and \
            what their tools were given and gave back, over all recorded sessions, newest first. \
            All words have to be there; \"a phrase\", begin*, -without and one OR other work.",
        arguments: &[
            required(text("words", "What to look for.")),
            AGENT,
            text("session", "Only this session, named in full or by its beginning."),
            PROJECT,
            text("branch", "Only what was done on this git branch."),
            text("model", "Only what this model said."),
            text("tool", "Only calls of this tool."),
            word(
                "role",
                &["prompt", "answer", "input", "output"],
                "Only the words of a person, of an agent, to a tool, or from one.",
            ),
            SINCE,
            UNTIL,
            number("limit", 200, "How many hits to tell of; 20 unless given."),
            text("cursor", "`next` of the page before."),
        ],
    },
    Tool {
        name: "sessions",
        title: "List sessions",
        description: "Lists sessions of coding agents on this machine with their project, phase, \
            events, tokens and cost: active ones first, then by their last event.",
        arguments: &[
            word("status", &["active", "idle", "ended"], "Only sessions in this phase."),
            AGENT,
            PROJECT,
            text("since", "Only sessions whose last event came then or later: a UTC day or time."),
            number("limit", 500, "How many sessions to tell of; 20 unless given."),
        ],
    },
    Tool {
        name: "session",
        title: "Read a session",
        description: "Tells of one session and shows a page of what was said and done in it, \
            oldest first: the latest page unless `from` is given.",
        arguments: &[
            required(text("id", "The session, named in full or by its beginning.")),
            number("from", u64::MAX, "The first entry to show, counted from 0."),
            number("limit", 500, "How many entries to show; 50 unless given."),
        ],
    },
    Tool {
        name: "report",
        title: "Report usage",
        description: "Adds up tokens and cost by day, week, month, model or project.",
        arguments: &[
            word(
                "by",
                &["day", "week", "month", "model", "project"],
                "What each line is of; days unless given.",
            ),
            SINCE,
            UNTIL,
            PROJECT,
            AGENT,
        ],
    },
    Tool {
        name: "waiting",
        title: "Who waits",
        description: "Lists the sessions that wait for a person, and for what: a permission, an \
            answer, or the next prompt.",
        arguments: &[],
    },
    Tool {
        name: "limits",
        title: "Limits of subscriptions",
        description: "Tells how much of each limit of a subscription is used, and when it starts \
            anew.",
        arguments: &[],
    },
];

/// Returns the names of the tools.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|tool| tool.name)
}

/// Returns the tools as the protocol describes them.
pub(super) fn list() -> Vec<Value> {
    TOOLS.iter().map(described).collect()
}

/// Returns what is wrong with what a tool is given, if anything is.
pub(super) fn check(name: &str, arguments: &Map<String, Value>) -> Result<(), String> {
    let tool = TOOLS.iter().find(|tool| tool.name == name);
    let known = tool.map_or(&[][..], |tool| tool.arguments);
    for (name, value) in arguments {
        let Some(argument) = known.iter().find(|known| known.name == name) else {
            let known: Vec<_> = known.iter().map(|known| known.name).collect();
            return Err(match known.as_slice() {
                [] => format!("there is no argument {name:?}; this tool takes none"),
                _ => format!("there is no argument {name:?}; there are {}", known.join(", ")),
            });
        };
        argument.check(value)?;
    }
    let lacks = |argument: &&Argument| {
        argument.is_required && arguments.get(argument.name).is_none_or(Value::is_null)
    };
    match known.iter().find(lacks) {
        Some(argument) => Err(format!("`{}` is missing: {}", argument.name, argument.description)),
        None => Ok(()),
    }
}

impl Argument {
    fn check(&self, value: &Value) -> Result<(), String> {
        let said = said(value);
        match (&self.kind, &said) {
            (_, None) if value.is_null() => Ok(()),
            (Kind::Text, Some(_)) => Ok(()),
            (Kind::Word(words), Some(said)) if words.contains(&said.as_str()) => Ok(()),
            (Kind::Word(words), _) => {
                Err(format!("`{}` is {value}; it is one of {}", self.name, words.join(", ")))
            }
            (Kind::Number { .. }, Some(said)) if said.parse::<u64>().is_ok() => Ok(()),
            (Kind::Number { .. }, _) => {
                Err(format!("`{}` is {value}; it is a whole number", self.name))
            }
            (Kind::Text, None) => Err(format!("`{}` is {value}; it is a string", self.name)),
        }
    }
}

/// Returns the text of an argument, whether it was given as one or as a number.
pub(super) fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(match number.as_f64() {
            // Some clients write whole numbers with a fraction of zero.
            Some(float) if number.as_i64().is_none() && float.fract() == 0.0 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        }),
        _ => None,
    }
}

fn described(tool: &Tool) -> Value {
    let mut properties = Map::new();
    for argument in tool.arguments {
        let mut property = match &argument.kind {
            Kind::Text => json!({ "type": "string" }),
            Kind::Number { most: u64::MAX } => json!({ "type": "integer", "minimum": 0 }),
            Kind::Number { most } => json!({ "type": "integer", "minimum": 1, "maximum": most }),
            Kind::Word(words) => json!({ "type": "string", "enum": words }),
        };
        property["description"] = json!(argument.description);
        properties.insert(argument.name.to_owned(), property);
    }
    let required: Vec<_> =
        tool.arguments.iter().filter(|it| it.is_required).map(|it| it.name).collect();
    let mut input = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        input["required"] = json!(required);
    }
    json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": input,
        "annotations": { "title": tool.title, "readOnlyHint": true, "openWorldHint": false },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_is_given_is_checked() {
        check_says("search", &json!({ "words": "x", "limit": 3.0, "role": "answer" }), "");
        check_says("search", &json!({ "words": "x", "cursor": 12, "agent": null }), "");
        check_says("search", &json!({ "limit": 3 }), "`words` is missing");
        check_says("search", &json!({ "words": "x", "role": "all" }), "one of prompt");
        check_says("search", &json!({ "words": ["x"] }), "it is a string");
        check_says("session", &json!({ "id": "x", "from": -1 }), "whole number");
        check_says("limits", &json!({ "x": 1 }), "takes none");
    }

    #[test]
    fn every_tool_says_what_it_takes() {
        for tool in list() {
            assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
            for text in [&tool["description"], &tool["title"]] {
                assert!(text.as_str().is_some_and(|text| !text.contains("  ")), "{tool}");
            }
        }
    }

    fn check_says(tool: &str, arguments: &Value, expected: &str) {
        let said = check(tool, arguments.as_object().unwrap()).err().unwrap_or_default();
        let fits = if expected.is_empty() { said.is_empty() } else { said.contains(expected) };
        assert!(fits, "{said:?} is not {expected:?}");
    }
}
