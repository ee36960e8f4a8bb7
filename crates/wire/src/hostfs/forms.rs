//! What stands in the payload of a message that is about names: JSON. And the two binary payloads that
//! are more than bytes of a file.
//!
//! A path is relative to its workspace, in `/`, and without `.` and `..`; the workspace itself is the
//! empty path. A name that is not Unicode cannot be said, and is left out of lists and counted.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Code, PARTS_MAX};

/// The surface's granted folders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Workspaces {
    /// In the order they were granted.
    pub workspaces: Vec<Workspace>,
}

/// A granted folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// What it is called in requests.
    pub id: String,
    /// The last part of its path, for people.
    pub name: String,
    /// Where it is, for people.
    pub path: String,
    /// What may be done in it.
    pub access: WorkspaceAccess,
    /// Why it cannot be used now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Failed>,
}

/// What may be done in a granted folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceAccess {
    /// Files are read.
    Read,
    /// Files are read, written, made and removed.
    ReadWrite,
}

/// Something in a workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Named {
    /// The workspace's id.
    pub workspace: String,
    /// The path in it.
    pub path: String,
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// To be read.
    Read,
    /// To be written.
    Write,
    /// Both.
    ReadWrite,
    /// To be written at its end.
    Append,
}

/// What happens where a file is not there, or is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Create {
    /// It must be there.
    #[default]
    Never,
    /// It is made where it is not there.
    May,
    /// It must not be there, and is made.
    Must,
}

/// Asks to open a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Open {
    /// The workspace's id.
    pub workspace: String,
    /// The file's path in it.
    pub path: String,
    /// What for.
    pub mode: Mode,
    /// Whether it may, or must, be made.
    #[serde(default)]
    #[ts(as = "Option<Create>", optional)]
    pub create: Create,
    /// Whether what is in it goes.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub truncate: bool,
    /// Whether the page's process may have a descriptor of it.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub direct: bool,
}

/// A file is open. Its handle is in the head, and its length in `offset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// What is known of it.
    pub stat: Stat,
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link to something else. It is followed where it stays in the workspace.
    Link,
    /// A device, a pipe or a socket. It is never opened.
    Other,
}

/// What is known of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Stat {
    /// What it is; never a link, which is followed.
    pub kind: Kind,
    /// How long it is, in bytes.
    pub length: u64,
    /// When it last changed, in milliseconds since 1970.
    pub modified_ms: f64,
    /// Whether it cannot be written here.
    pub is_read_only: bool,
}

/// Asks what is known of names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatMany {
    /// The workspace's id.
    pub workspace: String,
    /// The paths in it.
    pub paths: Vec<String>,
}

/// What is known of names, each in the place in which it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// One for each path.
    pub stats: Vec<Answered>,
}

/// What is known of one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", untagged)]
pub enum Answered {
    /// What it is.
    Stat(Stat),
    /// Why that is not known.
    Failed(Failed),
}

/// Asks what is in a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct List {
    /// The workspace's id.
    pub workspace: String,
    /// The folder's path in it.
    pub path: String,
    /// Only names after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub after: Option<String>,
}

/// What is in a folder, in the order of names as bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Entries {
    /// Each thing in it.
    pub entries: Vec<Entry>,
    /// Whether there are more after the last one.
    pub has_more: bool,
    /// How many are left out because no text can say their names.
    pub unnameable: u32,
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is; links are not followed.
    pub kind: Kind,
    /// How long it is, in bytes.
    pub length: u64,
    /// When it last changed, in milliseconds since 1970.
    pub modified_ms: f64,
}

/// Asks to make a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MakeFolder {
    /// The workspace's id.
    pub workspace: String,
    /// The folder's path in it.
    pub path: String,
    /// Whether folders above it are made too, and one that is there is well.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub parents: bool,
}

/// Asks to give something another name in the same workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rename {
    /// The workspace's id.
    pub workspace: String,
    /// What it is called.
    pub from: String,
    /// What it is to be called.
    pub to: String,
    /// Whether it may take the place of another file.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub replace: bool,
}

