//! Signed records: what was said, by whom and when, in a form that anyone can check offline.
//!
//! A record is an `agora-record.v1` that holds a `resource-opinion.v1`. Its id is the digest of what
//! it says, and the signature covers the id. Verifying makes the record again from what was read and
//! compares, so nothing in a record goes unchecked.

mod verify;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use verify::Unverified;

use crate::key::Key;
use crate::opinion::Opinion;
use crate::{base64, canonical};

/// The version of the rule by which records are named and signed, and what every signed message
/// begins with. A change of the rule is a new name here.
pub const RULE: &str = "agora.record.v1";

/// What says that a record is one.
pub const RECORD_SCHEMA: &str = "agora-record.v1";

/// What says that its content is an opinion.
pub const OPINION_SCHEMA: &str = "resource-opinion.v1";

/// The role of an opinion among records.
const RECORD_KIND: &str = "opinion";

/// The one algorithm of signatures.
const ALGORITHM: &str = "ed25519";

/// The longest text of a record that is read. The largest opinion, with every character escaped, is
/// about half of it.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

/// A record whose id and signature were made or checked here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    id: String,
    author: String,
    authored_at: String,
    opinion: Opinion,
    value: Value,
}

impl Opinion {
    /// Returns the record of this opinion without its id and signature.
    #[must_use]
    pub fn unsigned(&self, author: Option<&str>, authored_at: &str) -> Value {
        let mut content = Map::new();
        content.insert("schema".to_owned(), json!(OPINION_SCHEMA));
        if let Some(text) = &self.text {
            content.insert("opinion/text".to_owned(), json!(text));
        }
        if let Some(rating) = self.rating {
            content.insert("opinion/rating".to_owned(), json!(rating));
        }
        if let Some(lang) = &self.lang {
            content.insert("opinion/lang".to_owned(), json!(lang));
        }
        if !self.tags.is_empty() {
            content.insert("opinion/tags".to_owned(), json!(self.tags));
        }
        let mut record = Map::new();
        record.insert("schema".to_owned(), json!(RECORD_SCHEMA));
        record.insert("record/kind".to_owned(), json!(RECORD_KIND));
        record.insert("topic/key".to_owned(), json!(format!("opinions/{}", self.resource_kind)));
        if let Some(author) = author {
            record.insert("author/participant-id".to_owned(), json!(author));
        }
        record.insert("authored/at".to_owned(), json!(authored_at));
        let about = json!({ "resource/kind": self.resource_kind, "resource/id": self.resource_id });
        record.insert("record/about".to_owned(), json!([about]));
        if let Some(id) = &self.supersedes {
            record.insert("record/supersedes".to_owned(), json!(id));
        }
        record.insert("content/schema".to_owned(), json!(OPINION_SCHEMA));
        record.insert("content".to_owned(), Value::Object(content));
        Value::Object(record)
    }

    /// Signs the opinion, as said at this time in RFC 3339 and UTC.
    #[must_use]
    pub fn sign(self, key: &Key, authored_at: &str) -> Record {
        let mut value = self.unsigned(Some(key.did()), authored_at);
        let id = record_id(&value);
        value["record/id"] = json!(id);
        let signature = key.sign(&message(&value));
        value["signature"] =
            json!({ "alg": ALGORITHM, "key": key.did(), "value": base64::encode(&signature) });
        Record {
            id,
            author: key.did().to_owned(),
            authored_at: authored_at.to_owned(),
            opinion: self,
            value,
        }
    }
}

impl Record {
    /// Reads and checks a record.
    ///
    /// # Errors
    /// With the first reason for which it is none, or not the one that was signed.
    pub fn read(text: &[u8]) -> Result<Self, Unverified> {
        verify::read(text)
    }

    /// Returns its id: `sha256:` and the digest of what it says.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns its author's `did:key`.
    #[must_use]
    pub fn author(&self) -> &str {
        &self.author
    }

    /// Returns when it was said, in RFC 3339, as its author has it.
    #[must_use]
    pub fn authored_at(&self) -> &str {
        &self.authored_at
    }

    /// Returns what was said.
    #[must_use]
    pub fn opinion(&self) -> &Opinion {
        &self.opinion
    }

    /// Returns all of it as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns all of it as canonical JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(canonical(&self.value)).expect("canonical JSON is UTF-8")
    }
}

/// Returns the id of a record that has neither id nor signature.
fn record_id(unnamed: &Value) -> String {
    format!("sha256:{}", base64::encode(&Sha256::digest(canonical(unnamed))))
}

/// Returns what is signed: the rule, a zero byte, and the record with its id.
fn message(unsigned: &Value) -> Vec<u8> {
    [RULE.as_bytes(), &[0], &canonical(unsigned)].concat()
}

#[cfg(test)]
mod tests;
