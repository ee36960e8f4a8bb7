//! The index of texts, and the texts that are not in it yet.
//!
//! Indexing a text costs much more than keeping it. So an event's transaction keeps its texts in
//! `texts` and notes their numbers in `text_queue`, and the writer indexes them when it has time.
//! Whoever asks meanwhile goes through the queue as well, so nobody sees that it is late.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use oriel_model::{EventNumber, Role};
use rusqlite::{Connection, params};

use super::pack::{Packed, unpack};
use super::words::Words;
use crate::query::EntryText;

/// The tables of texts.
///
/// A text's number is its event's number and the number of its role together, so that the order of
/// texts is that of their events however late a text is told. The index holds words and no texts,
/// and not where in a text a word stands: phrases are looked for in the texts themselves. That
/// makes it half as large, and a text can be taken out of it without being read.
pub(crate) const TABLES: &str = "
CREATE TABLE texts (no INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE text_queue (no INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);
CREATE VIRTUAL TABLE text_index USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
INSERT INTO text_index (text_index, rank) VALUES ('automerge', 8);
";

/// How much of one text is kept. The rest of a longer one cannot be found.
pub(crate) const TEXT_BYTES_MAX: usize = 256 * 1024;

/// How many bits of a text's number say whose words they are.
const ROLE_BITS: u32 = 2;

/// Returns the number of a text.
fn text_number(event: EventNumber, role: Role) -> i64 {
    (event.0 << ROLE_BITS) | role_number(role)
}

/// Returns the number that the first text of an event has.
pub(crate) fn first_text(event: EventNumber) -> i64 {
    event.0 << ROLE_BITS
}

/// Returns whose event a text is, and whose words.
pub(crate) fn event_of_text(no: i64) -> (EventNumber, Role) {
    let role = match no & ((1 << ROLE_BITS) - 1) {
        0 => Role::Prompt,
        1 => Role::Answer,
        2 => Role::Input,
        _ => Role::Output,
    };
    (EventNumber(no >> ROLE_BITS), role)
}

fn role_number(role: Role) -> i64 {
    match role {
        Role::Prompt => 0,
        Role::Answer => 1,
        Role::Input => 2,
        Role::Output => 3,
    }
}

/// Keeps the texts of an event, in its transaction. Whose words are there already keep theirs.
pub(crate) fn keep(
    connection: &Connection,
    event: EventNumber,
    texts: &[Packed],
) -> rusqlite::Result<()> {
    for text in texts {
        let no = text_number(event, text.role);
        let kept = connection
            .prepare_cached("INSERT INTO texts (no, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute(params![no, text])?;
        if kept > 0 {
            connection
                .prepare_cached("INSERT INTO text_queue (no, bytes) VALUES (?1, ?2)")?
                .execute(params![no, text.bytes])?;
        }
    }
    Ok(())
}

/// Returns the words of an event, each up to so many bytes.
pub(crate) fn texts_of_event(
    connection: &Connection,
    event: EventNumber,
    bytes_max: usize,
) -> rusqlite::Result<Vec<EntryText>> {
    let first = first_text(event);
    let mut find = connection
        .prepare_cached("SELECT no, text FROM texts WHERE no >= ?1 AND no < ?2 ORDER BY no")?;
    let mut rows = find.query([first, first + (1 << ROLE_BITS)])?;
    let mut texts = Vec::new();
    while let Some(row) = rows.next()? {
        let (_, role) = event_of_text(row.get(0)?);
        let text = unpack(row.get_ref(1)?)?;
        let bytes = text.len();
        let text = text[..text.floor_char_boundary(bytes_max)].to_owned();
        texts.push(EntryText { role, text, bytes });
    }
    Ok(texts)
}

/// Texts that wait to be indexed: so many, and about so many bytes of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub texts: usize,
    pub bytes: usize,
}

/// Indexes a batch of what waits in one transaction, the oldest first. Returns how many texts.
pub(crate) fn index_some(connection: &Connection, batch: Batch) -> rusqlite::Result<usize> {
    let transaction = connection.unchecked_transaction()?;
    let mut last = None;
    let (mut texts, mut bytes) = (0, 0);
    let mut distinct = Distinct::default();
    {
        let mut waiting = transaction.prepare_cached(
            "SELECT q.no, t.text FROM text_queue q CROSS JOIN texts t ON t.no = q.no ORDER BY q.no",
        )?;
        let mut add =
            transaction.prepare_cached("INSERT INTO text_index (rowid, words) VALUES (?1, ?2)")?;
        let mut waiting = waiting.query([])?;
        while texts < batch.texts
            && bytes < batch.bytes
            && let Some(row) = waiting.next()?
        {
            let (no, text): (i64, _) = (row.get(0)?, unpack(row.get_ref(1)?)?);
            add.execute(params![no, distinct.words_of(&text)])?;
            last = Some(no);
            texts += 1;
            bytes += text.len();
        }
    }
    if let Some(last) = last {
        transaction.prepare_cached("DELETE FROM text_queue WHERE no <= ?1")?.execute([last])?;
    }
    transaction.commit()?;
    Ok(texts)
}

/// Returns what waits, as far as it is at most this many texts.
pub(crate) fn waiting(connection: &Connection, texts_max: usize) -> rusqlite::Result<Batch> {
    let sql = "SELECT count(*), ifnull(sum(bytes), 0) FROM \
               (SELECT bytes FROM text_queue ORDER BY no LIMIT ?1)";
    connection
        .prepare_cached(sql)?
        .query_row([texts_max], |row| Ok(Batch { texts: row.get(0)?, bytes: row.get(1)? }))
}

/// Forgets texts and takes them out of the index. Numbers without a text are passed over.
pub(crate) fn forget(connection: &Connection, numbers: &[i64]) -> rusqlite::Result<usize> {
    let mut forgotten = 0;
    for no in numbers {
        let there = connection.prepare_cached("DELETE FROM texts WHERE no = ?1")?.execute([no])?;
        if there > 0 {
            let mut wait = connection.prepare_cached("DELETE FROM text_queue WHERE no = ?1")?;
            if wait.execute([no])? == 0 {
                connection
                    .prepare_cached("DELETE FROM text_index WHERE rowid = ?1")?
                    .execute([no])?;
            }
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

/// Forgets every text of an event.
pub(crate) fn forget_texts_of_event(
    connection: &Connection,
    event: EventNumber,
) -> rusqlite::Result<()> {
    forget(connection, &Role::ALL.map(|role| text_number(event, role))).map(drop)
}

/// Finds each word of a text once: the index does not ask how often a word stands there.
#[derive(Default)]
pub(crate) struct Distinct {
    seen: HashSet<u64, BuildHasherDefault<AsItIs>>,
    hash: foldhash::fast::RandomState,
    words: String,
}

impl Distinct {
    pub(crate) fn words_of(&mut self, text: &str) -> &str {
        self.seen.clear();
        self.words.clear();
        let mut words = Words::of(text);
        while let Some((word, _)) = words.advance() {
            // Nobody can choose words of one hash, for it is another one in every process.
            if self.seen.insert(self.hash.hash_one(word)) {
                self.words.push_str(word);
                self.words.push(' ');
            }
        }
        &self.words
    }
}

/// Takes a hash for a hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
