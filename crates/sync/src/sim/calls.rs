//! The calls of the system, as a machine of the simulation answers them. Between any two of them somebody
//! may write, one may fail, and the process may end.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use oriel_wire::sync::{Digest, RelPath};

use super::fs::{Cell, Ino, ROOT, SLOTS};
use super::state::State;
use crate::digest_of;
use crate::journal::{Journal, Saved, Write};
use crate::op::OpId;
use crate::stat::{Kind, Stat};
use crate::vfs::{Blobs, Fault, Have, Named, Place, Vfs};

/// A process on one of the machines.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) side: usize,
    pub(crate) state: Rc<RefCell<State>>,
}

/// How much one call reads, so that a file is read in many.
const READ_BYTES: usize = 7;

impl Process {
    /// What may happen before a call. An error is one of the call, before or after what it does.
    fn enter(&self, call: &'static str) -> Result<(RefMut<'_, State>, Option<Fault>), Fault> {
        let side = self.side;
        let mut state = self.state.borrow_mut();
        if state.sides[side].is_stopped {
            return Err(Fault::Stopped);
        }
        state.calls[side] += 1;
        let number = state.calls[side];
        state.trace(|| format!("        {side} {call} #{number}"), (side, call));
        if state.stop_at[side] == Some(number) {
            state.sides[side].is_stopped = true;
            return Err(Fault::Stopped);
        }
        let apart = state.calls_apart;
        if state.is_busy && state.rng.u8(..apart) == 0 {
            state.act(side);
        }
        if state.has_mishaps && state.rng.u16(..2000) == 0 {
            state.lose_root(side);
        }
        state.failed_calls += u64::from(state.sides[side].is_root_away);
        if state.has_faults && state.rng.u8(..100) == 0 {
            state.failed_calls += 1;
            let fault = [Fault::Io, Fault::Io, Fault::Full, Fault::NotPermitted];
            let fault = fault[state.rng.usize(..fault.len())];
            // Only what is not known to have failed may have been done.
            if fault == Fault::Io && state.rng.bool() {
                return Ok((state, Some(fault)));
            }
            return Err(fault);
        }
        Ok((state, None))
    }

    fn call<T>(
        &self,
        call: &'static str,
        run: impl FnOnce(&mut State, usize) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let (mut state, fault) = self.enter(call)?;
        let result = run(&mut state, self.side);
        fault.map_or(result, Err)
    }
}

fn cell(state: &State, side: usize, at: Place<'_>) -> Result<Cell, Fault> {
    if state.sides[side].is_root_away {
        return Err(Fault::NotThere);
    }
    match at {
        Place::Tree(path) => state.sides[side].fs.cell(path.as_str()).ok_or(Fault::NotThere),
        Place::Slot(id) => Ok((SLOTS, format!("s{id}"))),
        Place::Part(id) => Ok((SLOTS, format!("p{id}"))),
    }
}

fn find(state: &State, side: usize, at: Place<'_>) -> Result<Ino, Fault> {
    let cell = cell(state, side, at)?;
    state.sides[side].fs.get(&cell).ok_or(Fault::NotThere)
}

fn folder(state: &State, side: usize, path: Option<&RelPath>) -> Result<Ino, Fault> {
    if state.sides[side].is_root_away {
        return Err(Fault::NotThere);
    }
    let Some(path) = path else { return Ok(ROOT) };
    let ino = find(state, side, Place::Tree(path))?;
    let is_folder = state.sides[side].fs.inodes[&ino].kind == Kind::Dir;
    if is_folder { Ok(ino) } else { Err(Fault::NotThere) }
}

/// Changes names, and tells whoever watches.
fn set(state: &mut State, side: usize, step: Vec<(Cell, Option<Ino>)>) {
    let now_ns = state.now_ns(side);
    let cells: Vec<_> = step.iter().map(|(cell, _)| cell.clone()).collect();
    state.sides[side].fs.set(step, now_ns);
    cells.iter().for_each(|cell| state.tell(side, cell, true));
}

/// Makes something new in a part or in the tree.
fn make(
    state: &mut State,
    side: usize,
    at: Place<'_>,
    kind: Kind,
    data: &str,
    mode: u32,
) -> Result<Ino, Fault> {
    let cell = cell(state, side, at)?;
    if state.sides[side].fs.get(&cell).is_some() && !matches!(at, Place::Part(_)) {
        return Err(Fault::Exists);
    }
    let now_ns = state.now_ns(side);
    let ino = state.sides[side].fs.make(kind, data.as_bytes().to_vec(), mode, now_ns);
    set(state, side, vec![(cell, Some(ino))]);
    Ok(ino)
}

