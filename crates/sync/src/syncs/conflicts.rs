//! Conflicts as a person meets them: the versions as texts, both changes put together, and what is chosen.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use oriel_wire::sync::{
    Conflict as WireConflict, ConflictTexts, Digest, Entry, LISTED_MAX, MergedText, RelPath,
    Resolution, ResolveConflict, SyncCode, TEXT_BYTES_MAX, VersionText,
};

use super::about::off_thread;
use super::failure::Failure;
use super::status;
use super::sync::Sync;
use crate::conflict::{Choice, ChoiceError, Conflict, ConflictId, ConflictKind};
use crate::contents::Contents;
use crate::digest_of;
use crate::local::Engine;
use crate::look::look;
use crate::merge::{Labels, merge};
use crate::room::Room;
use crate::side::{Effect, Side as _};
use crate::vfs::{Blobs as _, Fault, Have, Place};

/// So many answers to whether three versions go together are remembered. When there is one more, all are
/// found out again.
const REMEMBERED_MAX: usize = 4 * LISTED_MAX;

/// Whether three versions go together without asking, by their digests.
pub(super) type Mergeable = BTreeMap<[Digest; 3], bool>;

/// The versions of a conflict, as a person thinks of them.
pub(super) struct Versions<'a> {
    pub(super) base: Option<&'a Entry>,
    pub(super) local: Option<&'a Entry>,
    pub(super) upstream: Option<&'a Entry>,
}

impl<'a> Versions<'a> {
    pub(super) fn of(conflict: &'a Conflict) -> Self {
        let there = |entry: &'a Entry| Some(entry).filter(|entry| **entry != Entry::Absent);
        let Conflict { base, local, upstream, .. } = conflict;
        Self { base: there(base), local: there(local), upstream: there(upstream) }
    }
}

/// Returns the conflict of a path as it is told, with its versions as texts.
pub(super) async fn versions(sync: &Sync, path: RelPath) -> Result<ConflictTexts, Failure> {
    let room = sync.room()?;
    let (id, conflict) = find(&room, path).await?;
    fill(&room, &conflict).await;
    let contents = Arc::clone(&room.contents);
    off_thread(move || {
        let [base, local, upstream] =
            [&conflict.base, &conflict.local, &conflict.upstream].map(|it| text(&contents, it));
        let merged = put_together(&contents, &conflict).map(|(merged, _)| merged);
        let is_clean = merged.as_ref().is_some_and(|merged| merged.conflicts == 0);
        let conflict = status::conflict_told(id, &conflict, is_clean);
        Ok(ConflictTexts { conflict, base, local, upstream, merged })
    })
    .await
}

/// Ends a conflict as a person chose.
pub(super) async fn resolve(sync: &Sync, resolve: ResolveConflict) -> Result<(), Failure> {
    let ResolveConflict { path, resolution, content, expect_local, expect_remote, .. } = resolve;
    match (&content, resolution) {
        (None, Resolution::Merged) => {
            let message = "`merged` wants the text that both become, in `content`";
            return Err(Failure::new(SyncCode::BadContent, message));
        }
        (Some(_), Resolution::Local | Resolution::Upstream) => {
            let message = "only `merged` has a text of its own; leave `content` out";
            return Err(Failure::new(SyncCode::BadContent, message));
        }
        (Some(text), Resolution::Merged) if TEXT_BYTES_MAX < text.len() => {
            let message =
                format!("the text is longer than {TEXT_BYTES_MAX} bytes; edit the file itself");
            return Err(Failure::new(SyncCode::TooLarge, message));
        }
        _ => {}
    }
    let room = sync.room()?;
    let (id, conflict) = find(&room, path).await?;
    let is_expected =
        |entry: &Entry, expected: Option<Digest>| status::version_digest(entry) == expected;
    if !is_expected(&conflict.local, expect_local)
        || !is_expected(&conflict.upstream, expect_remote)
    {
        return Err(changed());
    }
    let choice = match (resolution, content) {
        (Resolution::Merged, Some(text)) => merged(&room, &conflict, text.into_bytes()).await?,
        (Resolution::Upstream, _) => Choice::AcceptUpstream,
        _ => Choice::KeepLocal,
    };
    choose(&room, id, &conflict, choice).await
}

/// What came of putting both changes together without being asked.
pub(super) enum Unasked {
    /// It was done.
    Merged(RelPath),
    /// Somebody has to be asked.
    Asks,
    /// Not all of it is here yet.
    Waits,
    /// There is no such conflict any more.
    Over,
}

