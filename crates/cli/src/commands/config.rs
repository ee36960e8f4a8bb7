//! `oriel config`: what every setting is, and who said so.

use oriel_runtime::settings::{self, Flag, Origin, Resolved, SettingRow};
use serde_json::{Value, json};

use crate::Exit;
use crate::args::{Config, ConfigCommand};
use crate::output::{Output, Paint, Style};
use crate::table::{self, Cell};
use crate::text;
use oriel_daemon::Surroundings;

/// Shows the settings, an example of their file, or where that file is.
pub(super) fn run(
    config: &Config,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    match &config.command {
        Some(ConfigCommand::Set { key, value }) => {
            write(key, Some(value), flags, surroundings, output)?;
        }
        Some(ConfigCommand::Unset { key }) => write(key, None, flags, surroundings, output)?,
        Some(ConfigCommand::Example) => output.print(&settings::example())?,
        Some(ConfigCommand::Path) => {
            let path = surroundings.locate(flags)?.config_path();
            output.print(&format!("{}\n", path.display()))?;
        }
        None => {
            let resolved = surroundings.check(flags)?;
            if config.form.json {
                output.json(&as_json(&resolved))?;
            } else {
                output.print(&as_table(&resolved, output.paint()))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// Writes one setting into the file, as the console does, and says what comes of it.
fn write(
    key: &str,
    value: Option<&str>,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let data_dir = surroundings.locate(flags)?.data_dir;
    let written = settings::write(&surroundings.given(flags), &data_dir, key, value)?;
    let place = text::clean(&written.path.display().to_string());
    let mut said = match (&written.file_value, written.changed) {
        (Some(value), true) => format!("{key} is {value:?} in {place}\n"),
        (Some(value), false) => format!("{key} is {value:?} in {place} already\n"),
        (None, true) => format!("{key} is no longer in {place}\n"),
        (None, false) => format!("{key} is not in {place}\n"),
    };
    if let Some(over) = &written.overridden_by {
        let over = text::clean(&over.to_string());
        said.push_str(&format!(
            "{over} comes before the file, so it stays {:?}\n",
            written.next_value
        ));
    } else if written.changed {
        said.push_str("a daemon that runs takes it at its next start\n");
    }
    output.print(&said)?;
    Ok(())
}

fn as_table(resolved: &Resolved, paint: Paint) -> String {
    let heading = ["setting", "value", "from"].map(|title| Cell::new(Style::Faint, title));
    let row = |row: &SettingRow| {
        let style = if row.origin == Origin::Default { Style::Plain } else { Style::Strong };
        let value = if row.value.is_empty() { "(none)" } else { &row.value };
        [
            Cell::new(style, row.key),
            Cell::new(style, value),
            Cell::new(Style::Faint, row.origin.to_string()),
        ]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(resolved.rows.iter().map(row)).collect();
    let mut text = table::render(&rows, paint);
    for warning in &resolved.warnings {
        let line = format!("warning: {}", text::clean(warning));
        text.push_str(&paint.apply(Style::Doubtful, &line));
        text.push('\n');
    }
    text
}

fn as_json(resolved: &Resolved) -> Value {
    let row = |row: &SettingRow| {
        let (origin, place) = match &row.origin {
            Origin::Flag(name) => ("flag", Some(name.clone())),
            Origin::Env(name) => ("environment", Some(name.clone())),
            Origin::File(path) => ("file", Some(path.display().to_string())),
            Origin::Default => ("default", None),
        };
        json!({
            "key": row.key, "value": row.value, "origin": origin, "place": place, "help": row.help,
        })
    };
    json!({
        "settings": resolved.rows.iter().map(row).collect::<Vec<_>>(),
        "warnings": resolved.warnings,
    })
}
