//! The control API and the health file: what one Oriel program tells another about a daemon.
//!
//! Every `/control/*` request carries the token of the data directory in [`AUTHTOK_HEADER`]. The
//! health file only says where a daemon was last heard of; whoever reads it asks the process.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The header that carries the token of the data directory.
pub const AUTHTOK_HEADER: &str = "x-oriel-authtok";

/// The header in which whoever steers says for whom: `cli`, or `console:` and a session. It is
/// believed of those who have the token, and written into the audit.
pub const ACTOR_HEADER: &str = "x-oriel-actor";

/// The value of [`HealthFile::schema`].
pub const HEALTH_SCHEMA: &str = "oriel-daemon-health.v1";

/// `health/daemon-health.json` in the data directory, replaced by an atomic rename.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthFile {
    /// Always [`HEALTH_SCHEMA`].
    pub schema: String,
    /// The process that wrote the file.
    pub pid: u32,
    /// When that process started, as RFC 3339.
    pub started_at: String,
    /// When the file was written, as RFC 3339.
    pub updated_at: String,
    /// Where the daemon stood when it wrote the file.
    pub phase: DaemonPhase,
    /// The version of the program.
    pub version: String,
    /// The TCP address it listens on, as `host:port`.
    pub addr: Option<String>,
    /// The Unix socket it listens on.
    pub socket: Option<String>,
}

/// Where a daemon stands between its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DaemonPhase {
    /// It opens its store.
    Starting,
    /// Something blocks it: only control, health and the console answer.
    LocalReadinessGate,
    /// It takes events.
    Ready,
    /// It stops: what is queued is written, nothing new is taken.
    Draining,
}

impl DaemonPhase {
    /// Returns the word that stands for this phase in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::LocalReadinessGate => "local_readiness_gate",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// The answer of `GET /control/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DaemonStatus {
    /// The process that answers.
    pub pid: u32,
    /// The version of the program.
    pub version: String,
    /// Where the daemon stands.
    pub phase: DaemonPhase,
    /// When it started, as RFC 3339.
    pub started_at: String,
    /// How long it has run, in whole seconds.
    pub uptime_seconds: u64,
    /// The TCP address it listens on, as `host:port`.
    pub addr: Option<String>,
    /// The Unix socket it listens on.
    pub socket: Option<String>,
    /// The data directory it serves.
    pub data_dir: String,
    /// Who may read without the token: `loopback` or `token`.
    pub access: String,
    /// How the store stands.
    pub store: StoreStatus,
    /// How the stream stands.
    pub stream: StreamStatus,
}

/// How a daemon's store stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// The file that holds the events.
    pub path: String,
    /// What an answered write has survived: `full` or `normal`.
    pub durability: String,
    /// The version of the schema on disk.
    pub schema_version: i64,
    /// How many events are stored.
    pub events: i64,
    /// The number of the last event, 0 when there is none.
    pub last_event: i64,
    /// How many sessions are stored.
    pub sessions: i64,
    /// The size of the file in bytes.
    pub size_bytes: u64,
    /// The size of the write-ahead log in bytes.
    pub wal_bytes: u64,
    /// How many events wait for the writer.
    pub queue_depth: usize,
    /// How many may wait before ingest answers 503.
    pub queue_max: usize,
}

/// How a daemon's stream stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamStatus {
    /// How many clients listen.
    pub clients: usize,
    /// How many may.
    pub clients_max: usize,
}

/// The answer of `GET /control/readiness`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// Where the daemon stands.
    pub phase: DaemonPhase,
    /// What keeps it in the gate; empty when nothing does. A gate whose list has become empty is
    /// left by a restart.
    pub blockers: Vec<Blocker>,
    /// Whether `POST /control/restart` can start it again.
    #[serde(default)]
    pub restartable: bool,
}

/// One thing that keeps a daemon from taking events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// Its name in addresses, the same at every start.
    #[serde(default)]
    pub id: String,
    /// What kind of thing it is.
    pub kind: BlockerKind,
    /// The thing itself: a path, a module, a key.
    pub artifact_id: String,
    /// Its name for people.
    pub label: String,
    /// Why it blocks.
    pub reason: String,
    /// What may be done about it: words for `POST /control/readiness/{id}/{action}`.
    pub actions: Vec<String>,
}

impl BlockerKind {
    /// Returns the word that stands for this kind in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigInvalid => "config-invalid",
            Self::StoreNewerThanProgram => "store-newer-than-program",
            Self::StoreNeedsMigrationBackup => "store-needs-migration-backup",
            Self::DataDirPermissions => "data-dir-permissions",
            Self::SigningKeyMissing => "signing-key-missing",
            Self::UnsignedModuleConfig => "unsigned-module-config",
            Self::StaleModuleSignature => "stale-module-signature",
            Self::DiskNearlyFull => "disk-nearly-full",
        }
    }
}

