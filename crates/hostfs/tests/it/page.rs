//! A page: it has nothing but messages.

use oriel_hostfs::{Config, Files, Grant, Grants, Limits, Resolving, Surface};
use oriel_wire::hostfs::{
    Code, Create, Entries, Failed, Flags, HEAD_BYTES, Head, List, MakeFolder, Message, Mode, Named,
    Op, Open, Remove, Rename, Replace, StatMany, Watch, WorkspaceAccess, replace,
};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Both ways in which paths are resolved.
pub(crate) const WAYS: [Resolving; 2] = [Resolving::Best, Resolving::Steps];

pub(crate) struct Page {
    surface: Surface,
    /// Where things go that can be had back.
    _trash: tempfile::TempDir,
}

/// What came of a request: bytes that a page got to see, or why it got none.
pub(crate) type Got = Result<Vec<u8>, Failed>;

impl Page {
    /// A page that may use a folder, and nothing of what is hidden in it.
    pub(crate) fn new(folder: &Path, hidden: &[PathBuf], way: Resolving) -> Self {
        let folder = folder.canonicalize().unwrap();
        let grant = Grant::new("w", "page", folder, WorkspaceAccess::ReadWrite);
        let trash = tempfile::tempdir().unwrap();
        let grants = Grants::fixed(vec![grant]).hiding(hidden.to_vec()).resolving(way);
        let grants = grants.trash(Some(trash.path().join("Trash")));
        let files = Files::new(Config { grants, limits: Limits::default() });
        Self { surface: files.surface("page"), _trash: trash }
    }

    fn ask(&self, head: Head, payload: &[u8]) -> Result<(Head, Vec<u8>), Failed> {
        let bytes = self.surface.answer(&head.with(payload)).bytes;
        let head = Head::read(&bytes).unwrap();
        let payload = bytes[HEAD_BYTES..].to_vec();
        if head.flags.has(Flags::FAILED) {
            return Err(serde_json::from_slice(&payload).unwrap());
        }
        assert!(Message::read_request(&bytes).is_ok() || !payload.is_empty() || head.length == 0);
        Ok((head, payload))
    }

    fn say(&self, op: Op, form: &impl Serialize) -> Got {
        let form = serde_json::to_vec(form).unwrap();
        self.ask(Head::of(op, 1), &form).map(|(_, payload)| payload)
    }

    fn open(&self, path: &str, mode: Mode, create: Create, truncate: bool) -> Result<u64, Failed> {
        let (workspace, path) = ("w".to_owned(), path.to_owned());
        let form = Open { workspace, path, mode, create, truncate, direct: false };
        let form = serde_json::to_vec(&form).unwrap();
        self.ask(Head::of(Op::Open, 1), &form).map(|(head, _)| head.handle)
    }

    fn close(&self, handle: u64) -> Result<(), Failed> {
        self.ask(Head { handle, ..Head::of(Op::Close, 1) }, &[]).map(|_| ())
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> Got {
        let handle = self.open(path, Mode::Read, Create::Never, false)?;
        let read = Head { handle, length: 4096, ..Head::of(Op::Read, 1) };
        let bytes = self.ask(read, &[])?.1;
        self.close(handle)?;
        Ok(bytes)
    }

    /// Writes into a file, opened in some way.
    pub(crate) fn write(&self, path: &str, mode: Mode, create: Create, truncate: bool) -> Got {
        let handle = self.open(path, mode, create, truncate)?;
        self.ask(Head { handle, ..Head::of(Op::Write, 1) }, b"by a page")?;
        self.close(handle)?;
        Ok(Vec::new())
    }

    /// Writes a new file with so many bytes, and hears of the end of it.
    pub(crate) fn write_all(&self, path: &str, bytes: &[u8]) -> Got {
        let handle = self.open(path, Mode::Write, Create::Must, false)?;
        let wrote = self.ask(Head { handle, ..Head::of(Op::Write, 1) }, bytes);
        let synced = self.ask(Head { handle, ..Head::of(Op::Sync, 1) }, &[]);
        // What came late may be told more than once.
        let closed = self.close(handle);
        wrote?;
        synced?;
        closed.map(|()| Vec::new())
    }

    pub(crate) fn stat(&self, path: &str) -> Got {
        let form = StatMany { workspace: "w".to_owned(), paths: vec![path.to_owned()] };
        let bytes = self.say(Op::Stat, &form)?;
        let mut value: Value = serde_json::from_slice(&bytes).unwrap();
        let answer = value["stats"][0].take();
        match serde_json::from_value(answer) {
            Ok(failed) => Err(failed),
            Err(_) => Ok(bytes),
        }
    }

    pub(crate) fn list(&self, path: &str) -> Got {
        let (workspace, path) = ("w".to_owned(), path.to_owned());
        self.say(Op::List, &List { workspace, path, after: None })
    }

    /// Returns the names in a folder.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries: Entries = serde_json::from_slice(&self.list(path).unwrap()).unwrap();
        entries.entries.into_iter().map(|entry| entry.name).collect()
    }

    pub(crate) fn make_folder(&self, path: &str, parents: bool) -> Got {
        let (workspace, path) = ("w".to_owned(), path.to_owned());
        self.say(Op::MakeFolder, &MakeFolder { workspace, path, parents })
    }

    pub(crate) fn rename(&self, from: &str, to: &str, replace: bool) -> Got {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.say(Op::Rename, &Rename { workspace: "w".to_owned(), from, to, replace })
    }

    pub(crate) fn remove(&self, path: &str, all: bool, trash: bool) -> Got {
        let (workspace, path) = ("w".to_owned(), path.to_owned());
        self.say(Op::Remove, &Remove { workspace, path, all, trash })
    }

    pub(crate) fn replace(&self, path: &str, create: Create, bytes: &[u8]) -> Got {
        let (workspace, path) = ("w".to_owned(), path.to_owned());
        let payload = replace(&Replace { workspace, path, create }, bytes);
        self.ask(Head::of(Op::Replace, 1), &payload).map(|(_, payload)| payload)
    }

    pub(crate) fn watch(&self, path: &str) -> Got {
        let (workspace, path) = ("w".to_owned(), path.to_owned());
        let form = serde_json::to_vec(&Watch { workspace, path }).unwrap();
        let (head, payload) = self.ask(Head::of(Op::Watch, 1), &form)?;
        self.close(head.handle)?;
        Ok(payload)
    }

    /// Asks for the workspaces by a name that nobody granted.
    pub(crate) fn stat_in(&self, workspace: &str, path: &str) -> Code {
        let form = Named { workspace: workspace.to_owned(), path: path.to_owned() };
        let form = List { workspace: form.workspace, path: form.path, after: None };
        self.say(Op::List, &form).unwrap_err().code
    }
}
