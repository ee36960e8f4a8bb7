//! Going through texts, newest first, until a page is full or enough was done for one question.
//!
//! The index only names texts that may match; each is read and looked at before it is a hit, like
//! those that are not indexed yet. So what is found does not depend on how far the index has come.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Rows};

use super::ask::Ask;
use super::index::event_of_text;
use super::matching::marks;
use super::pack::unpack;
use super::sieve::Sieve;
use super::snippet::{Fragment, snippet};
use super::{Found, Hit, SearchCursor, SearchQuery};
use crate::query::read_events;

/// No page has more hits than this.
const HITS_MAX: usize = 200;

/// What is done for one page at the most. A page that ends here is not full, and says so with its
/// cursor.
const PAGE: Effort = Effort { texts: 100_000, events: 10_000, bytes: 2 * 1024 * 1024 };

/// What is done without the index where a word may go on. To gather all words that begin alike
/// takes the index the longer the more texts have them; but then a page is soon full without it.
const FIRST_LOOK: Effort = Effort { texts: 512, events: 512, bytes: 512 * 1024 };

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Texts that may match.
    texts: usize,
    /// Events that are looked up to know whether they pass the filter.
    events: usize,
    /// Bytes of texts that are read.
    bytes: usize,
}

/// What is done before the numbers of very many events are read, which is only worth it where
/// hardly any of the newest pass the filter.
const BEFORE_NARROWING: Effort = Effort { events: 2000, ..PAGE };

/// Answers a query, in one transaction.
pub(crate) fn find(connection: &Connection, query: &SearchQuery) -> rusqlite::Result<Found> {
    let ask = Ask::of(&query.words);
    if ask.is_nothing() {
        return Ok(Found::default());
    }
    let Some(sieve) = Sieve::make(connection, &query.filter)? else { return Ok(Found::default()) };
    let before = query.cursor.map_or(i64::MAX, |SearchCursor(no)| no);
    let mut walk = Walk {
        connection,
        ask: &ask,
        sieve,
        limit: query.limit.clamp(1, HITS_MAX),
        next: before,
        hits: Vec::new(),
    };
    let mut end = End::Tired;
    if ask.has_prefix() {
        end = walk.go(None, FIRST_LOOK)?;
    }
    if end == End::Tired {
        end = walk.go_on(ask.expression().as_deref())?;
    }
    walk.finish(end)
}

/// Why a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// There are no more texts.
    Through,
    /// The page is full, and there is another hit.
    Full,
    /// Enough was done.
    Tired,
}

struct Walk<'a> {
    connection: &'a Connection,
    ask: &'a Ask,
    sieve: Sieve,
    limit: usize,
    /// Only texts with a smaller number are still to be seen.
    next: i64,
    /// The numbers and snippets of hits.
    hits: Vec<(i64, Vec<Fragment>)>,
}

impl Walk<'_> {
    /// Goes on with the index, for as long as a page may take.
    fn go_on(&mut self, expression: Option<&str>) -> rusqlite::Result<End> {
        if self.sieve.can_narrow() {
            let end = self.go(expression, BEFORE_NARROWING)?;
            if end != End::Tired {
                return Ok(end);
            }
            self.sieve.narrow(self.connection)?;
        }
        self.go(expression, PAGE)
    }

    /// Goes on through the texts that the index names and those it does not know yet, or through
    /// all where there is no question for the index.
    fn go(&mut self, expression: Option<&str>, mut left: Effort) -> rusqlite::Result<End> {
        let mut named = match expression {
            Some(_) => self.connection.prepare_cached(
                "SELECT rowid FROM text_index WHERE text_index MATCH ?3 AND rowid < ?1 \
                 AND rowid >= ?2 ORDER BY rowid DESC",
            )?,
            None => self.connection.prepare_cached(
                "SELECT no FROM texts WHERE no < ?1 AND no >= ?2 ORDER BY no DESC",
            )?,
        };
        let mut waiting = self.connection.prepare_cached(
            "SELECT no FROM text_queue WHERE no < ?1 AND no >= ?2 AND ?3 ORDER BY no DESC",
        )?;
        let mut read = self.connection.prepare_cached("SELECT text FROM texts WHERE no = ?1")?;
        let (next, from) = (self.next.min(self.sieve.below), self.sieve.from);
        let mut named = Numbers::of(match expression {
            Some(expression) => named.query((next, from, expression))?,
            None => named.query((next, from))?,
        })?;
        let mut waiting = Numbers::of(waiting.query((next, from, expression.is_some()))?)?;
        while let Some(no) = named.head.max(waiting.head) {
            if left.texts == 0 || left.events == 0 || left.bytes == 0 {
                return Ok(End::Tired);
            }
            left.texts -= 1;
            if let Some(snippet) = self.look(&mut read, no, &mut left)? {
                if self.hits.len() == self.limit {
                    return Ok(End::Full);
                }
                self.hits.push((no, snippet));
            }
            self.next = no;
            for source in [&mut named, &mut waiting] {
                if source.head == Some(no) {
                    source.advance()?;
                }
            }
        }
        Ok(End::Through)
    }

    /// Returns the snippet of a text if it is a hit.
    fn look(
        &self,
        read: &mut CachedStatement<'_>,
        no: i64,
        left: &mut Effort,
    ) -> rusqlite::Result<Option<Vec<Fragment>>> {
        let (event, role) = event_of_text(no);
        if !self.sieve.may_pass(event, role) {
            return Ok(None);
        }
        if self.sieve.asks_events() {
            left.events -= 1;
            if !self.sieve.passes(self.connection, event)? {
                return Ok(None);
            }
        }
        let found = read.query_row([no], |row| {
            let text = unpack(row.get_ref(0)?)?;
            left.bytes = left.bytes.saturating_sub(text.len());
            Ok(marks(self.ask, &text).map(|marks| snippet(&text, &marks)))
        });
        Ok(found.optional()?.flatten())
    }

    fn finish(self, end: End) -> rusqlite::Result<Found> {
        let mut hits = Vec::with_capacity(self.hits.len());
        let known = self.hits.len() as u64 + u64::from(end == End::Full);
        for (no, snippet) in self.hits {
            let (event, role) = event_of_text(no);
            for event in read_events(self.connection, &[event.0]).optional()?.into_iter().flatten()
            {
                hits.push(Hit { event, role, snippet: snippet.clone() });
            }
        }
        let next = (end != End::Through).then_some(SearchCursor(self.next));
        Ok(Found { hits, next, total_is_at_least: known })
    }
}

/// Numbers, the greatest first.
struct Numbers<'a> {
    rows: Rows<'a>,
    head: Option<i64>,
}

impl<'a> Numbers<'a> {
    fn of(rows: Rows<'a>) -> rusqlite::Result<Self> {
        let mut numbers = Self { rows, head: None };
        numbers.advance()?;
        Ok(numbers)
    }

    fn advance(&mut self) -> rusqlite::Result<()> {
        self.head = self.rows.next()?.map(|row| row.get(0)).transpose()?;
        Ok(())
    }
}
