//! Installed modules: which of them the operator signed, and whether there is a key to sign with.
//!
//! A module is not started before it is signed, so one that is not, or not any more, blocks until
//! the operator has decided. One that cannot be read is not started either and blocks nobody.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use oriel_sign::module::{self, Contents, Module, Standing};
use oriel_sign::{Key, KeyError, PublicKey};
use oriel_wire::control::{Blocker, BlockerKind};
use oriel_wire::readiness::{Fact, InspectedFile, Inspection};

use super::{blocker, word};
use crate::home::{Home, create_private_dir, private};

/// Where it is noted what each file of a module was when it was signed. That serves only to show
/// what changed since: what counts is the signature.
const NOTES: &str = ".signed";

/// A note is shorter.
const NOTE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A longer manifest is shown in part.
const SHOWN_BYTES_MAX: usize = 16 * 1024;

/// Returns what blocks because of modules or of the key that they are signed with.
pub(super) fn find(home: &Home) -> Vec<Blocker> {
    let modules: Vec<Module> = module::installed(&home.modules())
        .into_iter()
        .filter_map(|one| one.inspect_err(warn).ok())
        .collect();
    let key = match Key::open(&home.keys()) {
        Ok(key) => key,
        // That others may read it is told of with all other permissions.
        Err(KeyError::Exposed { .. }) => return Vec::new(),
        Err(error) if modules.is_empty() => {
            tracing::warn!(%error, "the key to sign with cannot be used");
            return Vec::new();
        }
        Err(error) => {
            return vec![no_key(home, &error.to_string(), &[word::INSPECT, word::RESTART])];
        }
    };
    let public = key.as_ref().map(Key::public);
    let mut blockers: Vec<Blocker> =
        modules.iter().filter_map(|module| of_module(home, module, public)).collect();
    let is_signed = |blocker: &Blocker| blocker.kind == BlockerKind::StaleModuleSignature;
    let signed = match blockers.iter().find(|blocker| is_signed(blocker)) {
        Some(module) => Some(format!("the module {} was", module.artifact_id)),
        None if key.is_none() && oriel_store::has_records(&home.store()) => {
            Some("records in the store were".to_owned())
        }
        None => None,
    };
    if let (None, Some(signed)) = (&key, signed) {
        let reason = format!(
            "there is no key in {}, and {signed} signed with one; put the key back, or create a new \
             one to sign with from now on",
            home.keys().display(),
        );
        let actions = [word::INSPECT, word::CREATE_KEY, word::RESTART];
        blockers.insert(0, no_key(home, &reason, &actions));
    }
    if key.is_none() {
        // Whoever signs first needs a key first.
        for blocker in &mut blockers {
            if !blocker.actions.iter().any(|action| action == word::CREATE_KEY) {
                blocker.actions.insert(1, word::CREATE_KEY.to_owned());
            }
        }
    }
    blockers
}

fn no_key(home: &Home, reason: &str, actions: &[&str]) -> Blocker {
    let place = home.keys().display().to_string();
    let label = "There is no key to sign with";
    blocker(BlockerKind::SigningKeyMissing, None, place, label, reason.to_owned(), actions)
}

fn of_module(home: &Home, module: &Module, key: Option<&PublicKey>) -> Option<Blocker> {
    let label = format!("The module {}", module.manifest.label);
    let (kind, reason) = match module.standing(&home.modules(), key) {
        Standing::Signed { .. } | Standing::Denied { .. } => return None,
        Standing::Unsigned => (
            BlockerKind::UnsignedModuleConfig,
            format!(
                "the module {} in {} is not signed, so it is not started; look at it, then sign or \
                 deny it",
                module.id,
                module.folder.display()
            ),
        ),
        Standing::Stale { signed_at } => (
            BlockerKind::StaleModuleSignature,
            format!(
                "the module {} in {} is not as it was signed at {signed_at}, or was signed with \
                 another key, so it is not started; look at what changed, then sign or deny it",
                module.id,
                module.folder.display()
            ),
        ),
    };
    let actions = [word::INSPECT, word::SIGN, word::DENY, word::RESTART];
    Some(blocker(kind, Some(&module.id), module.id.clone(), &label, reason, &actions))
}

fn warn(error: &module::ModuleError) {
    tracing::warn!(%error, "a module cannot be used and is not started");
}

/// Why the operator's word on a module was not taken.
pub(super) enum Refusal {
    /// There is no key.
    NoKey(String),
    /// It is not possible as things are.
    Conflict(String),
}

/// Signs a module as it is, if it is still as it was shown.
pub(super) fn sign(
    home: &Home,
    id: &str,
    shown: Option<&str>,
    now: &str,
) -> Result<String, Refusal> {
    let conflict = |problem: String| Refusal::Conflict(problem);
    let key = Key::open(&home.keys()).map_err(|error| conflict(error.to_string()))?;
    let key = key.ok_or_else(|| {
        Refusal::NoKey(format!(
            "there is no key in {} to sign with; create one first",
            home.keys().display()
        ))
    })?;
    let module = open(home, id).map_err(conflict)?;
    let contents = module.contents().map_err(|error| conflict(error.to_string()))?;
    if shown.is_some_and(|shown| shown != contents.digest) {
        return Err(Refusal::Conflict(format!(
            "the module {id} changed since it was shown; look at it again"
        )));
    }
    if let Err(error) = note(home, id, &contents) {
        // Without it a later change is seen all the same, only not which file it is in.
        tracing::warn!(%error, "what was signed is not noted");
    }
    module.sign(&key, now).map_err(|error| conflict(error.to_string()))?;
    Ok(format!("the module {id} is signed with {}", key.did()))
}

