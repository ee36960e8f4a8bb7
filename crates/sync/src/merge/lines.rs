//! A text as lines, and apart from them how they end and whether the last one does.

/// A text as lines without their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) lines: Vec<&'a str>,
}

/// How the lines of the merged text end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// What each line ends with.
    pub(super) ending: &'static str,
    /// Whether the last one does.
    pub(super) last_line_ends: bool,
}

/// How the lines of one text end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Lf,
    Crlf,
    Mixed,
}

impl Form {
    /// Takes base, local and upstream apart, and returns how their merged lines end.
    pub(super) fn of(texts: [&str; 3]) -> (Self, [Text<'_>; 3]) {
        let last_line_ends = merged(texts.map(last_line_ends)).unwrap_or(true);
        let endings = texts.map(ending);
        if endings.contains(&Some(Ending::Mixed)) {
            // Where lines end in several ways, how each does is part of it.
            return (Self { ending: "\n", last_line_ends }, texts.map(|text| Text::of(text, "\n")));
        }
        let ending_of = |ending| if ending == Some(Ending::Crlf) { "\r\n" } else { "\n" };
        let form = Self { ending: ending_of(merged(endings)), last_line_ends };
        let [base, local, upstream] = texts;
        let parted = [(base, endings[0]), (local, endings[1]), (upstream, endings[2])];
        (form, parted.map(|(text, ending)| Text::of(text, ending_of(ending))))
    }
}

impl<'a> Text<'a> {
    fn of(text: &'a str, ending: &str) -> Self {
        if text.is_empty() {
            return Self { lines: Vec::new() };
        }
        let text = text.strip_suffix(ending).unwrap_or(text);
        Self { lines: text.split(ending).collect() }
    }
}

/// What is said by one side that says something new, else by the other. A text that says nothing of it
/// has no part in it.
fn merged<T: PartialEq + Copy>([base, local, upstream]: [Option<T>; 3]) -> Option<T> {
    match (local, upstream) {
        (Some(local), Some(upstream)) => Some(if Some(local) == base { upstream } else { local }),
        (local, upstream) => local.or(upstream).or(base),
    }
}

/// Nothing, where there is no line.
fn last_line_ends(text: &str) -> Option<bool> {
    (!text.is_empty()).then(|| text.ends_with('\n'))
}

/// Nothing, where no line ends.
fn ending(text: &str) -> Option<Ending> {
    let ends = text.matches('\n').count();
    let crlf = text.matches("\r\n").count();
    match (ends, crlf) {
        (0, _) => None,
        (_, 0) => Some(Ending::Lf),
        (ends, crlf) if ends == crlf => Some(Ending::Crlf),
        _ => Some(Ending::Mixed),
    }
}
