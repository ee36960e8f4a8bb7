//! The files that a session edited.

use rusqlite::{OptionalExtension, params};

use crate::readers::ReadError;
use crate::store::Store;

/// A file that a session edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    /// Its path, as the agent gave it.
    pub path: String,
    /// How often it was edited.
    pub edits: u64,
    /// Lines that were added to it.
    pub lines_added: u64,
    /// Lines that were removed from it.
    pub lines_removed: u64,
    /// The number of the last event that edited it.
    pub last_event: i64,
}

/// A page of a session's files, those edited last first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePage {
    /// The files.
    pub files: Vec<EditedFile>,
    /// How many the session edited altogether.
    pub total: u64,
    /// Where to go on: the last event and the path of the last file, if there are more.
    pub next: Option<(i64, String)>,
}

impl Store {
    /// Returns up to `limit` files that a session edited, after one of them. Nothing is returned
    /// where there is no such session.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn session_files(
        &self,
        session: String,
        limit: usize,
        after: Option<(i64, String)>,
    ) -> Result<Option<FilePage>, ReadError> {
        self.readers()
            .ask(move |connection| {
                let known: Option<(i64, u64)> = connection
                    .prepare_cached("SELECT no, files FROM sessions WHERE id = ?1")?
                    .query_row([session], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                let Some((no, total)) = known else { return Ok(None) };
                let limit = limit.max(1);
                let (last, path) = after.unwrap_or((i64::MAX, String::new()));
                let most = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
                let mut files: Vec<EditedFile> = connection
                    .prepare_cached(
                        "SELECT path, edits, lines_added, lines_removed, last_event \
                         FROM session_files WHERE session = ?1 \
                         AND (last_event < ?2 OR (last_event = ?2 AND path > ?3)) \
                         ORDER BY last_event DESC, path LIMIT ?4",
                    )?
                    .query_map(params![no, last, path, most], |row| {
                        Ok(EditedFile {
                            path: row.get(0)?,
                            edits: row.get(1)?,
                            lines_added: row.get(2)?,
                            lines_removed: row.get(3)?,
                            last_event: row.get(4)?,
                        })
                    })?
                    .collect::<rusqlite::Result<_>>()?;
                let is_more = files.len() > limit;
                files.truncate(limit);
                let last = files.last().filter(|_| is_more);
                let next = last.map(|file| (file.last_event, file.path.clone()));
                Ok(Some(FilePage { files, total, next }))
            })
            .await
    }
}
