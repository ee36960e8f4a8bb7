//! The check that every text can be found: each is in the index or waits for it, and nothing else is.

use rusqlite::Connection;

use crate::verify::Check;

/// What can be wrong, and how it is found.
const WRONG: [(&str, &str); 4] = [
    (
        "is neither indexed nor waiting",
        "SELECT no FROM texts EXCEPT SELECT id FROM text_index_docsize \
         EXCEPT SELECT no FROM text_queue",
    ),
    (
        "is indexed and is not there",
        "SELECT id FROM text_index_docsize EXCEPT SELECT no FROM texts",
    ),
    ("waits and is not there", "SELECT no FROM text_queue EXCEPT SELECT no FROM texts"),
    (
        "is indexed and waits too",
        "SELECT id FROM text_index_docsize INTERSECT SELECT no FROM text_queue",
    ),
];

/// Checks the index itself and what is in it.
pub(crate) fn check(connection: &Connection) -> rusqlite::Result<Check> {
    let mut problems: Vec<String> = connection
        .prepare("PRAGMA integrity_check(text_index)")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    problems.retain(|line| line != "ok");
    for (wrong, sql) in WRONG {
        let mut read = connection.prepare(&format!("SELECT * FROM ({sql}) LIMIT 5"))?;
        for no in read.query_map([], |row| row.get::<_, i64>(0))? {
            problems.push(format!("text {} {wrong}", no?));
        }
    }
    Ok(Check { name: "search index", problems })
}
