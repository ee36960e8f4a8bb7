//! Open files: by range, through a descriptor of the page's process or through messages.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use js_sys::Date;
use oriel_wire::hostfs::{Create, Flags, Head, Mode, Op, Open, Opened, Stat};
use runmat_filesystem::{FileHandle, FsMetadata, OpenFlags};

use crate::errors::garbled;
use crate::host::{CALL_BYTES_MAX, Host, attached_as};
use crate::provider::metadata;
use crate::stream::{Bytes, May, Stream};

/// How long a file is believed to be as long as it was. A script asks at each line whether it is at the end.
const LENGTH_MS_MAX: f64 = 10.0;

/// The longest file that is read at once. A text of that length takes RunMat three quarters of all memory
/// that a module can have, and one that runs out of it is lost with all that its session has.
const WHOLE_BYTES_MAX: u64 = 128 * 1024 * 1024;

thread_local! {
    static OPEN: RefCell<Vec<Weak<Mutex<Stream<HostBytes>>>>> = const { RefCell::new(Vec::new()) };
    /// What could not be written when files were let go of, until somebody asks.
    static LOST: RefCell<Vec<io::Error>> = const { RefCell::new(Vec::new()) };
}

/// An open file of a script.
pub(crate) struct HostFile(Arc<Mutex<Stream<HostBytes>>>);

/// An open file of the host.
#[derive(Debug)]
pub(crate) struct HostBytes {
    path: String,
    handle: u64,
    attachment: u64,
    is_direct: bool,
    appends: bool,
    stat: Stat,
    /// The length, when it was asked for, and what `changes` was then.
    length: (u64, f64, u64),
    changes: Arc<AtomicU64>,
}

/// Opens a file.
pub(crate) fn open(host: &Host, path: String, flags: &OpenFlags) -> io::Result<HostFile> {
    settle(None)?;
    let may = May { read: flags.read, write: flags.write || flags.append, append: flags.append };
    let mode = match may {
        May { write: false, .. } => Mode::Read,
        May { read: false, append: true, .. } => Mode::Append,
        May { read: false, .. } => Mode::Write,
        // No descriptor both reads anywhere and writes at the end, so the end is asked for.
        _ => Mode::ReadWrite,
    };
    let create = match (flags.create_new, flags.create) {
        (true, _) => Create::Must,
        (false, true) => Create::May,
        (false, false) => Create::Never,
    };
    let truncate = flags.truncate && may.write;
    let workspace = host.workspace.clone();
    let form =
        Open { workspace, path: path.clone(), mode, create, truncate, direct: host.has_direct };
    let answer = host.tell(Op::Open, &form)?;
    let opened: Opened = serde_json::from_slice(&answer.payload)
        .map_err(|error| garbled(&format!("the host's answer cannot be read: {error}")))?;
    let changes = changes_of(&path);
    if truncate {
        changes.fetch_add(1, Ordering::Relaxed);
    }
    let bytes = HostBytes {
        path,
        handle: answer.head.handle,
        attachment: host.attachment,
        is_direct: answer.head.flags.has(Flags::DIRECT),
        appends: mode == Mode::Append,
        stat: opened.stat,
        length: (answer.head.offset, Date::now(), changes.load(Ordering::Relaxed)),
        changes: Arc::clone(&changes),
    };
    let stream = Arc::new(Mutex::new(Stream::new(bytes, may, changes)));
    OPEN.with_borrow_mut(|open| {
        open.retain(|stream| stream.strong_count() > 0);
        open.push(Arc::downgrade(&stream));
    });
    Ok(HostFile(stream))
}

/// Writes what waits: of all open files, or of those of one path. What cannot be written waits on in its
/// file, and the first reason is returned.
pub(crate) fn settle(path: Option<&str>) -> io::Result<()> {
    let open: Vec<_> = OPEN.with_borrow(|open| open.iter().filter_map(Weak::upgrade).collect());
    let mut outcome = Ok(());
    for stream in open {
        // One that is held is the one that asks.
        let Ok(mut stream) = stream.try_lock() else { continue };
        if path.is_none_or(|path| path == stream.bytes.path) {
            outcome = outcome.and(stream.write_behind());
        }
    }
    outcome
}

/// Returns why something did not reach a file that was let go of, once.
pub(crate) fn lost() -> Option<io::Error> {
    LOST.with_borrow_mut(|lost| lost.drain(..).next())
}

