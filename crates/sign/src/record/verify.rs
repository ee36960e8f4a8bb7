//! Checking a record, with the first reason for which it fails.

use serde_json::{Map, Value};

use super::{
    ALGORITHM, OPINION_SCHEMA, RECORD_BYTES_MAX, RECORD_SCHEMA, Record, message, record_id,
};
use crate::canonical;
use crate::key::PublicKey;
use crate::opinion::{FieldFault, Opinion, is_record_id, whole};
use crate::{base64, strict};

/// Why a record does not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// It is no JSON, or has a member twice.
    #[error("it cannot be read as JSON: {0}")]
    NotJson(String),
    /// It is longer than any record.
    #[error("it is longer than {RECORD_BYTES_MAX} bytes, and no record is")]
    TooLong,
    /// It is something else.
    #[error("`{field}` must be {expected:?}: it is no record that this program knows")]
    WrongSchema {
        /// The field that says what it is.
        field: &'static str,
        /// What it says in a record.
        expected: &'static str,
    },
    /// Something is not there.
    #[error("`{0}` is missing")]
    MissingField(String),
    /// Something is there that no record has.
    #[error("`{0}` is no field of such a record")]
    UnknownField(String),
    /// Something is not what it may be.
    #[error("`{}` {}", .0.field, .0.message)]
    InvalidField(FieldFault),
    /// Something is not in the one form that is signed.
    #[error("`{0}` is not in its canonical form")]
    NotCanonical(String),
    /// The author is no key.
    #[error("the key is malformed: `{0}` is no `did:key` of an Ed25519 key")]
    KeyMalformed(&'static str),
    /// Somebody else signed it.
    #[error("the key of the signature is not its author's")]
    KeyNotAuthor,
    /// It says something else than what its id was made from.
    #[error("the id does not match: what the record says was changed, or the id was")]
    IdMismatch,
    /// The signature is none.
    #[error("the signature is malformed: `{0}` is not what an Ed25519 signature has")]
    SignatureMalformed(&'static str),
    /// The key did not sign this.
    #[error("the signature does not match: its author did not sign this record")]
    SignatureMismatch,
}

impl Unverified {
    /// Returns a word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not-json",
            Self::TooLong => "too-long",
            Self::WrongSchema { .. } => "wrong-schema",
            Self::MissingField(_) => "missing-field",
            Self::UnknownField(_) => "unknown-field",
            Self::InvalidField(_) => "invalid-field",
            Self::NotCanonical(_) => "not-canonical",
            Self::KeyMalformed(_) => "key-malformed",
            Self::KeyNotAuthor => "key-not-author",
            Self::IdMismatch => "id-mismatch",
            Self::SignatureMalformed(_) => "signature-malformed",
            Self::SignatureMismatch => "signature-mismatch",
        }
    }
}

pub(super) fn read(text: &[u8]) -> Result<Record, Unverified> {
    if text.len() > RECORD_BYTES_MAX {
        return Err(Unverified::TooLong);
    }
    let value = strict::read(text).map_err(|error| Unverified::NotJson(error.to_string()))?;
    let Value::Object(mut unsigned) = value.clone() else {
        return Err(Unverified::NotJson("a record is an object".to_owned()));
    };
    expect(&unsigned, "schema", RECORD_SCHEMA)?;
    expect(&unsigned, "content/schema", OPINION_SCHEMA)?;
    let opinion = opinion(&unsigned)?;
    let author = text_of(&unsigned, "author/participant-id")?.to_owned();
    let authored_at = text_of(&unsigned, "authored/at")?.to_owned();
    let id = text_of(&unsigned, "record/id")?.to_owned();
    if !is_time(&authored_at) {
        let message = "must be a time in UTC, such as 2026-01-02T03:04:05Z";
        return Err(invalid("authored/at", message));
    }
    if !is_record_id(&id) {
        return Err(invalid("record/id", "must be `sha256:` and 43 characters"));
    }
    let signature = unsigned.remove("signature");
    let signature = signature.ok_or_else(|| Unverified::MissingField("signature".to_owned()))?;
    let key = PublicKey::from_did(&author);
    let key = key.map_err(|_| Unverified::KeyMalformed("author/participant-id"))?;
    let signature = signature_of(&signature, &author)?;

    let signed = Value::Object(unsigned.clone());
    unsigned.shift_remove("record/id");
    let Value::Object(expected) = opinion.unsigned(Some(&author), &authored_at) else {
        return Err(Unverified::IdMismatch);
    };
    same(&unsigned, &expected, "")?;
    if record_id(&Value::Object(unsigned)) != id {
        return Err(Unverified::IdMismatch);
    }
    if !key.signed(&message(&signed), &signature) {
        return Err(Unverified::SignatureMismatch);
    }
    Ok(Record { id, author, authored_at, opinion, value })
}

