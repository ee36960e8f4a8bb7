//! What several tests need.

use std::path::Path;
use std::time::SystemTime;

use oriel_runtime::config::{Clock, Config};
use oriel_runtime::settings::{self, Flag, Folders, Input};

use oriel_daemon::Surroundings;

/// Returns the default settings with a data directory in this folder and a port of its own.
pub(crate) fn config(folder: &Path) -> Config {
    let flag =
        |key: &str, value: String| Flag { name: "--set".to_owned(), key: key.to_owned(), value };
    let data_dir = folder.join("data").display().to_string();
    let input = Input {
        flags: vec![flag("data_dir", data_dir), flag("listen.port", "0".to_owned())],
        environment: std::collections::BTreeMap::new(),
        file: None,
        folders: Folders { home: None, working: folder.to_owned() },
        clock: Clock::new(|| {
            SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_772_366_400)
        }),
    };
    settings::resolve(&input).unwrap().config
}

/// Returns surroundings with nothing in them but a home folder.
pub(crate) fn surroundings() -> Surroundings {
    Surroundings {
        environment: std::collections::BTreeMap::new(),
        folders: Folders { home: Some("/home/ada".into()), working: "/".into() },
        clock: Clock::new(|| {
            SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_772_366_400)
        }),
        program: None,
    }
}
