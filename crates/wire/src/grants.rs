//! Granted folders on the wire: which page may use which folder, as the operator sees it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer of `GET /control/grants`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantList {
    /// Every grant, in the order in which they were made.
    pub grants: Vec<GrantRow>,
    /// Why the grants cannot be read, and so none holds; null where they can.
    pub problem: Option<String>,
}

/// A folder that a surface was granted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantRow {
    /// Its name, by which it is revoked.
    pub id: String,
    /// The surface it was granted to, such as `workbench`.
    pub label: String,
    /// The folder.
    pub root: String,
    /// `read` or `read_write`.
    pub access: String,
    /// When it was granted, in Unix seconds; null where that is not known.
    pub granted_at: Option<i64>,
    /// Why it cannot be used now; null where it can.
    pub problem: Option<String>,
}

/// The body of `POST /control/grants/revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRevoke {
    /// The grant's name.
    pub id: String,
}

/// The answer of `POST /control/grants/revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantRevoked {
    /// The grant that is no more.
    pub revoked: GrantRow,
}
