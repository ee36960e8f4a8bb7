//! A report for people: a table with its totals, and what is to be known beside it.

use oriel_wire::{Report, ReportRow, UsageSums};

use crate::args::ReportBy;
use crate::output::{Paint, Style};
use crate::table::{self, Cell};
use crate::text;

/// The most of a name that a table shows.
const NAME_CHARS_MAX: usize = 40;

const COLUMNS: usize = 9;

/// Returns a report as a table.
pub(super) fn report(by: ReportBy, report: &Report, breakdown: bool, paint: Paint) -> String {
    if report.rows.is_empty() {
        return "nothing was used in that time\n".to_owned();
    }
    let mut rows = vec![head(by)];
    for row in &report.rows {
        rows.push(cells(Cell::plain(label(by, row)), &detail(by, row), &row.usage));
        if breakdown && by != ReportBy::Model {
            rows.extend(row.models.iter().map(|model| {
                let name = Cell::plain(format!("  {}", short(&model.model)));
                cells(name, "", &model.usage).map(|cell| cell.styled(Style::Faint))
            }));
        }
    }
    let totals = cells(Cell::plain("total"), "", &report.totals);
    rows.push(totals.map(|cell| cell.styled(Style::Strong)));
    table::render(&rows, paint) + &notes(by, report)
}

fn head(by: ReportBy) -> [Cell; COLUMNS] {
    let (name, detail) = match by {
        ReportBy::Daily => ("day", "models"),
        ReportBy::Weekly => ("week of", "models"),
        ReportBy::Monthly => ("month", "models"),
        ReportBy::Session => ("session", "project"),
        ReportBy::Project => ("project", "agents"),
        ReportBy::Branch => ("branch", "project"),
        ReportBy::Model => ("model", "agents"),
        ReportBy::Blocks => ("block", ""),
    };
    let numbers = ["requests", "input", "output", "cache write", "cache read", "total", "cost"];
    let mut cells = vec![Cell::plain(name), Cell::plain(detail)];
    cells.extend(numbers.map(Cell::number));
    let mut cells = cells.into_iter();
    std::array::from_fn(|_| cells.next().unwrap_or_else(|| Cell::plain("")).styled(Style::Faint))
}

fn cells(name: Cell, detail: &str, sums: &UsageSums) -> [Cell; COLUMNS] {
    let count = |number: u64| Cell::number(text::count(i64::try_from(number).unwrap_or(i64::MAX)));
    [
        name,
        Cell::plain(detail),
        count(sums.requests),
        count(sums.input_tokens),
        count(sums.output_tokens),
        count(sums.cache_write_tokens),
        count(sums.cache_read_tokens),
        count(sums.total_tokens),
        Cell::number(text::cost(sums.cost_usd, sums.unpriced_requests)),
    ]
}

fn label(by: ReportBy, row: &ReportRow) -> String {
    match by {
        ReportBy::Blocks => row.key.replace('T', " ").replace(":00Z", "Z"),
        _ => short(&row.key),
    }
}

fn detail(by: ReportBy, row: &ReportRow) -> String {
    let names = |names: &mut dyn Iterator<Item = &str>| {
        let all: Vec<&str> = names.collect();
        short(&all.join(", "))
    };
    match by {
        ReportBy::Daily | ReportBy::Weekly | ReportBy::Monthly => {
            names(&mut row.models.iter().map(|model| model.model.as_str()))
        }
        ReportBy::Session | ReportBy::Branch => short(row.project.as_deref().unwrap_or("")),
        ReportBy::Project | ReportBy::Model => {
            names(&mut row.agent_types.iter().map(String::as_str))
        }
        ReportBy::Blocks => match &row.block {
            Some(block) if block.is_gap => "nothing used".to_owned(),
            Some(block) if block.is_active => "runs".to_owned(),
            _ => String::new(),
        },
    }
}

/// Returns a name that is not too long for a table.
pub(super) fn short(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS_MAX) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

fn notes(by: ReportBy, report: &Report) -> String {
    let mut notes = String::new();
    let totals = &report.totals;
    if totals.unpriced_requests > 0 {
        let requests = i64::try_from(totals.unpriced_requests).unwrap_or(i64::MAX);
        notes.push_str(&format!(
            "* without {} of {}, which no price is known for; `oriel costs models` says more\n",
            text::counted(requests, "request", "requests"),
            text::clean(&totals.unpriced_models.join(", ")),
        ));
    }
    if report.rows_left_out > 0 {
        let rows = i64::try_from(report.rows_left_out).unwrap_or(i64::MAX);
        let rows = text::counted(rows, "row is", "rows are");
        notes.push_str(&format!("{rows} not shown; ask for less with --since or --until\n"));
    }
    let mut running = report.rows.iter().filter_map(|row| row.block.as_ref()?.pace);
    if by == ReportBy::Blocks
        && let Some(pace) = running.next_back()
    {
        let cost = |cost: Option<f64>| text::cost(cost, totals.unpriced_requests.min(1));
        notes.push_str(&format!(
            "the block that runs has {} left: {} tokens a minute and {} an hour, \
             so {} tokens and {} at its end\n",
            text::span(pace.minutes_left.saturating_mul(60)),
            text::count(pace.tokens_per_minute as i64),
            cost(pace.usd_per_hour),
            text::count(i64::try_from(pace.projected_tokens).unwrap_or(i64::MAX)),
            cost(pace.projected_cost_usd),
        ));
    }
    notes
}
