//! Opinions, the records that carry them, and the operator's key, on the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What somebody thinks of a resource, to be signed. Empty fields are absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct OpinionForm {
    /// What kind of thing it is about, such as `session` or `url`.
    #[serde(rename = "resource/kind")]
    pub resource_kind: String,
    /// Which one, kept byte for byte: at most 2,048 bytes. Of a `session`, its id.
    #[serde(rename = "resource/id")]
    pub resource_id: String,
    /// What you say: at most 8,192 characters. Needed where there is no rating.
    #[serde(rename = "opinion/text", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How good you find it, from 1 to 5. May be sent as text.
    #[serde(rename = "opinion/rating", skip_serializing_if = "Option::is_none")]
    pub rating: Option<String>,
    /// The language of the text, such as `en`.
    #[serde(rename = "opinion/lang", skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// At most 16 words of at most 64 characters. May be sent as one text with commas.
    #[serde(rename = "opinion/tags", skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The id of your active opinion on the resource, where there is one.
    #[serde(rename = "record/supersedes", skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
}

/// An opinion that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpinionRow {
    /// The id of its record.
    pub id: String,
    /// What kind of thing it is about.
    pub resource_kind: String,
    /// Which one.
    pub resource_id: String,
    /// What was said.
    pub text: Option<String>,
    /// From 1 to 5.
    pub rating: Option<u8>,
    /// The language of the text.
    pub lang: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Its author's `did:key`.
    pub author: String,
    /// When it was said, in RFC 3339.
    pub authored_at: String,
    /// The id of the record whose place it takes.
    pub supersedes: Option<String>,
    /// Whether no later one has taken its place.
    pub active: bool,
    /// Whether the operator of this data directory said it.
    pub own: bool,
}

/// A page of opinions, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpinionList {
    /// The opinions.
    pub opinions: Vec<OpinionRow>,
    /// The `before` of the next page. Without it there are no more.
    pub next: Option<i64>,
}

/// One opinion with its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpinionDetail {
    /// The opinion.
    pub opinion: OpinionRow,
    /// The record as it is stored.
    #[schema(value_type = Object)]
    pub record: Value,
    /// Whether it verifies, checked now.
    pub verification: Verification,
    /// All opinions of its author on the resource, the newest first and itself among them; of
    /// more than 200, the newest.
    pub history: Vec<OpinionRow>,
}

/// Whether a record verifies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Whether it is what its author signed.
    pub verifies: bool,
    /// A word for the reason where it does not, such as `id-mismatch`.
    pub code: Option<String>,
    /// The reason, as a sentence.
    pub reason: Option<String>,
    /// The version of the rule by which it was checked.
    pub rule: String,
    /// What it says its id is.
    pub id: Option<String>,
    /// Who it says its author is.
    pub author: Option<String>,
    /// When it says it was said.
    pub authored_at: Option<String>,
}

/// What would be signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpinionPreview {
    /// The record without its id and signature, and without an author where there is no key.
    #[schema(value_type = Object)]
    pub record: Value,
    /// The operator's `did:key`. Without it nothing can be signed.
    pub did: Option<String>,
    /// The id of the operator's active opinion on the resource, which `record/supersedes` must name.
    pub active: Option<String>,
}

/// An opinion that was not taken, since the operator has one already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpinionConflict {
    /// What happened.
    pub error: String,
    /// The id of the active opinion, which a revision must name.
    pub active: Option<String>,
}

/// The operator's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyStatus {
    /// Its `did:key`.
    pub did: Option<String>,
    /// Whether there is one, usable or not.
    pub exists: bool,
    /// When it was made, in RFC 3339.
    pub created: Option<String>,
    /// Why the key that is there cannot be used.
    pub problem: Option<String>,
}