impl Vfs for Process {
    type File = Ino;

    fn check_root(&self) -> Result<(), Fault> {
        let machine = &self.state.borrow().sides[self.side];
        match (machine.is_stopped, machine.is_root_away) {
            (true, _) => Err(Fault::Stopped),
            (false, true) => Err(Fault::RootGone),
            (false, false) => Ok(()),
        }
    }

    fn now_ns(&self) -> i64 {
        self.state.borrow().now_ns(self.side)
    }

    fn granularity_ns(&self) -> i64 {
        self.state.borrow().sides[self.side].fs.granularity_ns
    }

    fn lstat(&self, at: Place<'_>) -> Result<Option<Stat>, Fault> {
        self.call("lstat", |state, side| {
            let ino = find(state, side, at).ok();
            Ok(ino.map(|ino| state.sides[side].fs.stat(ino)))
        })
    }

    fn open(&self, at: Place<'_>) -> Result<Ino, Fault> {
        self.call("open", |state, side| {
            let ino = find(state, side, at)?;
            let is_file = state.sides[side].fs.inodes[&ino].kind == Kind::File;
            if is_file { Ok(ino) } else { Err(Fault::Io) }
        })
    }

    fn fstat(&self, file: &Ino) -> Result<Stat, Fault> {
        self.call("fstat", |state, side| Ok(state.sides[side].fs.stat(*file)))
    }

    fn read(&self, file: &Ino, at: u64, buffer: &mut [u8]) -> Result<usize, Fault> {
        self.call("read", |state, side| {
            let data = &state.sides[side].fs.inodes[file].data;
            Ok(copy(data, at, buffer))
        })
    }

    fn read_link(&self, at: Place<'_>) -> Result<Option<String>, Fault> {
        self.call("read_link", |state, side| {
            let ino = find(state, side, at)?;
            let inode = &state.sides[side].fs.inodes[&ino];
            if inode.kind != Kind::Symlink {
                return Err(Fault::NotThere);
            }
            Ok(String::from_utf8(inode.data.clone()).ok())
        })
    }

    fn list(&self, path: Option<&RelPath>) -> Result<Vec<Named>, Fault> {
        self.call("list", |state, side| {
            let ino = folder(state, side, path)?;
            let fs = &state.sides[side].fs;
            let named = |(name, ino)| Named { name: Some(name), stat: fs.stat(ino) };
            Ok(fs.within(ino).into_iter().map(named).collect())
        })
    }

    fn watch(&self, path: Option<&RelPath>) -> Result<(), Fault> {
        self.call("watch", |state, side| {
            let ino = folder(state, side, path)?;
            let path = path.map_or("", RelPath::as_str);
            if state.watch(side, ino, path) { Ok(()) } else { Err(Fault::NoMoreWatches) }
        })
    }

    fn create(&self, part: OpId, mode: u32) -> Result<Ino, Fault> {
        self.call("create", |state, side| {
            make(state, side, Place::Part(part), Kind::File, "", mode & 0o755)
        })
    }

    fn write(&self, file: &mut Ino, bytes: &[u8]) -> Result<(), Fault> {
        self.call("write", |state, side| {
            let now_ns = state.now_ns(side);
            let mut data = state.sides[side].fs.inodes[file].data.clone();
            data.extend_from_slice(bytes);
            state.sides[side].fs.write(*file, data, now_ns);
            Ok(())
        })
    }

    fn sync(&self, file: &Ino) -> Result<(), Fault> {
        self.call("sync", |state, side| {
            state.sides[side].fs.sync(*file);
            Ok(())
        })
    }

    fn make_link(&self, part: OpId, target: &str) -> Result<(), Fault> {
        self.call("make_link", |state, side| {
            make(state, side, Place::Part(part), Kind::Symlink, target, 0o777).map(|_| ())
        })
    }

    fn make_dir(&self, at: Place<'_>) -> Result<(), Fault> {
        self.call("make_dir", |state, side| make(state, side, at, Kind::Dir, "", 0o755).map(|_| ()))
    }

    fn rename_new(&self, from: Place<'_>, to: Place<'_>) -> Result<(), Fault> {
        self.call("rename_new", |state, side| {
            let ino = find(state, side, from)?;
            let (old, new) = (cell(state, side, from)?, cell(state, side, to)?);
            if state.sides[side].fs.get(&new).is_some() {
                return Err(Fault::Exists);
            }
            set(state, side, vec![(old, None), (new, Some(ino))]);
            Ok(())
        })
    }

