//! What a person asks of sync, and what is answered: JSON, the same for the desktop, the console and
//! `oriel sync`.

use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use super::{Digest, Problem, RelPath};

/// The longest text that a person may give as the end of a conflict, and the longest version of a file
/// that is told as text.
pub const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most conflicts and the most problems of one status. Those beyond them are counted.
pub const LISTED_MAX: usize = 200;

/// Begins to keep a session's workspace and a local folder equal. It is answered by a [`SyncStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartSync {
    /// The session.
    pub session_id: String,
    /// The local folder, as a whole path.
    pub local_dir: String,
    /// That the folder may have something in it. What both have and differs in is a conflict.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub confirm_non_empty: bool,
    /// That the folder may be on a file system that cannot be watched, and is looked through instead.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub allow_polling: bool,
    /// That what `.gitignore` files name is left out as well.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub use_gitignore: bool,
    /// That texts which merge cleanly are merged unasked.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub merge_unasked: bool,
}

/// Ends it. What was begun is finished or undone first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopSync {
    /// The session.
    pub session_id: String,
    /// That what is remembered of it goes as well. No file of the folder does.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub forget: bool,
}

/// Asks how it stands. It is answered by a [`SyncStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncStatusOf {
    /// The session.
    pub session_id: String,
}

/// Goes on after a pause, with what it asks about as it is now. A pause for another reason stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmSync {
    /// The session.
    pub session_id: String,
    /// The reason that is confirmed.
    pub reason: PauseReason,
    /// That what would be removed is put back instead.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub restore: bool,
}

/// Compares both trees whole. It is answered by a [`SyncVerified`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifySync {
    /// The session.
    pub session_id: String,
}

/// Ends the conflict of a path. It is answered by a [`SyncStatus`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveConflict {
    /// The session.
    pub session_id: String,
    /// The path.
    pub path: RelPath,
    /// What it becomes on both sides.
    pub resolution: Resolution,
    /// The text, where that is [`Resolution::Merged`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub content: Option<String>,
    /// The digest of the local version that the person saw; null where there was none. It has to be said:
    /// where it is another by now, nothing is done.
    #[serde(deserialize_with = "said")]
    pub expect_local: Option<Digest>,
    /// The digest of the upstream version that the person saw; null where there was none.
    #[serde(deserialize_with = "said")]
    pub expect_remote: Option<Digest>,
}

/// Reads what may be null, and must be there.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Digest>, D::Error> {
    Option::deserialize(deserializer)
}

/// How a conflict ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SyncResolution)]
pub enum Resolution {
    /// The local version goes upstream.
    Local,
    /// The upstream version comes here. The local one is kept for a day.
    Upstream,
    /// Both become the text that is given.
    Merged,
}

/// Asks for the versions of a path in conflict. It is answered by a [`ConflictTexts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConflictVersions {
    /// The session.
    pub session_id: String,
    /// The path.
    pub path: RelPath,
}

/// The versions of a path in conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConflictTexts {
    /// What is in conflict, and what to expect when it is resolved.
    pub conflict: Conflict,
    /// What both last agreed on.
    pub base: VersionText,
    /// What is here.
    pub local: VersionText,
    /// What is upstream.
    pub upstream: VersionText,
    /// Both changes in one text, where they can be put together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub merged: Option<MergedText>,
}

/// A version as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
#[schema(as = SyncVersionText)]
pub enum VersionText {
    /// There is none.
    Absent,
    /// It is a folder.
    Folder,
    /// It is a link.
    Link {
        /// Where it leads.
        target: String,
    },
    /// It is a text.
    Text {
        /// It.
        text: String,
    },
    /// It is no text, or too long to be shown.
    NoText,
    /// It is not on this machine.
    NotHere,
}

/// Two changes put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncMergedText)]
pub struct MergedText {
    /// The text. Where both changed the same, both are in it, between markers.
    pub text: String,
    /// How many such places it has.
    pub conflicts: u32,
}

/// How sync of a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncStatus {
    /// The session.
    pub session_id: String,
    /// How it stands.
    pub state: SyncState,
    /// How many files are kept equal.
    pub files_tracked: u64,
    /// When both were last equal, in milliseconds since 1970; null where they never were.
    pub last_sync_at: Option<u64>,
    /// The local folder.
    pub local_dir: String,
    /// What it does now.
    pub phase: Phase,
    /// Changes that wait, in both directions.
    pub pending: u64,
    /// Changes that wait to go upstream.
    pub pending_up: u64,
    /// Changes that wait to come here.
    pub pending_down: u64,
    /// Bytes of content that are still to be sent or to come.
    pub bytes: u64,
    /// How local changes are noticed.
    pub watch: Watching,
    /// Why it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<PauseReason>,
    /// What went wrong or is asked, for people, and what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub message: Option<String>,
    /// Conflicts, in the order of their paths.
    pub conflicts: Vec<Conflict>,
    /// How many there are beyond those listed.
    pub more_conflicts: u64,
    /// Paths that cannot be synced now. The others are.
    pub problems: Vec<PathProblem>,
    /// How many there are beyond those listed.
    pub more_problems: u64,
}

/// Every sync that there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SyncList {
    /// Each, in the order of their sessions' ids.
    pub syncs: Vec<SyncStatus>,
}

