//! What can be done in the readiness gate, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::control::Blocker;

/// The body of `POST /control/readiness/{id}/{action}`; it may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionRequest {
    /// For `restore-backup` the backup to restore, for `back-up` another place for the copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// For `sign` the `digest` that was shown: what changed since is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The answer of `POST /control/readiness/{id}/{action}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionReport {
    /// What came of it.
    pub outcome: ActionOutcome,
    /// The same in words.
    pub message: String,
    /// What still blocks. When this is empty, a restart leaves the gate.
    pub blockers: Vec<Blocker>,
    /// Whether `POST /control/restart` can start the daemon again.
    pub restartable: bool,
    /// What there is to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inspection: Option<Inspection>,
}

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionOutcome {
    /// It is done, and what blocked is off the list.
    Done,
    /// There is something to look at, and nothing was changed.
    Shown,
    /// The daemon starts again.
    Restarting,
}

/// What there is to see of a blocker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// What is known, a name and a value each.
    pub facts: Vec<Fact>,
    /// The files it is about.
    #[serde(default)]
    pub files: Vec<InspectedFile>,
    /// The backups that can be restored, the newest first.
    #[serde(default)]
    pub backups: Vec<BackupFile>,
}

/// One thing that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A file that a blocker is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InspectedFile {
    /// Where it is, below the folder it is about.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// How it stands to what was signed: `same`, `changed`, `added`, `removed`, or `unsigned`.
    pub change: String,
}

/// A copy of the store that this program can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupFile {
    /// The file.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written, as RFC 3339.
    pub written_at: String,
    /// The version of its form.
    pub schema_version: i64,
}
