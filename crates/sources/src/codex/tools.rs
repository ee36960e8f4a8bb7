//! Tool calls: what was called, with what, and how it went, as one event.
//!
//! A call is held until its output comes. At a pause it is told as far as it is known, and what
//! comes later is told under the same key, so that whoever keeps events joins them.

use oriel_model::{EventKind, Key, Outcome, Role};

use super::AGENT;
use super::outcome::{Ended, Output};
use super::rollout::{Line, Rollout};
use super::state::short;
use crate::draft::{Draft, clip};
use crate::edits::{self, Edit};
use crate::loose::{Fields, Loose};
use crate::parsed::{Parsed, Reason};

/// How many calls are held. Beyond it the oldest is told without its output.
const CALLS_MAX: usize = 64;

/// How much of what a tool was given is kept as a fact, in UTF-16 units.
const INPUT_UNITS_MAX: usize = 4_000;

/// The tools that run a command of the shell, in any version.
const SHELLS: [&str; 6] =
    ["exec_command", "shell", "shell_command", "local_shell", "container.exec", "unified_exec"];

/// A call whose output is still to come.
pub(crate) struct Call {
    call_id: String,
    tool: Option<String>,
    draft: Draft,
    ended: Ended,
}

/// What was called.
#[derive(Debug, Default)]
struct Asked {
    tool: Option<String>,
    facts: Vec<(&'static str, String)>,
    edit: Option<Edit>,
    /// Whether its id counts among the patches.
    is_counted: bool,
    input: String,
}

impl Rollout {
    pub(crate) fn response_item(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let item = &line.payload;
        let kind = item.text("type").unwrap_or_default();
        let label = format!("response_item/{}", clip(&kind, 60));
        match kind.as_ref() {
            "message" => self.message(line, out),
            "function_call" | "custom_tool_call" | "local_shell_call" | "tool_search_call" => {
                self.settle_prompts(out);
                self.call(line, asked(&kind, item), out);
            }
            "web_search_call" => {
                self.settle_prompts(out);
                self.web_search(line, out);
            }
            "function_call_output" | "custom_tool_call_output" | "tool_search_output" => {
                self.output(line, &label, out);
            }
            "reasoning" => out.tally.left_out(&label, Reason::Internals),
            // What agents say to each other stands in the call of one and the answer of the other.
            "agent_message" | "compaction" | "context_compaction" => {
                out.tally.left_out(&label, Reason::SaidElsewhere);
            }
            "ghost_snapshot" | "compaction_trigger" => {
                out.tally.left_out(&label, Reason::Housekeeping);
            }
            _ => self.unknown(&label, line, out),
        }
    }

    fn call(&mut self, line: &Line<'_>, asked: Asked, out: &mut Parsed) {
        let call_id = line.payload.first(&["call_id", "id"]).and_then(Loose::text);
        let call_id = call_id.map(|id| short(&id)).filter(|id| !id.is_empty());
        let draft = self.call_draft(line, asked.is_counted, call_id.as_deref());
        let draft = described(draft, &asked);
        out.tally.told();
        let Some(call_id) = call_id else { return self.tell(draft, out) };
        self.calls.push(Call { call_id, tool: asked.tool, draft, ended: Ended::default() });
        if self.calls.len() > CALLS_MAX {
            let oldest = self.calls.remove(0);
            self.tell_call(oldest, out);
        }
    }

    fn call_draft(&mut self, line: &Line<'_>, is_counted: bool, call_id: Option<&str>) -> Draft {
        let counts = &mut self.state.counts;
        let (count, kind) = match (is_counted, call_id) {
            (true, _) => (&mut counts.amounts, "patch:"),
            (false, Some(_)) => (&mut counts.nameless, "tool:"),
            (false, None) => (&mut counts.nameless, "tool:#"),
        };
        let what = match (is_counted, call_id) {
            (false, Some(call_id)) => format!("{kind}{call_id}"),
            _ => {
                let nth = *count;
                *count += 1;
                format!("{kind}{nth}")
            }
        };
        let turn = self.state.turn.clone();
        let draft = self.draft(EventKind::ToolUse, &what, line.at).fact("prompt_id", turn);
        match call_id {
            Some(id) => draft.key(Key::one(AGENT, "tool", id)).fact("tool_use_id", id),
            None => draft,
        }
    }

    fn web_search(&mut self, line: &Line<'_>, out: &mut Parsed) {
        let id = line.payload.text("id").map(|id| short(&id));
        let draft = self.call_draft(line, false, id.as_deref());
        let action = line.payload.fields("action");
        let mut asked = Asked { tool: Some("web_search".to_owned()), ..Asked::default() };
        for name in ["query", "url", "pattern"] {
            if let Some(text) = action.text(name) {
                asked.facts.push((name, text.clone().into_owned()));
                asked.input.push_str(&text);
            }
        }
        let has_failed = line.payload.text("status").is_some_and(|status| status == "failed");
        let draft = went(described(draft, &asked), Ended { has_failed, ms: None });
        self.tell(draft, out);
        out.tally.told();
    }

