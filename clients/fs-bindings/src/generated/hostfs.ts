// Files of the host, version 1. `cargo xtask generate` writes this file.

/**
 * What is known of one name.
 */
export type Answered = Stat | Failed;

/**
 * Something changed.
 */
export type Change = {
/**
 * Its path in the workspace.
 */
path: string,
/**
 * What became of it.
 */
kind: ChangeKind, };

/**
 * What became of something.
 */
export type ChangeKind = "made" | "changed" | "removed";

/**
 * What changed in a watched folder.
 */
export type Changes = {
/**
 * What changed, each path once.
 */
changes: Array<Change>,
/**
 * Whether more changed than is told: whoever watches looks at everything again.
 */
lookAgain: boolean, };

/**
 * Why a request failed.
 */
export type Code = "not_found" | "exists" | "not_a_file" | "not_a_folder" | "not_empty" | "bad_name" | "outside" | "no_grant" | "read_only" | "denied" | "not_permitted" | "bad_handle" | "revoked" | "gone" | "cut_short" | "locked" | "too_many" | "busy" | "too_large" | "disk_full" | "late_write" | "bad_message" | "unsupported" | "cancelled" | "system";

/**
 * What happens where a file is not there, or is.
 */
export type Create = "never" | "may" | "must";

/**
 * What is in a folder, in the order of names as bytes.
 */
export type Entries = {
/**
 * Each thing in it.
 */
entries: Array<Entry>,
/**
 * Whether there are more after the last one.
 */
hasMore: boolean,
/**
 * How many are left out because no text can say their names.
 */
unnameable: number, };

/**
 * Something in a folder.
 */
export type Entry = {
/**
 * Its name.
 */
name: string,
/**
 * What it is; links are not followed.
 */
kind: Kind,
/**
 * How long it is, in bytes.
 */
length: number,
/**
 * When it last changed, in milliseconds since 1970.
 */
modifiedMs: number, };

/**
 * A request failed.
 */
export type Failed = {
/**
 * Why, for programs.
 */
code: Code,
/**
 * What happened and to what, for people.
 */
message: string,
/**
 * What to do next.
 */
hint?: string,
/**
 * The path it is about.
 */
path?: string, };

/**
 * What something is.
 */
export type Kind = "file" | "folder" | "link" | "other";

/**
 * Asks what is in a folder.
 */
export type List = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * The folder's path in it.
 */
path: string,
/**
 * Only names after this one.
 */
after?: string, };

/**
 * What is known of names, each in the place in which it was asked for.
 */
export type Looked = {
/**
 * One for each path.
 */
stats: Array<Answered>, };

/**
 * Asks to make a folder.
 */
export type MakeFolder = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * The folder's path in it.
 */
path: string,
/**
 * Whether folders above it are made too, and one that is there is well.
 */
parents?: boolean, };

/**
 * What a file is opened for.
 */
export type Mode = "read" | "write" | "readwrite" | "append";

/**
 * Something in a workspace.
 */
export type Named = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * The path in it.
 */
path: string, };

/**
 * Asks to open a file.
 */
export type Open = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * The file's path in it.
 */
path: string,
/**
 * What for.
 */
mode: Mode,
/**
 * Whether it may, or must, be made.
 */
create?: Create,
/**
 * Whether what is in it goes.
 */
truncate?: boolean,
/**
 * Whether the page's process may have a descriptor of it.
 */
direct?: boolean, };

/**
 * A file is open. Its handle is in the head, and its length in `offset`.
 */
export type Opened = {
/**
 * What is known of it.
 */
stat: Stat, };

/**
 * Asks to remove something. A link goes, and what it leads to stays.
 */
export type Remove = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * Its path in it.
 */
path: string,
/**
 * Whether a folder goes with all that is in it.
 */
all?: boolean,
/**
 * Whether it goes to the user's trash.
 */
trash?: boolean, };

/**
 * Asks to give something another name in the same workspace.
 */
export type Rename = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * What it is called.
 */
