//! What an error of the system means to sync. Where something may have been done all the same it is `Io`,
//! and only there.

use std::io;

use rustix::io::Errno;

use crate::vfs::Fault;

/// Returns what an error means.
pub(crate) fn of(error: Errno) -> Fault {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Fault::NotThere,
        Errno::EXIST => Fault::Exists,
        Errno::NOTEMPTY => Fault::NotEmpty,
        // What this file system cannot name or hold, what is mounted there, and what is another disk, is
        // refused before anything is done.
        Errno::ACCESS
        | Errno::PERM
        | Errno::ROFS
        | Errno::BUSY
        | Errno::XDEV
        | Errno::INVAL
        | Errno::ILSEQ
        | Errno::NAMETOOLONG
        | Errno::MLINK
        | Errno::TXTBSY => Fault::NotPermitted,
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => Fault::Full,
        _ => Fault::Io,
    }
}

/// Returns what an error of the standard library means.
pub(crate) fn of_io(error: &io::Error) -> Fault {
    Errno::from_io_error(error).map_or(Fault::Io, of)
}

/// Calls the system again where a signal came in between.
pub(crate) fn retried<T>(call: impl FnMut() -> Result<T, Errno>) -> Result<T, Fault> {
    rustix::io::retry_on_intr(call).map_err(of)
}
