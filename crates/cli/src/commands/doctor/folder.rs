//! Checks of the data directory: who can enter it, what its files say.

use std::io;
use std::path::Path;

use oriel_runtime::settings::Resolved;

use super::check::Check;
use crate::platform;
use oriel_daemon::ConfigError;

/// Checks that the settings can be used.
pub(super) fn config(resolved: Result<&Resolved, &ConfigError>, data_dir: &Path) -> Check {
    const NAME: &str = "settings";
    match resolved {
        Ok(resolved) if resolved.warnings.is_empty() => {
            let file = data_dir.join("config.toml");
            let file =
                if file.exists() { file.display().to_string() } else { "no file".to_owned() };
            Check::ok(NAME, format!("all can be used ({file})"))
        }
        Ok(resolved) => {
            Check::warn(NAME, resolved.warnings.join("; "), "unset or rename these variables")
        }
        Err(error) => {
            Check::fail(NAME, error.to_string(), "put it right; `oriel config example` shows how")
        }
    }
}

/// Checks that the data directory is private.
pub(super) fn data_dir(data_dir: &Path) -> Check {
    const NAME: &str = "data directory";
    let place = data_dir.display();
    match platform::mode(data_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Check::ok(NAME, format!("{place} is not there yet; `oriel serve` makes it"))
        }
        Err(error) => {
            Check::fail(NAME, format!("{place}: {error}"), "choose another with --data-dir")
        }
        Ok(_) if !data_dir.is_dir() => {
            Check::fail(NAME, format!("{place} is no folder"), "choose another with --data-dir")
        }
        Ok(0o700) => Check::ok(NAME, format!("{place}, only its owner enters")),
        Ok(mode) => Check::fail(
            NAME,
            format!("{place} has mode {mode:04o}, so others may enter"),
            format!("chmod 700 '{place}'"),
        ),
    }
}

/// Checks that nobody else can read the token.
pub(super) fn token(data_dir: &Path) -> Check {
    const NAME: &str = "token";
    let path = data_dir.join("authtok");
    let place = path.display();
    match platform::mode(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Check::ok(NAME, "there is none yet; `oriel serve` makes it")
        }
        Err(error) => Check::fail(NAME, format!("{place}: {error}"), "look at its folder"),
        Ok(0o600) => Check::ok(NAME, "only its owner reads it"),
        Ok(mode) => Check::fail(
            NAME,
            format!("{place} has mode {mode:04o}, so others may know it"),
            format!("oriel stop; rm '{place}'; oriel serve makes a new one"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::check::Verdict;
    use super::*;

    #[test]
    fn what_others_can_enter_or_read_fails() {
        let folder = tempfile::tempdir().unwrap();
        let token_path = folder.path().join("authtok");
        assert_eq!(token(folder.path()).verdict, Verdict::Ok, "none yet");
        std::fs::write(&token_path, "t").unwrap();
        for (mode, expected) in
            [(0o600, Verdict::Ok), (0o640, Verdict::Fail), (0o604, Verdict::Fail)]
        {
            std::fs::set_permissions(&token_path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(token(folder.path()).verdict, expected, "{mode:o}");
        }
        for (mode, expected) in
            [(0o700, Verdict::Ok), (0o755, Verdict::Fail), (0o710, Verdict::Fail)]
        {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(data_dir(folder.path()).verdict, expected, "{mode:o}");
        }
        assert_eq!(data_dir(&token_path).verdict, Verdict::Fail, "a file is no folder");
        assert_eq!(data_dir(&folder.path().join("new")).verdict, Verdict::Ok);
    }
}