    fn output(&mut self, line: &Line<'_>, label: &str, out: &mut Parsed) {
        let Some(call_id) = line.payload.text("call_id").map(|id| short(&id)) else {
            return out.tally.left_out(label, Reason::Empty);
        };
        let output = Output::read(&line.payload);
        let held = self.calls.iter().position(|call| call.call_id == call_id);
        if let Some(at) = held {
            let mut call = self.calls.remove(at);
            call.ended = call.ended.and(output.ended);
            call.draft = output.tell(call.draft);
            self.tell(went(call.draft, call.ended), out);
            return out.tally.joined();
        }
        let tool = self.state.closed(&call_id).and_then(|open| open.tool);
        let draft = output.tell(self.later(&call_id, tool.as_deref(), "out", line.at));
        self.tell(went(draft, output.ended), out);
        out.tally.joined();
    }

    /// Reads how a call ended, told beside its output.
    pub(crate) fn call_ended(
        &mut self,
        label: &str,
        item: &Fields<'_>,
        times: &Fields<'_>,
        at: Option<i64>,
        out: &mut Parsed,
    ) {
        let Some(call_id) = item.first(&["call_id", "id"]).and_then(Loose::text) else {
            return out.tally.left_out(label, Reason::Empty);
        };
        let call_id = short(&call_id);
        let ended = Ended::of_item(item, times);
        if let Some(call) = self.calls.iter_mut().find(|call| call.call_id == call_id) {
            call.ended = call.ended.and(ended);
            return out.tally.joined();
        }
        let open = self.state.open.iter().find(|open| open.call_id == call_id);
        let tool = open.and_then(|open| open.tool.clone());
        let mut draft = self.later(&call_id, tool.as_deref(), "item", at);
        if let Some(command) = item.get("command").and_then(command_text) {
            draft = draft.fact("command", clip(&command, INPUT_UNITS_MAX));
        }
        self.tell(went(draft, ended), out);
        out.tally.joined();
    }

    /// Begins another telling of a call that was told already.
    fn later(&self, call_id: &str, tool: Option<&str>, what: &str, at: Option<i64>) -> Draft {
        self.draft(EventKind::ToolUse, &format!("tool:{call_id}:{what}"), at)
            .key(Key::one(AGENT, "tool", call_id))
            .tool(tool)
            .fact("tool_use_id", call_id)
    }

    /// Tells of all calls as far as they are known.
    pub(crate) fn tell_calls(&mut self, out: &mut Parsed) {
        for call in std::mem::take(&mut self.calls) {
            self.tell_call(call, out);
        }
    }

    fn tell_call(&mut self, call: Call, out: &mut Parsed) {
        self.state.opened(&call.call_id, call.tool);
        self.tell(went(call.draft, call.ended), out);
    }
}

fn described(draft: Draft, asked: &Asked) -> Draft {
    let mut draft = draft.tool(asked.tool.as_deref()).text(Role::Input, &asked.input);
    for (name, text) in &asked.facts {
        draft = draft.fact(name, clip(text, INPUT_UNITS_MAX));
    }
    if let Some(edit) = &asked.edit {
        draft = draft
            .fact("file_path", edit.file_path.as_deref())
            .fact("lines_added", edit.lines_added)
            .fact("lines_removed", edit.lines_removed);
    }
    draft
}

fn went(draft: Draft, ended: Ended) -> Draft {
    let outcome = if ended.has_failed { Outcome::Error } else { Outcome::Success };
    draft.outcome(outcome).duration(ended.ms)
}

fn asked(kind: &str, item: &Fields<'_>) -> Asked {
    let name = item.text("name").map(|name| short(&name));
    let namespace = item.text("namespace").map(|space| short(&space));
    let mut asked = match kind {
        "local_shell_call" => {
            let command = item.fields("action").get("command").and_then(command_text);
            Asked::shell("local_shell", command.unwrap_or_default())
        }
        "custom_tool_call" => Asked::custom(item),
        _ => Asked::function(name.as_deref().unwrap_or_default(), item),
    };
    asked.tool = asked.tool.or(match (&namespace, name) {
        // A server's tools are known by its name, as hooks write it.
        (Some(space), Some(name)) if space.starts_with("mcp__") => Some(format!("{space}__{name}")),
        (_, name) => name,
    });
    if let Some(namespace) = namespace {
        asked.facts.push(("namespace", namespace));
    }
    asked
}

impl Asked {
    fn custom(item: &Fields<'_>) -> Self {
        let input = item.text("input").unwrap_or_default().into_owned();
        if item.text("name").is_some_and(|name| name == "apply_patch") {
            return Self::patch(&input, true);
        }
        Self { facts: vec![("command", input.clone())], input, ..Self::default() }
    }

