//! What others than its owner may use of the data directory.

use std::path::PathBuf;

use oriel_wire::control::{Blocker, BlockerKind};

use super::{blocker, word};
use crate::home::Home;

/// What must be its owner's alone, with a name for each.
fn private(home: &Home) -> [(&'static str, PathBuf); 4] {
    let folder = home.folder();
    [
        ("data-dir", folder.to_owned()),
        ("authtok", folder.join("authtok")),
        ("keys", home.keys()),
        ("signing-key", home.keys().join("operator.ed25519")),
    ]
}

/// Returns what others may use.
pub(super) fn find(home: &Home) -> Vec<Blocker> {
    let exposed = private(home).into_iter().filter_map(|(name, path)| {
        let mode = mode(&path)?;
        (mode & 0o077 != 0).then(|| {
            let advice = if name == "authtok" || name == "signing-key" {
                "; whoever has read it meanwhile knows it, so remove it if that may be"
            } else {
                ""
            };
            blocker(
                BlockerKind::DataDirPermissions,
                Some(name),
                path.display().to_string(),
                "Permissions of the data directory",
                format!(
                    "{} has mode {mode:03o}, so others than its owner may use it; run \
                     `chmod go= {0}` and start again{advice}",
                    path.display()
                ),
                &[word::INSPECT, word::RESTRICT, word::RESTART],
            )
        })
    });
    exposed.collect()
}

/// Takes everybody else's permissions from a path that this process owns.
#[cfg(unix)]
pub(super) fn restrict(path: &std::path::Path) -> Result<String, String> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let place = path.display();
    let fail = |error: std::io::Error| format!("cannot change the mode of {place}: {error}");
    // Whoever put a link there would choose what is changed.
    let about = std::fs::symlink_metadata(path).map_err(fail)?;
    if about.is_symlink() {
        return Err(format!("{place} is a symbolic link; put what it points to in its place"));
    }
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != own {
        return Err(format!(
            "{place} belongs to user {} and the daemon runs as user {own}; run `chown {own} {place}` \
             as an administrator",
            about.uid()
        ));
    }
    let mode = about.permissions().mode() & 0o700;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(fail)?;
    Ok(format!("{place} now has mode {mode:03o}, so only its owner may use it"))
}

#[cfg(not(unix))]
pub(super) fn restrict(path: &std::path::Path) -> Result<String, String> {
    Err(format!("{} has no mode on this system", path.display()))
}

/// Returns the owner and mode of a path in words.
#[cfg(unix)]
pub(super) fn facts(path: &std::path::Path) -> Vec<(&'static str, String)> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(about) = std::fs::symlink_metadata(path) else { return Vec::new() };
    vec![
        ("mode", format!("{:04o}", about.mode() & 0o7777)),
        ("owner", about.uid().to_string()),
        ("group", about.gid().to_string()),
        ("daemon runs as", rustix::process::geteuid().as_raw().to_string()),
    ]
}

#[cfg(not(unix))]
pub(super) fn facts(_: &std::path::Path) -> Vec<(&'static str, String)> {
    Vec::new()
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &std::path::Path) -> Option<u32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_folder_that_others_may_read_blocks() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let home = Home::take(folder.path()).unwrap();
        let blockers = find(&home);
        assert_eq!(blockers.len(), 1);
        assert_eq!(blockers[0].kind, BlockerKind::DataDirPermissions);
        assert_eq!(blockers[0].id, "data-dir-permissions:data-dir");
        assert!(blockers[0].reason.contains("chmod"), "{}", blockers[0].reason);
        restrict(folder.path()).unwrap();
        assert!(find(&home).is_empty());
        fs::set_permissions(folder.path().join("authtok"), fs::Permissions::from_mode(0o640))
            .unwrap();
        assert_eq!(find(&home)[0].id, "data-dir-permissions:authtok");
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&target, &link).unwrap();
        assert!(restrict(&link).unwrap_err().contains("symbolic link"));
        assert_eq!(mode(&target), Some(0o644));
    }
}
