//! Charts as geometry: rectangles, lines and words with their places, which a template draws as SVG.
//! No text becomes markup here, so a model's or a tool's name cannot either.

use serde::Serialize;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 200.0;
/// The width of a chart that has another one beside it: its words stay as large.
const HALF_WIDTH: f64 = 440.0;
/// The room for the numbers of the scale.
const LEFT: f64 = 52.0;
const TOP: f64 = 10.0;
/// The room for the words below.
const BOTTOM: f64 = 22.0;

/// So many series have a colour of their own; the rest goes into the last one.
pub(crate) const SERIES_MAX: usize = 6;

/// The widest that a column gets, so that three days do not look like three walls.
const COLUMN_MAX: f64 = 48.0;

/// A chart, ready to be drawn.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Chart {
    width: f64,
    height: f64,
    left: f64,
    ticks: Vec<Tick>,
    columns: Vec<DrawnColumn>,
    lines: Vec<Line>,
    words: Vec<Word>,
    pub(crate) legend: Vec<Key>,
}

/// How much room a chart has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// The width of the page.
    Whole,
    /// There is another chart beside it.
    Half,
}

impl Room {
    fn width(self) -> f64 {
        match self {
            Self::Whole => WIDTH,
            Self::Half => HALF_WIDTH,
        }
    }
}

/// A column of a chart: what it is about, in short and in full, and its parts from below.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) label: String,
    pub(crate) title: String,
    pub(crate) values: Vec<f64>,
}

/// A line of the scale.
#[derive(Debug, Clone, Serialize)]
struct Tick {
    y: f64,
    label: String,
}

#[derive(Debug, Clone, Serialize)]
struct DrawnColumn {
    x: f64,
    width: f64,
    title: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Serialize)]
struct Part {
    y: f64,
    height: f64,
    class: String,
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    points: String,
    class: String,
}

#[derive(Debug, Clone, Serialize)]
struct Word {
    x: f64,
    text: String,
}

/// What a colour stands for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Key {
    pub(crate) class: String,
    pub(crate) label: String,
}

/// Draws columns whose parts stand on each other. `names` are those of the parts, `unit` writes a number
/// of the scale.
pub(crate) fn columns(
    room: Room,
    names: &[String],
    columns: &[Column],
    unit: fn(f64) -> String,
) -> Chart {
    let highest =
        columns.iter().map(|column| column.values.iter().sum::<f64>()).fold(0.0, f64::max);
    let scale = Scale::to(highest);
    let place = Places::of(columns.len(), room.width());
    let drawn = columns.iter().enumerate().map(|(at, column)| {
        let mut below = 0.0;
        let parts = column.values.iter().enumerate().map(|(nth, value)| {
            let value = value.max(0.0);
            let part = Part {
                y: scale.y(below + value),
                height: round(scale.y(below) - scale.y(below + value)),
                class: class(nth),
            };
            below += value;
            part
        });
        DrawnColumn {
            x: place.left_of(at),
            width: place.width,
            title: column.title.clone(),
            parts: parts.filter(|part| 0.0 < part.height).collect(),
        }
    });
    Chart {
        columns: drawn.collect(),
        legend: keys(names),
        words: place.words(columns.iter().map(|column| column.label.as_str())),
        ..Chart::empty(room, scale.ticks(unit))
    }
}

/// Draws lines over the same places, one for each name. A value that is not there makes a gap.
pub(crate) fn lines(
    room: Room,
    names: &[String],
    labels: &[String],
    series: &[Vec<Option<f64>>],
    unit: fn(f64) -> String,
) -> Chart {
    let highest = series.iter().flatten().flatten().copied().fold(0.0, f64::max);
    let scale = Scale::to(highest);
    let place = Places::of(labels.len(), room.width());
    let mut drawn = Vec::new();
    for (nth, values) in series.iter().enumerate() {
        for run in values.iter().enumerate().collect::<Vec<_>>().split(|(_, one)| one.is_none()) {
            let points = run.iter().filter_map(|(at, value)| {
                Some(format!("{},{}", place.middle_of(*at), scale.y((**value)?)))
            });
            let mut points = points.collect::<Vec<_>>();
            // One point alone is no line; told twice, its round ends make a dot.
            if let [only] = points.as_slice() {
                points.push(only.clone());
            }
            let points = points.join(" ");
            if !points.is_empty() {
                drawn.push(Line { points, class: class(nth) });
            }
        }
    }
    Chart {
        lines: drawn,
        legend: keys(names),
        words: place.words(labels.iter().map(String::as_str)),
        ..Chart::empty(room, scale.ticks(unit))
    }
}

