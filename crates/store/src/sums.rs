//! What is added up of events, and how far a sum can go.

use oriel_model::{Money, NewEvent, Tokens};
use rusqlite::Row;

/// No count goes past the largest whole number that JavaScript holds exactly.
pub(crate) const COUNT_MAX: u64 = 1 << 53;

/// The columns of [`Sums`], in its order.
pub(crate) const COLUMNS: &str = "events, tokens_in, tokens_out, cost, costed_events, costed_in, \
                                  costed_out, duration_ms, timed_events";

/// The sums of [`COLUMNS`] over events, in its order. They are capped with every addition, so that
/// none overflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    pub events: u64,
    pub tokens_in: u64,
    pub tokens_out: u64,
    pub cost: Money,
    pub costed_events: u64,
    pub costed_in: u64,
    pub costed_out: u64,
    pub duration_ms: u64,
    pub timed_events: u64,
}

impl Sums {
    /// Returns the sums of one event.
    pub(crate) fn of(event: &NewEvent) -> Self {
        let Tokens { input, output, .. } = event.tokens;
        Self::of_parts(input, output, event.cost_usd, event.duration_ms)
    }

    /// Returns the sums of one event that has these tokens, this cost and this duration.
    pub(crate) fn of_parts(
        tokens_in: u64,
        tokens_out: u64,
        cost_usd: Option<f64>,
        duration_ms: Option<u64>,
    ) -> Self {
        let costed = cost_usd.is_some_and(|cost| cost > 0.0);
        let when_costed = |count| if costed { count } else { 0 };
        Self {
            events: 1,
            tokens_in,
            tokens_out,
            cost: cost_usd.map_or(Money::ZERO, Money::from_dollars),
            costed_events: when_costed(1),
            costed_in: when_costed(tokens_in),
            costed_out: when_costed(tokens_out),
            duration_ms: duration_ms.unwrap_or(0),
            timed_events: u64::from(duration_ms.is_some()),
        }
    }

    /// Adds other sums to these.
    pub(crate) fn plus(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.events, other.events),
            (&mut self.tokens_in, other.tokens_in),
            (&mut self.tokens_out, other.tokens_out),
            (&mut self.costed_events, other.costed_events),
            (&mut self.costed_in, other.costed_in),
            (&mut self.costed_out, other.costed_out),
            (&mut self.duration_ms, other.duration_ms),
            (&mut self.timed_events, other.timed_events),
        ] {
            add(mine, theirs);
        }
        self.cost = self.cost.plus(other.cost);
    }

    /// Reads the sums from the columns of a row that begin at `first`.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            events: row.get(first)?,
            tokens_in: row.get(first + 1)?,
            tokens_out: row.get(first + 2)?,
            cost: Money::from_units(row.get(first + 3)?),
            costed_events: row.get(first + 4)?,
            costed_in: row.get(first + 5)?,
            costed_out: row.get(first + 6)?,
            duration_ms: row.get(first + 7)?,
            timed_events: row.get(first + 8)?,
        })
    }

    /// Returns the values of [`COLUMNS`].
    pub(crate) fn values(&self) -> [i64; 9] {
        [
            signed(self.events),
            signed(self.tokens_in),
            signed(self.tokens_out),
            self.cost.units(),
            signed(self.costed_events),
            signed(self.costed_in),
            signed(self.costed_out),
            signed(self.duration_ms),
            signed(self.timed_events),
        ]
    }
}

/// What a total changes by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Change {
    plus: Sums,
    minus: Sums,
}

impl Change {
    /// Adds sums.
    pub(crate) fn plus(&mut self, sums: &Sums) {
        self.plus.plus(sums);
    }

    /// Takes sums away.
    pub(crate) fn minus(&mut self, sums: &Sums) {
        self.minus.plus(sums);
    }

    /// Returns whether no event may be left afterwards.
    pub(crate) fn may_empty(&self) -> bool {
        self.plus.events <= self.minus.events
    }

    /// Returns what the values of [`COLUMNS`] change by.
    pub(crate) fn values(&self) -> [i64; 9] {
        let (mut values, minus) = (self.plus.values(), self.minus.values());
        values.iter_mut().zip(minus).for_each(|(value, minus)| *value -= minus);
        values
    }
}

/// Puts another amount in the place of one that was counted. A count at its cap stays there: what
/// it would be without the cap is not known.
pub(crate) fn replace(count: &mut u64, old: u64, new: u64) {
    if *count < COUNT_MAX {
        *count = count.saturating_add(new).saturating_sub(old).min(COUNT_MAX);
    }
}

/// Adds to a count, up to its cap.
pub(crate) fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more).min(COUNT_MAX);
}

/// Returns a count as SQLite holds it.
pub(crate) fn signed(count: u64) -> i64 {
    count.min(COUNT_MAX) as i64
}
