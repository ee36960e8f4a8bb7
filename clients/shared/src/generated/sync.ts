// Sync, version 1. `cargo xtask generate` writes this file.

/**
 * Goes on after a pause, with what it asks about as it is now. A pause for another reason stays.
 */
export type ConfirmSync = {
/**
 * The session.
 */
sessionId: string,
/**
 * The reason that is confirmed.
 */
reason: PauseReason,
/**
 * That what would be removed is put back instead.
 */
restore?: boolean, };

/**
 * A path that both sides changed.
 */
export type Conflict = {
/**
 * Its number. A conflict that comes after it on the same path has another.
 */
id: number,
/**
 * The path.
 */
path: RelPath,
/**
 * What happened.
 */
kind: ConflictKind,
/**
 * What both last agreed on; null where there was nothing.
 */
base: Version | null,
/**
 * What is here; null where there is nothing.
 */
local: Version | null,
/**
 * What is upstream; null where there is nothing.
 */
upstream: Version | null,
/**
 * Whether both changes can be put together without asking about any place.
 */
mergeable: boolean,
/**
 * Since when, in milliseconds since 1970.
 */
since: number, };

/**
 * What happened to a path.
 */
export type ConflictKind = "edit_edit" | "edit_delete" | "type" | "case" | "late_write";

/**
 * The versions of a path in conflict.
 */
export type ConflictTexts = {
/**
 * What is in conflict, and what to expect when it is resolved.
 */
conflict: Conflict,
/**
 * What both last agreed on.
 */
base: VersionText,
/**
 * What is here.
 */
local: VersionText,
/**
 * What is upstream.
 */
upstream: VersionText,
/**
 * Both changes in one text, where they can be put together.
 */
merged?: MergedText, };

/**
 * Asks for the versions of a path in conflict. It is answered by a [`ConflictTexts`].
 */
export type ConflictVersions = {
/**
 * The session.
 */
sessionId: string,
/**
 * The path.
 */
path: RelPath, };

/**
 * The BLAKE3 digest of bytes. As text it is 64 hexadecimal digits, in frames 32 bytes.
 */
export type Digest = string;

/**
 * Two changes put together.
 */
export type MergedText = {
/**
 * The text. Where both changed the same, both are in it, between markers.
 */
text: string,
/**
 * How many such places it has.
 */
conflicts: number, };

/**
 * What was done that a person may not expect.
 */
export type Notice = "local_delete_undone" | "remote_delete_undone" | "merged";

/**
 * A path that cannot be synced now.
 */
export type PathProblem = {
/**
 * The path, as far as text can say it.
 */
path: string,
/**
 * Why.
 */
problem: Problem,
/**
 * Whether it is so upstream, and not here.
 */
isUpstream: boolean,
/**
 * For people.
 */
message: string, };

/**
 * Why it is paused.
 */
export type PauseReason = "mass_delete" | "remote_reset" | "root_gone" | "root_replaced" | "offline" | "disk_full" | "asked";

/**
 * What it does now.
 */
export type Phase = "connecting" | "scanning" | "receiving" | "syncing" | "watching" | "stopped";

/**
 * Why something cannot be synced.
 */
export type Problem = "not_permitted" | "io" | "too_large" | "bad_name" | "name_not_here" | "name_taken" | "link_outside" | "special" | "other_file_system" | "unsteady" | "disk_full";

/**
 * A path beneath the root, its parts joined by `/`. It is never empty: the root itself is no path.
 *
 * Paths are ordered part by part, so what is in a folder follows the folder at once:
 * `a`, `a/b`, `a-b`.
 */
export type RelPath = string;

/**
 * How a conflict ends.
 */
export type Resolution = "local" | "upstream" | "merged";

/**
 * Ends the conflict of a path. It is answered by a [`SyncStatus`].
 */
export type ResolveConflict = {
/**
 * The session.
 */
sessionId: string,
/**
 * The path.
 */
path: RelPath,
/**
 * What it becomes on both sides.
 */
resolution: Resolution,
/**
 * The text, where that is [`Resolution::Merged`].
 */
content?: string,
/**
 * The digest of the local version that the person saw; null where there was none. It has to be said:
 * where it is another by now, nothing is done.
 */
expectLocal: Digest | null,
/**
 * The digest of the upstream version that the person saw; null where there was none.
 */
expectRemote: Digest | null, };

/**
 * Begins to keep a session's workspace and a local folder equal. It is answered by a [`SyncStatus`].
 */
export type StartSync = {
/**
 * The session.
 */
sessionId: string,
/**
 * The local folder, as a whole path.
 */
localDir: string,
/**
 * That the folder may have something in it. What both have and differs in is a conflict.
 */
confirmNonEmpty?: boolean,
/**
 * That the folder may be on a file system that cannot be watched, and is looked through instead.
 */
allowPolling?: boolean,
/**
 * That what `.gitignore` files name is left out as well.
 */
useGitignore?: boolean,
/**
 * That texts which merge cleanly are merged unasked.
 */
mergeUnasked?: boolean, };