impl Chart {
    fn empty(room: Room, ticks: Vec<Tick>) -> Self {
        Self {
            width: room.width(),
            height: HEIGHT,
            left: LEFT,
            ticks,
            columns: vec![],
            lines: vec![],
            words: vec![],
            legend: vec![],
        }
    }
}

/// A scale from nothing to a round number.
struct Scale {
    top: f64,
    step: f64,
}

impl Scale {
    fn to(highest: f64) -> Self {
        if !highest.is_finite() || highest <= 0.0 {
            return Self { top: 1.0, step: 1.0 };
        }
        let rough = highest / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| rough <= *step)
            .unwrap_or(10.0 * power);
        Self { top: (highest / step).ceil() * step, step }
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value / self.top).clamp(0.0, 1.0);
        round(HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP))
    }

    fn ticks(&self, unit: fn(f64) -> String) -> Vec<Tick> {
        let count = (self.top / self.step).round().clamp(1.0, 8.0);
        (0..=count as u32)
            .map(|nth| f64::from(nth) * self.step)
            .map(|value| Tick { y: self.y(value), label: unit(value) })
            .collect()
    }
}

/// Where columns stand.
struct Places {
    count: usize,
    room: f64,
    width: f64,
}

impl Places {
    fn of(count: usize, width: f64) -> Self {
        let room = (width - LEFT) / count.max(1) as f64;
        Self { count, room, width: round((room * 0.78).clamp(0.5, COLUMN_MAX)) }
    }

    fn middle_of(&self, at: usize) -> f64 {
        round(LEFT + (at as f64 + 0.5) * self.room)
    }

    fn left_of(&self, at: usize) -> f64 {
        round(self.middle_of(at) - self.width / 2.0)
    }

    /// Returns as many words as have room, the last one among them.
    fn words<'a>(&self, labels: impl Iterator<Item = &'a str>) -> Vec<Word> {
        let every = (64.0 / self.room).ceil().max(1.0) as usize;
        labels
            .enumerate()
            .filter(|(at, _)| (self.count - 1 - at).is_multiple_of(every))
            .map(|(at, label)| Word { x: self.middle_of(at), text: label.to_owned() })
            .collect()
    }
}

fn keys(names: &[String]) -> Vec<Key> {
    let key = |(nth, name): (usize, &String)| Key { class: class(nth), label: name.clone() };
    names.iter().enumerate().map(key).collect()
}

/// Returns the class of the style sheet that has a series' colour.
fn class(nth: usize) -> String {
    format!("k{}", nth.min(SERIES_MAX - 1) + 1)
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_on_each_other_and_below_the_top() {
        let chart =
            columns(Room::Whole, &names(2), &[column(&[3.0, 1.0]), column(&[0.0, 2.0])], |n| {
                n.to_string()
            });
        let first = &chart.columns[0].parts;
        assert_eq!(first[1].y + first[1].height, first[0].y, "the second stands on the first");
        assert_eq!(first[0].y + first[0].height, HEIGHT - BOTTOM);
        assert_eq!(first[1].y, TOP, "the highest reaches the top of its scale");
        assert_eq!(chart.columns[1].parts.len(), 1, "nothing takes no room");
        assert_eq!(chart.ticks.last().unwrap().label, "4");
    }

    #[test]
    fn a_gap_in_a_line_stays_one() {
        let values = vec![Some(1.0), None, Some(2.0), Some(1.0)];
        let labels = ["a", "b", "c", "d"].map(str::to_owned);
        let chart = lines(Room::Half, &names(1), &labels, &[values], |n| n.to_string());
        assert_eq!(chart.lines.len(), 2);
        assert_eq!(chart.lines[1].points.split(' ').count(), 2);
    }

    #[test]
    fn odd_numbers_make_no_odd_places() {
        for values in [vec![], vec![0.0], vec![-5.0], vec![f64::NAN], vec![1e300]] {
            let chart = columns(Room::Whole, &names(1), &[column(&values)], |n| n.to_string());
            for part in chart.columns.iter().flat_map(|column| &column.parts) {
                assert!((TOP..=HEIGHT).contains(&part.y) && part.height <= HEIGHT, "{values:?}");
            }
        }
        let many = vec![column(&[1.0]); 400];
        let chart = columns(Room::Whole, &names(1), &many, |n| n.to_string());
        assert!(chart.words.len() <= 12, "{}", chart.words.len());
        assert!(columns(Room::Whole, &[], &[], |n| n.to_string()).columns.is_empty());
    }

    fn column(values: &[f64]) -> Column {
        Column { label: "d".to_owned(), title: "d".to_owned(), values: values.to_vec() }
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|nth| format!("n{nth}")).collect()
    }
}
