//! What lies over the screen: help, and what has to be filled in or confirmed.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use crate::chat::editor::Editor;
use crate::chat::model::{Model, Overlay};
use crate::chat::theme::{Look, Theme};
use crate::chat::words::{clean_line, cut};

const HELP: [(&str, &str); 18] = [
    ("Enter", "send; while a turn runs, add to it"),
    ("Alt+Enter, Ctrl+J", "new line"),
    ("Up, Down", "move; beyond the first line, what you sent before"),
    ("a, s, d", "allow once, allow always, deny"),
    ("1 to 9", "choose an answer"),
    ("Esc, Ctrl+X", "stop the turn"),
    ("Tab, Alt+Up, Alt+Down", "another session"),
    ("PgUp, PgDn", "scroll; Ctrl+Home, Ctrl+End to the ends"),
    ("Ctrl+N", "new session"),
    ("Ctrl+R", "rename the session"),
    ("Ctrl+G", "put the session away, or take it out again"),
    ("Ctrl+Y", "list what was put away too"),
    ("Ctrl+D", "delete the session"),
    ("Ctrl+T", "show what the agent thinks"),
    ("Ctrl+O", "show all that tools were given and gave back"),
    ("Ctrl+L", "on a narrow terminal: the list of sessions"),
    ("Ctrl+W, Ctrl+U", "delete a word, or to the start of the line"),
    ("Ctrl+C, Ctrl+Q", "clear the input or leave; leave"),
];

/// Draws what lies over the screen, if anything does.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    match &model.overlay {
        None => {}
        Some(Overlay::Help) => {
            let line = |(keys, what): (&str, &str)| Line::raw(format!("{keys:<22} {what}"));
            boxed(frame, area, "Keys", HELP.map(line).to_vec(), theme);
        }
        Some(Overlay::Delete { id }) => {
            let session = model.sessions.iter().find(|session| session.id == *id);
            let name = session.map(|it| clean_line(&it.name)).unwrap_or_default();
            let lines = vec![
                Line::raw(format!("Delete {name:?} and all that is kept of it?")),
                Line::raw("The files in its folder stay."),
                Line::raw(""),
                Line::styled("y deletes it, any other key does not", theme.style(Look::Faint)),
            ];
            boxed(frame, area, "Delete", lines, theme);
        }
        Some(Overlay::Rename { name, .. }) => {
            let lines = vec![Line::raw("Name"), typed(name, area), hint("Enter renames", theme)];
            let inner = boxed(frame, area, "Rename", lines, theme);
            cursor(frame, inner, 1, name);
        }
        Some(Overlay::New { agent, folder, in_folder }) => {
            let lines = vec![
                Line::raw("Agent (`echo` is always there)"),
                typed(agent, area),
                Line::raw("Folder that it works in"),
                typed(folder, area),
                hint("Tab changes the field, Enter goes on", theme),
            ];
            let inner = boxed(frame, area, "New session", lines, theme);
            let (row, field) = if *in_folder { (3, folder) } else { (1, agent) };
            cursor(frame, inner, row, field);
        }
    }
}

fn hint(text: &'static str, theme: Theme) -> Line<'static> {
    Line::styled(text, theme.style(Look::Faint))
}

fn width_of(area: Rect) -> usize {
    usize::from(area.width).saturating_sub(4).min(74)
}

/// Returns the end of a field, where it does not fit.
fn typed(field: &Editor, area: Rect) -> Line<'static> {
    let text = clean_line(field.text());
    let room = width_of(area).saturating_sub(5);
    let mut from = 0;
    while room < text[from..].width() {
        from += text[from..].chars().next().map_or(1, char::len_utf8);
    }
    Line::raw(format!("> {}", &text[from..]))
}

fn cursor(frame: &mut Frame<'_>, inner: Rect, row: u16, field: &Editor) {
    let (_, (_, column)) = field.shown();
    let x = inner.x.saturating_add(u16::try_from(column + 2).unwrap_or(u16::MAX));
    let x = x.min(inner.right().saturating_sub(1));
    if row < inner.height {
        frame.set_cursor_position(Position::new(x, inner.y + row));
    }
}

/// Draws lines in a box in the middle, and returns where they stand.
fn boxed(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    lines: Vec<Line<'static>>,
    theme: Theme,
) -> Rect {
    let width = u16::try_from(width_of(area)).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .title(Line::styled(format!(" {title} "), theme.style(Look::Strong)));
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    let room = usize::from(inner.width);
    let lines = lines.into_iter().map(|line| {
        let style = line.style;
        Line::styled(cut(&line.to_string(), room), style)
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
    inner
}