/// Reads what a record says, with its words as they should be.
fn opinion(record: &Map<String, Value>) -> Result<Opinion, Unverified> {
    let about = match record.get("record/about") {
        None => return Err(Unverified::MissingField("record/about".to_owned())),
        Some(Value::Array(about)) => match about.as_slice() {
            [Value::Object(about)] => about,
            _ => return Err(invalid("record/about", "must name one resource")),
        },
        Some(_) => return Err(invalid("record/about", "must be a list")),
    };
    let Some(Value::Object(content)) = record.get("content") else {
        return Err(Unverified::MissingField("content".to_owned()));
    };
    expect(content, "schema", OPINION_SCHEMA)?;
    let rating = content.get("opinion/rating").map(|rating| {
        whole(rating).ok_or_else(|| invalid("opinion/rating", "must be a whole number from 1 to 5"))
    });
    let optional = |members: &Map<String, Value>, name: &str| {
        members.contains_key(name).then(|| text_of(members, name).map(str::to_owned)).transpose()
    };
    let opinion = Opinion {
        resource_kind: text_of(about, "resource/kind")?.to_owned(),
        resource_id: text_of(about, "resource/id")?.to_owned(),
        text: optional(content, "opinion/text")?,
        rating: rating.transpose()?,
        lang: optional(content, "opinion/lang")?,
        tags: tags(content)?,
        supersedes: optional(record, "record/supersedes")?,
    }
    .normalised();
    match opinion.faults().into_iter().next() {
        Some(fault) => Err(Unverified::InvalidField(fault)),
        None => Ok(opinion),
    }
}

fn tags(content: &Map<String, Value>) -> Result<Vec<String>, Unverified> {
    let not_texts = || invalid("opinion/tags", "must be a list of texts, or left out");
    match content.get("opinion/tags") {
        None => Ok(Vec::new()),
        Some(Value::Array(tags)) => {
            let tags = tags.iter().map(|tag| tag.as_str().map(str::to_owned));
            tags.collect::<Option<_>>().ok_or_else(not_texts)
        }
        Some(_) => Err(not_texts()),
    }
}

fn signature_of(signature: &Value, author: &str) -> Result<[u8; 64], Unverified> {
    let Value::Object(members) = signature else {
        return Err(Unverified::SignatureMalformed("signature"));
    };
    if members.len() != 3 {
        return Err(Unverified::SignatureMalformed("signature"));
    }
    if members.get("alg").and_then(Value::as_str) != Some(ALGORITHM) {
        return Err(Unverified::SignatureMalformed("alg"));
    }
    let key = members.get("key").and_then(Value::as_str).unwrap_or_default();
    PublicKey::from_did(key).map_err(|_| Unverified::KeyMalformed("signature/key"))?;
    if key != author {
        return Err(Unverified::KeyNotAuthor);
    }
    let value = members.get("value").and_then(Value::as_str).and_then(base64::decode::<64>);
    value.ok_or(Unverified::SignatureMalformed("value"))
}

/// Compares what is there with what the rule makes of what it says.
fn same(
    given: &Map<String, Value>,
    expected: &Map<String, Value>,
    within: &str,
) -> Result<(), Unverified> {
    let full = |name: &str| format!("{within}{name}");
    for (name, member) in given {
        match (member, expected.get(name)) {
            (_, None) => return Err(Unverified::UnknownField(full(name))),
            (Value::Object(inner), Some(Value::Object(made))) => {
                same(inner, made, &format!("{within}{name}/"))?;
            }
            (member, Some(made)) if canonical(member) != canonical(made) => {
                return Err(Unverified::NotCanonical(full(name)));
            }
            _ => {}
        }
    }
    match expected.keys().find(|name| !given.contains_key(*name)) {
        Some(name) => Err(Unverified::MissingField(full(name))),
        None => Ok(()),
    }
}

fn expect(
    members: &Map<String, Value>,
    field: &'static str,
    expected: &'static str,
) -> Result<(), Unverified> {
    let says = members.get(field).and_then(Value::as_str) == Some(expected);
    if says { Ok(()) } else { Err(Unverified::WrongSchema { field, expected }) }
}

fn text_of<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, Unverified> {
    match members.get(name) {
        None => Err(Unverified::MissingField(name.to_owned())),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(invalid(name, "must be text")),
    }
}

fn invalid(field: &str, message: &str) -> Unverified {
    Unverified::InvalidField(crate::opinion::fault(field, message))
}

/// Returns whether a text has the shape of a time in UTC: `2026-01-02T03:04:05Z`, with or without a
/// fraction of a second.
fn is_time(text: &str) -> bool {
    let Some((whole, rest)) = text.split_at_checked(19) else { return false };
    let shape = whole.bytes().zip(*b"0000-00-00T00:00:00").all(|(byte, expected)| match expected {
        b'0' => byte.is_ascii_digit(),
        sign => byte == sign,
    });
    let part = |from: usize| whole.get(from..from + 2).and_then(|part| part.parse::<u8>().ok());
    let within = |from: usize, least: u8, most: u8| {
        part(from).is_some_and(|part| (least..=most).contains(&part))
    };
    let fraction =
        rest.strip_suffix('Z').is_some_and(|fraction| match fraction.strip_prefix('.') {
            None => fraction.is_empty(),
            Some(digits) => {
                (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
        });
    shape
        && fraction
        && within(5, 1, 12)
        && within(8, 1, 31)
        && within(11, 0, 23)
        && within(14, 0, 59)
        && within(17, 0, 60)
}