/**
 * Ends it. What was begun is finished or undone first.
 */
export type StopSync = {
/**
 * The session.
 */
sessionId: string,
/**
 * That what is remembered of it goes as well. No file of the folder does.
 */
forget?: boolean, };

/**
 * Why a command was not done, for programs.
 */
export type SyncCode = "bad_command" | "no_session" | "not_syncing" | "already_syncing" | "no_folder" | "folder_refused" | "folder_nested" | "folder_taken" | "folder_not_empty" | "folder_not_watched" | "no_conflict" | "conflict_changed" | "bad_content" | "not_paused" | "too_large" | "system";

/**
 * What is told of sync while it goes on, as `sync-event`.
 */
export type SyncEvent = { "type": "status",
/**
 * How it stands.
 */
status: SyncStatus, } | { "type": "conflict",
/**
 * The session.
 */
sessionId: string,
/**
 * The conflict.
 */
conflict: Conflict, } | { "type": "resolved",
/**
 * The session.
 */
sessionId: string,
/**
 * The conflict's number.
 */
id: number,
/**
 * The path.
 */
path: RelPath, } | { "type": "notice",
/**
 * The session.
 */
sessionId: string,
/**
 * The path.
 */
path: RelPath,
/**
 * What.
 */
notice: Notice,
/**
 * For people.
 */
message: string, };

/**
 * Why a command was not done.
 */
export type SyncFailed = {
/**
 * For programs.
 */
code: SyncCode,
/**
 * For people: what could not be done, and what to do next.
 */
message: string, };

/**
 * Every sync that there is.
 */
export type SyncList = {
/**
 * Each, in the order of their sessions' ids.
 */
syncs: Array<SyncStatus>, };

/**
 * How it stands.
 */
export type SyncState = "active" | "paused" | "error" | "conflict";

/**
 * How sync of a session stands.
 */
export type SyncStatus = {
/**
 * The session.
 */
sessionId: string,
/**
 * How it stands.
 */
state: SyncState,
/**
 * How many files are kept equal.
 */
filesTracked: number,
/**
 * When both were last equal, in milliseconds since 1970; null where they never were.
 */
lastSyncAt: number | null,
/**
 * The local folder.
 */
localDir: string,
/**
 * What it does now.
 */
phase: Phase,
/**
 * Changes that wait, in both directions.
 */
pending: number,
/**
 * Changes that wait to go upstream.
 */
pendingUp: number,
/**
 * Changes that wait to come here.
 */
pendingDown: number,
/**
 * Bytes of content that are still to be sent or to come.
 */
bytes: number,
/**
 * How local changes are noticed.
 */
watch: Watching,
/**
 * Why it is paused.
 */
reason?: PauseReason,
/**
 * What went wrong or is asked, for people, and what to do next.
 */
message?: string,
/**
 * Conflicts, in the order of their paths.
 */
conflicts: Array<Conflict>,
/**
 * How many there are beyond those listed.
 */
moreConflicts: number,
/**
 * Paths that cannot be synced now. The others are.
 */
problems: Array<PathProblem>,
/**
 * How many there are beyond those listed.
 */
moreProblems: number, };

/**
 * Asks how it stands. It is answered by a [`SyncStatus`].
 */
export type SyncStatusOf = {
/**
 * The session.
 */
sessionId: string, };

/**
 * Whether both trees are equal.
 */
export type SyncVerified = {
/**
 * The session.
 */
sessionId: string,
/**
 * How many paths were compared.
 */
paths: number,
/**
 * The paths in which they differ, as far as text can say them; at most [`LISTED_MAX`].
 */
differing: Array<string>,
/**
 * How many there are beyond those listed.
 */
more: number,
/**
 * Whether they differ in none.
 */
isEqual: boolean, };

/**
 * Compares both trees whole. It is answered by a [`SyncVerified`].
 */
export type VerifySync = {
/**
 * The session.
 */
sessionId: string, };

/**
 * A version of a path.
 */
export type Version = {
/**
 * Of a file's bytes, or of where a link leads; of no bytes where it is a folder.
 */
digest: Digest,
/**
 * How long it is, in bytes.
 */
size: number, };

/**
 * A version as a person reads it.
 */
export type VersionText = { "is": "absent" } | { "is": "folder" } | { "is": "link",
/**
 * Where it leads.
 */
target: string, } | { "is": "text",
/**
 * It.
 */
text: string, } | { "is": "no_text" } | { "is": "not_here" };

/**
 * How local changes are noticed.
 */
export type Watching = "native" | "degraded" | "poll";

/** The version of the protocol. */
export const PROTOCOL_VERSION = 1;

/** The longest text that ends a conflict, in bytes. */
export const TEXT_BYTES_MAX = 4194304;
