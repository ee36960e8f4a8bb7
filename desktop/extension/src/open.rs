//! The files that this page has open here: for each handle the descriptor that the host passed.

use std::collections::HashMap;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oriel_wire::hostfs::{Code, PAYLOAD_BYTES_MAX};
use rustix::fs::{OFlags, fcntl_getfl};

use crate::memory::Span;
use crate::problem::Problem;

/// A file, with what its descriptor can do.
struct OpenFile {
    descriptor: OwnedFd,
    is_read: bool,
    is_written: bool,
}

/// Descriptors by handle. There are as many as the host lets a page have handles.
#[derive(Default)]
pub(crate) struct OpenFiles(Mutex<HashMap<u64, Arc<OpenFile>>>);

impl OpenFiles {
    /// Keeps the descriptor of a handle.
    pub(crate) fn keep(&self, handle: u64, descriptor: OwnedFd) -> Result<(), Problem> {
        let flags = fcntl_getfl(&descriptor).map_err(|error| Problem::of_file(&error.into()))?;
        let mode = flags & OFlags::RWMODE;
        let is_read = mode == OFlags::RDONLY || mode == OFlags::RDWR;
        let is_written = mode == OFlags::WRONLY || mode == OFlags::RDWR;
        self.locked().insert(handle, Arc::new(OpenFile { descriptor, is_read, is_written }));
        Ok(())
    }

    /// Forgets a handle.
    pub(crate) fn forget(&self, handle: u64) {
        let gone = self.locked().remove(&handle);
        // It is closed here, where nobody waits for the lock.
        drop(gone);
    }

    /// Reads a file at a place until the memory is full or the file ends, and returns how many bytes came.
    pub(crate) fn read(&self, handle: u64, offset: u64, into: Span<'_>) -> Result<usize, Problem> {
        let file = self.file(handle)?;
        if !file.is_read {
            return Err(Problem::new(
                Code::NotPermitted,
                "the file was opened to be written only; open it with the mode `read` or `readwrite`",
            ));
        }
        moved(offset, into, |rest, at| rest.read_from(file.descriptor.as_fd(), at))
    }

    /// Writes a file at a place, or at its end where it was opened so, and returns how many bytes went.
    pub(crate) fn write(&self, handle: u64, offset: u64, from: Span<'_>) -> Result<usize, Problem> {
        let file = self.file(handle)?;
        if !file.is_written {
            return Err(Problem::new(
                Code::ReadOnly,
                "the file was opened to be read only; open it with the mode `write` or `readwrite`",
            ));
        }
        moved(offset, from, |rest, at| rest.write_to(file.descriptor.as_fd(), at))
    }

    fn file(&self, handle: u64) -> Result<Arc<OpenFile>, Problem> {
        self.locked().get(&handle).cloned().ok_or_else(|| {
            Problem::new(
                Code::BadHandle,
                "the handle is of no file that this page has open here; open it with `direct`, or read and \
                 write it by messages",
            )
        })
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<u64, Arc<OpenFile>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves all of the memory, in as many steps as the system wants, until nothing moves any more.
fn moved(
    offset: u64,
    memory: Span<'_>,
    step: impl Fn(Span<'_>, i64) -> std::io::Result<usize>,
) -> Result<usize, Problem> {
    if (PAYLOAD_BYTES_MAX as usize) < memory.len() {
        return Err(Problem::new(
            Code::TooLarge,
            format!(
                "one call moves at most {PAYLOAD_BYTES_MAX} bytes; call it for one piece after another"
            ),
        ));
    }
    let mut done = 0;
    while done < memory.len() {
        let at = i64::try_from(offset.saturating_add(done as u64));
        let at = at.map_err(|_| Problem::new(Code::TooLarge, "no file is as long as that"))?;
        match step(memory.after(done), at) {
            Ok(0) => break,
            Ok(bytes) => done += bytes,
            // What has moved is told; the rest fails again when it is asked for.
            Err(_) if 0 < done => break,
            Err(error) => return Err(Problem::of_file(&error)),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_file_is_read_and_written_where_it_is_asked_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"0123456789").unwrap();
        let files = OpenFiles::default();
        files.keep(7, opened(&path, OpenOptions::new().read(true).write(true))).unwrap();

        let mut memory = *b"....";
        assert_eq!(files.read(7, 2, Span::of(&mut memory)), Ok(4));
        assert_eq!(&memory, b"2345");
        assert_eq!(files.read(7, 8, Span::of(&mut memory)), Ok(2), "it ends there");
        assert_eq!(&memory, b"8945");
        assert_eq!(files.read(7, 1 << 40, Span::of(&mut memory)), Ok(0));
        assert_eq!(files.write(7, 9, Span::of(&mut memory)), Ok(4));
        assert_eq!(std::fs::read(&path).unwrap(), b"0123456788945");
        assert_eq!(files.read(7, 0, Span::of(&mut [])), Ok(0));
    }

    #[test]
    fn a_file_that_is_appended_to_grows_at_its_end_wherever_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"first").unwrap();
        let files = OpenFiles::default();
        files.keep(1, opened(&path, OpenOptions::new().append(true))).unwrap();
        assert_eq!(files.write(1, 0, Span::of(&mut b" last".to_owned())), Ok(5));
        assert_eq!(std::fs::read(&path).unwrap(), b"first last");
        assert_eq!(code(files.read(1, 0, Span::of(&mut [0]))), Code::NotPermitted);
    }

    #[test]
    fn what_is_not_open_or_not_so_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"x").unwrap();
        let files = OpenFiles::default();
        files.keep(1, opened(&path, OpenOptions::new().read(true))).unwrap();
        assert_eq!(code(files.write(1, 0, Span::of(&mut [1]))), Code::ReadOnly);
        assert_eq!(code(files.read(2, 0, Span::of(&mut [1]))), Code::BadHandle);
        assert_eq!(code(files.read(1, u64::MAX, Span::of(&mut [1]))), Code::TooLarge);
        let mut long = vec![0; PAYLOAD_BYTES_MAX as usize + 1];
        assert_eq!(code(files.read(1, 0, Span::of(&mut long))), Code::TooLarge);
        files.forget(1);
        assert_eq!(code(files.read(1, 0, Span::of(&mut [1]))), Code::BadHandle);
        files.forget(1);
    }

    fn opened(path: &Path, how: &OpenOptions) -> OwnedFd {
        how.open(path).unwrap().into()
    }

    fn code(came: Result<usize, Problem>) -> Code {
        came.unwrap_err().code
    }
}
