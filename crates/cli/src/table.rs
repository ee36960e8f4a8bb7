//! A table whose columns line up by what a terminal shows, whatever the script.

use unicode_width::UnicodeWidthStr as _;

use crate::output::{Paint, Style};
use crate::text;

/// One field of a table. It holds nothing that could steer a terminal.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
    is_number: bool,
}

impl Cell {
    /// Makes a field of a style.
    pub(crate) fn new(style: Style, text: impl AsRef<str>) -> Self {
        Self { text: text::clean(text.as_ref()), style, is_number: false }
    }

    /// Makes a plain field.
    pub(crate) fn plain(text: impl AsRef<str>) -> Self {
        Self::new(Style::Plain, text)
    }
}

impl Cell {
    /// Makes a plain field that ends where its column does, as numbers do.
    pub(crate) fn number(text: impl AsRef<str>) -> Self {
        Self { is_number: true, ..Self::plain(text) }
    }

    /// Returns the field in another style.
    pub(crate) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// Returns the lines of a table: two spaces between columns, none after the last one.
pub(crate) fn render<const COLUMNS: usize>(rows: &[[Cell; COLUMNS]], paint: Paint) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.text.width().max(*width);
        }
    }
    let mut lines = String::new();
    for row in rows {
        let used = row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
        for (column, cell) in row.iter().take(used).enumerate() {
            let room = " ".repeat(widths[column] - cell.text.width());
            let text = paint.apply(cell.style, &cell.text);
            let (before, after) = if cell.is_number { (&*room, "") } else { ("", &*room) };
            lines.push_str(before);
            lines.push_str(&text);
            if column + 1 < used {
                lines.push_str(after);
                lines.push_str("  ");
            }
        }
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_display_width() {
        let rows = [
            [Cell::plain("key"), Cell::plain("value"), Cell::plain("origin")],
            [Cell::plain("日本"), Cell::plain("é"), Cell::plain("x")],
            [Cell::plain("e\u{301}"), Cell::plain(""), Cell::plain("")],
            [Cell::plain("a"), Cell::plain(""), Cell::plain("last")],
        ];
        let expected = "\
key   value  origin
日本  é      x
e\u{301}
a            last
";
        assert_eq!(render(&rows, Paint::new(false)), expected);
    }

    #[test]
    fn numbers_end_where_their_column_does() {
        let rows = [
            [Cell::plain("day"), Cell::number("tokens"), Cell::plain("x")],
            [Cell::plain("d"), Cell::number("1"), Cell::plain("y")],
        ];
        assert_eq!(render(&rows, Paint::new(false)), "day  tokens  x\nd         1  y\n");
    }

    #[test]
    fn color_takes_no_room_and_cells_bring_none_of_their_own() {
        let rows = [
            [Cell::new(Style::Bad, "fail"), Cell::plain("\x1b[2Jx")],
            [Cell::new(Style::Good, "ok"), Cell::plain("y\nz")],
        ];
        let expected = "\x1b[31mfail\x1b[0m  [2Jx\n\x1b[32mok\x1b[0m    y z\n";
        assert_eq!(render(&rows, Paint::new(true)), expected);
    }
}
