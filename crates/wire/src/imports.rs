//! Importing histories and archiving them, as the control API tells of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `POST /control/imports`. Whatever is missing is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportRequest {
    /// The formats to look for, such as `claude-code`; none means all.
    pub formats: Vec<String>,
    /// The files and folders to read, as absolute paths on the daemon's machine; none means the
    /// folders where agents keep their histories.
    pub paths: Vec<String>,
    /// Leaves out events before this time: RFC 3339, or a day in UTC.
    pub from: Option<String>,
    /// Leaves out events after this time: RFC 3339, or a day in UTC, all of which is included.
    pub to: Option<String>,
    /// Reads files again that did not change.
    pub force: bool,
    /// Reads and counts and stores nothing.
    #[serde(alias = "dry_run")]
    pub dry_run: bool,
}

/// The answer of `POST /control/imports`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportStarted {
    /// By which the import can be asked after.
    pub id: u64,
}

/// Where an import stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportPhase {
    /// Another one runs.
    #[default]
    Waiting,
    /// It looks for files.
    Looking,
    /// It reads them.
    Reading,
    /// All is read and stored.
    Done,
    /// It was told to stop; what was stored stays.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl ImportPhase {
    /// Returns whether nothing more will happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
}

/// How an import stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportStatus {
    /// By which it can be asked after.
    pub id: u64,
    /// Where it stands.
    pub phase: ImportPhase,
    /// Whether nobody asked for it.
    pub automatic: bool,
    /// Whether it stores nothing.
    pub dry_run: bool,
    /// When it began, as RFC 3339.
    pub started_at: String,
    /// How long it has taken, in milliseconds.
    pub elapsed_ms: u64,
    /// Files that are to be read.
    pub files_total: u64,
    /// Files that were read.
    pub files_done: u64,
    /// Files that did not change since they were read last, and so are not read.
    pub files_unchanged: u64,
    /// Files that have vanished; what was read of them stays.
    pub files_gone: u64,
    /// Bytes that are to be read.
    pub bytes_total: u64,
    /// Bytes that were read.
    pub bytes_done: u64,
    /// Lines that were read.
    pub lines: u64,
    /// Events that were found.
    pub found: u64,
    /// Events that are new. In a dry run nothing is known to be.
    pub imported: u64,
    /// Events that were known.
    pub duplicates: u64,
    /// Records that could not be read.
    pub bad: u64,
    /// How many bytes are read in a second.
    pub bytes_per_second: u64,
    /// How long it still takes at this rate.
    pub rest_seconds: Option<u64>,
    /// What it came to, by format.
    pub formats: Vec<FormatResult>,
    /// What it came to, by file; at most 1,000 of them, and only where one import is asked after.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileResult>,
    /// What kept it from going on, or from looking everywhere.
    pub problems: Vec<String>,
}

/// What became of records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Fate {
    /// Records that were read.
    pub records: u64,
    /// Records that made events.
    pub told: u64,
    /// Records that told more of an event that another one makes.
    pub joined: u64,
    /// Records that were left out, by kind and reason, the most first.
    pub left_out: Vec<LeftOut>,
    /// Records that could not be read.
    pub bad: u64,
    /// The first of those.
    pub bad_records: Vec<BadRecord>,
}

/// Records of one kind that were left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// The kind of the records.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub records: u64,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BadRecord {
    /// The file that it is in.
    #[serde(default)]
    pub path: String,
    /// Which of the file's lines it is, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// What an import came to for one format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FormatResult {
    /// The format.
    pub format: String,
    /// Files that were read.
    pub files: u64,
    /// Events that were found.
    pub found: u64,
    /// Events that are new.
    pub imported: u64,
    /// Events that were known.
    pub duplicates: u64,
    /// Events outside the asked dates.
    pub out_of_range: u64,
    /// What became of the records.
    pub fate: Fate,
}

/// What an import came to for one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FileResult {
    /// The file.
    pub path: String,
    /// Its format.
    pub format: String,
    /// Whether only what is new in it was read.
    pub went_on: bool,
    /// Bytes that were read.
    pub bytes: u64,
    /// Lines that were read.
    pub lines: u64,
    /// Events that were found.
    pub found: u64,
    /// Events that are new.
    pub imported: u64,
    /// Events that were known.
    pub duplicates: u64,
    /// Events outside the asked dates.
    pub out_of_range: u64,
    /// What became of the records.
    pub fate: Fate,
    /// Why it could not be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The answer of `GET /control/imports`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ImportOverview {
    /// The import that runs.
    pub running: Option<ImportStatus>,
    /// The last ones, the newest first.
    pub last: Vec<ImportStatus>,
    /// Files that were ever read.
    pub files: u64,
    /// Those of them that have vanished since.
    pub files_gone: u64,
    /// How changes are noticed: `files` as they happen, `interval` every few minutes, `off` not.
    pub watching: String,
    /// How many folders are watched.
    pub folders: u64,
    /// Whether histories are archived.
    pub archiving: bool,
    /// Files that their agent deletes within a week and of which the archive has no copy.
    pub deleted_soon: u64,
    /// After how many days it deletes them.
    pub deleted_after_days: Option<u64>,
}

/// The answer of `GET /control/archive`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArchiveList {
    /// Whether histories are archived.
    pub archiving: bool,
    /// What the archive takes on the disk.
    pub stored_bytes: u64,
    /// Every file of which it holds something, the newest edition of each.
    pub files: Vec<ArchivedFile>,
}

/// A file in the archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArchivedFile {
    /// Where it was.
    pub path: String,
    /// How many bytes of it are kept.
    pub bytes: u64,
    /// How many editions of it are kept; a file that is written anew has several.
    pub editions: u64,
    /// When the last part of it was kept, as RFC 3339.
    pub kept_at: String,
    /// Whether it is still where it was.
    pub exists: bool,
}

/// The body of `POST /control/archive/restore`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RestoreRequest {
    /// The file, or the folder with all that was archived below it.
    pub path: String,
    /// The folder to write to, as an absolute path; without it each file goes back to its place.
    pub to: Option<String>,
}

/// The answer of `POST /control/archive/restore`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RestoreReport {
    /// The files that were written.
    pub written: Vec<String>,
    /// Files that were left alone, each with the reason.
    pub skipped: Vec<String>,
    /// How many bytes were written.
    pub bytes: u64,
}

/// The answer of `POST /control/archive/verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArchiveReport {
    /// Whether everything is as it was kept.
    pub ok: bool,
    /// How many pieces were read.
    pub chunks: u64,
    /// How many bytes they stand for.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<String>,
}
