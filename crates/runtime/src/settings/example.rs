//! The example file, made from the table so that it cannot fall behind.

use std::fmt::Write as _;

use super::table::{Setting, TABLE};
use super::value::Allowed;

/// Returns a configuration file that shows every key with its default, commented out.
#[must_use]
pub fn example() -> String {
    let mut text = "\
# Settings of Oriel. Copy this to `config.toml` in the data directory and take the `#` off what you
# change; `oriel config path` says where that is.
#
# A flag comes before a variable of the environment, a variable before this file, and this file
# before the default. `oriel config` shows each value and where it came from. A relative path
# starts from the data directory.
"
    .to_owned();
    for setting in TABLE.iter().filter(|setting| setting.in_file) {
        write!(text, "\n{}", entry(setting)).expect("a String takes any text");
    }
    text
}

fn entry(setting: &Setting) -> String {
    let mut names = vec![setting.variable_name()];
    names.extend(setting.legacy.iter().map(|old| old.name.to_owned()));
    let names = names.join(", ");
    let facts = format!("Allowed: {}. Environment: {names}.", setting.allowed);
    let default = match setting.allowed {
        Allowed::Whole { .. } | Allowed::Amount { .. } => setting.default.to_owned(),
        Allowed::Hosts | Allowed::Origins | Allowed::Patterns | Allowed::Words => "[]".to_owned(),
        _ => format!("{:?}", setting.default),
    };
    format!("{}{}#{} = {default}\n", comment(setting.help), comment(&facts), setting.key)
}

/// Returns prose as comment lines of at most 100 columns.
fn comment(prose: &str) -> String {
    let mut lines = String::new();
    let mut line = "#".to_owned();
    for word in prose.split_whitespace() {
        if 100 < line.len() + 1 + word.len() {
            lines.push_str(&line);
            lines.push('\n');
            line = "#".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    lines + &line + "\n"
}
