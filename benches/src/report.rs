//! What was measured, beside what is to be reached: a table for people, JSON for programs.

mod table;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::machine::Machine;

/// All figures of one call.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: Machine,
    rows: Vec<Row>,
}

/// One figure and its value in each run.
#[derive(Debug)]
struct Row {
    section: String,
    work: String,
    measure: &'static str,
    durability: &'static str,
    values: Vec<f64>,
    target: Option<Target>,
    facts: BTreeMap<&'static str, f64>,
}

/// What is measured. The place of a figure is the same in every run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The table it stands in.
    pub(crate) section: &'a str,
    /// The work that was done.
    pub(crate) work: &'a str,
    pub(crate) durability: &'static str,
}

/// What a figure is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    /// Starts a report without figures.
    #[must_use]
    pub fn new(machine: Machine) -> Self {
        Self { machine, rows: Vec::new() }
    }

    /// Adds the value of one run.
    pub(crate) fn record(
        &mut self,
        place: Place<'_>,
        measure: &'static str,
        value: f64,
        target: Option<Target>,
    ) {
        let index = self.row(place, measure);
        let row = &mut self.rows[index];
        row.values.push(value);
        row.target = target;
    }

    /// Adds to a figure what explains it and has no median, such as the status of an answer.
    pub(crate) fn explain(
        &mut self,
        place: Place<'_>,
        measure: &'static str,
        fact: &'static str,
        value: f64,
    ) {
        let index = self.row(place, measure);
        self.rows[index].facts.insert(fact, value);
    }

    /// The median of a figure, if there is such a figure.
    pub(crate) fn median(&self, place: Place<'_>, measure: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.is(place, measure))?;
        Some(median(&row.values))
    }

    /// Finds the row of a figure, or makes it, so that what will be compared stands together: the
    /// durabilities of a measure, the measures of a work, the works of a section.
    fn row(&mut self, place: Place<'_>, measure: &'static str) -> usize {
        if let Some(known) = self.rows.iter().position(|row| row.is(place, measure)) {
            return known;
        }
        let last = |like: &dyn Fn(&Row) -> bool| self.rows.iter().rposition(like);
        let in_section = |row: &Row| row.section == place.section;
        let of_work = |row: &Row| in_section(row) && row.work == place.work;
        let of_measure = |row: &Row| of_work(row) && row.measure == measure;
        let neighbour = last(&of_measure).or_else(|| last(&of_work)).or_else(|| last(&in_section));
        let index = neighbour.map_or(self.rows.len(), |neighbour| neighbour + 1);
        let row = Row {
            section: place.section.to_owned(),
            work: place.work.to_owned(),
            measure,
            durability: place.durability,
            values: Vec::new(),
            target: None,
            facts: BTreeMap::new(),
        };
        self.rows.insert(index, row);
        index
    }
}

impl Row {
    fn is(&self, place: Place<'_>, measure: &str) -> bool {
        self.section == place.section
            && self.work == place.work
            && self.durability == place.durability
            && self.measure == measure
    }

    fn verdict(&self) -> &'static str {
        match self.target {
            None => "",
            Some(target) if target.is_met_by(median(&self.values)) => "reached",
            Some(_) => "MISSED",
        }
    }
}

impl Target {
    fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => least <= value,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Whole<'a> {
            section: &'a str,
            work: &'a str,
            measure: &'a str,
            durability: &'a str,
            median: f64,
            min: f64,
            max: f64,
            values: &'a [f64],
            target: Option<Target>,
            met: Option<bool>,
            facts: &'a BTreeMap<&'static str, f64>,
        }
        let (min, max) = bounds(&self.values);
        let median = median(&self.values);
        Whole {
            section: &self.section,
            work: &self.work,
            measure: self.measure,
            durability: self.durability,
            median,
            min,
            max,
            values: &self.values,
            target: self.target,
            met: self.target.map(|target| target.is_met_by(median)),
            facts: &self.facts,
        }
        .serialize(serializer)
    }
}

/// Says on the error output how far a long measurement has come.
#[expect(clippy::print_stderr, reason = "the output proper is the table")]
pub(crate) fn progress(what: &str) {
    eprintln!("{what}");
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

fn bounds(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::NAN, f64::min);
    let high = values.iter().copied().fold(f64::NAN, f64::max);
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Place<'_> = Place { section: "ingest", work: "16 connections", durability: "full" };
    const NORMAL: Place<'_> = Place { durability: "normal", ..FULL };

    #[test]
    fn the_median_is_the_middle_of_any_order() {
        for (values, expected) in [
            (&[3.0][..], 3.0),
            (&[9.0, 1.0, 5.0], 5.0),
            (&[4.0, 1.0, 2.0, 100.0], 3.0),
            (&[2.0, 2.0, 2.0, 1.0, 9.0], 2.0),
        ] {
            assert_eq!(median(values), expected, "{values:?}");
        }
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn what_is_compared_stands_together_and_beside_its_target() {
        let mut report = Report::new(Machine::default());
        let target = Some(Target::AtLeast(20_000.0));
        for (full, normal) in [(19_000.0, 40_000.0), (21_000.0, 50_000.0), (22_000.0, 45_000.0)] {
            report.record(FULL, "events/s", full, target);
            report.record(FULL, "p99 ms", 2.5, Some(Target::AtMost(1.0)));
            report.record(NORMAL, "events/s", normal, None);
        }
        report.explain(FULL, "p99 ms", "status", 200.0);

        assert_eq!(report.median(NORMAL, "events/s"), Some(45_000.0));
        let text = report.to_string();
        let table: Vec<_> = text.lines().skip_while(|line| !line.starts_with("ingest")).collect();
        let expected = [
            "ingest (3 runs)",
            "work            measure   durability  median        min .. max  target             note",
            "16 connections  events/s  full        21,000  19,000 .. 22,000  ≥ 20,000  reached",
            "                events/s  normal      45,000  40,000 .. 50,000",
            "                p99 ms    full          2.50      2.50 .. 2.50  ≤ 1       MISSED   status 200",
        ];
        assert_eq!(table, expected);
    }

    #[test]
    fn programs_get_every_value() {
        let mut report = Report::new(Machine::default());
        for value in [3.0, 1.0, 2.0] {
            report.record(FULL, "p99 ms", value, Some(Target::AtMost(2.0)));
        }
        let json = serde_json::to_value(&report).unwrap();
        let row = &json["rows"][0];
        assert_eq!(row["values"], serde_json::json!([3.0, 1.0, 2.0]));
        assert_eq!(
            (&row["median"], &row["min"], &row["max"]),
            (&2.0.into(), &1.0.into(), &3.0.into())
        );
        assert_eq!((&row["target"]["at_most"], &row["met"]), (&2.0.into(), &true.into()));
        assert_eq!(row["durability"], "full");
    }
}
