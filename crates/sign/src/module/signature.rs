//! The operator's word on a module: a small file beside its manifest.
//!
//! A signature names what the module held, so any change makes it stale. A denial names nothing
//! and needs no key: it can only keep a module from running.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::contents::{Contents, open_plain};
use super::{MANIFEST_FILE, Manifest, Module, ModuleFault, SIGNATURE_FILE, io_fault};
use crate::key::{Key, PublicKey};
use crate::{base64, canonical, private};

/// What is signed begins with this, so that no signature of another kind passes for one.
const DOMAIN: &str = "oriel.module-config.v1";

/// More than what is ever written here.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// How the operator stands to a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody signed it, or what was written is no signature.
    Unsigned,
    /// It was signed, but changed since, or was signed with another key than the operator's.
    Stale {
        /// When.
        signed_at: String,
    },
    /// It is what the operator signed.
    Signed {
        /// The operator's `did:key`.
        by: String,
        /// When.
        signed_at: String,
    },
    /// The operator does not want it.
    Denied {
        /// Since when.
        at: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase", deny_unknown_fields)]
enum Word {
    Signed {
        schema: String,
        id: String,
        digest: String,
        manifest: String,
        at: String,
        key: String,
        value: String,
    },
    Denied {
        schema: String,
        at: String,
    },
}

pub(super) fn standing(module: &Module, key: Option<&PublicKey>) -> Standing {
    match read(&module.folder) {
        None => Standing::Unsigned,
        Some(Word::Denied { at, .. }) => Standing::Denied { at },
        Some(Word::Signed { id, digest, manifest, at, key: by, value, .. }) => {
            let message = message(&id, &digest, &manifest, &at);
            let signer = PublicKey::from_did(&by).ok();
            let signature = base64::decode::<64>(&value);
            let genuine = signer.zip(signature).filter(|(signer, signature)| {
                id == module.id && signer.signed(&message, signature)
            });
            let Some((signer, _)) = genuine else { return Standing::Unsigned };
            let same =
                key == Some(&signer) && module.contents().is_ok_and(|now| now.digest == digest);
            if same {
                Standing::Signed { by, signed_at: at }
            } else {
                Standing::Stale { signed_at: at }
            }
        }
    }
}

pub(super) fn sign(module: &Module, key: &Key, now: &str) -> Result<(), ModuleFault> {
    let contents = Contents::read(&module.folder)?;
    // What is signed must be what the caller read and the operator was shown.
    if Manifest::read(&module.folder)? != module.manifest {
        return Err(ModuleFault::Manifest("something changed meanwhile; look at it again".into()));
    }
    let manifest = contents.of(MANIFEST_FILE).unwrap_or_default().to_owned();
    let message = message(&module.id, &contents.digest, &manifest, now);
    write(
        &module.folder,
        &Word::Signed {
            schema: DOMAIN.to_owned(),
            id: module.id.clone(),
            digest: contents.digest,
            manifest,
            at: now.to_owned(),
            key: key.did().to_owned(),
            value: base64::encode(&key.sign(&message)),
        },
    )
}

pub(super) fn deny(folder: &Path, now: &str) -> Result<(), ModuleFault> {
    write(folder, &Word::Denied { schema: DOMAIN.to_owned(), at: now.to_owned() })
}

/// Returns what is signed: the domain, a zero byte, and the facts as canonical JSON.
fn message(id: &str, digest: &str, manifest: &str, at: &str) -> Vec<u8> {
    let facts = json!({ "id": id, "digest": digest, "manifest": manifest, "signed/at": at });
    [DOMAIN.as_bytes(), &[0], &canonical(&facts)].concat()
}

/// Returns the operator's word. A file that is none says nothing, so it allows nothing.
fn read(folder: &Path) -> Option<Word> {
    let mut text = String::new();
    let file = open_plain(&folder.join(SIGNATURE_FILE)).ok()?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    let word: Word = serde_json::from_str(&text).ok()?;
    let (Word::Signed { schema, .. } | Word::Denied { schema, .. }) = &word;
    (schema == DOMAIN).then_some(word)
}

fn write(folder: &Path, word: &Word) -> Result<(), ModuleFault> {
    let path = folder.join(SIGNATURE_FILE);
    let value = serde_json::to_value(word).unwrap_or(Value::Null);
    let mut text = canonical(&value);
    text.push(b'\n');
    // The draft is written outside the folder: within it, it would be a file nobody signed.
    let drafts = folder.parent().unwrap_or(folder);
    private::replace(&path, drafts, &text).map_err(|source| io_fault(&path, source))
}
