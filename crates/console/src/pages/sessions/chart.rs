//! Charts of one session, as numbers for the template to draw: what turns used, and what happened when.

use oriel_wire::{SessionEntry, TurnRow};
use serde::Serialize;

use super::entry::{Entry, Kind};

/// The width of every chart, in its own units.
const WIDTH: f64 = 720.0;

/// The height of the bars of turns.
const HEIGHT: f64 = 120.0;

/// Where the lanes of the timeline begin: names stand before.
const LANES_LEFT: f64 = 130.0;

/// The height of a lane.
const LANE: f64 = 22.0;

/// Tools that are used less than the most used ones share a lane.
const LANES_MAX: usize = 9;

/// What a turn used, as a bar.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    turn: u64,
    event: i64,
    x: f64,
    width: f64,
    /// From below to above: from the cache, to the cache, read, written.
    parts: Vec<Piece>,
    total: u64,
    cost_usd: f64,
    unpriced: u64,
}

#[derive(Debug, Serialize)]
struct Piece {
    kind: usize,
    y: f64,
    height: f64,
}

/// Bars of turns.
#[derive(Debug, Serialize)]
pub(crate) struct Bars {
    bars: Vec<Bar>,
    most: u64,
}

/// Returns the tokens of turns as bars, the oldest first.
pub(crate) fn of_turns(turns: &[TurnRow]) -> Bars {
    let kinds =
        |turn: &TurnRow| [turn.cache_read, turn.cache_write, turn.tokens_in, turn.tokens_out];
    let total = |turn: &TurnRow| kinds(turn).into_iter().fold(0, u64::saturating_add);
    let most = turns.iter().map(total).max().unwrap_or(0).max(1);
    let step = WIDTH / turns.len().max(1) as f64;
    let bars = turns.iter().rev().enumerate().map(|(nth, turn)| {
        let mut top = HEIGHT;
        let parts = kinds(turn).into_iter().enumerate().filter(|(_, tokens)| *tokens > 0);
        let parts = parts.map(|(kind, tokens)| {
            let height = tokens as f64 / most as f64 * HEIGHT;
            top -= height;
            Piece { kind: kind + 1, y: round(top), height: round(height) }
        });
        Bar {
            turn: turn.number,
            event: turn.first_event,
            x: round(nth as f64 * step + step * 0.1),
            width: round((step * 0.8).min(40.0)),
            parts: parts.collect(),
            total: total(turn),
            cost_usd: turn.cost_usd,
            unpriced: turn.unpriced,
        }
    });
    Bars { bars: bars.collect(), most }
}

/// What happened when, a lane for each kind of thing.
#[derive(Debug, Serialize)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    from: Option<i64>,
    to: Option<i64>,
    height: f64,
    count: usize,
}

#[derive(Debug, Serialize)]
struct Lane {
    name: String,
    y: f64,
    marks: Vec<Mark>,
}

#[derive(Debug, Serialize)]
struct Mark {
    event: i64,
    x: f64,
    width: f64,
    kind: usize,
    failed: bool,
    at: i64,
    duration_ms: Option<u64>,
    what: String,
}