/// Asks to remove something. A link goes, and what it leads to stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remove {
    /// The workspace's id.
    pub workspace: String,
    /// Its path in it.
    pub path: String,
    /// Whether a folder goes with all that is in it.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub all: bool,
    /// Whether it goes to the user's trash.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub trash: bool,
}

/// Asks to put a whole file in the place of another at once. The payload is the length of this JSON in
/// four bytes, the JSON, and the file's bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replace {
    /// The workspace's id.
    pub workspace: String,
    /// The file's path in it.
    pub path: String,
    /// Whether it may, or must, be new.
    #[serde(default)]
    #[ts(as = "Option<Create>", optional)]
    pub create: Create,
}

/// Asks to watch a folder and all below it. Its answer has a handle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Watch {
    /// The workspace's id.
    pub workspace: String,
    /// The folder's path in it.
    pub path: String,
}

/// What changed in a watched folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// What changed, each path once.
    pub changes: Vec<Change>,
    /// Whether more changed than is told: whoever watches looks at everything again.
    pub look_again: bool,
}

/// Something changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Its path in the workspace.
    pub path: String,
    /// What became of it.
    pub kind: ChangeKind,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is there, and was not or may not have been.
    Made,
    /// What is in it changed.
    Changed,
    /// It is there no more.
    Removed,
}

/// How much of each limit the surface uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// Open handles.
    pub handles: u32,
    /// The most handles.
    pub handles_max: u32,
    /// Bytes that were written and are not with the system yet.
    pub behind_bytes: u64,
    /// The most of them.
    pub behind_bytes_max: u64,
    /// Bytes of files that are kept mapped.
    pub mapped_bytes: u64,
    /// The most of them.
    pub mapped_bytes_max: u64,
}

/// A request failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// Why, for programs.
    pub code: Code,
    /// What happened and to what, for people.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hint: Option<String>,
    /// The path it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub path: Option<String>,
}

/// One part of a `read_many`: which file, where, how much. On the wire it has 24 bytes: the handle, the
/// place, the length, and four bytes of nothing. The answer has, for each part, how many bytes came in
/// four bytes, and then all bytes one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// The open file.
    pub handle: u64,
    /// Where in it.
    pub offset: u64,
    /// How many bytes.
    pub length: u32,
}

const PART_BYTES: usize = 24;

/// Returns the payload that asks for these parts.
#[must_use]
pub fn parts(parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.len() * PART_BYTES);
    for part in parts {
        bytes.extend_from_slice(&part.handle.to_le_bytes());
        bytes.extend_from_slice(&part.offset.to_le_bytes());
        bytes.extend_from_slice(&u64::from(part.length).to_le_bytes());
    }
    bytes
}

/// Reads a payload that asks for parts. There is nothing where it is none, or asks for too many.
#[must_use]
pub fn read_parts(payload: &[u8]) -> Option<Vec<Part>> {
    let (whole, rest) = payload.as_chunks::<PART_BYTES>();
    if !rest.is_empty() || whole.len() > PARTS_MAX {
        return None;
    }
    let eight =
        |bytes: &[u8], at: usize| bytes.get(at..at + 8)?.try_into().map(u64::from_le_bytes).ok();
    whole
        .iter()
        .map(|part| {
            let length = u32::try_from(eight(part, 16)?).ok()?;
            Some(Part { handle: eight(part, 0)?, offset: eight(part, 8)?, length })
        })
        .collect()
}

/// Returns the payload that asks to put these bytes in a file's place.
#[must_use]
pub fn replace(form: &Replace, bytes: &[u8]) -> Vec<u8> {
    let json = serde_json::to_vec(form).unwrap_or_default();
    let length = u32::try_from(json.len()).unwrap_or_default();
    [&length.to_le_bytes(), json.as_slice(), bytes].concat()
}

/// Reads a payload that asks to replace a file.
///
/// # Errors
/// Where it is none, with the reason.
pub fn read_replace(payload: &[u8]) -> Result<(Replace, &[u8]), String> {
    let (length, rest) = payload.split_first_chunk().ok_or("the payload is cut short")?;
    let length = u32::from_le_bytes(*length) as usize;
    let (json, bytes) = rest.split_at_checked(length).ok_or("the payload is cut short")?;
    let form = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok((form, bytes))
}
