//! Commands and what they answer, in TypeScript. Frames are not in it: no page syncs by itself.

use std::fmt::Write;

use super::{ConfirmSync, ConflictTexts, ConflictVersions, PROTOCOL_VERSION, ResolveConflict};
use super::{StartSync, StopSync, SyncEvent, SyncFailed, SyncList, SyncStatus, SyncStatusOf};
use super::{SyncVerified, TEXT_BYTES_MAX, VerifySync};
use crate::typescript::Types;

/// Returns the commands as a TypeScript module.
#[must_use]
pub fn typescript() -> String {
    let mut types = Types::new("Sync, version 1.");
    types.add::<StartSync>();
    types.add::<StopSync>();
    types.add::<SyncStatusOf>();
    types.add::<ConfirmSync>();
    types.add::<ResolveConflict>();
    types.add::<VerifySync>();
    types.add::<ConflictVersions>();
    types.add::<ConflictTexts>();
    types.add::<SyncStatus>();
    types.add::<SyncList>();
    types.add::<SyncVerified>();
    types.add::<SyncEvent>();
    types.add::<SyncFailed>();
    let mut text = types.text();
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        "\n/** The version of the protocol. */\nexport const PROTOCOL_VERSION = {PROTOCOL_VERSION};\n\
         \n/** The longest text that ends a conflict, in bytes. */\nexport const TEXT_BYTES_MAX = {TEXT_BYTES_MAX};\n"
    );
    text
}