from: string,
/**
 * What it is to be called.
 */
to: string,
/**
 * Whether it may take the place of another file.
 */
replace?: boolean, };

/**
 * Asks to put a whole file in the place of another at once. The payload is the length of this JSON in
 * four bytes, the JSON, and the file's bytes.
 */
export type Replace = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * The file's path in it.
 */
path: string,
/**
 * Whether it may, or must, be new.
 */
create?: Create, };

/**
 * What is known of something.
 */
export type Stat = {
/**
 * What it is; never a link, which is followed.
 */
kind: Kind,
/**
 * How long it is, in bytes.
 */
length: number,
/**
 * When it last changed, in milliseconds since 1970.
 */
modifiedMs: number,
/**
 * Whether it cannot be written here.
 */
isReadOnly: boolean, };

/**
 * Asks what is known of names.
 */
export type StatMany = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * The paths in it.
 */
paths: Array<string>, };

/**
 * How much of each limit the surface uses.
 */
export type Use = {
/**
 * Open handles.
 */
handles: number,
/**
 * The most handles.
 */
handlesMax: number,
/**
 * Bytes that were written and are not with the system yet.
 */
behindBytes: number,
/**
 * The most of them.
 */
behindBytesMax: number,
/**
 * Bytes of files that are kept mapped.
 */
mappedBytes: number,
/**
 * The most of them.
 */
mappedBytesMax: number, };

/**
 * Asks to watch a folder and all below it. Its answer has a handle.
 */
export type Watch = {
/**
 * The workspace's id.
 */
workspace: string,
/**
 * The folder's path in it.
 */
path: string, };

/**
 * A granted folder.
 */
export type Workspace = {
/**
 * What it is called in requests.
 */
id: string,
/**
 * The last part of its path, for people.
 */
name: string,
/**
 * Where it is, for people.
 */
path: string,
/**
 * What may be done in it.
 */
access: WorkspaceAccess,
/**
 * Why it cannot be used now.
 */
problem?: Failed | null, };

/**
 * What may be done in a granted folder.
 */
export type WorkspaceAccess = "read" | "read_write";

/**
 * The surface's granted folders.
 */
export type Workspaces = {
/**
 * In the order they were granted.
 */
workspaces: Array<Workspace>, };

/** What every message begins with. */
export const MAGIC = 0x464f;

/** The version of the form. */
export const VERSION = 1;

/** How long a head is. */
export const HEAD_BYTES = 32;

/** The longest payload. */
export const PAYLOAD_BYTES_MAX = 8388608;

/** The longest path, in bytes. */
export const PATH_BYTES_MAX = 4095;

/** The most parts of one `read_many`. */
export const PARTS_MAX = 1024;

/** The most names of one `stat`. */
export const NAMES_MAX = 4096;

/** What can be asked. */
export const OP = {
  workspaces: 1,
  open: 2,
  close: 3,
  read: 4,
  write: 5,
  read_many: 6,
  length: 7,
  set_length: 8,
  flush: 9,
  sync: 10,
  lock: 11,
  stat: 20,
  list: 21,
  make_folder: 22,
  rename: 23,
  remove: 24,
  replace: 25,
  watch: 30,
  changes: 31,
  use: 40,
} as const;

/** More about a message. */
export const FLAG = {
  failed: 1,
  direct: 2,
  shared: 4,
  unlock: 8,
  sync: 16,
} as const;

/** Why a request failed. */
export const CODES = [
  "not_found",
  "exists",
  "not_a_file",
  "not_a_folder",
  "not_empty",
  "bad_name",
  "outside",
  "no_grant",
  "read_only",
  "denied",
  "not_permitted",
  "bad_handle",
  "revoked",
  "gone",
  "cut_short",
  "locked",
  "too_many",
  "busy",
  "too_large",
  "disk_full",
  "late_write",
  "bad_message",
  "unsupported",
  "cancelled",
  "system",
] as const satisfies readonly Code[];