    fn exchange(&self, one: Place<'_>, other: Place<'_>) -> Result<(), Fault> {
        self.call("exchange", |state, side| {
            let inos = (find(state, side, one)?, find(state, side, other)?);
            let cells = (cell(state, side, one)?, cell(state, side, other)?);
            set(state, side, vec![(cells.0, Some(inos.1)), (cells.1, Some(inos.0))]);
            Ok(())
        })
    }

    fn remove_dir(&self, at: Place<'_>) -> Result<(), Fault> {
        self.call("remove_dir", |state, side| {
            let (ino, cell) = (find(state, side, at)?, cell(state, side, at)?);
            let fs = &state.sides[side].fs;
            if fs.inodes[&ino].kind != Kind::Dir {
                return Err(Fault::Exists);
            }
            if !fs.within(ino).is_empty() {
                return Err(Fault::NotEmpty);
            }
            set(state, side, vec![(cell, None)]);
            Ok(())
        })
    }

    fn discard(&self, at: OpId) -> Result<(), Fault> {
        self.call("discard", |state, side| {
            for place in [Place::Slot(at), Place::Part(at)] {
                if let (Ok(ino), Ok(cell)) = (find(state, side, place), cell(state, side, place)) {
                    state.sides[side].removed.insert(ino);
                    set(state, side, vec![(cell, None)]);
                }
            }
            Ok(())
        })
    }

    fn sync_names(&self, at: Place<'_>) -> Result<(), Fault> {
        self.call("sync_names", |state, side| {
            let cell = cell(state, side, at)?;
            state.sides[side].fs.sync_names(cell.0);
            Ok(())
        })
    }
}

fn copy(data: &[u8], at: u64, buffer: &mut [u8]) -> usize {
    let rest = data.get(usize::try_from(at).unwrap()..).unwrap_or_default();
    let count = rest.len().min(READ_BYTES).min(buffer.len());
    buffer[..count].copy_from_slice(&rest[..count]);
    count
}

impl Blobs for Process {
    type Draft = Vec<u8>;

    fn have(&self, digest: &Digest) -> Result<Have, Fault> {
        self.call("have", |state, side| {
            let machine = &state.sides[side];
            if machine.blobs.contains_key(digest) {
                return Ok(Have::All);
            }
            Ok(Have::Part(machine.parts.get(digest).map_or(0, |part| part.len() as u64)))
        })
    }

    fn read(&self, digest: &Digest, at: u64, buffer: &mut [u8]) -> Result<usize, Fault> {
        self.call("read_blob", |state, side| {
            let data = state.sides[side].blobs.get(digest).ok_or(Fault::NoBlob)?;
            Ok(copy(data, at, buffer))
        })
    }

    fn begin(&self) -> Result<Vec<u8>, Fault> {
        Ok(Vec::new())
    }

    fn add(&self, draft: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Fault> {
        draft.extend_from_slice(bytes);
        Ok(())
    }

    fn keep(&self, draft: Vec<u8>, digest: Digest) -> Result<(), Fault> {
        self.call("keep", |state, side| {
            state.sides[side].blobs.insert(digest, draft);
            Ok(())
        })
    }

    fn receive(&self, digest: &Digest, size: u64, at: u64, bytes: &[u8]) -> Result<Have, Fault> {
        self.call("receive", |state, side| {
            let machine = &mut state.sides[side];
            let part = machine.parts.entry(*digest).or_default();
            if part.len() as u64 == at {
                part.extend_from_slice(bytes);
            }
            if (part.len() as u64) < size {
                return Ok(Have::Part(part.len() as u64));
            }
            let whole = machine.parts.remove(digest).unwrap();
            if digest_of(&whole) != *digest {
                return Ok(Have::Part(0));
            }
            machine.blobs.insert(*digest, whole);
            Ok(Have::All)
        })
    }
}

impl Journal for Process {
    fn commit(&self, writes: &[Write]) -> Result<(), Fault> {
        // A process that ends here may have written it all the same.
        let is_late = self.state.borrow_mut().rng.bool();
        let entered = self.enter("commit");
        match entered {
            Ok((mut state, fault)) => {
                state.sides[self.side].write(writes);
                fault.map_or(Ok(()), Err)
            }
            Err(fault) => {
                let mut state = self.state.borrow_mut();
                let ended_here = state.stop_at[self.side] == Some(state.calls[self.side]);
                if fault == Fault::Stopped && is_late && ended_here {
                    state.stop_at[self.side] = None;
                    state.sides[self.side].write(writes);
                }
                Err(fault)
            }
        }
    }

    fn load(&self) -> Result<Saved, Fault> {
        Ok(self.state.borrow().sides[self.side].journal.saved())
    }
}
