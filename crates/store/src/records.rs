//! Signed records, as they came. Nothing changes or deletes one.
//!
//! The records of one author about one resource are a chain: each names the one before it, and the
//! last is the active one. That is decided where it is written, by the one who writes, so of two
//! revisions at once one is the next and the other is told so.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use crate::append::AppendError;
use crate::readers::ReadError;
use crate::store::Store;

/// No page has more records than this.
const PAGE_MAX: usize = 500;

/// A record as it was signed, and what it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Its id, which is made from what it says.
    pub id: String,
    /// What kind of record it is.
    pub kind: String,
    /// What kind of resource it is about.
    pub resource_kind: String,
    /// Which one.
    pub resource_id: String,
    /// Who signed it.
    pub author: String,
    /// When, as its author says.
    pub created_at: String,
    /// The id of the record before it in its chain.
    pub supersedes: Option<String>,
    /// All of it, as JSON text.
    pub body: String,
}

/// A record that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its number; every later record has a greater one.
    pub number: i64,
    /// The record.
    pub record: NewRecord,
    /// Whether it is the last of its chain.
    pub active: bool,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is there now.
    New,
    /// This very record was there before, and nothing changed.
    Known,
    /// It does not name the active record of its chain, and was not written.
    Refused {
        /// The active record, where there is one.
        active: Option<String>,
    },
}

/// Which records are listed. What is absent is not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordFilter {
    /// About resources of this kind.
    pub resource_kind: Option<String>,
    /// About resources of this name, byte for byte.
    pub resource_id: Option<String>,
    /// By this author.
    pub author: Option<String>,
    /// With this in its text, its tags or the name of its resource, whatever the case of A to Z.
    pub words: Option<String>,
    /// Only the last of each chain.
    pub active_only: bool,
}

/// A page of records, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<StoredRecord>,
    /// Where to go on: before this number. Without it there are no more.
    pub next: Option<i64>,
}

impl Store {
    /// Keeps a record, if it is the first of its chain or names the active one. When it returns, the
    /// record is on disk, to the store's durability.
    ///
    /// # Errors
    /// Where nothing was written; see [`AppendError`].
    pub async fn append_record(&self, record: NewRecord) -> Result<Recorded, AppendError> {
        self.change(move |connection| append(connection, &record)).await
    }

    /// Returns records, the newest first and before this number.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn records(
        &self,
        filter: RecordFilter,
        limit: usize,
        before: Option<i64>,
    ) -> Result<RecordPage, ReadError> {
        let limit = limit.clamp(1, PAGE_MAX);
        self.readers()
            .ask(move |connection| {
                let mut records = page(connection, &filter, limit + 1, before)?;
                let more = records.len() > limit;
                records.truncate(limit);
                let next = records.last().filter(|_| more).map(|record| record.number);
                Ok(RecordPage { records, next })
            })
            .await
    }

    /// Returns the record of this id.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn record(&self, id: String) -> Result<Option<StoredRecord>, ReadError> {
        self.readers()
            .ask(move |connection| {
                let sql =
                    format!("SELECT {COLUMNS}, {IS_ACTIVE} FROM records AS one WHERE id = ?1");
                connection.prepare_cached(&sql)?.query_row([id], record_of).optional()
            })
            .await
    }

    /// Returns the active record of an author about a resource.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn active_record(
        &self,
        author: String,
        resource_kind: String,
        resource_id: String,
    ) -> Result<Option<StoredRecord>, ReadError> {
        let filter = RecordFilter {
            resource_kind: Some(resource_kind),
            resource_id: Some(resource_id),
            author: Some(author),
            ..RecordFilter::default()
        };
        Ok(self.records(filter, 1, None).await?.records.into_iter().next())
    }
}

const COLUMNS: &str = "one.no, one.id, one.kind, one.resource_kind, one.resource_id, one.author, \
    one.created_at, one.supersedes, one.body";

/// A later record of the same author about the same resource takes the place of those before it.
const IS_ACTIVE: &str = "NOT EXISTS (SELECT 1 FROM records AS later \
    WHERE later.resource_kind = one.resource_kind AND later.resource_id = one.resource_id \
    AND later.author = one.author AND later.no > one.no)";

/// A body that is no JSON has no words.
const CONTAINS: &str = "instr(lower(one.resource_id || char(10) || \
    CASE WHEN json_valid(one.body) THEN \
    coalesce(json_extract(one.body, '$.content.\"opinion/text\"'), '') || char(10) || \
    coalesce(json_extract(one.body, '$.content.\"opinion/tags\"'), '') ELSE '' END), \
    lower(:words)) > 0";

fn append(connection: &Connection, record: &NewRecord) -> rusqlite::Result<Recorded> {
    let known =
        connection.prepare_cached("SELECT 1 FROM records WHERE id = ?1")?.exists([&record.id])?;
    if known {
        return Ok(Recorded::Known);
    }
    let active: Option<String> = connection
        .prepare_cached(
            "SELECT id FROM records WHERE resource_kind = ?1 AND resource_id = ?2 \
             AND author = ?3 ORDER BY no DESC LIMIT 1",
        )?
        .query_row([&record.resource_kind, &record.resource_id, &record.author], |row| row.get(0))
        .optional()?;
    if active != record.supersedes {
        return Ok(Recorded::Refused { active });
    }
    connection
        .prepare_cached(
            "INSERT INTO records (id, kind, resource_kind, resource_id, author, created_at, \
             supersedes, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            record.id,
            record.kind,
            record.resource_kind,
            record.resource_id,
            record.author,
            record.created_at,
            record.supersedes,
            record.body,
        ])?;
    Ok(Recorded::New)
}

fn page(
    connection: &Connection,
    filter: &RecordFilter,
    limit: usize,
    before: Option<i64>,
) -> rusqlite::Result<Vec<StoredRecord>> {
    let mut sql =
        format!("SELECT {COLUMNS}, {IS_ACTIVE} FROM records AS one WHERE one.no < :before");
    let (before, limit) = (before.unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
    let mut values: Vec<(&str, &dyn ToSql)> = vec![(":before", &before), (":limit", &limit)];
    // What is not asked for is no part of the statement, so that the index is used where it can be.
    for (name, value, condition) in [
        (":kind", &filter.resource_kind, "one.resource_kind = :kind"),
        (":id", &filter.resource_id, "one.resource_id = :id"),
        (":author", &filter.author, "one.author = :author"),
        (":words", &filter.words, CONTAINS),
    ] {
        if let Some(value) = value {
            sql = sql + " AND " + condition;
            values.push((name, value));
        }
    }
    if filter.active_only {
        sql = sql + " AND " + IS_ACTIVE;
    }
    sql += " ORDER BY one.no DESC LIMIT :limit";
    let mut read = connection.prepare_cached(&sql)?;
    read.query_map(values.as_slice(), record_of)?.collect()
}

fn record_of(row: &Row<'_>) -> rusqlite::Result<StoredRecord> {
    Ok(StoredRecord {
        number: row.get(0)?,
        record: NewRecord {
            id: row.get(1)?,
            kind: row.get(2)?,
            resource_kind: row.get(3)?,
            resource_id: row.get(4)?,
            author: row.get(5)?,
            created_at: row.get(6)?,
            supersedes: row.get(7)?,
            body: row.get(8)?,
        },
        active: row.get(9)?,
    })
}
