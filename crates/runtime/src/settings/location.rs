//! Where the data directory is: the one question that must be answered before the file is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::table::TABLE;
use super::value::{Raw, Value};
use super::{Input, Origin, SettingsError};

/// Where the data directory is, and who said so.
#[derive(Debug, Clone)]
pub struct Location {
    /// The data directory, as an absolute path.
    pub data_dir: PathBuf,
    /// The profile in use.
    pub profile: Option<String>,
    data_dir_origin: Origin,
    profile_origin: Origin,
    pub(super) warnings: Vec<String>,
}

impl Location {
    /// Returns where the configuration file is, whether or not it exists.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.data_dir.join("config.toml")
    }

    pub(super) fn value_of(&self, key: &str) -> (Value, Origin) {
        match key {
            "data_dir" => (Value::Path(Some(self.data_dir.clone())), self.data_dir_origin.clone()),
            _ => (Value::Name(self.profile.clone()), self.profile_origin.clone()),
        }
    }
}

/// Finds the data directory. What is said by a flag wins over what the environment says, and a
/// data directory wins over a profile.
///
/// # Errors
/// Refuses a profile that is no name, both flags at once, and a default without a home folder.
pub fn locate(input: &Input) -> Result<Location, SettingsError> {
    let mut warnings = Vec::new();
    let data_dir = given(input, "data_dir")?;
    let profile = given(input, "profile")?;
    let (data_dir, profile) = match (data_dir, profile) {
        (Some((_, Origin::Flag(_))), Some((_, Origin::Flag(_)))) => {
            return Err(SettingsError::TwoFolders);
        }
        (Some((_, Origin::Env(_))), profile @ Some((_, Origin::Flag(_)))) => (None, profile),
        (data_dir @ Some((_, Origin::Env(_))), Some(_)) => {
            warnings.push(
                "ORIEL_DATA_DIR names the data directory, so ORIEL_PROFILE is ignored".to_owned(),
            );
            (data_dir, None)
        }
        (data_dir @ Some(_), _) => (data_dir, None),
        (None, profile) => (None, profile),
    };

    let (profile, profile_origin) = match profile {
        Some((Value::Name(name), origin)) => (name, origin),
        _ => (None, Origin::Default),
    };
    let (data_dir, data_dir_origin) = match data_dir {
        Some((Value::Path(Some(path)), origin)) => (path, origin),
        _ => (default_data_dir(input, profile.as_deref())?, Origin::Default),
    };
    Ok(Location { data_dir, profile, data_dir_origin, profile_origin, warnings })
}

/// Returns what a flag or the environment says; blank says nothing.
fn given(input: &Input, key: &str) -> Result<Option<(Value, Origin)>, SettingsError> {
    let setting =
        TABLE.iter().find(|setting| setting.key == key).expect("the table holds both keys");
    let flag = input.flags.iter().rev().find(|flag| flag.key == key);
    let (text, origin) = match (flag, setting.variable(&input.environment)) {
        (Some(flag), _) => (flag.value.as_str(), Origin::Flag(flag.name.clone())),
        (None, Some((name, text))) => (text, Origin::Env(name)),
        (None, None) => return Ok(None),
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    let raw = Raw::Text(text);
    let value = setting.allowed.read(raw).ok_or_else(|| setting.refuse(raw, &origin))?;
    let value = value.starting_from(&input.folders.working, input.folders.home.as_deref());
    Ok(Some((value, origin)))
}

fn default_data_dir(input: &Input, profile: Option<&str>) -> Result<PathBuf, SettingsError> {
    let folder = platform_data_folder(&input.environment, input.folders.home.as_deref())
        .ok_or(SettingsError::NoHome)?;
    Ok(folder.join(match profile {
        Some(profile) => format!("oriel-{profile}"),
        None => "oriel".to_owned(),
    }))
}

/// Returns the folder where programs of this platform keep a user's data.
fn platform_data_folder(
    environment: &BTreeMap<String, String>,
    home: Option<&Path>,
) -> Option<PathBuf> {
    // A relative path in these variables means nothing, as the XDG specification says.
    let variable =
        |name| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(target_os = "windows") {
        variable("LOCALAPPDATA").or_else(|| Some(home?.join("AppData").join("Local")))
    } else if cfg!(target_os = "macos") {
        Some(home?.join("Library").join("Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| Some(home?.join(".local").join("share")))
    }
}
