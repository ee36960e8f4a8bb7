//! Notices as rows.

use oriel_model::{NewNotice, Notice, NoticeId, Priority, Subject};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{NoticeCounts, NoticeFilter, Posted};

/// The table of notices. Words that are absent stand as ''. What is open has an index of its own,
/// so that counting it costs the same however many are done with.
pub(crate) const TABLES: &str = "
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL,
    source TEXT NOT NULL, idempotency_key TEXT NOT NULL, collapse TEXT NOT NULL,
    kind TEXT NOT NULL, recipient TEXT NOT NULL, priority INTEGER NOT NULL,
    reason TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL,
    subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL, actions TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER, snoozed_until INTEGER,
    opened_at INTEGER, handled_at INTEGER
);
CREATE UNIQUE INDEX notices_by_key ON notices (source, idempotency_key)
    WHERE idempotency_key <> '';
CREATE INDEX notices_open ON notices (id, recipient, priority, expires_at, snoozed_until, opened_at)
    WHERE handled_at IS NULL;
CREATE INDEX notices_by_collapse ON notices (recipient, collapse)
    WHERE collapse <> '' AND handled_at IS NULL;
";

/// So many notices are kept. When there are more, the oldest go, done with or not: nobody goes
/// through so many.
const KEPT_MAX: i64 = 10_000;

const COLUMNS: &str = "id, version, source, idempotency_key, collapse, kind, recipient, priority, \
    reason, title, body, subject_kind, subject_id, actions, created_at, expires_at, \
    snoozed_until, opened_at, handled_at";

/// What makes a notice open. `?2` is now.
const IS_OPEN: &str = "handled_at IS NULL AND (expires_at IS NULL OR expires_at > ?2) \
    AND (snoozed_until IS NULL OR snoozed_until <= ?2)";

pub(crate) fn post(
    connection: &Connection,
    notice: &NewNotice,
    now: i64,
) -> rusqlite::Result<Posted> {
    if let Some(known) = known(connection, notice)? {
        return Ok(Posted::Known(known));
    }
    if let Some(collapse) = &notice.collapse {
        connection
            .prepare_cached(
                "UPDATE notices SET handled_at = ?3, version = version + 1 WHERE recipient = ?1 \
                 AND collapse = ?2 AND collapse <> '' AND handled_at IS NULL",
            )?
            .execute(params![notice.recipient, collapse, now])?;
    }
    let subject = notice.subject.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO notices (version, source, idempotency_key, collapse, kind, recipient, \
             priority, reason, title, body, subject_kind, subject_id, actions, created_at, \
             expires_at) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            notice.source,
            notice.idempotency_key,
            notice.collapse.as_deref().unwrap_or(""),
            notice.kind,
            notice.recipient,
            priority_number(notice.priority),
            notice.reason,
            notice.title,
            notice.body,
            subject.map_or("", |subject| &subject.kind),
            subject.map_or("", |subject| &subject.id),
            notice.actions,
            now,
            notice.expires_at,
        ])?;
    let id = NoticeId(connection.last_insert_rowid());
    connection.prepare_cached("DELETE FROM notices WHERE id <= ?1")?.execute([id.0 - KEPT_MAX])?;
    let posted = read(connection, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(Posted::New(posted))
}

fn known(connection: &Connection, notice: &NewNotice) -> rusqlite::Result<Option<Notice>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notices \
         WHERE source = ?1 AND idempotency_key = ?2 AND idempotency_key <> ''"
    );
    let key = [&notice.source, &notice.idempotency_key];
    connection.prepare_cached(&sql)?.query_row(key, notice_of).optional()
}

