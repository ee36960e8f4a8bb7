//! What the merged text is made of, piece by piece: the lines of one side, or a conflict.
//!
//! Both changes are told as hunks over the base. Hunks of both sides that meet make a region; a region of
//! one side alone is taken from it. A conflict is then made as small as the two versions allow.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput, Interner};

/// Conflicts with so few lines between them are one: in the middle of markers such lines only confuse.
const GAP_LINES_MAX: usize = 3;

/// Part of the merged text. Ranges are of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Lines of the local text.
    Local(Range<usize>),
    /// Lines of the upstream text.
    Upstream(Range<usize>),
    /// Both versions of what was changed in two ways.
    Conflict { base: Range<usize>, local: Range<usize>, upstream: Range<usize> },
}

/// Returns what the merged text is made of.
pub(super) fn pieces(base: &[&str], local: &[&str], upstream: &[&str]) -> Vec<Piece> {
    let mut regions = Regions {
        local: Side::new(changes(base, local)),
        upstream: Side::new(changes(base, upstream)),
    };
    let mut pieces = Vec::new();
    let mut done = 0;
    while let Some(region) = regions.next() {
        push_local(&mut pieces, done..region.local.start);
        done = region.local.end;
        match (region.is_changed_here, region.is_changed_there) {
            (true, true) => {
                refine(&mut pieces, &region, local, upstream);
            }
            (_, false) => push_local(&mut pieces, region.local),
            (false, true) if region.upstream.is_empty() => {}
            (false, true) => pieces.push(Piece::Upstream(region.upstream)),
        }
    }
    push_local(&mut pieces, done..local.len());
    join(pieces, local)
}

/// Adds local lines, to the last piece where they go on with it.
fn push_local(pieces: &mut Vec<Piece>, range: Range<usize>) {
    if range.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Local(last)) if last.end == range.start => last.end = range.end,
        _ => pieces.push(Piece::Local(range)),
    }
}

/// Lines of the base that hunks of one or both sides cover, and what the sides made of them.
#[derive(Debug)]
struct Region {
    base: Range<usize>,
    local: Range<usize>,
    upstream: Range<usize>,
    is_changed_here: bool,
    is_changed_there: bool,
}

/// The hunks of both sides, taken off region by region.
struct Regions {
    local: Side,
    upstream: Side,
}

impl Regions {
    fn next(&mut self) -> Option<Region> {
        let starts = [self.local.start(), self.upstream.start()];
        let start = starts.into_iter().flatten().min()?;
        let (mut end, mut here, mut there) = (start, Vec::new(), Vec::new());
        // Hunks that only touch could be put in either order, so they meet as well.
        loop {
            if let Some(hunk) = self.local.take(end) {
                end = end.max(hunk.before.end);
                here.push(hunk);
            } else if let Some(hunk) = self.upstream.take(end) {
                end = end.max(hunk.before.end);
                there.push(hunk);
            } else {
                break;
            }
        }
        let base = start as usize..end as usize;
        Some(Region {
            local: self.local.range(&base),
            upstream: self.upstream.range(&base),
            base,
            is_changed_here: !here.is_empty(),
            is_changed_there: !there.is_empty(),
        })
    }
}

/// The hunks of one side that are still to come, and where the last region ended on it.
struct Side {
    hunks: std::iter::Peekable<std::vec::IntoIter<Hunk>>,
    /// A line of the base, and its line on this side: no hunk lies between them and the next region.
    fixed: (usize, usize),
    /// How much longer this side became by the hunks that were taken since.
    grown: isize,
}

impl Side {
    fn new(hunks: Vec<Hunk>) -> Self {
        Self { hunks: hunks.into_iter().peekable(), fixed: (0, 0), grown: 0 }
    }

    fn start(&mut self) -> Option<u32> {
        self.hunks.peek().map(|hunk| hunk.before.start)
    }

    /// Takes the next hunk if it begins at `end` or before.
    fn take(&mut self, end: u32) -> Option<Hunk> {
        let hunk = self.hunks.next_if(|hunk| hunk.before.start <= end)?;
        self.grown += hunk.after.len() as isize - hunk.before.len() as isize;
        Some(hunk)
    }

    /// Returns what this side made of a region, once its hunks are taken.
    fn range(&mut self, base: &Range<usize>) -> Range<usize> {
        let start = self.fixed.1 + (base.start - self.fixed.0);
        let end = (start + base.len()).saturating_add_signed(self.grown);
        self.fixed = (base.end, end);
        self.grown = 0;
        start..end
    }
}

/// Adds what both sides changed: nothing but the lines of one where they did the same, and else as little
/// between markers as can be.
fn refine(pieces: &mut Vec<Piece>, region: &Region, local: &[&str], upstream: &[&str]) {
    let (here, there) = (region.local.start, region.upstream.start);
    let mut done = here;
    for hunk in changes(&local[region.local.clone()], &upstream[region.upstream.clone()]) {
        let part = here + hunk.before.start as usize..here + hunk.before.end as usize;
        push_local(pieces, done..part.start);
        done = part.end;
        pieces.push(Piece::Conflict {
            base: region.base.clone(),
            local: part,
            upstream: there + hunk.after.start as usize..there + hunk.after.end as usize,
        });
    }
    push_local(pieces, done..region.local.end);
}

/// Makes one of conflicts that have little or nothing to read between them.
fn join(pieces: Vec<Piece>, local: &[&str]) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Piece::Conflict { base, local: here, upstream: there } = piece else {
            joined.push(piece);
            continue;
        };
        let gap = match joined.last() {
            Some(Piece::Local(gap)) => Some(gap.clone()),
            Some(Piece::Conflict { .. }) => Some(here.start..here.start),
            _ => None,
        };
        let before = joined
            .len()
            .saturating_sub(gap.as_ref().map_or(0, |gap| 1 + usize::from(!gap.is_empty())));
        match (gap, joined.get_mut(before)) {
            (Some(gap), Some(Piece::Conflict { base: b, local: h, upstream: t }))
                if is_small(&local[gap.clone()]) =>
            {
                (b.end, h.end, t.end) = (base.end.max(b.end), here.end, there.end);
                joined.truncate(before + 1);
            }
            _ => joined.push(Piece::Conflict { base, local: here, upstream: there }),
        }
    }
    joined
}

fn is_small(gap: &[&str]) -> bool {
    gap.len() <= GAP_LINES_MAX || !gap.iter().any(|line| line.contains(char::is_alphanumeric))
}

/// Returns how one text became the other.
fn changes(before: &[&str], after: &[&str]) -> Vec<Hunk> {
    let mut input = InternedInput {
        before: Vec::with_capacity(before.len()),
        after: Vec::with_capacity(after.len()),
        interner: Interner::new(before.len() + after.len()),
    };
    input.update_before(before.iter().copied());
    input.update_after(after.iter().copied());
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    // Where a change could be told in several places, it is told as far down as it goes: both sides the same.
    diff.postprocess_no_heuristic(&input);
    diff.hunks().collect()
}