    fn function(name: &str, item: &Fields<'_>) -> Self {
        let Some(arguments) = item.get("arguments") else { return Self::default() };
        let text = arguments.text().unwrap_or(arguments.raw().into());
        let is_exec = name == "exec_command";
        let Some(fields) = Fields::read(&text) else {
            let is_patch = text.starts_with("apply_patch") || text.contains("*** Begin Patch");
            return match is_exec && is_patch {
                true => Self::patch(&text, true),
                false => Self { input: text.into_owned(), ..Self::default() },
            };
        };
        if name == "apply_patch" {
            return Self::patch(&fields.text("input").unwrap_or_default(), false);
        }
        if SHELLS.contains(&name) {
            let command = fields.first(&["cmd", "command"]).and_then(command_text);
            let command = command.unwrap_or_default();
            return match command.trim_start().starts_with("apply_patch") {
                true => Self::patch(&command, is_exec),
                false => Self { tool: None, ..Self::shell(name, command) },
            };
        }
        let mut facts = Vec::new();
        for (name, known) in [
            ("file_path", &["file_path", "path"][..]),
            ("pattern", &["pattern"]),
            ("query", &["query", "q"]),
            ("url", &["url"]),
            ("description", &["description", "message", "explanation"]),
        ] {
            if let Some(text) = fields.first(known).and_then(Loose::text) {
                facts.push((name, text.into_owned()));
            }
        }
        facts.push(("input", text.clone().into_owned()));
        Self { facts, input: text.into_owned(), ..Self::default() }
    }

    fn shell(name: &str, command: String) -> Self {
        let facts = vec![("command", command.clone())];
        Self { tool: Some(name.to_owned()), facts, input: command, ..Self::default() }
    }

    fn patch(text: &str, is_counted: bool) -> Self {
        Self {
            tool: Some("apply_patch".to_owned()),
            edit: Some(edits::patch(text)),
            is_counted,
            input: text.to_owned(),
            ..Self::default()
        }
    }
}

/// Returns a command as a person would type it. Codex gives the shell itself as the first words.
pub(crate) fn command_text(command: Loose<'_>) -> Option<String> {
    if let Some(text) = command.text() {
        return Some(text.into_owned());
    }
    let words: Vec<_> = command.items().into_iter().filter_map(Loose::text).collect();
    match words.as_slice() {
        [] => None,
        [shell, flag, script] if flag.starts_with('-') && shell.ends_with("sh") => {
            Some(script.clone().into_owned())
        }
        words => Some(words.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_known_in_every_form() {
        let patch = "*** Begin Patch\\n*** Add File: a.txt\\n+one\\n*** End Patch";
        for (json, counted) in [
            (format!(r#"{{"name":"apply_patch","input":"{patch}"}}"#), true),
            (format!(r#"{{"name":"apply_patch","arguments":"{{\"input\":\"{}\"}}"}}"#, patch.replace('\\', "\\\\")), false),
            (format!(r#"{{"name":"exec_command","arguments":"apply_patch <<X\n{patch}"}}"#), true),
            (r#"{"name":"exec_command","arguments":"{\"cmd\":\"apply_patch <<X\\n*** Add File: a.txt\\n+one\"}"}"#.to_owned(), true),
            (r#"{"name":"shell","arguments":"{\"command\":[\"bash\",\"-lc\",\"apply_patch <<X\\n*** Add File: a.txt\\n+one\"]}"}"#.to_owned(), false),
        ] {
            let item = Fields::read(&json).unwrap();
            let kind = if item.get("input").is_some() { "custom_tool_call" } else { "function_call" };
            let asked = asked(kind, &item);
            assert_eq!(asked.tool.as_deref(), Some("apply_patch"), "{json}");
            assert_eq!(asked.is_counted, counted, "{json}");
            let edit = Edit { file_path: Some("a.txt".to_owned()), lines_added: 1, lines_removed: 0 };
            assert_eq!(asked.edit, Some(edit), "{json}");
        }
    }

    #[test]
    fn a_command_is_what_a_person_would_type() {
        for (json, command) in [
            (r#"{"c":"ls -l"}"#, Some("ls -l")),
            (r#"{"c":["/bin/bash","-lc","ls -l"]}"#, Some("ls -l")),
            (r#"{"c":["ls","-l"]}"#, Some("ls -l")),
            (r#"{"c":[]}"#, None),
            (r#"{"c":7}"#, None),
        ] {
            let fields = Fields::read(json).unwrap();
            let found = fields.get("c").and_then(command_text);
            assert_eq!(found.as_deref(), command, "{json}");
        }
    }
}
