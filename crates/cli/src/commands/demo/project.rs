//! What the agent of the demonstration works on: a small project that grows, and the file that both sides
//! change.

use std::fmt::Write as _;

/// The file that comes into conflict.
pub(super) const DISPUTED: &str = "src/tides.py";

/// What is in the workspace before anybody works there.
pub(super) const AT_FIRST: [(&str, &str); 5] = [
    ("README.md", "# Tide table\n\nWhen the water is high, and how high, for a few harbours.\n"),
    ("notes.md", "# Notes\n"),
    ("plan.md", "# Plan\n\n- [ ] List the harbours\n"),
    ("src/harbours.py", "HARBOURS = {}\n"),
    (DISPUTED, BASE),
];

/// The file as both sides agree on it.
const BASE: &str = r#""""High water: when, and how high."""

HOURS_BETWEEN = 12.4


def next_high(last_high, now):
    """The hour of the next one."""
    high = last_high
    while high <= now:
        high += HOURS_BETWEEN
    return high


def height(feet):
    """As it is shown."""
    return f"{feet} ft"


def table(rows):
    """A line for each harbour."""
    for name, feet in rows:
        yield f"{name} {height(feet)}"
"#;

/// What the person makes of it, and what the agent does: one place each of their own, and one in common.
const MINE: [(&str, &str); 2] = [
    ("HOURS_BETWEEN = 12.4\n", "HOURS_BETWEEN = 12.42\n"),
    (r#"    return f"{feet} ft""#, r#"    return f"{feet * 0.3048:.1f} m""#),
];
const THEIRS: [(&str, &str); 2] = [
    (r#"    return f"{feet} ft""#, r#"    return f"{feet:.1f} ft""#),
    ("for name, feet in rows:", "for name, feet in sorted(rows):"),
];

/// A harbour, when its water is high, and how high, in feet.
const HARBOURS: [(&str, &str, f32); 8] = [
    ("Whitby", "06:12", 15.4),
    ("Ramsgate", "01:48", 16.1),
    ("Fowey", "07:25", 15.1),
    ("Tobermory", "08:03", 13.8),
    ("Padstow", "07:51", 22.3),
    ("Lerwick", "00:34", 6.9),
    ("Fishguard", "09:17", 14.4),
    ("Portree", "08:40", 15.7),
];

/// So many lines of what was done are kept, so that the files stay small however long somebody looks.
const LINES_MAX: usize = 40;

/// Returns the disputed file as the person leaves it and as the agent does.
pub(super) fn both_versions() -> [String; 2] {
    [MINE, THEIRS].map(|changes| {
        changes.iter().fold(BASE.to_owned(), |text, (old, new)| text.replace(old, new))
    })
}

/// Returns what the agent is asked in a turn, counted from nothing.
pub(super) fn prompt(turn: usize) -> String {
    let (name, ..) = HARBOURS[turn % HARBOURS.len()];
    format!(
        "{name} is next. [[think]] [[write src/harbours.py {}]] [[write notes.md {}]] \
         [[write plan.md {}]] {name} is in the table.",
        source(turn),
        notes(turn),
        plan(turn)
    )
}

fn source(turn: usize) -> String {
    let mut text =
        "\"\"\"The harbours and the height of their tides, in feet.\"\"\"\n\nHARBOURS = {\n"
            .to_owned();
    for (name, _, feet) in HARBOURS.iter().take(turn + 1) {
        let feet = feet + drift(turn);
        // Writing into a text does not fail.
        _ = writeln!(text, "    \"{name}\": {feet:.1},");
    }
    text + "}\n"
}

fn notes(turn: usize) -> String {
    lines("# Notes\n\n", turn, |nth, (name, hour, feet)| {
        let round = nth / HARBOURS.len() + 1;
        format!("Day {round}, {name}: high at {hour}, {:.1} ft.\n", feet + drift(nth))
    })
}

fn plan(turn: usize) -> String {
    lines("# Plan\n\n- [x] List the harbours\n", turn, |nth, (name, ..)| {
        format!("- [x] Day {}: {name}\n", nth / HARBOURS.len() + 1)
    }) + "- [ ] Print the table\n"
}

/// Returns a text with a line for each of the last turns.
fn lines(head: &str, turn: usize, line: impl Fn(usize, (&str, &str, f32)) -> String) -> String {
    let first = (turn + 1).saturating_sub(LINES_MAX);
    let all = (first..=turn).map(|nth| line(nth, HARBOURS[nth % HARBOURS.len()]));
    head.to_owned() + &all.collect::<String>()
}

/// How much higher the water is some days later, so that every round writes something else.
fn drift(turn: usize) -> f32 {
    const DRIFTS: [f32; 5] = [0.0, 0.3, 0.5, 0.2, -0.1];
    DRIFTS[turn / HARBOURS.len() % DRIFTS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_change_the_same_place_and_one_of_their_own() {
        let base: Vec<&str> = BASE.lines().collect();
        let [mine, theirs] = both_versions();
        let changed = |text: &str| -> Vec<usize> {
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), base.len());
            (0..base.len()).filter(|&nth| lines[nth] != base[nth]).collect()
        };
        let (mine, theirs) = (changed(&mine), changed(&theirs));
        assert_eq!((mine.len(), theirs.len()), (2, 2));
        assert_eq!((mine[1], mine[0] != theirs[1]), (theirs[0], true));
    }

    #[test]
    fn every_turn_writes_three_small_files_with_something_new_in_them() {
        let mut last = String::new();
        for turn in 0..200 {
            let prompt = prompt(turn);
            assert_eq!(prompt.matches("[[write ").count(), 3, "{prompt}");
            assert!(prompt.len() < 8_000 && prompt != last, "{turn}: {} bytes", prompt.len());
            last = prompt;
        }
    }
}
