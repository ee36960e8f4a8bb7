//! The programs that keep two folders equal, or make them so once, and how they are told to.

mod copy;
mod oriel;
mod syncthing;
mod unison;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::trees::Shape;
use crate::bench::{Bench, BenchError, failed};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `oriel serve`, with the agent's workspace filled and a person's folder empty.
    Oriel,
    /// The same the other way round.
    OrielUp,
    /// `unison` on two folders.
    Unison,
    /// Two `syncthing` with their usual settings.
    Syncthing,
    /// Two `syncthing` that wait as little as they can be told to.
    SyncthingSoon,
    /// `rsync -a`, which makes equal once.
    Rsync,
    /// `cp -a`, which copies.
    Cp,
}

impl Kind {
    /// What it is called in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Oriel => "oriel",
            Self::OrielUp => "oriel, up",
            Self::Unison => "unison",
            Self::Syncthing => "syncthing",
            Self::SyncthingSoon => "syncthing, 1 s",
            Self::Rsync => "rsync",
            Self::Cp => "cp",
        }
    }

    /// Whether it goes on to keep both equal.
    pub(super) fn keeps(self) -> bool {
        !matches!(self, Self::OrielUp | Self::Rsync | Self::Cp)
    }

    /// Whether it is ours, whom the goals are for.
    pub(super) fn is_ours(self) -> bool {
        matches!(self, Self::Oriel | Self::OrielUp)
    }
}

/// What all of them do.
trait Tool {
    /// Makes ready what is no part of any measurement.
    fn prepare(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    /// Brings all of one folder into the other, for the first time.
    fn fill(&mut self, shape: Shape) -> Result<(), BenchError>;

    /// Sees to it that both are kept equal from now on.
    fn keep(&mut self) -> Result<(), BenchError>;

    /// Whether it says itself that it has nothing to do. One that says nothing has nothing.
    fn is_still(&mut self) -> Result<bool, BenchError> {
        Ok(true)
    }

    /// Ends its processes, and leaves what they know on disk.
    fn stop(&mut self) -> Result<(), BenchError>;
}

/// Two folders, and who keeps them equal. Dropping it ends the processes and removes all.
pub(super) struct Pair {
    // In this order they are dropped: first the processes, then their files.
    tool: Box<dyn Tool>,
    pub(super) kind: Kind,
    /// The folder that is filled first.
    pub(super) one: PathBuf,
    /// The folder that is empty at first.
    pub(super) other: PathBuf,
    /// A place on the same disk that nobody watches.
    pub(super) beside: PathBuf,
    _base: TempDir,
}

impl Pair {
    /// Makes two folders, the first of them filled, and makes ready who will keep them equal.
    pub(super) fn new(kind: Kind, bench: &Bench, shape: Shape) -> Result<Self, BenchError> {
        let base = bench.home()?;
        let root = base.path().canonicalize();
        let root = root.map_err(|source| failed("find a folder of ours", source))?;
        let make = |name: &str| {
            let path = root.join(name);
            std::fs::create_dir(&path)
                .map(|()| path.clone())
                .map_err(|source| failed(format!("make {}", path.display()), source))
        };
        let (one, other, beside) = (make("one")?, make("other")?, make("beside")?);
        shape.make(&one)?;
        let places = Places { one: one.clone(), other: other.clone(), own: make("own")? };
        let mut tool = of(kind, bench, places);
        tool.prepare()?;
        // What was written to make the trees shall not be written while somebody is measured.
        rustix::fs::sync();
        Ok(Self { tool, kind, one, other, beside, _base: base })
    }

    pub(super) fn fill(&mut self, shape: Shape) -> Result<(), BenchError> {
        self.tool.fill(shape)
    }

    pub(super) fn keep(&mut self) -> Result<(), BenchError> {
        self.tool.keep()
    }

    pub(super) fn is_still(&mut self) -> Result<bool, BenchError> {
        self.tool.is_still()
    }

    pub(super) fn stop(&mut self) -> Result<(), BenchError> {
        self.tool.stop()
    }
}

/// Where a tool works.
#[derive(Debug)]
struct Places {
    one: PathBuf,
    other: PathBuf,
    /// A folder of its own.
    own: PathBuf,
}

impl Places {
    fn log(&self) -> PathBuf {
        self.own.join("log")
    }
}

fn of(kind: Kind, bench: &Bench, places: Places) -> Box<dyn Tool> {
    match kind {
        Kind::Oriel => Box::new(oriel::Oriel::new(bench, places, false)),
        Kind::OrielUp => Box::new(oriel::Oriel::new(bench, places, true)),
        Kind::Unison => Box::new(unison::Unison::new(places)),
        Kind::Syncthing => Box::new(syncthing::Syncthing::new(places, None)),
        Kind::SyncthingSoon => Box::new(syncthing::Syncthing::new(places, Some(1))),
        Kind::Rsync => Box::new(copy::Copy::new("rsync", places)),
        Kind::Cp => Box::new(copy::Copy::new("cp", places)),
    }
}

/// The contents of a folder as a path, which programs that copy take for just that.
fn contents_of(folder: &Path) -> PathBuf {
    folder.join(".")
}
