//! A report as a table.

use std::fmt::{self, Write as _};

use super::{Report, Row, Target, bounds, median};

/// The table, a part for each section. A cell that repeats the one above it is left empty.
impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TITLES: [&str; 8] =
            ["work", "measure", "durability", "median", "min .. max", "target", "", "note"];
        writeln!(out, "{}", self.machine)?;
        for rows in self.rows.chunk_by(|a, b| a.section == b.section) {
            let mut lines = vec![TITLES.map(str::to_owned)];
            lines.extend(rows.iter().map(cells));
            let widths = widths(&lines);
            let runs = rows.iter().map(|row| row.values.len()).max().unwrap_or_default();
            let section = rows.first().map_or("", |row| &row.section);
            writeln!(out, "\n{section} ({runs} {})", if runs == 1 { "run" } else { "runs" })?;
            for (index, cells) in lines.iter().enumerate() {
                let repeats = index > 1 && lines[index - 1][0] == cells[0];
                writeln!(out, "{}", line(cells, &widths, repeats))?;
            }
        }
        Ok(())
    }
}

fn widths(lines: &[[String; 8]]) -> [usize; 8] {
    let mut widths = [0; 8];
    for cells in lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    widths
}

fn line(cells: &[String; 8], widths: &[usize; 8], repeats: bool) -> String {
    let mut line = String::new();
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        let cell = if column == 0 && repeats { "" } else { cell };
        // Writing to a string does not fail.
        let _ = match column {
            3 | 4 => write!(line, "{cell:>width$}  "),
            _ => write!(line, "{cell:<width$}  "),
        };
    }
    line.trim_end().to_owned()
}

fn cells(row: &Row) -> [String; 8] {
    let (low, high) = bounds(&row.values);
    let facts: Vec<_> =
        row.facts.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect();
    [
        row.work.clone(),
        row.measure.to_owned(),
        row.durability.to_owned(),
        number(median(&row.values)),
        format!("{} .. {}", number(low), number(high)),
        row.target.map(|target| target.to_string()).unwrap_or_default(),
        row.verdict().to_owned(),
        facts.join(", "),
    ]
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(out, "≥ {}", number(*least)),
            Self::AtMost(most) => write!(out, "≤ {}", number(*most)),
        }
    }
}

/// Writes a value with about three digits that matter: `25,314`, `12.5`, `0.081`.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1_000.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if index > 0 && left % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_the_digits_that_matter() {
        for (value, text) in [
            (0.0, "0"),
            (0.0812, "0.081"),
            (3.456, "3.46"),
            (12.345, "12.3"),
            (50.0, "50"),
            (999.96, "1,000.0"),
            (1_000.0, "1,000"),
            (123_456.7, "123,457"),
            (1_234_567.0, "1,234,567"),
            (-123.0, "-123"),
            (-1_234.0, "-1,234"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