/// Puts both changes together without being asked, where no place has to be asked about.
pub(super) async fn merge_unasked(
    sync: &Sync,
    room: &Arc<Room<Engine>>,
    id: ConflictId,
) -> Unasked {
    let Some(conflict) = by_id(room, id).await else { return Unasked::Over };
    if !matches!(conflict.kind, ConflictKind::Both(_)) {
        return Unasked::Asks;
    }
    let Some(key) = key(&conflict) else { return Unasked::Asks };
    fill(room, &conflict).await;
    let (contents, versions) = (Arc::clone(&room.contents), conflict.clone());
    let looked = off_thread(move || {
        let has_all = key.iter().all(|digest| contents.have(digest) == Ok(Have::All));
        Ok(has_all.then(|| put_together(&contents, &versions)))
    });
    let text = match looked.await {
        Ok(Some(Some((MergedText { text, conflicts: 0 }, true)))) => text,
        Ok(Some(_)) | Err(_) => return Unasked::Asks,
        Ok(None) => return Unasked::Waits,
    };
    let Ok(choice) = self::merged(room, &conflict, text.into_bytes()).await else {
        return Unasked::Asks;
    };
    match choose(room, id, &conflict, choice).await {
        Ok(()) => Unasked::Merged(conflict.path),
        // Something newer came meanwhile, and is looked at in its turn.
        Err(failure) => {
            tracing::debug!(
                session = sync.about().session_id,
                "a text is not merged yet: {failure}"
            );
            Unasked::Waits
        }
    }
}

/// Returns a conflict as it is told.
pub(super) async fn shown(
    sync: &Sync,
    room: &Arc<Room<Engine>>,
    id: ConflictId,
) -> Option<WireConflict> {
    let conflict = by_id(room, id).await?;
    let mergeable = mergeable(sync, room, &[(id, conflict.clone())]).await;
    Some(status::conflict_told(id, &conflict, mergeable.contains(&id)))
}

/// Returns which of these can be put together without asking about any place. Only those are looked at that
/// are listed.
pub(super) async fn mergeable(
    sync: &Sync,
    room: &Arc<Room<Engine>>,
    conflicts: &[(ConflictId, Conflict)],
) -> Vec<ConflictId> {
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    {
        let known = sync.mergeable.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, conflict) in conflicts.iter().take(LISTED_MAX) {
            let Some(key) = key(conflict) else { continue };
            match known.get(&key) {
                Some(true) => found.push(*id),
                Some(false) => {}
                None => unknown.push((*id, key, conflict.clone())),
            }
        }
    }
    if unknown.is_empty() {
        return found;
    }
    let contents = Arc::clone(&room.contents);
    let looked = off_thread(move || {
        let looked = unknown.into_iter().filter_map(|(id, key, conflict)| {
            // What is on its way is looked at when it is here.
            let has_all = key.iter().all(|digest| contents.have(digest) == Ok(Have::All));
            let merged = has_all.then(|| put_together(&contents, &conflict))?;
            Some((id, key, merged.is_some_and(|(merged, _)| merged.conflicts == 0)))
        });
        Ok(looked.collect::<Vec<_>>())
    });
    for (id, key, is_clean) in looked.await.unwrap_or_default() {
        let mut known = sync.mergeable.lock().unwrap_or_else(PoisonError::into_inner);
        if REMEMBERED_MAX <= known.len() {
            known.clear();
        }
        known.insert(key, is_clean);
        drop(known);
        found.extend(is_clean.then_some(id));
    }
    found
}

fn key(conflict: &Conflict) -> Option<[Digest; 3]> {
    Some([conflict.base.digest()?, conflict.local.digest()?, conflict.upstream.digest()?])
}

async fn find(room: &Arc<Room<Engine>>, path: RelPath) -> Result<(ConflictId, Conflict), Failure> {
    let wanted = path.clone();
    let found = room.ask(move |engine, _| {
        let of_path = engine.conflicts().filter(|(_, conflict)| conflict.path == wanted);
        // The one that holds the path up comes before what was written late.
        let first = of_path.min_by_key(|(id, it)| (!matches!(it.kind, ConflictKind::Both(_)), *id));
        (first.map(|(id, conflict)| (id, conflict.clone())), Vec::new())
    });
    found.await.ok_or_else(Failure::away)?.ok_or_else(|| {
        let message = format!("there is no conflict at {path}; look at the list again");
        Failure::new(SyncCode::NoConflict, message)
    })
}

async fn by_id(room: &Arc<Room<Engine>>, id: ConflictId) -> Option<Conflict> {
    let found = room.ask(move |engine, _| {
        let found = engine.conflicts().find(|(other, _)| *other == id);
        (found.map(|(_, conflict)| conflict.clone()), Vec::new())
    });
    found.await?
}

