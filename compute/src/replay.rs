//! The variables on disk, for the case that the process is ended by force.
//!
//! They are written after each run, in the engine's own form, and put in the place of the last ones at
//! once. The engine's form knows numbers, texts, logical values, cells and structures; what comes back as
//! something else than it was is left out and told. Functions that a person typed are not kept.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use oriel_wire::compute::Restored;
use runmat_builtins::Value;
use runmat_core::{RunMatSession, approximate_size_bytes, matlab_class_name};
use runmat_runtime::{
    WorkspaceReplayMode, runtime_export_workspace_state, runtime_import_workspace_state,
};
use rustix::fs::{AtFlags, Mode, OFlags};

/// How much of variables is kept. The largest are left out until the rest fits; the engine's form ends at
/// 24 MiB.
const KEPT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The most variables that are kept; the engine's form ends there.
const KEPT_MAX: usize = 2048;

/// The largest file that is read back.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

const NAME: &str = "variables.replay";
const NEW_NAME: &str = "variables.replay.new";

/// A folder that the variables are kept in. It is held open, since files are not opened by name.
#[derive(Debug)]
pub(crate) struct Replay {
    folder: OwnedFd,
}

/// What is on disk: the names of what is not, a line break, and the engine's form.
struct Kept {
    lost: Vec<String>,
    payload: Vec<u8>,
}

impl Replay {
    /// Opens the folder. It is there and private: whoever starts a session makes it.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(Self { folder: rustix::fs::open(folder, flags, Mode::empty())? })
    }

    /// Keeps the variables and returns the names of those that are kept.
    pub(crate) fn keep(&mut self, engine: &mut RunMatSession) -> Result<Vec<String>, String> {
        let (entries, lost) = choose(engine);
        let names = entries.iter().map(|(name, _)| name.clone()).collect();
        if entries.is_empty() && lost.is_empty() {
            return self.forget().map(|()| names).map_err(|error| error.to_string());
        }
        let exported = runtime_export_workspace_state(&entries, WorkspaceReplayMode::Force);
        let payload = pollster::block_on(exported).map_err(|error| error.to_string())?;
        let kept = Kept { lost, payload: payload.unwrap_or_default() };
        self.write(&kept).map_err(|error| error.to_string())?;
        Ok(names)
    }

    /// Gives the engine what is kept, and says what came and what did not.
    pub(crate) fn restore(&mut self, engine: &mut RunMatSession) -> Option<Restored> {
        let Kept { mut lost, payload } = self.read()?;
        if engine.import_workspace_state(&payload).is_err() {
            lost.push("all variables".to_owned());
        }
        let mut variables: Vec<String> = engine.get_variables().keys().cloned().collect();
        variables.sort_unstable();
        Some(Restored { variables, lost })
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&kept.lost)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&kept.payload);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let private = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(&self.folder, NEW_NAME, flags, private)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let written = rustix::io::write(&file, rest)?;
            rest = &rest[written..];
        }
        // Not forced to disk: it is for a process that ends, and not for a machine that does.
        Ok(rustix::fs::renameat(&self.folder, NEW_NAME, &self.folder, NAME)?)
    }

    fn read(&self) -> Option<Kept> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        // Without it there is nothing to bring back.
        let file = rustix::fs::openat(&self.folder, NAME, flags, Mode::empty()).ok()?;
        let length = u64::try_from(rustix::fs::fstat(&file).ok()?.st_size).ok()?;
        if length > FILE_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut std::fs::File::from(file), &mut bytes).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let lost = serde_json::from_slice(&bytes[..end]).ok()?;
        Some(Kept { lost, payload: bytes.split_off(end + 1) })
    }

    fn forget(&self) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.folder, NAME, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Which variables are kept, the smallest first, and the names of those that are not.
fn choose(engine: &RunMatSession) -> (Vec<(String, Value)>, Vec<String>) {
    let variables = engine.get_variables();
    let mut by_size: Vec<(u64, &String, &Value)> = variables
        .iter()
        .map(|(name, value)| (approximate_size_bytes(value).unwrap_or(0), name, value))
        .collect();
    by_size.sort_unstable_by_key(|(bytes, name, _)| (*bytes, *name));
    let (mut entries, mut lost, mut total) = (Vec::new(), Vec::new(), 0);
    for (bytes, name, value) in by_size {
        let is_small = total + bytes <= KEPT_BYTES_MAX && entries.len() < KEPT_MAX;
        let size = if is_small { comes_back(value) } else { None };
        match size.filter(|size| total + size <= KEPT_BYTES_MAX) {
            Some(size) => {
                total += size;
                entries.push((name.clone(), value.clone()));
            }
            None => lost.push(name.clone()),
        }
    }
    lost.sort_unstable();
    (entries, lost)
}

/// How large a value is in the engine's form, where it comes back from it as it was.
fn comes_back(value: &Value) -> Option<u64> {
    let entry = [("x".to_owned(), value.clone())];
    let exported = runtime_export_workspace_state(&entry, WorkspaceReplayMode::Force);
    let payload = pollster::block_on(exported).ok()??;
    let back = runtime_import_workspace_state(&payload).ok()?;
    let (_, back) = back.into_iter().next()?;
    let is_same = back == *value || is_alike(&back, value);
    // Three quarters of the form are the values themselves.
    is_same.then(|| payload.len() as u64 / 4 * 3)
}

/// Whether a value is the same to a script: a number and an array of one number are.
fn is_alike(back: &Value, value: &Value) -> bool {
    matlab_class_name(back) == matlab_class_name(value) && back.to_string() == value.to_string()
}
