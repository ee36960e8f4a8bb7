//! How sessions and agents stand, beside their events: the latest note of each name.
//!
//! Notes come from several sources and in any order. The one that tells of the latest moment
//! stands, and what is taken back leaves a note too, so that an older one does not return.

use oriel_model::{About, Note, SessionId};
use rusqlite::{Connection, Row, params};

use crate::append::AppendError;
use crate::readers::ReadError;
use crate::store::Store;

/// The table of notes, and the index by which those of one name are found over all sessions.
pub(crate) const TABLES: &str = "
CREATE TABLE notes (
    about TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (about, name)
) WITHOUT ROWID;
CREATE INDEX notes_by_name ON notes (name) WHERE value <> 'null';
";

/// A longer note is not taken.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// A note of a longer name is not taken.
const NAME_BYTES_MAX: usize = 200;

/// No session or agent has notes of more names than this; notes of further names are not taken.
const NAMES_MAX: i64 = 200;

/// What `notes.about` begins with, before the name of a session or an agent.
const SESSION: &str = "session ";
const AGENT: &str = "agent ";

impl Store {
    /// Writes notes, all or none. When it returns they are on disk, to the store's durability.
    ///
    /// # Errors
    /// Where nothing was written; see [`AppendError`].
    pub async fn note(&self, notes: Vec<Note>) -> Result<(), AppendError> {
        if notes.is_empty() {
            return Ok(());
        }
        self.exclusive(move |connection| {
            let transaction = connection.transaction()?;
            write(&transaction, &notes)?;
            transaction.commit()
        })
        .await
        .ok_or(AppendError::Closing)?
        .map_err(|error| AppendError::Disk(std::sync::Arc::new(error)))
    }

    /// Returns what is known of a session or an agent, by name.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn notes(&self, about: About) -> Result<Vec<Note>, ReadError> {
        self.readers().ask(move |connection| read(connection, &about)).await
    }

    /// Returns the notes of these names, of whatever they are about.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn notes_named(&self, names: &[&str]) -> Result<Vec<Note>, ReadError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.readers()
            .ask(move |connection| {
                let mut read = connection.prepare_cached(
                    "SELECT about, name, value, at_ms FROM notes INDEXED BY notes_by_name \
                     WHERE name = ?1 AND value <> 'null' ORDER BY about",
                )?;
                let mut notes = Vec::new();
                for name in names {
                    for note in read.query_map([name], note_of)? {
                        notes.push(note?);
                    }
                }
                Ok(notes)
            })
            .await
    }

    /// Returns what is known of the agents themselves.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn agent_notes(&self) -> Result<Vec<Note>, ReadError> {
        self.readers()
            .ask(|connection| {
                // '!' is the character after the space with which the key of every agent begins.
                let mut read = connection.prepare_cached(
                    "SELECT about, name, value, at_ms FROM notes \
                     WHERE about >= 'agent ' AND about < 'agent!' AND value <> 'null' \
                     ORDER BY about, name",
                )?;
                read.query_map([], note_of)?.collect()
            })
            .await
    }
}

/// Returns what is known of a session or an agent, by name.
pub(crate) fn read(connection: &Connection, about: &About) -> rusqlite::Result<Vec<Note>> {
    let mut read = connection.prepare_cached(
        "SELECT about, name, value, at_ms FROM notes \
         WHERE about = ?1 AND value <> 'null' ORDER BY name",
    )?;
    read.query_map([key_of(about)], note_of)?.collect()
}

/// Writes notes in the open transaction. Of two of one name the later stands, and of one moment the
/// one that is told later. One that is too long, or of one name too many, is passed over: it is
/// worth less than what it came with.
pub(crate) fn write(connection: &Connection, notes: &[Note]) -> rusqlite::Result<()> {
    for note in notes {
        let value = note.value.trim();
        if value.is_empty() || value.len() > VALUE_BYTES_MAX || note.name.len() > NAME_BYTES_MAX {
            tracing::debug!(name = %note.name.chars().take(80).collect::<String>(), "a note was not taken");
            continue;
        }
        let about = key_of(&note.about);
        let known = connection
            .prepare_cached(
                "UPDATE notes SET value = ?3, at_ms = ?4 \
                 WHERE about = ?1 AND name = ?2 AND at_ms <= ?4",
            )?
            .execute(params![about, note.name, value, note.at_ms])?;
        if known == 0 {
            connection
                .prepare_cached(
                    "INSERT INTO notes (about, name, value, at_ms) SELECT ?1, ?2, ?3, ?4 \
                     WHERE (SELECT count(*) FROM notes WHERE about = ?1) < ?5 \
                     ON CONFLICT (about, name) DO NOTHING",
                )?
                .execute(params![about, note.name, value, note.at_ms, NAMES_MAX])?;
        }
    }
    Ok(())
}

/// Forgets what is known of a session.
pub(crate) fn forget(connection: &Connection, session: &SessionId) -> rusqlite::Result<()> {
    let about = key_of(&About::Session(session.clone()));
    connection.prepare_cached("DELETE FROM notes WHERE about = ?1")?.execute([about])?;
    Ok(())
}

fn key_of(about: &About) -> String {
    match about {
        About::Session(SessionId(id)) => format!("{SESSION}{id}"),
        About::Agent(agent) => format!("{AGENT}{agent}"),
    }
}

fn note_of(row: &Row<'_>) -> rusqlite::Result<Note> {
    let about = row.get_ref(0)?.as_str()?;
    let about = match about.strip_prefix(AGENT) {
        Some(agent) => About::Agent(agent.to_owned()),
        None => About::Session(SessionId(about.strip_prefix(SESSION).unwrap_or(about).to_owned())),
    };
    Ok(Note { about, name: row.get(1)?, value: row.get(2)?, at_ms: row.get(3)? })
}
