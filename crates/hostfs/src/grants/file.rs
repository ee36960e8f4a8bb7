//! The file of the grants, as it is on disk.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oriel_wire::hostfs::WorkspaceAccess;
use serde::{Deserialize, Serialize};

use super::{Grant, Mark};

/// The form of the file. Another number is of a program that is newer than this one.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    grants: Vec<WrittenGrant>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGrant {
    id: String,
    label: String,
    root: String,
    access: WorkspaceAccess,
    since_ms: Option<u64>,
    device: Option<u64>,
    inode: Option<u64>,
    made_ns: Option<i64>,
}

/// Reads the file; the reason where it is none of ours.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Grant>, String> {
    let written: Written = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if written.version != VERSION {
        return Err(format!("it is of version {} and not {VERSION}", written.version));
    }
    let grants: Vec<Grant> = written.grants.into_iter().map(grant).collect();
    for (at, grant) in grants.iter().enumerate() {
        if !grant.root.is_absolute() {
            return Err(format!("the folder of `{}` is no absolute path", grant.id.0));
        }
        if grants[..at].iter().any(|other| other.id == grant.id) {
            return Err(format!("`{}` is in it twice", grant.id.0));
        }
    }
    Ok(grants)
}

/// Returns the file's bytes.
pub(super) fn write(grants: &[Grant]) -> Result<Vec<u8>, serde_json::Error> {
    let grants = grants.iter().map(written).collect();
    let mut bytes = serde_json::to_vec_pretty(&Written { version: VERSION, grants })?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn grant(written: WrittenGrant) -> Grant {
    let mark = written.device.zip(written.inode);
    Grant {
        since: written.since_ms.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms))),
        mark: mark.map(|(device, inode)| Mark { device, inode, made_ns: written.made_ns }),
        ..Grant::new(&written.id, &written.label, written.root, written.access)
    }
}

fn written(grant: &Grant) -> WrittenGrant {
    WrittenGrant {
        id: grant.id.0.clone(),
        label: grant.label.clone(),
        // Only a folder whose path is text is ever granted.
        root: grant.root.to_string_lossy().into_owned(),
        access: grant.access,
        since_ms: grant.since.and_then(millis),
        device: grant.mark.map(|mark| mark.device),
        inode: grant.mark.map(|mark| mark.inode),
        made_ns: grant.mark.and_then(|mark| mark.made_ns),
    }
}

fn millis(at: SystemTime) -> Option<u64> {
    at.duration_since(UNIX_EPOCH).ok()?.as_millis().try_into().ok()
}
