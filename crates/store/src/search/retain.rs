//! Forgetting texts, a few at a time, so that events do not wait long.

use oriel_model::SessionId;
use rusqlite::Connection;

use super::index::forget as forget_numbers;
use crate::maintain::MaintainError;
use crate::readers::ReadError;
use crate::store::Store;

/// So many texts are looked at in one question.
const LOOK: usize = 20_000;

/// So many are forgotten in one transaction.
const BATCH: usize = 500;

/// Which texts are forgotten.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    /// Of events that happened before this moment.
    Before(i64),
    /// Of a session.
    Of(SessionId),
}

/// Forgets texts that were there when it began. Returns how many.
pub(crate) async fn forget(store: &Store, which: Which) -> Result<u64, MaintainError> {
    let (mut after, mut forgotten) = (-1, 0);
    loop {
        let which = which.clone();
        let part = store.readers().ask(move |connection| part(connection, &which, after)).await;
        let part = part.map_err(|error| match error {
            ReadError::Sqlite(error) => MaintainError::Sqlite(error),
            ReadError::Stopped => MaintainError::Closing,
        })?;
        for batch in part.numbers.chunks(BATCH) {
            let batch = batch.to_vec();
            let done = store.exclusive(move |connection| -> rusqlite::Result<usize> {
                let transaction = connection.transaction()?;
                let forgotten = forget_numbers(&transaction, &batch)?;
                transaction.commit()?;
                Ok(forgotten)
            });
            forgotten += done.await.ok_or(MaintainError::Closing)?? as u64;
        }
        match part.last {
            Some(last) => after = last,
            None => return Ok(forgotten),
        }
    }
}

/// What was seen of the texts.
struct Part {
    /// Those to be forgotten.
    numbers: Vec<i64>,
    /// The last that was looked at, if there may be more.
    last: Option<i64>,
}

/// Looks at the next texts. Their numbers are read where no text stands beside them.
fn part(connection: &Connection, which: &Which, after: i64) -> rusqlite::Result<Part> {
    let mut numbers = connection.prepare_cached(
        "SELECT no FROM (SELECT id AS no FROM text_index_docsize WHERE id > ?1 \
         ORDER BY id LIMIT ?2) UNION ALL \
         SELECT no FROM (SELECT no FROM text_queue WHERE no > ?1 ORDER BY no LIMIT ?2) \
         ORDER BY no LIMIT ?2",
    )?;
    let seen: Vec<i64> =
        numbers.query_map((after, LOOK), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let last = seen.last().copied().filter(|_| seen.len() == LOOK);
    let (sql, value) = match which {
        Which::Before(before) => (
            "SELECT 1 FROM events WHERE id = ?1 >> 2 \
             AND ifnull(client_ms, created_at * 1000) < ?2",
            rusqlite::types::Value::from(before.saturating_mul(1000)),
        ),
        Which::Of(session) => (
            "SELECT 1 FROM events e WHERE e.id = ?1 >> 2 \
             AND e.session = (SELECT no FROM sessions WHERE id = ?2)",
            rusqlite::types::Value::from(session.0.clone()),
        ),
    };
    let mut is_meant = connection.prepare_cached(sql)?;
    let mut numbers = Vec::new();
    for no in seen {
        if is_meant.exists((no, &value))? {
            numbers.push(no);
        }
    }
    Ok(Part { numbers, last })
}
