//! How modules stand, and how they are reached, as the launcher tells the console.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The header by which a module knows that the console asks, with a token that is the module's own.
pub const MODULE_TOKEN_HEADER: &str = "x-oriel-module-token";

/// Every module of a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModuleList {
    /// The modules, by their ids.
    pub modules: Vec<ModuleView>,
}

/// How a running module is reached. It is told only within the process.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleReach {
    /// Its loopback address.
    pub addr: String,
    /// The token that it expects in [`MODULE_TOKEN_HEADER`].
    pub token: String,
}

/// A module, and how its program does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleView {
    /// Its name, which is its folder's.
    pub id: String,
    /// What people call it; its id where its manifest cannot be read.
    pub label: String,
    /// Its version, empty where its manifest cannot be read.
    pub version: String,
    /// How the operator stood to it when that was last looked at.
    pub standing: ModuleStanding,
    /// How its program does.
    pub state: ModuleState,
    /// The program's process, where it runs.
    pub pid: Option<u32>,
    /// The loopback port that it listens on.
    pub port: Option<u16>,
    /// Its entries in the console's navigation.
    pub navigation: Vec<ModuleLink>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// The last lines that it wrote.
    pub log_tail: String,
}

/// An entry in the console's navigation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModuleLink {
    /// What it says.
    pub label: String,
    /// Where it leads, below the module's mount, with a `/` before it.
    pub path: String,
}

/// How the operator stands to a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleStanding {
    /// Nobody signed it.
    Unsigned,
    /// It changed since it was signed.
    Stale,
    /// It is what the operator signed.
    Signed,
    /// The operator does not want it.
    Denied,
    /// Its manifest cannot be read.
    Unknown,
}

/// How a module's program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleState {
    /// It is being checked and started, and has not said yet where it listens.
    Starting,
    /// It runs and can be reached.
    Running,
    /// Somebody else runs it, at an address.
    Elsewhere,
    /// It died and is started again in a moment.
    Waiting,
    /// It died again and again, and is started again when that is asked.
    GivenUp,
    /// It was stopped, as asked.
    Stopped,
    /// It is not signed, so it does not run.
    Refused,
    /// It cannot be read or started.
    Broken,
}
