//! One write to a ledger, within a transaction.
#![forbid(unsafe_code)]

use rusqlite::{Connection, params};

use super::form;
use crate::journal::Write;

pub(super) fn write(connection: &Connection, one: &Write) -> rusqlite::Result<()> {
    match one {
        Write::Row(path, row) => {
            let body = row.as_ref().map(|row| form::row(path, row));
            put(
                connection,
                "INSERT OR REPLACE INTO node (path, body) VALUES (?1, ?2)",
                "DELETE FROM node WHERE path = ?1",
                path.as_str(),
                body,
            )
        }
        Write::Op(op) => {
            let sql = "INSERT OR REPLACE INTO op (id, body) VALUES (?1, ?2)";
            put(connection, sql, "", op.id.0.to_be_bytes(), Some(form::op(op)))
        }
        Write::EndOp(id) => {
            put(connection, "", "DELETE FROM op WHERE id = ?1", id.0.to_be_bytes(), None)
        }
        Write::Kept(id, kept) => put(
            connection,
            "INSERT OR REPLACE INTO kept (id, body) VALUES (?1, ?2)",
            "DELETE FROM kept WHERE id = ?1",
            id.0.to_be_bytes(),
            kept.as_ref().map(|kept| form::kept(*id, kept)),
        ),
        Write::Conflict(id, conflict) => put(
            connection,
            "INSERT OR REPLACE INTO conflict (id, body) VALUES (?1, ?2)",
            "DELETE FROM conflict WHERE id = ?1",
            id.0.to_be_bytes(),
            conflict.as_ref().map(|conflict| form::conflict(*id, conflict)),
        ),
        Write::Head(head) => {
            let sql = "INSERT INTO head (one, body) VALUES (1, ?1) \
                       ON CONFLICT (one) DO UPDATE SET body = excluded.body";
            connection.prepare_cached(sql)?.execute([form::head(head)]).map(drop)
        }
    }
}

fn put(
    connection: &Connection,
    insert: &str,
    delete: &str,
    key: impl rusqlite::ToSql,
    body: Option<Vec<u8>>,
) -> rusqlite::Result<()> {
    match body {
        Some(body) => connection.prepare_cached(insert)?.execute(params![key, body]),
        None => connection.prepare_cached(delete)?.execute(params![key]),
    }
    .map(drop)
}

/// Says in which start of the machine it is written.
pub(super) fn boot(connection: &Connection, boot: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO head (one, boot) VALUES (1, ?1) \
               ON CONFLICT (one) DO UPDATE SET boot = excluded.boot";
    connection.prepare_cached(sql)?.execute([boot]).map(drop)
}
