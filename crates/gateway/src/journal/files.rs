//! What is known of the past of files: one row for each state that was seen. What they held is kept
//! elsewhere, by its hash.

use oriel_wire::gateway::{Author, FileIteration};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::files::Iteration;

/// Adds a state of a file. One that is there already stays as it is.
pub(crate) fn add(connection: &Connection, it: &Iteration) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO iterations \
               (path, iteration, ts, size, hash, author, is_kept) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let Iteration { path, iteration, ts, size, hash, author, is_kept } = it;
    let row = params![path, iteration, ts, size, hash, author_word(*author), is_kept];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Returns the states of a file, the oldest first.
pub(crate) fn of_path(connection: &Connection, path: &str) -> rusqlite::Result<Vec<FileIteration>> {
    let sql = "SELECT iteration, ts, size, hash, author, is_kept FROM iterations \
               WHERE path = ?1 ORDER BY iteration";
    connection.prepare_cached(sql)?.query_map([path], iteration)?.collect()
}

/// Returns one state of a file.
pub(crate) fn at(
    connection: &Connection,
    path: &str,
    number: u32,
) -> rusqlite::Result<Option<FileIteration>> {
    let sql = "SELECT iteration, ts, size, hash, author, is_kept FROM iterations \
               WHERE path = ?1 AND iteration = ?2";
    connection.prepare_cached(sql)?.query_row(params![path, number], iteration).optional()
}

/// Returns the last state of every file, by path.
pub(crate) fn latest_of_all(
    connection: &Connection,
) -> rusqlite::Result<Vec<(String, FileIteration)>> {
    let sql = "SELECT iteration, ts, size, hash, author, is_kept, path FROM iterations AS it \
               WHERE iteration = (SELECT max(iteration) FROM iterations WHERE path = it.path) \
               ORDER BY path";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map([], |row| Ok((row.get(6)?, iteration(row)?)))?.collect()
}

fn iteration(row: &Row<'_>) -> rusqlite::Result<FileIteration> {
    let author: String = row.get(4)?;
    Ok(FileIteration {
        iteration: row.get(0)?,
        ts: row.get(1)?,
        size: row.get(2)?,
        hash: row.get(3)?,
        author: if author == author_word(Author::User) { Author::User } else { Author::Agent },
        is_kept: row.get(5)?,
    })
}

const fn author_word(author: Author) -> &'static str {
    match author {
        Author::Agent => "agent",
        Author::User => "user",
    }
}