/// Returns entries as lanes.
pub(crate) fn of_entries(entries: &[SessionEntry<'_>]) -> Lanes {
    let mut placed: Vec<(String, usize, i64, Entry)> = entries
        .iter()
        .filter_map(|entry| {
            let entry = Entry::of(entry);
            let at = millis(&entry.at)?;
            let (lane, kind) = match entry.kind {
                Kind::Prompt => ("You".to_owned(), 4),
                Kind::Answer | Kind::Usage => ("Model".to_owned(), 1),
                Kind::Tool => (entry.tool.clone().unwrap_or_else(|| "tool".to_owned()), 2),
                Kind::Error => ("Errors".to_owned(), 3),
                Kind::Note => ("Other".to_owned(), 6),
            };
            Some((lane, kind, at, entry))
        })
        .collect();
    placed.sort_by_key(|(_, _, at, _)| *at);
    let ends = placed.iter().map(|(_, _, at, entry)| at.saturating_add(spent(entry)));
    let (from, to) = (placed.first().map(|(_, _, at, _)| *at), ends.max());
    let names = lanes(&placed);
    let span = to.unwrap_or(0).saturating_sub(from.unwrap_or(0)).max(1) as f64;
    let mut lanes: Vec<Lane> = names
        .iter()
        .enumerate()
        .map(|(nth, name)| Lane { name: name.clone(), y: nth as f64 * LANE, marks: Vec::new() })
        .collect();
    let count = placed.len();
    for (lane, kind, at, entry) in placed {
        let at_lane = names.iter().position(|name| *name == lane).unwrap_or(names.len() - 1);
        let scale = (WIDTH - LANES_LEFT) / span;
        let x = LANES_LEFT + at.saturating_sub(from.unwrap_or(at)) as f64 * scale;
        let width = (spent(&entry) as f64 * scale).clamp(3.0, WIDTH);
        lanes[at_lane].marks.push(Mark {
            event: entry.number,
            x: round(x.min(WIDTH - 3.0)),
            width: round(width.min(WIDTH - x.min(WIDTH - 3.0))),
            kind,
            failed: entry.failed,
            at: at.div_euclid(1000),
            duration_ms: entry.duration_ms,
            what: what(&entry),
        });
    }
    let height = lanes.len() as f64 * LANE;
    let second = |ms: i64| ms.div_euclid(1000);
    Lanes { lanes, from: from.map(second), to: to.map(second), height, count }
}

fn what(entry: &Entry) -> String {
    let words = entry.words.as_ref().map(|words| words.text.clone());
    words.or_else(|| entry.detail.clone()).or_else(|| entry.model.clone()).unwrap_or_default()
}

fn spent(entry: &Entry) -> i64 {
    entry.duration_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(0)
}

/// Returns the names of lanes: people and models first, then tools by how often they are used.
fn lanes(placed: &[(String, usize, i64, Entry)]) -> Vec<String> {
    let mut counted: Vec<(usize, usize, String)> = Vec::new();
    for (name, kind, ..) in placed {
        let rank = match kind {
            4 => 0,
            1 => 1,
            2 => 2,
            3 => 3,
            _ => 4,
        };
        match counted.iter_mut().find(|(_, _, known)| known == name) {
            Some((_, count, _)) => *count += 1,
            None => counted.push((rank, 1, name.clone())),
        }
    }
    counted.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
    if counted.len() > LANES_MAX {
        counted.truncate(LANES_MAX - 1);
        counted.push((5, 0, "Other".to_owned()));
    }
    let mut names: Vec<String> = counted.into_iter().map(|(_, _, name)| name).collect();
    names.dedup();
    names
}

/// Reads a moment as the API writes it.
pub(super) fn millis(at: &str) -> Option<i64> {
    let at: jiff::Timestamp =
        at.parse().or_else(|_| format!("{}Z", at.replacen(' ', "T", 1)).parse()).ok()?;
    Some(at.as_millisecond())
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_in_the_order_of_turns_and_fill_the_height() {
        let turn = |number: u64, tokens_in: u64, cache_read: u64| TurnRow {
            number,
            first_event: 1,
            last_event: 2,
            prompt: None,
            started_at: String::new(),
            ended_at: String::new(),
            duration_seconds: 0,
            events: 1,
            requests: 1,
            tool_calls: 0,
            errors: 0,
            tokens_in,
            tokens_out: 0,
            cache_read,
            cache_write: 0,
            cost_usd: 0.0,
            unpriced: 0,
            models: vec![],
        };
        let chart = of_turns(&[turn(2, 100, 300), turn(1, 50, 0)]);
        assert_eq!(chart.most, 400);
        assert_eq!(chart.bars.iter().map(|bar| bar.turn).collect::<Vec<_>>(), [1, 2]);
        let tall: f64 = chart.bars[1].parts.iter().map(|part| part.height).sum();
        assert!((tall - HEIGHT).abs() < 0.1, "{tall}");
        assert!(of_turns(&[]).bars.is_empty());
    }
}
