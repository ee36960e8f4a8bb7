//! Looking: what is at a path now, and what is in a folder.
//!
//! A file is read into the store of contents while its digest is taken, so what is offered to the other
//! side is exactly what was read, however the file changes afterwards.
#![forbid(unsafe_code)]

pub use oriel_wire::sync::FILE_BYTES_MAX;
use oriel_wire::sync::{Entry, LinkTarget, Name, Problem, RelPath};

use crate::digest::Digester;
use crate::rules::LeftOut;
use crate::stat::{Kind, Stat};
use crate::vfs::{Blobs, Fault, Place, Vfs};

/// How often a file is read again at once that changed while it was read. Beyond it it is unsteady, and
/// is looked at again later.
const READS: usize = 3;

/// How much is read at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// What was found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What is there.
    pub entry: Entry,
    /// What the system says of it, if the same said later proves that it is the same.
    pub stat: Option<Stat>,
}

impl Seen {
    const fn entry(entry: Entry) -> Self {
        Self { entry, stat: None }
    }
}

/// Returns what is at a place, without reading it where the system says of it what it said before.
///
/// # Errors
/// Where the system fails, so that nothing is known of the place.
pub fn look<V: Vfs, B: Blobs>(
    vfs: &V,
    blobs: &B,
    at: Place<'_>,
    path: &RelPath,
    known: Option<&Seen>,
) -> Result<Seen, Fault> {
    for _ in 0..READS {
        let now_ns = vfs.now_ns();
        let Some(stat) = vfs.lstat(at)? else {
            return Ok(Seen::entry(Entry::Absent));
        };
        // Where the clock stepped back, a write at this moment may have the times that were known before.
        let is_racy = stat.is_racy(now_ns, vfs.granularity_ns());
        if let Some(known) = known.filter(|known| known.stat == Some(stat) && !is_racy) {
            return Ok(known.clone());
        }
        let entry = match stat.kind {
            Kind::Dir => Some(Entry::Dir),
            Kind::Special => Some(Entry::Problem(Problem::Special)),
            Kind::Symlink => read_link(vfs, at, path)?,
            Kind::File if FILE_BYTES_MAX < stat.size => Some(Entry::Problem(Problem::TooLarge)),
            Kind::File => read_file(vfs, blobs, at, &stat)?,
        };
        // The name must have stood for the same thing all the time.
        if let Some(entry) = entry
            && vfs.lstat(at)? == Some(stat)
        {
            // Of a folder it only says which one it is, and not what is in it.
            let is_proof = entry == Entry::Dir || !is_racy;
            return Ok(Seen { entry, stat: is_proof.then_some(stat) });
        }
    }
    Ok(Seen::entry(Entry::Problem(Problem::Unsteady)))
}

/// Returns what a file holds; nothing where it changed while it was read.
fn read_file<V: Vfs, B: Blobs>(
    vfs: &V,
    blobs: &B,
    at: Place<'_>,
    stat: &Stat,
) -> Result<Option<Entry>, Fault> {
    let file = match vfs.open(at) {
        Err(Fault::NotThere) => return Ok(None),
        file => file?,
    };
    if vfs.fstat(&file)? != *stat {
        return Ok(None);
    }
    let (mut draft, mut digester, mut size) = (blobs.begin()?, Digester::new(), 0);
    let mut buffer = vec![0; BUFFER_BYTES];
    // One that grows as fast as it is read would be read for ever.
    while size <= stat.size {
        let count = vfs.read(&file, size, &mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        digester.update(bytes);
        blobs.add(&mut draft, bytes)?;
        size += bytes.len() as u64;
    }
    if size != stat.size || vfs.fstat(&file)? != *stat {
        return Ok(None);
    }
    let digest = digester.finish();
    blobs.keep(draft, digest)?;
    Ok(Some(Entry::File { digest, size, exec: stat.is_exec() }))
}

fn read_link<V: Vfs>(vfs: &V, at: Place<'_>, path: &RelPath) -> Result<Option<Entry>, Fault> {
    let target = match vfs.read_link(at) {
        Err(Fault::NotThere) => return Ok(None),
        target => target?,
    };
    let target = target.and_then(|text| LinkTarget::parse(path, &text).ok());
    let outside = Entry::Problem(Problem::LinkOutside);
    Ok(Some(target.map_or(outside, |target| Entry::Symlink { target })))
}

/// What is in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What was listed.
    pub list: List,
    /// What is there. What is left out is not among it.
    pub found: Vec<(RelPath, Stat)>,
    /// Names that cannot be synced, with the folders they are in, as they can be shown.
    pub bad_names: Vec<String>,
    /// Folders that may not be read or watched.
    pub unread: Vec<Option<RelPath>>,
    /// Some of the folders are not watched, because the system allows no more watches.
    pub is_unwatched: bool,
}

/// A folder that is to be listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct List {
    /// Which; the root where it is none.
    pub folder: Option<RelPath>,
    /// Whether the folders in it are listed as well, and so on.
    pub is_deep: bool,
}

/// Lists a folder. Every folder is watched before it is read, so what changes afterwards is told.
///
/// # Errors
/// Where the system fails. A folder that goes away meanwhile is no failure.
pub fn list<V: Vfs>(vfs: &V, left_out: &LeftOut, list: &List) -> Result<Listing, Fault> {
    let mut listing = Listing {
        list: list.clone(),
        found: Vec::new(),
        bad_names: Vec::new(),
        unread: Vec::new(),
        is_unwatched: false,
    };
    let mut folders = vec![list.folder.clone()];
    while let Some(folder) = folders.pop() {
        match vfs.watch(folder.as_ref()) {
            Ok(()) => {}
            Err(Fault::NoMoreWatches) => listing.is_unwatched = true,
            Err(Fault::NotThere) => continue,
            Err(Fault::NotPermitted) => {
                listing.unread.push(folder);
                continue;
            }
            Err(fault) => return Err(fault),
        }
        let names = match vfs.list(folder.as_ref()) {
            Ok(names) => names,
            Err(Fault::NotThere) => continue,
            Err(Fault::NotPermitted) => {
                listing.unread.push(folder);
                continue;
            }
            Err(fault) => return Err(fault),
        };
        for named in names {
            let path = named.name.as_deref().and_then(|name| {
                RelPath::in_folder(folder.as_ref(), &Name::parse(name).ok()?).ok()
            });
            let is_folder = named.stat.kind == Kind::Dir;
            match path {
                Some(path) if left_out.has(&path, is_folder) => {}
                Some(path) => {
                    if is_folder && list.is_deep {
                        folders.push(Some(path.clone()));
                    }
                    listing.found.push((path, named.stat));
                }
                None if named.name.as_deref().is_some_and(is_own) => {}
                None => listing.bad_names.push(shown(folder.as_ref(), named.name.as_deref())),
            }
        }
    }
    Ok(listing)
}

fn is_own(name: &str) -> bool {
    oriel_wire::sync::same_somewhere(name, oriel_wire::sync::OWN_FOLDER)
}

fn shown(folder: Option<&RelPath>, name: Option<&str>) -> String {
    let folder = folder.map_or("", RelPath::as_str);
    format!("{folder}/{}", name.unwrap_or("\u{fffd}"))
}
