//! What version 3 keeps and earlier versions did not is made from the events of a store.

use std::collections::HashMap;

use oriel_model::{EventKind, Metadata, Outcome, Tokens};
use rusqlite::{Connection, params};

use super::tools::{Call, ToolTotals, tool_hour};
use super::{EDITING_TOOLS, FLAG_PROMPT, Usage, session};
use crate::sums::{add, signed};

/// What waits to be written is bounded: so many hours of tools.
const WAITING_MAX: usize = 8192;

/// Counts the events of a store for all that version 3 keeps of them.
pub(crate) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE events SET flags = flags | ?1 \
         WHERE facet IN (SELECT no FROM facets WHERE kind = 'user_prompt')",
        [FLAG_PROMPT],
    )?;
    connection.execute("DELETE FROM session_files", [])?;
    let mut tools = ToolTotals::default();
    let mut sessions: HashMap<i64, More> = HashMap::new();
    let mut read = connection.prepare(
        "SELECT e.id, e.session, e.created_at, e.client_ms, e.duration_ms, e.tokens_in, \
         e.tokens_out, e.cache_read, e.cache_write, e.cost_usd, f.agent_type, f.kind, f.outcome, \
         f.tool_name, f.model, e.metadata \
         FROM events e CROSS JOIN facets f ON f.no = e.facet ORDER BY e.id",
    )?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let (event, session): (i64, i64) = (row.get(0)?, row.get(1)?);
        let tool_name = row.get_ref(13)?.as_str()?;
        if !tool_name.is_empty() {
            let key = (tool_hour(row.get(3)?, row.get(2)?), row.get(10)?, tool_name.to_owned());
            let outcome = Outcome::from_word(row.get_ref(12)?.as_str()?).unwrap_or(Outcome::Error);
            tools.count_call(key, Call { event, outcome, duration_ms: row.get(4)? });
            if tools.len() >= WAITING_MAX {
                tools.write(connection)?;
            }
        }
        if EDITING_TOOLS.contains(&tool_name) {
            let metadata = Metadata::new(row.get(15)?, false);
            session::note_edit(connection, session, metadata.facts(), event)?;
        }
        let tokens = Tokens {
            input: row.get(5)?,
            output: row.get(6)?,
            cache_read: row.get(7)?,
            cache_write: row.get(8)?,
            cache_write_1h: 0,
        };
        let more = sessions.entry(session).or_default();
        add(&mut more.cache_read, tokens.cache_read);
        add(&mut more.cache_write, tokens.cache_write);
        more.unpriced +=
            Usage::of_parts(tokens, row.get(9)?).map_or(0, |usage| usage.unpriced.unsigned_abs());
        more.turns += u64::from(row.get_ref(11)?.as_str()? == EventKind::UserPrompt.as_str());
        let model = row.get_ref(14)?.as_str()?;
        if !model.is_empty() {
            more.model_by = event;
            if more.model != model {
                model.clone_into(&mut more.model);
            }
        }
    }
    tools.write(connection)?;
    let mut write = connection.prepare(
        "UPDATE sessions SET cache_read = ?2, cache_write = ?3, turns = ?4, unpriced = ?5, \
         model = ?6, model_by = ?7 WHERE no = ?1",
    )?;
    for (session, more) in sessions {
        let More { cache_read, cache_write, turns, unpriced, model, model_by } = more;
        let counts = [cache_read, cache_write, turns, unpriced].map(signed);
        let [cache_read, cache_write, turns, unpriced] = counts;
        write.execute(params![
            session,
            cache_read,
            cache_write,
            turns,
            unpriced,
            model,
            model_by
        ])?;
    }
    Ok(())
}

/// What is kept of a session besides.
#[derive(Default)]
struct More {
    cache_read: u64,
    cache_write: u64,
    turns: u64,
    unpriced: u64,
    model: String,
    model_by: i64,
}
