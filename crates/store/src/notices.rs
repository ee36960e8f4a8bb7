//! Notices for a person, until they are done with.
//!
//! Each change is one transaction between groups of events. All of them may come twice: a notice of
//! a known name is not posted again, and what was done already stays as it was.

use std::sync::Arc;

use oriel_model::{NewNotice, Notice, NoticeId};
use rusqlite::Connection;

use crate::append::AppendError;
use crate::readers::ReadError;
use crate::store::Store;

mod rows;

pub(crate) use rows::TABLES;

/// No page has more notices than this.
const PAGE_MAX: usize = 500;

/// What became of a notice that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// It is there now.
    New(Notice),
    /// Its source posted it before. This is how it stands.
    Known(Notice),
}

/// Which notices are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeFilter {
    /// Those that somebody should look at now: not done with, not put off, not expired.
    Open,
    /// All that are kept.
    All,
}

/// A page of notices, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticePage {
    /// The notices.
    pub notices: Vec<Notice>,
    /// Where to go on: before this one. Without it there are no more.
    pub next: Option<NoticeId>,
}

/// How many notices are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoticeCounts {
    /// Those that nobody has looked at.
    pub unopened: u64,
    /// Open ones of low, medium and high priority.
    pub low: u64,
    /// See [`Self::low`].
    pub medium: u64,
    /// See [`Self::low`].
    pub high: u64,
}

impl Store {
    /// Posts a notice, at this moment in Unix seconds. What is too long in it is cut. It takes the
    /// place of the one before of the same `collapse` and recipient, which counts as handled then.
    ///
    /// # Errors
    /// Where nothing was written; see [`AppendError`].
    pub async fn post_notice(&self, notice: NewNotice, now: i64) -> Result<Posted, AppendError> {
        self.change(move |connection| rows::post(connection, &notice.fitted(), now)).await
    }

    /// Returns the notices of a recipient, or of all, the newest first and before this one.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn notices(
        &self,
        recipient: Option<String>,
        filter: NoticeFilter,
        now: i64,
        limit: usize,
        before: Option<NoticeId>,
    ) -> Result<NoticePage, ReadError> {
        let limit = limit.clamp(1, PAGE_MAX);
        self.readers()
            .ask(move |connection| {
                let recipient = recipient.as_deref();
                let mut notices =
                    rows::page(connection, recipient, filter, now, limit + 1, before)?;
                let more = notices.len() > limit;
                notices.truncate(limit);
                let next = notices.last().filter(|_| more).map(|notice| notice.id);
                Ok(NoticePage { notices, next })
            })
            .await
    }

    /// Counts the open notices of a recipient, or of all.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn notice_counts(
        &self,
        recipient: Option<String>,
        now: i64,
    ) -> Result<NoticeCounts, ReadError> {
        self.readers()
            .ask(move |connection| rows::counts(connection, recipient.as_deref(), now))
            .await
    }

    /// Notes that somebody looked at a notice. Returns how it stands, or nothing where there is
    /// none of this name.
    ///
    /// # Errors
    /// Where nothing was written; see [`AppendError`].
    pub async fn open_notice(&self, id: NoticeId, now: i64) -> Result<Option<Notice>, AppendError> {
        self.change(move |connection| rows::open(connection, id, now)).await
    }

    /// Puts a notice off until a moment; one that has passed takes that back.
    ///
    /// # Errors
    /// As [`Self::open_notice`].
    pub async fn snooze_notice(
        &self,
        id: NoticeId,
        until: i64,
        now: i64,
    ) -> Result<Option<Notice>, AppendError> {
        let until = Some(until).filter(|until| *until > now);
        self.change(move |connection| rows::snooze(connection, id, until)).await
    }

    /// Notes that a notice is done with.
    ///
    /// # Errors
    /// As [`Self::open_notice`].
    pub async fn handle_notice(
        &self,
        id: NoticeId,
        now: i64,
    ) -> Result<Option<Notice>, AppendError> {
        self.change(move |connection| rows::handle(connection, id, now)).await
    }

    /// Is done with the notices that are of no use any more. Returns how many there were.
    ///
    /// # Errors
    /// As [`Self::open_notice`].
    pub async fn expire_notices(&self, now: i64) -> Result<usize, AppendError> {
        self.change(move |connection| rows::expire(connection, now)).await
    }

    /// Changes something in a transaction of its own.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, AppendError> {
        self.exclusive(move |connection| {
            let transaction = connection.transaction()?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
        .ok_or(AppendError::Closing)?
        .map_err(|error: rusqlite::Error| AppendError::Disk(Arc::new(error)))
    }
}
