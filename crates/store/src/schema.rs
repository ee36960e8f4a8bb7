//! The tables, and the steps that lead to them from every earlier version.
//!
//! A store says its version in `PRAGMA user_version`. A step is added, never changed; the store of
//! each version is kept as a fixture and opened by a test.

use rusqlite::Connection;

use crate::{group, imports, notes, notices, search};

/// Marks a SQLite file as a store of ours: `Orie` in ASCII.
pub(crate) const APPLICATION_ID: i32 = 0x4F72_6965;

/// The version that this program reads and writes.
pub(crate) const VERSION: i64 = STEPS.len() as i64;

/// What leads from each version to the next.
const STEPS: &[&[&str]] = &[
    &[STEP_1],
    &[
        STEP_2,
        group::THINGS,
        group::METERS,
        group::USAGE,
        search::TABLES,
        notes::TABLES,
        notices::TABLES,
        imports::TABLES,
    ],
    &[STEP_3, group::TOOLS],
    &[group::USAGE_SPANS],
];

// Words that are absent stand as '' in `facets` and `places`, so that unique keys hold them; no
// sender can say '' itself, since blank text is absent. Sums are capped where they are added, so
// none can overflow.
const STEP_1: &str = "
CREATE TABLE facets (
    no INTEGER PRIMARY KEY,
    agent_type TEXT NOT NULL, kind TEXT NOT NULL, outcome TEXT NOT NULL,
    tool_name TEXT NOT NULL, model TEXT NOT NULL, source TEXT NOT NULL,
    events INTEGER NOT NULL DEFAULT 0, tokens_in INTEGER NOT NULL DEFAULT 0,
    tokens_out INTEGER NOT NULL DEFAULT 0, cost INTEGER NOT NULL DEFAULT 0,
    costed_events INTEGER NOT NULL DEFAULT 0, costed_in INTEGER NOT NULL DEFAULT 0,
    costed_out INTEGER NOT NULL DEFAULT 0, duration_ms INTEGER NOT NULL DEFAULT 0,
    timed_events INTEGER NOT NULL DEFAULT 0,
    UNIQUE (agent_type, kind, outcome, tool_name, model, source)
);
CREATE TABLE places (
    no INTEGER PRIMARY KEY, project TEXT NOT NULL, branch TEXT NOT NULL,
    UNIQUE (branch, project)
);
CREATE TABLE sessions (
    no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, agent_type TEXT NOT NULL,
    project TEXT NOT NULL, branch TEXT NOT NULL,
    started_at INTEGER NOT NULL, last_event INTEGER NOT NULL,
    rest INTEGER NOT NULL, over_at INTEGER,
    events INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    cost INTEGER NOT NULL, files INTEGER NOT NULL,
    lines_added INTEGER NOT NULL, lines_removed INTEGER NOT NULL
);
CREATE INDEX sessions_by_last_event ON sessions (last_event, rest, agent_type);
CREATE INDEX sessions_by_branch ON sessions (branch, last_event);
CREATE INDEX sessions_by_project ON sessions (project);
CREATE TABLE session_files (
    session INTEGER NOT NULL, path TEXT NOT NULL, PRIMARY KEY (session, path)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL, session INTEGER NOT NULL, facet INTEGER NOT NULL,
    place INTEGER NOT NULL, flags INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL,
    cost_usd REAL, duration_ms INTEGER, client_ms INTEGER, event_id TEXT,
    metadata TEXT NOT NULL
);
CREATE UNIQUE INDEX events_by_event_id ON events (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX events_by_time ON events (created_at);
CREATE INDEX events_by_session ON events (session, created_at);
CREATE INDEX events_by_facet ON events (facet, created_at);
CREATE INDEX events_by_place ON events (place, created_at);
CREATE INDEX events_by_client_time ON events (client_ms) WHERE client_ms IS NOT NULL;
CREATE TABLE spans (
    seconds INTEGER NOT NULL, start INTEGER NOT NULL, facet INTEGER NOT NULL,
    events INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
    cost INTEGER NOT NULL, costed_events INTEGER NOT NULL, costed_in INTEGER NOT NULL,
    costed_out INTEGER NOT NULL, duration_ms INTEGER NOT NULL, timed_events INTEGER NOT NULL,
    PRIMARY KEY (seconds, start, facet)
) WITHOUT ROWID;
CREATE TABLE place_hours (
    place INTEGER NOT NULL, hour INTEGER NOT NULL, facet INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (place, hour, facet)
) WITHOUT ROWID;
CREATE TABLE cost_hours (
    hour INTEGER NOT NULL, agent_type TEXT NOT NULL, events INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost INTEGER NOT NULL,
    PRIMARY KEY (hour, agent_type)
) WITHOUT ROWID;
CREATE TABLE session_hours (
    session INTEGER NOT NULL, agent_type TEXT NOT NULL, hour INTEGER NOT NULL,
    cost INTEGER NOT NULL, events INTEGER NOT NULL,
    PRIMARY KEY (session, agent_type, hour)
) WITHOUT ROWID;
CREATE INDEX session_hours_by_hour ON session_hours (hour);
CREATE TABLE project_costs (
    project TEXT NOT NULL, agent_type TEXT NOT NULL,
    cost INTEGER NOT NULL, sessions INTEGER NOT NULL, events INTEGER NOT NULL,
    PRIMARY KEY (project, agent_type)
) WITHOUT ROWID;
";

const STEP_2: &str = "
ALTER TABLE events ADD COLUMN cache_write_1h INTEGER NOT NULL DEFAULT 0;
";

// Records are only ever added. A session's further sums stand in its row, which is written with it.
const STEP_3: &str = "
ALTER TABLE sessions ADD COLUMN cache_read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN cache_write INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN turns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN model_by INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sessions_by_start ON sessions (started_at);
ALTER TABLE session_files ADD COLUMN edits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_files ADD COLUMN lines_added INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_files ADD COLUMN lines_removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session_files ADD COLUMN last_event INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_prompts ON events (session) WHERE flags & 128;
CREATE TABLE records (
    no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    resource_kind TEXT NOT NULL, resource_id TEXT NOT NULL, author TEXT NOT NULL,
    created_at TEXT NOT NULL, supersedes TEXT, body TEXT NOT NULL
);
CREATE INDEX records_by_resource ON records (resource_kind, resource_id);
";

/// Brings a store to the current version, in one transaction.
pub(crate) fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (version, parts) in (1_i64..).zip(STEPS).skip_while(|(version, _)| *version <= from) {
        for part in *parts {
            transaction.execute_batch(part)?;
        }
        if version == 2 {
            group::count_all(&transaction)?;
        }
        if version == 3 {
            group::fill(&transaction)?;
        }
        if version == 4 {
            group::add_up_all(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()
}