async fn choose(
    room: &Arc<Room<Engine>>,
    id: ConflictId,
    conflict: &Conflict,
    choice: Choice,
) -> Result<(), Failure> {
    let (local, upstream) = (conflict.local.clone(), conflict.upstream.clone());
    let chosen = room.ask(move |engine, now_ms| {
        match engine.choose(now_ms, id, choice, &local, &upstream) {
            Ok(effects) => (Ok(()), effects.into_iter().map(Effect::from).collect()),
            Err(error) => (Err(error), Vec::new()),
        }
    });
    match chosen.await {
        Some(Ok(())) => Ok(()),
        Some(Err(ChoiceError::Changed)) => Err(changed()),
        Some(Err(error @ ChoiceError::Unknown)) => {
            Err(Failure::new(SyncCode::NoConflict, error.to_string()))
        }
        Some(Err(error @ ChoiceError::NoFile)) => {
            Err(Failure::new(SyncCode::BadContent, error.to_string()))
        }
        None => Err(Failure::away()),
    }
}

fn changed() -> Failure {
    let message = "one of the versions is another by now; look at the conflict again";
    Failure::new(SyncCode::ConflictChanged, message)
}

/// Keeps a text, on disk, before it takes the place of both versions.
async fn merged(
    room: &Arc<Room<Engine>>,
    conflict: &Conflict,
    text: Vec<u8>,
) -> Result<Choice, Failure> {
    let is_exec = |entry: &Entry| matches!(entry, Entry::File { exec: true, .. });
    let exec = is_exec(&conflict.local) || is_exec(&conflict.upstream);
    let contents = Arc::clone(&room.contents);
    off_thread(move || {
        let digest = digest_of(&text);
        let keep = || {
            let mut draft = contents.begin()?;
            contents.add(&mut draft, &text)?;
            contents.keep(draft, digest)?;
            contents.secure()
        };
        keep()
            .map_err(|fault: Fault| Failure::system(format!("the text cannot be kept: {fault}")))?;
        Ok(Choice::Merged(Entry::File { digest, size: text.len() as u64, exec }))
    })
    .await
}

/// Reads what is here into the store again, where it is not in it any more.
async fn fill(room: &Arc<Room<Engine>>, conflict: &Conflict) {
    let Some(digest) = conflict.local.digest() else { return };
    let paths = room.ask(move |engine, _| (engine.paths_of(&digest), Vec::new())).await;
    let (folder, contents) = (Arc::clone(&room.folder), Arc::clone(&room.contents));
    let filled = off_thread(move || {
        if contents.have(&digest) != Ok(Have::All) {
            for path in paths.unwrap_or_default() {
                // Where it cannot be read it is told as not here.
                _ = look(&*folder, &*contents, Place::Tree(&path), &path, None);
            }
        }
        Ok(())
    });
    _ = filled.await;
}

/// Returns both changes in one text, and whether all three versions are texts of their own.
fn put_together(contents: &Contents, conflict: &Conflict) -> Option<(MergedText, bool)> {
    let has_base = conflict.base.digest().is_some();
    let base = if has_base { read(contents, &conflict.base)? } else { Vec::new() };
    let (local, upstream) = (read(contents, &conflict.local)?, read(contents, &conflict.upstream)?);
    let merged = merge(&base, &local, &upstream, Labels::default()).ok()?;
    let conflicts = u32::try_from(merged.conflicts.len()).unwrap_or(u32::MAX);
    Some((MergedText { text: merged.text, conflicts }, has_base))
}

fn text(contents: &Contents, entry: &Entry) -> VersionText {
    match entry {
        Entry::Absent | Entry::Untracked | Entry::Problem(_) => VersionText::Absent,
        Entry::Dir => VersionText::Folder,
        Entry::Symlink { target } => VersionText::Link { target: target.as_str().to_owned() },
        Entry::File { size, .. } if TEXT_BYTES_MAX as u64 <= *size => VersionText::NoText,
        Entry::File { .. } => match read(contents, entry) {
            None => VersionText::NotHere,
            Some(bytes) if bytes.contains(&0) => VersionText::NoText,
            Some(bytes) => String::from_utf8(bytes)
                .map_or(VersionText::NoText, |text| VersionText::Text { text }),
        },
    }
}

/// Reads a content that is short enough to be a text somebody reads.
fn read(contents: &Contents, entry: &Entry) -> Option<Vec<u8>> {
    let Entry::File { digest, size, .. } = entry else { return None };
    let size = usize::try_from(*size).ok().filter(|size| *size <= TEXT_BYTES_MAX)?;
    if contents.have(digest) != Ok(Have::All) {
        return None;
    }
    let (mut bytes, mut at) = (vec![0; size], 0);
    while at < size {
        match contents.read(digest, at as u64, &mut bytes[at..]) {
            Ok(0) | Err(_) => return None,
            Ok(count) => at += count,
        }
    }
    Some(bytes)
}