/// Denies a module.
pub(super) fn deny(home: &Home, id: &str, now: &str) -> Result<String, String> {
    open(home, id)?.deny(now).map_err(|error| error.to_string())?;
    Ok(format!("the module {id} is denied and will not be started"))
}

/// Makes the key.
pub(super) fn create_key(home: &Home) -> Result<String, String> {
    let key = Key::create(&home.keys()).map_err(|error| error.to_string())?;
    Ok(format!(
        "created the key {}; what was signed with another one must be signed again",
        key.did()
    ))
}

/// Shows a module: its manifest, its files, and what changed since it was signed.
pub(super) fn inspect(home: &Home, id: &str) -> Result<Inspection, String> {
    let module = open(home, id)?;
    let contents = module.contents().map_err(|error| error.to_string())?;
    let noted = noted(home, id);
    let mut files: Vec<InspectedFile> = contents
        .files
        .iter()
        .map(|file| InspectedFile {
            path: file.path.clone(),
            bytes: file.bytes,
            change: match noted.as_ref().map(|noted| noted.get(&file.path)) {
                None => "unsigned",
                Some(None) => "added",
                Some(Some(digest)) if *digest == file.digest => "same",
                Some(Some(_)) => "changed",
            }
            .to_owned(),
        })
        .collect();
    let is_there = |path: &String| contents.files.iter().any(|file| file.path == *path);
    let removed = noted.iter().flatten().filter(|(path, _)| !is_there(path));
    files.extend(removed.map(|(path, _)| InspectedFile {
        path: path.clone(),
        bytes: 0,
        change: "removed".to_owned(),
    }));
    let manifest = fs::read_to_string(module.folder.join(module::MANIFEST_FILE));
    let manifest = manifest.unwrap_or_else(|error| format!("cannot be read: {error}"));
    let public = Key::open(&home.keys()).ok().flatten();
    let public = public.as_ref().map(Key::public);
    let facts = [
        ("module", module.id.clone()),
        ("label", module.manifest.label.clone()),
        ("version", module.manifest.version.clone()),
        ("folder", module.folder.display().to_string()),
        ("standing", told(&module.standing(&home.modules(), public))),
        ("capabilities", module.manifest.capabilities.join(", ")),
        ("digest", contents.digest),
        ("manifest", shortened(manifest)),
    ];
    Ok(Inspection { facts: facts.into_iter().map(fact).collect(), files, backups: Vec::new() })
}

/// Returns what is known of the key, in words.
pub(super) fn key_facts(home: &Home) -> Vec<(&'static str, String)> {
    let key = match Key::open(&home.keys()) {
        Ok(Some(key)) => key.did().to_owned(),
        Ok(None) => "none".to_owned(),
        Err(error) => error.to_string(),
    };
    let of = |one: Result<Module, module::ModuleError>| match one {
        Ok(module) => format!("{}: {}", module.id, told(&module.standing(&home.modules(), None))),
        Err(error) => error.to_string(),
    };
    let modules: Vec<String> = module::installed(&home.modules()).into_iter().map(of).collect();
    vec![("keys", home.keys().display().to_string()), ("key", key), ("modules", modules.join("; "))]
}

pub(super) fn fact((name, value): (&'static str, String)) -> Fact {
    Fact { name: name.to_owned(), value }
}

fn told(standing: &Standing) -> String {
    match standing {
        Standing::Unsigned => "not signed".to_owned(),
        Standing::Stale { signed_at } => format!("signed at {signed_at}, and not so any more"),
        Standing::Signed { by, signed_at } => format!("signed at {signed_at} with {by}"),
        Standing::Denied { at } => format!("denied at {at}"),
    }
}

fn open(home: &Home, id: &str) -> Result<Module, String> {
    Module::open(&home.modules().join(id)).map_err(|error| error.to_string())
}

fn shortened(text: String) -> String {
    if text.len() <= SHOWN_BYTES_MAX {
        return text;
    }
    let end = (0..=SHOWN_BYTES_MAX).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

fn note_path(home: &Home, id: &str) -> PathBuf {
    home.modules().join(NOTES).join(format!("{id}.json"))
}

fn note(home: &Home, id: &str, contents: &Contents) -> io::Result<()> {
    create_private_dir(&home.modules().join(NOTES))?;
    let path = note_path(home, id);
    let fresh = path.with_extension("json.new");
    let files: BTreeMap<_, _> =
        contents.files.iter().map(|file| (&file.path, &file.digest)).collect();
    let mut file = private().create(true).truncate(true).open(&fresh)?;
    file.write_all(&serde_json::to_vec(&files)?)?;
    file.sync_all()?;
    fs::rename(&fresh, &path)
}

/// Returns what each file was when the module was signed, where that is known.
fn noted(home: &Home, id: &str) -> Option<BTreeMap<String, String>> {
    let path = note_path(home, id);
    let is_short = fs::metadata(&path).ok()?.len() <= NOTE_BYTES_MAX;
    is_short.then(|| serde_json::from_slice(&fs::read(&path).ok()?).ok()).flatten()
}