/// Whether both trees are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncVerified {
    /// The session.
    pub session_id: String,
    /// How many paths were compared.
    pub paths: u64,
    /// The paths in which they differ, as far as text can say them; at most [`LISTED_MAX`].
    pub differing: Vec<String>,
    /// How many there are beyond those listed.
    pub more: u64,
    /// Whether they differ in none.
    pub is_equal: bool,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SyncState {
    /// It goes on.
    Active,
    /// It waits, for a person or for the other side.
    Paused,
    /// It cannot go on.
    Error,
    /// It goes on, and a person is asked about some paths.
    Conflict,
}

/// What it does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncPhase)]
pub enum Phase {
    /// It reaches for the other side.
    Connecting,
    /// It looks through the folder.
    Scanning,
    /// It hears what there is upstream.
    Receiving,
    /// It makes both equal.
    Syncing,
    /// Both are equal, and it watches.
    Watching,
    /// Nothing.
    Stopped,
}

/// How local changes are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SyncWatching)]
pub enum Watching {
    /// The system tells of them.
    Native,
    /// The system tells of some; the rest is found when the folder is looked through.
    Degraded,
    /// The folder is looked through now and then.
    Poll,
}

/// Why it is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncPauseReason)]
pub enum PauseReason {
    /// Much would be removed at once.
    MassDelete,
    /// The upstream tree is another than the one that was known.
    RemoteReset,
    /// The local folder is not there.
    RootGone,
    /// Another folder is in the place of the local one.
    RootReplaced,
    /// The other side cannot be reached.
    Offline,
    /// The disk is full.
    DiskFull,
    /// A person paused it.
    Asked,
}

/// A path that both sides changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncConflict)]
pub struct Conflict {
    /// Its number. A conflict that comes after it on the same path has another.
    pub id: u64,
    /// The path.
    pub path: RelPath,
    /// What happened.
    pub kind: ConflictKind,
    /// What both last agreed on; null where there was nothing.
    pub base: Option<Version>,
    /// What is here; null where there is nothing.
    pub local: Option<Version>,
    /// What is upstream; null where there is nothing.
    pub upstream: Option<Version>,
    /// Whether both changes can be put together without asking about any place.
    pub mergeable: bool,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
}

/// What happened to a path.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncConflictKind)]
pub enum ConflictKind {
    /// Both changed it.
    EditEdit,
    /// One changed it and the other removed it.
    EditDelete,
    /// It is a folder on one side and none on the other.
    Type,
    /// This system takes its name and that of another for the same.
    Case,
    /// A program wrote to the file after another had taken its place.
    LateWrite,
}

/// A version of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncVersion)]
pub struct Version {
    /// Of a file's bytes, or of where a link leads; of no bytes where it is a folder.
    pub digest: Digest,
    /// How long it is, in bytes.
    pub size: u64,
}

/// A path that cannot be synced now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncPathProblem)]
pub struct PathProblem {
    /// The path, as far as text can say it.
    pub path: String,
    /// Why.
    pub problem: Problem,
    /// Whether it is so upstream, and not here.
    pub is_upstream: bool,
    /// For people.
    pub message: String,
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncFailed {
    /// For programs.
    pub code: SyncCode,
    /// For people: what could not be done, and what to do next.
    pub message: String,
}

/// Why a command was not done, for programs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SyncCode {
    /// The command cannot be read.
    BadCommand,
    /// There is no such session.
    NoSession,
    /// The session is not synced.
    NotSyncing,
    /// The session is synced with another folder.
    AlreadySyncing,
    /// There is no such folder.
    NoFolder,
    /// The folder may not be synced: it is the whole disk or the home folder.
    FolderRefused,
    /// The folder is in one that is synced, or one that is synced is in it.
    FolderNested,
    /// The folder was synced with another session.
    FolderTaken,
    /// There is something in the folder; say `confirmNonEmpty` where that is meant.
    FolderNotEmpty,
    /// The folder cannot be watched; say `allowPolling` where that is meant.
    FolderNotWatched,
    /// There is no conflict of that path.
    NoConflict,
    /// One of the versions is another by now. Look at the conflict again.
    ConflictChanged,
    /// `merged` wants a content, and the others want none.
    BadContent,
    /// It is not paused for that reason.
    NotPaused,
    /// The text is too long.
    TooLarge,
    /// The system failed.
    System,
}

/// What is told of sync while it goes on, as `sync-event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum SyncEvent {
    /// How it stands has changed. It is told at most four times a second.
    Status {
        /// How it stands.
        status: Box<SyncStatus>,
    },
    /// There is a conflict, or what is in conflict changed.
    Conflict {
        /// The session.
        session_id: String,
        /// The conflict.
        conflict: Conflict,
    },
    /// A conflict is over.
    Resolved {
        /// The session.
        session_id: String,
        /// The conflict's number.
        id: u64,
        /// The path.
        path: RelPath,
    },
    /// Something was done that a person may not expect.
    Notice {
        /// The session.
        session_id: String,
        /// The path.
        path: RelPath,
        /// What.
        notice: Notice,
        /// For people.
        message: String,
    },
}

/// What was done that a person may not expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncNotice)]
pub enum Notice {
    /// It was removed here and changed upstream, and came back.
    LocalDeleteUndone,
    /// It was changed here and removed upstream, and stays.
    RemoteDeleteUndone,
    /// Both changes were merged unasked.
    Merged,
}
