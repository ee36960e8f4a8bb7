//! What is old is forgotten where the user wants that: whole sessions, with all they counted.

use oriel_model::SessionId;
use rusqlite::{Connection, TransactionBehavior, params};

use crate::append::AppendError;
use crate::group::{Group, may_be_capped};
use crate::store::Store;

/// So many sessions are forgotten in one transaction, so that those who write wait but a moment.
const SESSIONS_MAX: usize = 16;

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Sessions.
    pub sessions: u64,
    /// Their events.
    pub events: u64,
}

impl Store {
    /// Forgets the sessions whose last event was received before a moment, in Unix seconds. The one
    /// that has the very last event stays, since the numbers of events go on from there.
    ///
    /// # Errors
    /// Where the disk did not take it. What was forgotten until then is.
    pub async fn forget_sessions(&self, before: i64) -> Result<Forgotten, AppendError> {
        let mut forgotten = Forgotten::default();
        loop {
            let done = self
                .exclusive_with_group(move |connection, group| {
                    let result = forget(connection, group, before);
                    if result.is_err() {
                        match Group::resume(connection) {
                            Ok(fresh) => *group = fresh,
                            Err(_) => group.forget(),
                        }
                    }
                    result
                })
                .await;
            let some = done
                .ok_or(AppendError::Closing)?
                .map_err(|error| AppendError::Disk(error.into()))?;
            if some.sessions == 0 {
                return Ok(forgotten);
            }
            forgotten.sessions += some.sessions;
            forgotten.events += some.events;
        }
    }
}

fn forget(
    connection: &mut Connection,
    group: &mut Group,
    before: i64,
) -> rusqlite::Result<Forgotten> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sessions: Vec<SessionId> = transaction
        .prepare_cached(
            "SELECT id FROM sessions WHERE last_event < ?1 AND no IS NOT \
             (SELECT session FROM events ORDER BY id DESC LIMIT 1) \
             ORDER BY last_event LIMIT ?2",
        )?
        .query_map(params![before, SESSIONS_MAX], |row| row.get(0).map(SessionId))?
        .collect::<rusqlite::Result<_>>()?;
    let capped = may_be_capped(&transaction)?;
    let mut forgotten = Forgotten::default();
    for id in sessions {
        forgotten.events += group.forget_session(&transaction, &id)?;
        forgotten.sessions += 1;
    }
    group.mend_capped(&transaction, capped && forgotten.sessions > 0)?;
    transaction.commit()?;
    Ok(forgotten)
}
