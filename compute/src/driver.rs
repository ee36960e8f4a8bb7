//! Puts the process together: what it gives up, its threads, and who ends it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::exit;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::Builder;
use std::time::SystemTime;

use oriel_hostfs::{Config, Files, Grant, Grants, Limits};
use oriel_wire::hostfs::WorkspaceAccess;

use crate::arguments::Arguments;
use crate::confine::{confine, limit_memory};
use crate::known::Known;
use crate::provider::Provider;
use crate::replay::Replay;
use crate::session::{Begin, Session};
use crate::{reader, watch};

/// The surface and the workspace in its own small world of grants.
const LABEL: &str = "compute";

/// How much of files may be kept mapped. It counts towards the memory that the process may ask for.
const MAPPED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How many requests may wait for the thread that runs scripts. More are refused as busy.
const ORDERS_MAX: usize = 64;

/// The stack of the thread that runs scripts: the engine calls itself for each call of a script.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Why the process cannot do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveError {
    /// The workspace cannot be used.
    #[error("the workspace {0} cannot be used: {1}")]
    Workspace(String, std::io::Error),
    /// The folder for the variables cannot be used.
    #[error("the folder {0} cannot be used: {1}")]
    Replay(String, std::io::Error),
    /// The process cannot be held.
    #[error(transparent)]
    Confine(#[from] crate::confine::ConfineError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// What was sent cannot be read.
    #[error("{0}")]
    Frame(String),
}

/// Runs the session until its driver is done with it.
pub(crate) fn drive(arguments: &Arguments, clock: fn() -> SystemTime) -> Result<(), DriveError> {
    if let Some(umask) = arguments.umask {
        // What is ours says its own mode where it is made.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
    }
    let root = arguments.workspace.canonicalize();
    let root = root
        .map_err(|error| DriveError::Workspace(arguments.workspace.display().to_string(), error))?;
    let access = match arguments.is_read_only {
        true => WorkspaceAccess::Read,
        false => WorkspaceAccess::ReadWrite,
    };
    let grant = Grant::new(LABEL, LABEL, root.clone(), access);
    let limits = Limits { mapped_bytes_max: MAPPED_BYTES_MAX, ..Limits::default() };
    let files = Files::new(Config { grants: Grants::fixed(vec![grant]), limits });
    let provider = Provider::new(files.surface(LABEL), LABEL, root.clone());
    // The folder is opened now: afterwards nothing is opened by its name alone.
    provider.look().map_err(|error| DriveError::Workspace(root.display().to_string(), error))?;
    let replay = match &arguments.replay {
        None => None,
        Some(folder) => Some(
            Replay::open(folder)
                .map_err(|error| DriveError::Replay(folder.display().to_string(), error))?,
        ),
    };
    // Not every system tells it.
    let memory = File::open("/proc/self/statm").ok().map(OwnedFd::from);

    if let Some(bytes) = arguments.limits.memory_bytes {
        limit_memory(bytes)?;
    }
    let is_confined = if arguments.is_unconfined { false } else { confine()? };

    let known = Arc::new(Known::new(arguments.limits, is_confined, clock));
    let (orders, todo) = sync_channel(ORDERS_MAX);
    let begin = Begin {
        known: Arc::clone(&known),
        provider: provider.clone(),
        replay,
        restore: arguments.restore,
        has_native_files: arguments.has_native_files,
    };
    spawn("scripts", STACK_BYTES, move || Session::run(begin, &todo))?;
    let writing = Arc::clone(&known);
    spawn("writer", 256 * 1024, move || {
        writing.outbox.write(std::io::stdout());
        // Nobody hears what a script says any more.
        exit(0);
    })?;
    let watching = Arc::clone(&known);
    spawn("watch", 256 * 1024, move || watch::watch(&watching))?;
    let read = reader::read(std::io::stdin(), &known, &orders, memory.as_ref());
    // A script that goes on is not waited for: its driver is gone, or asked for the end. What it wrote to
    // open files and is held back is handed to the system first.
    provider.settle();
    files.shutdown();
    read.map_err(DriveError::Frame)
}

fn spawn(name: &str, stack: usize, work: impl FnOnce() + Send + 'static) -> Result<(), DriveError> {
    let thread = Builder::new().name(name.to_owned()).stack_size(stack);
    thread.spawn(work).map(drop).map_err(DriveError::Thread)
}