/// What kinds of things keep a daemon from taking events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockerKind {
    /// A setting cannot be used.
    ConfigInvalid,
    /// A newer program wrote the store.
    StoreNewerThanProgram,
    /// The store must be backed up before it is changed.
    StoreNeedsMigrationBackup,
    /// Others may read or write the data directory.
    DataDirPermissions,
    /// There is no key to sign with.
    SigningKeyMissing,
    /// The operator has not signed a module's configuration.
    UnsignedModuleConfig,
    /// A module's configuration changed after it was signed.
    StaleModuleSignature,
    /// There is little room left.
    DiskNearlyFull,
}

/// The answer of `POST /control/store/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Whether every check passed.
    pub ok: bool,
    /// How many events were looked at.
    pub events: i64,
    /// How many sessions were looked at.
    pub sessions: i64,
    /// Each check with what it found.
    pub checks: Vec<VerifyCheck>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// One check of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyCheck {
    /// What was checked.
    pub name: String,
    /// Whether it held.
    pub ok: bool,
    /// What did not hold, a line each.
    pub problems: Vec<String>,
}

/// The body of `POST /control/store/backup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupRequest {
    /// The file to make, as an absolute path on the daemon's machine. It must not exist.
    pub path: String,
}

/// The answer of `POST /control/store/backup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// The file that was made.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// How many events it holds.
    pub events: i64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// The answer of `POST /control/store/compact`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompactReport {
    /// The size of the store before.
    pub bytes_before: u64,
    /// The size of the store after.
    pub bytes_after: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_health_file_keeps_its_form() {
        let file = HealthFile {
            schema: HEALTH_SCHEMA.to_owned(),
            pid: 4321,
            started_at: "2026-03-01T10:00:00Z".to_owned(),
            updated_at: "2026-03-01T10:00:01Z".to_owned(),
            phase: DaemonPhase::LocalReadinessGate,
            version: "0.1.0".to_owned(),
            addr: Some("127.0.0.1:3142".to_owned()),
            socket: None,
        };
        let form = json!({
            "schema": "oriel-daemon-health.v1",
            "pid": 4321,
            "startedAt": "2026-03-01T10:00:00Z",
            "updatedAt": "2026-03-01T10:00:01Z",
            "phase": "local_readiness_gate",
            "version": "0.1.0",
            "addr": "127.0.0.1:3142",
            "socket": null,
        });
        assert_eq!(serde_json::to_value(&file).unwrap(), form);
        assert_eq!(serde_json::from_value::<HealthFile>(form).unwrap(), file);
    }

    #[test]
    fn a_later_version_may_say_more() {
        let body =
            json!({ "path": "/tmp/b.db", "bytes": 1, "events": 2, "elapsedMs": 3, "new": 4 });
        let report: BackupReport = serde_json::from_value(body).unwrap();
        assert_eq!(report.elapsed_ms, 3);
    }

    #[test]
    fn a_blocker_is_named_as_the_console_names_it() {
        let blocker = Blocker {
            id: "store-newer-than-program".to_owned(),
            kind: BlockerKind::StoreNewerThanProgram,
            artifact_id: "oriel.db".to_owned(),
            label: "the store".to_owned(),
            reason: "schema 9 is newer than 3".to_owned(),
            actions: vec!["inspect".to_owned()],
        };
        let form = json!({
            "id": "store-newer-than-program",
            "kind": "store-newer-than-program",
            "artifactId": "oriel.db",
            "label": "the store",
            "reason": "schema 9 is newer than 3",
            "actions": ["inspect"],
        });
        assert_eq!(serde_json::to_value(&blocker).unwrap(), form);
    }

    #[test]
    fn the_word_of_a_kind_is_its_json() {
        for kind in [
            BlockerKind::ConfigInvalid,
            BlockerKind::StoreNewerThanProgram,
            BlockerKind::StoreNeedsMigrationBackup,
            BlockerKind::DataDirPermissions,
            BlockerKind::SigningKeyMissing,
            BlockerKind::UnsignedModuleConfig,
            BlockerKind::StaleModuleSignature,
            BlockerKind::DiskNearlyFull,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn the_word_of_a_phase_is_its_json() {
        for phase in [
            DaemonPhase::Starting,
            DaemonPhase::LocalReadinessGate,
            DaemonPhase::Ready,
            DaemonPhase::Draining,
        ] {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
        }
    }
}
