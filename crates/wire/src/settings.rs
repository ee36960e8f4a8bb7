//! Settings on the wire: what each is, who said so, and one change of the file.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// The answer of `GET /control/settings`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingsList {
    /// The file of settings, whether or not it is there.
    pub file: String,
    /// Whether it is there.
    pub file_exists: bool,
    /// Why it could not be used at the next start; null where it could.
    pub problem: Option<String>,
    /// Whether a restart would change any setting.
    pub restart_needed: bool,
    /// What was given at the start and is ignored.
    pub warnings: Vec<String>,
    /// Every setting, in the order of the documentation.
    pub settings: Vec<SettingEntry>,
}

/// One setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingEntry {
    /// Its key, such as `listen.port`.
    pub key: String,
    /// The value that runs, as text; empty where there is none.
    pub value: String,
    /// Where that came from: `flag NAME`, `environment NAME`, `file PATH` or `default`.
    pub origin: String,
    /// The value where nobody says anything, as text.
    pub default: String,
    /// What it is for.
    pub help: String,
    /// What it may be.
    pub allowed: SettingAllowed,
    /// Whether the file may set it; a page shows what it may not as plain text.
    pub in_file: bool,
    /// What the file says now, as text; null where it says nothing.
    pub file_value: Option<String>,
    /// Whether a restart would change the value that runs.
    pub pending: bool,
    /// The value after a restart; null where the file could not be used then.
    pub next_value: Option<String>,
    /// Which flag or variable comes before the file; null where none does.
    pub overridden_by: Option<String>,
}

/// What a setting may be, for making a form's control.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingAllowed {
    /// `whole`, `amount`, `flag`, `word`, `address`, `path`, `name`, `minute`, `hosts`, `words` or
    /// `patterns`.
    pub kind: String,
    /// The least number, of numbers.
    pub min: Option<f64>,
    /// The greatest number, of numbers.
    pub max: Option<f64>,
    /// The words to choose from, of words and flags.
    pub words: Vec<String>,
    /// What parts the items of a list: `,` or a line break.
    pub separator: Option<String>,
    /// The same for people.
    pub text: String,
}

/// The body of `POST /control/settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingChange {
    /// The key.
    pub key: String,
    /// The value as text; null takes the key out of the file. It must be there.
    #[serde(deserialize_with = "said")]
    pub value: Option<String>,
}

/// The answer of `POST /control/settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingChanged {
    /// The key.
    pub key: String,
    /// What the file says now, as text; null where it says nothing.
    pub file_value: Option<String>,
    /// The value after a restart.
    pub next_value: String,
    /// Which flag or variable comes before the file; null where none does.
    pub overridden_by: Option<String>,
    /// Whether the file is another than before.
    pub changed: bool,
    /// Always `restart`.
    pub takes_effect: String,
    /// The file.
    pub file: String,
}

/// Takes null for nothing and, unlike a plain option, does not take a missing field for it.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_that_forgets_its_value_takes_nothing_out() {
        let read = serde_json::from_value::<SettingChange>;
        assert_eq!(read(json!({ "key": "access", "value": null })).unwrap().value, None);
        assert!(read(json!({ "key": "access" })).is_err());
        assert!(read(json!({ "key": "access", "value": "token", "valeu": 1 })).is_err());
    }
}
