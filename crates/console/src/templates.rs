//! The templates, all of them in the program, and how what they show becomes text.
//!
//! Whatever an agent, a file or a page says is shown as text: characters that HTML gives a meaning are
//! escaped, and those that steer a terminal or turn the direction of reading are made visible. Both
//! happen where a value is written, so no template can forget it.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value};

use crate::{assets, words};

/// Longer values than this are cut where they are shown. Nobody reads on, and a browser would choke.
const VALUE_CHARS_MAX: usize = 200_000;

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "base.html",
    "part.html",
    "around.html",
    "frame.html",
    "dialogs.html",
    "macros.html",
    "error.html",
    "charts.html",
    "costs.html",
    "imports.html",
    "imports-now.html",
    "inbox.html",
    "inbox-list.html",
    "live/frame.html",
    "live/imports.html",
    "live/inbox.html",
    "module-down.html",
    "modules.html",
    "opinion.html",
    "opinion-form.html",
    "opinion-verify.html",
    "opinions.html",
    "readiness.html",
    "restarting.html",
    "session.html",
    "status.html",
    "tools.html",
    "sessions.html",
    "session/rows.html",
    "session/macros.html",
    "session/one.html",
    "session/turns.html",
    "session/timeline.html",
    "session/files.html",
    "session/events.html",
    "session/beside.html",
    "session/provenance.html",
    "session/export_head.html",
    "session/export_entries.html",
    "session/export_foot.html",
    "live/sessions.html",
    "live/session.html",
    "live/entries.html",
    "event.html",
    "search.html",
    "now.html",
    "now/strip.html",
    "now/limits.html",
    "now/card.html",
    "now/rows.html",
    "now/missed.html",
    "now/first.html",
    "palette.html",
    "palette/list.html",
    "status/facts.html",
    "settings.html",
    "settings/tabs.html",
    "settings/hooks.html",
    "settings/sources.html",
    "settings/access.html",
    "settings/folders.html",
    "settings/audit.html",
    "settings/about.html",
    "agents.html",
    "agents/list.html",
    "agents/away.html",
    "agents/off.html",
    "agents/macros.html",
    "agents/entries.html",
    "agents/fill.html",
    "agents/standing.html",
    "agents/running.html",
    "agents/open.html",
    "agents/buttons.html",
    "agents/one.html",
    "agents/unsent.html",
    "agents/event.html",
    "live/agent-part.html",
    "sync.html",
    "sync/none.html",
    "sync/part.html",
    "sync/off.html",
    "sync/conflict.html",
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual marks are no two the same"));
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_formatter(write_value);
    for (name, text) in TEMPLATES {
        environment
            .add_template(name, text)
            .expect("the templates are part of the program, and a test reads each");
    }
    environment.add_function("asset", |name: &str| assets::address(name));
    let pages = crate::page::shown(crate::pages::nav::GROUPS);
    environment.add_function("pages", move || pages.clone());
    words::add_to(&mut environment);
    environment
        .add_filter("markdown", |text: &str| Value::from_safe_string(crate::markdown::html(text)));
    environment
});

/// Renders a template, or one block of it.
pub(crate) fn render(template: &str, block: Option<&str>, shows: &Value) -> Result<String, Error> {
    let name = format!("{template}.html");
    let template = ENVIRONMENT.get_template(&name)?;
    match block {
        None => template.render(shows),
        Some(block) => {
            template.render_captured(shows)?.with_state_mut(|state| state.render_block(block))
        }
    }
}

/// Returns the block of a template that an element's id names, if it has it.
pub(crate) fn block_of(template: &str, id: &str) -> Option<String> {
    let block = id.replace('-', "_");
    if block.is_empty() || !block.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let name = format!("{template}.html");
    let (_, text) = TEMPLATES.iter().find(|(known, _)| **known == *name)?;
    let opens = |line: &str| {
        line.split("{% block ").skip(1).any(|rest| rest.split_whitespace().next() == Some(&block))
    };
    text.lines().any(opens).then_some(block)
}

fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && needs_care(text) => {
            let plain = Value::from(plain(text));
            minijinja::escape_formatter(out, state, &plain)
        }
        _ if value.is_none() || value.is_undefined() => Ok(()),
        _ => {
            debug_assert!(matches!(state.auto_escape(), AutoEscape::Html), "templates are HTML");
            minijinja::escape_formatter(out, state, value)
        }
    }
}

fn needs_care(text: &str) -> bool {
    VALUE_CHARS_MAX < text.len() || text.chars().any(|c| stand_in(c).is_some())
}

/// Returns a text without characters that do something rather than show something.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len().min(VALUE_CHARS_MAX));
    for (at, c) in text.chars().enumerate() {
        if at == VALUE_CHARS_MAX {
            plain.push('…');
            break;
        }
        match stand_in(c) {
            Some(Shown::As(other)) => plain.push(other),
            Some(Shown::Code) => plain.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
            None => plain.push(c),
        }
    }
    plain
}

enum Shown {
    As(char),
    Code,
}

/// Returns what stands for a character that does something.
fn stand_in(c: char) -> Option<Shown> {
    match c {
        '\t' | '\n' => None,
        // Unicode has a picture of each control character.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).map(Shown::As),
        '\u{7f}' => Some(Shown::As('\u{2421}')),
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Some(Shown::Code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_made_visible_and_what_is_written_stays() {
        for (text, expected) in [
            ("a\u{1b}[31mb", "a␛[31mb"),
            ("x\u{202e}y", "x⟨U+202E⟩y"),
            ("a\r\nb\tc", "a␍\nb\tc"),
            ("zwsp\u{200b}", "zwsp⟨U+200B⟩"),
            ("Ünïcode 漢字 עברית", "Ünïcode 漢字 עברית"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn every_template_is_one() {
        for (name, _) in TEMPLATES {
            ENVIRONMENT.get_template(name).unwrap();
        }
    }

    #[test]
    fn a_block_is_asked_for_by_the_name_of_its_element() {
        assert_eq!(block_of("status", "main").as_deref(), Some("main"));
        assert_eq!(block_of("status", "nothing"), None);
        assert_eq!(block_of("status", "main %}"), None);
    }
}