pub(crate) fn read(connection: &Connection, id: NoticeId) -> rusqlite::Result<Option<Notice>> {
    let sql = format!("SELECT {COLUMNS} FROM notices WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.0], notice_of).optional()
}

/// Returns a page of notices, the newest first.
pub(crate) fn page(
    connection: &Connection,
    recipient: Option<&str>,
    filter: NoticeFilter,
    now: i64,
    limit: usize,
    before: Option<NoticeId>,
) -> rusqlite::Result<Vec<Notice>> {
    let which = match filter {
        NoticeFilter::Open => IS_OPEN,
        NoticeFilter::All => "?2 IS NOT NULL",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM notices WHERE (?1 IS NULL OR recipient = ?1) AND {which} \
         AND id < ?3 ORDER BY id DESC LIMIT ?4"
    );
    let before = before.map_or(i64::MAX, |id| id.0);
    let mut read = connection.prepare_cached(&sql)?;
    read.query_map(params![recipient, now, before, limit], notice_of)?.collect()
}

/// Counts what is open.
pub(crate) fn counts(
    connection: &Connection,
    recipient: Option<&str>,
    now: i64,
) -> rusqlite::Result<NoticeCounts> {
    let sql = format!(
        "SELECT count(*) FILTER (WHERE opened_at IS NULL), \
         count(*) FILTER (WHERE priority = 0), count(*) FILTER (WHERE priority = 1), \
         count(*) FILTER (WHERE priority = 2) FROM notices INDEXED BY notices_open \
         WHERE (?1 IS NULL OR recipient = ?1) AND {IS_OPEN}"
    );
    connection.prepare_cached(&sql)?.query_row(params![recipient, now], |row| {
        Ok(NoticeCounts {
            unopened: row.get(0)?,
            low: row.get(1)?,
            medium: row.get(2)?,
            high: row.get(3)?,
        })
    })
}

/// Notes when a notice was first looked at.
pub(crate) fn open(
    connection: &Connection,
    id: NoticeId,
    now: i64,
) -> rusqlite::Result<Option<Notice>> {
    connection
        .prepare_cached(
            "UPDATE notices SET opened_at = ?2, version = version + 1 \
             WHERE id = ?1 AND opened_at IS NULL",
        )?
        .execute([id.0, now])?;
    read(connection, id)
}

/// Puts a notice off that is not done with.
pub(crate) fn snooze(
    connection: &Connection,
    id: NoticeId,
    until: Option<i64>,
) -> rusqlite::Result<Option<Notice>> {
    connection
        .prepare_cached(
            "UPDATE notices SET snoozed_until = ?2, version = version + 1 \
             WHERE id = ?1 AND handled_at IS NULL AND snoozed_until IS NOT ?2",
        )?
        .execute(params![id.0, until])?;
    read(connection, id)
}

/// Notes when a notice was first done with.
pub(crate) fn handle(
    connection: &Connection,
    id: NoticeId,
    now: i64,
) -> rusqlite::Result<Option<Notice>> {
    connection
        .prepare_cached(
            "UPDATE notices SET handled_at = ?2, version = version + 1 \
             WHERE id = ?1 AND handled_at IS NULL",
        )?
        .execute([id.0, now])?;
    read(connection, id)
}

/// Is done with what is of no use any more, dated by when that was so.
pub(crate) fn expire(connection: &Connection, now: i64) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE notices SET handled_at = expires_at, version = version + 1 \
             WHERE handled_at IS NULL AND expires_at <= ?1",
        )?
        .execute([now])
}

fn priority_number(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
    }
}

fn notice_of(row: &Row<'_>) -> rusqlite::Result<Notice> {
    let told = |word: String| Some(word).filter(|word| !word.is_empty());
    let (subject_kind, subject_id): (String, String) = (row.get(11)?, row.get(12)?);
    let has_subject = !subject_kind.is_empty() || !subject_id.is_empty();
    Ok(Notice {
        id: NoticeId(row.get(0)?),
        version: row.get(1)?,
        posted: NewNotice {
            source: row.get(2)?,
            idempotency_key: row.get(3)?,
            collapse: told(row.get(4)?),
            kind: row.get(5)?,
            recipient: row.get(6)?,
            priority: match row.get(7)? {
                0 => Priority::Low,
                1 => Priority::Medium,
                _ => Priority::High,
            },
            reason: row.get(8)?,
            title: row.get(9)?,
            body: row.get(10)?,
            subject: has_subject.then_some(Subject { kind: subject_kind, id: subject_id }),
            actions: row.get(13)?,
            expires_at: row.get(15)?,
        },
        created_at: row.get(14)?,
        snoozed_until: row.get(16)?,
        opened_at: row.get(17)?,
        handled_at: row.get(18)?,
    })
}