/// Returns what all streams of a file have in common.
fn changes_of(path: &str) -> Arc<AtomicU64> {
    let open: Vec<_> = OPEN.with_borrow(|open| open.iter().filter_map(Weak::upgrade).collect());
    let of_path = open.iter().find_map(|stream| {
        let stream = stream.try_lock().ok()?;
        (stream.bytes.path == path).then(|| Arc::clone(stream.changes()))
    });
    of_path.unwrap_or_default()
}

impl HostBytes {
    fn head(&self, op: Op) -> Head {
        Head { handle: self.handle, ..Head::of(op, 0) }
    }

    fn send(&self, op: Op) -> io::Result<Head> {
        Ok(attached_as(self.attachment)?.send(self.head(op), &[])?.head)
    }
}

impl Bytes for HostBytes {
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        settle(Some(&self.path))?;
        let host = attached_as(self.attachment)?;
        let mut came = 0;
        while came < into.len() {
            let end = into.len().min(came + CALL_BYTES_MAX);
            let (piece, at) = (&mut into[came..end], offset + came as u64);
            let wanted = piece.len();
            let count = if self.is_direct {
                host.read_directly(self.handle, at, piece)?
            } else {
                let head = Head { offset: at, length: wanted as u32, ..self.head(Op::Read) };
                let answer = host.send(head, &[])?.payload;
                let bytes = piece.get_mut(..answer.len());
                let bytes = bytes.ok_or_else(|| garbled("more came than was asked for"))?;
                bytes.copy_from_slice(&answer);
                answer.len()
            };
            came += count;
            if count < wanted {
                break;
            }
        }
        Ok(came)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let host = attached_as(self.attachment)?;
        let piece = &bytes[..bytes.len().min(CALL_BYTES_MAX)];
        let count = if self.is_direct {
            host.write_directly(self.handle, offset, piece)?
        } else {
            host.send(Head { offset, ..self.head(Op::Write) }, piece)?;
            piece.len()
        };
        // Where an append ends only the host knows.
        let grown = if self.appends { 0 } else { self.length.0.max(offset + count as u64) };
        let asked = if self.appends { f64::NEG_INFINITY } else { self.length.1 };
        self.changes.fetch_add(1, Ordering::Relaxed);
        self.length = (grown, asked, self.changes.load(Ordering::Relaxed));
        Ok(count)
    }

    fn length(&mut self) -> io::Result<u64> {
        let (length, asked, seen) = self.length;
        let (now, changes) = (Date::now(), self.changes.load(Ordering::Relaxed));
        let age = now - asked;
        if (0.0..LENGTH_MS_MAX).contains(&age) && seen == changes {
            return Ok(length);
        }
        settle(Some(&self.path))?;
        let length = self.send(Op::Length)?.offset;
        self.length = (length, now, self.changes.load(Ordering::Relaxed));
        Ok(length)
    }
}

impl HostFile {
    fn stream(&self) -> MutexGuard<'_, Stream<HostBytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads all of the file.
    pub(crate) fn read_whole(&mut self) -> io::Result<Vec<u8>> {
        let mut stream = self.stream();
        let length = stream.length()?;
        if length > WHOLE_BYTES_MAX {
            let most = WHOLE_BYTES_MAX >> 20;
            let message = format!(
                "the file has {length} bytes, and no more than {most} MiB are read at once; read it in \
                 pieces with fread"
            );
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let mut bytes = vec![0; length as usize];
        let came = stream.bytes.read_at(0, &mut bytes)?;
        bytes.truncate(came);
        Ok(bytes)
    }
}

impl Read for HostFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream().read(into)
    }
}

impl Write for HostFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stream = self.stream();
        stream.write_behind()?;
        if !stream.bytes.is_direct {
            stream.bytes.send(Op::Flush)?;
        }
        Ok(())
    }
}

impl Seek for HostFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.stream().seek(to)
    }
}

#[async_trait(?Send)]
impl FileHandle for HostFile {
    async fn metadata_async(&self) -> io::Result<FsMetadata> {
        let mut stream = self.stream();
        let length = stream.length()?;
        Ok(metadata(&Stat { length, ..stream.bytes.stat.clone() }))
    }

    async fn sync_all_async(&mut self) -> io::Result<()> {
        let mut stream = self.stream();
        stream.write_behind()?;
        stream.bytes.send(Op::Sync)?;
        Ok(())
    }
}

impl Drop for HostFile {
    fn drop(&mut self) {
        let mut stream = self.stream();
        let written = stream.write_behind();
        let closed = stream.bytes.send(Op::Close).map(|_| ());
        if let Err(error) = written.and(closed) {
            LOST.with_borrow_mut(|lost| lost.push(error));
        }
    }
}
